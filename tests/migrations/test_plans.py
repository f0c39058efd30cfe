"""How a new database is read while it has no statistics yet: connections keep those plans until it has some.

A book imported on the first day is written under them. A check that reads every debt of the workspace instead of one
makes each debt dearer than the one before.
"""

import asyncpg
import pytest

from getbill.debts import queries
from getbill.kit.database.transactions import Statement
from getbill.migrations.actions import migrate

KEYS = """
SELECT c.conname AS name, c.confrelid::regclass::text AS parent, i.relname AS key,
       array_agg(quote_ident(a.attname) ORDER BY k.place) AS columns,
       array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY k.place) AS types
FROM pg_constraint c
JOIN pg_class i ON i.oid = c.conindid
CROSS JOIN unnest(c.confkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number
WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.conparentid = 0
GROUP BY c.conname, c.confrelid, i.relname
"""


async def test_a_foreign_key_is_checked_by_the_key_it_points_to(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn, statement_cache_size=0)
    await connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")

    keys = await connection.fetch(KEYS)
    wrong = [key["name"] for key in keys if f"using {key['key']} on" not in await plan(connection, key)]

    await connection.close()
    assert len(keys) > 10
    assert wrong == []


@pytest.mark.parametrize("statement", [queries._FIND, queries._LOCK])
async def test_a_debt_asked_for_by_its_id_is_read_by_it(statement: Statement, empty_dsn: str) -> None:
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn, statement_cache_size=0)
    await connection.execute("SET plan_cache_mode = force_generic_plan")

    await connection.execute(f"PREPARE one AS {statement.text}")
    rows = await connection.fetch("EXPLAIN EXECUTE one (NULL, NULL)")

    await connection.close()
    assert any("using debts_pkey on debts d" in row[0] for row in rows)


async def plan(connection: asyncpg.Connection, key: asyncpg.Record) -> str:
    """Return the plan of the check that PostgreSQL makes for a foreign key."""
    where = " AND ".join(f"{column} = ${number}" for number, column in enumerate(key["columns"], start=1))
    name = f"check_{key['name']}"
    await connection.execute(
        f"PREPARE {name} ({', '.join(key['types'])}) AS SELECT 1 FROM ONLY {key['parent']} WHERE {where} FOR KEY SHARE"
    )
    rows = await connection.fetch(f"EXPLAIN EXECUTE {name} ({', '.join('NULL' for _ in key['columns'])})")
    return "\n".join(row[0] for row in rows)
