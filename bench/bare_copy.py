"""The limit of loading: the same rows by bare binary COPY, into the same tables, indexes and constraints, by one process.

The rows are those that GetBill stored of one import, read back beforehand as they are, sealed values and all; each
table's are copied by one COPY, all tables in one transaction, and are kept: the tables grow as GetBill's do.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg

# Each table after those it refers to, and which of its rows are an import's, whose debtors are all new.
TABLES = {
    "debtors": "id IN (SELECT debtor_id FROM made)",
    "vault_keys": "subject_id IN (SELECT debtor_id FROM made UNION ALL SELECT id FROM made)",
    "debtor_matches": "debtor_id IN (SELECT debtor_id FROM made)",
    "debts": "id IN (SELECT id FROM made)",
    "contacts": "debt_id IN (SELECT id FROM made)",
    "events": "debt_id IN (SELECT id FROM made)",
}
_ROWS = """
WITH made AS (SELECT id, debtor_id FROM debts WHERE import_id = $1) SELECT * FROM "{}" WHERE {}
"""
# What the rows of those tables refer to.
_BASE = ("companies", "workspaces")
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position
"""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """What one table holds of an import."""

    table: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


async def stored_rows(dsn: str, import_id: UUID) -> list[StoredRows]:
    """Read the rows of an import's debts."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = [await _of_table(connection, table, import_id) for table in TABLES]
    finally:
        await connection.close()
    return tables


async def _of_table(connection: Any, table: str, import_id: UUID) -> StoredRows:
    columns = [row[0] for row in await connection.fetch(_COLUMNS, table)]
    rows = await connection.fetch(_ROWS.format(table, TABLES[table]), import_id)
    return StoredRows(table, columns, [tuple(row[name] for name in columns) for row in rows])


async def prepare(dsn: str, second: str) -> None:
    """Have the second database know the companies and workspaces of the first."""
    source, target = await asyncpg.connect(dsn), await asyncpg.connect(second)
    for table in _BASE:
        columns = [row[0] for row in await source.fetch(_COLUMNS, table)]
        rows = [
            tuple(row[name] for name in columns) for row in await source.fetch(f'SELECT * FROM "{table}"')
        ]
        await target.execute(f'TRUNCATE "{table}" CASCADE')
        await target.copy_records_to_table(table, records=rows, columns=columns)
    await source.close()
    await target.close()


async def copy(second: str, tables: list[StoredRows]) -> float:
    """Copy rows into the tables of a prepared database and return how many seconds that took."""
    connection = await asyncpg.connect(second)
    try:
        began = perf_counter()
        async with connection.transaction():
            for table in tables:
                await connection.copy_records_to_table(table.table, records=table.rows, columns=table.columns)
        return perf_counter() - began
    finally:
        await connection.close()
