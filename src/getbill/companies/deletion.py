"""Deletion of a company with everything it owns.

Only a company without live debts can be deleted: a person erases those first. Every row of the company and
its workspaces is deleted in one transaction, in the order of the foreign keys in the database's own
catalogue; its keys are deleted with it.
"""

from graphlib import TopologicalSorter
from uuid import UUID

import asyncpg

from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import Conflict
from getbill.kit.messages import counted, message

_LOCK = Statement(
    "companies.lock_company", "Lock a company.", "SELECT name FROM companies WHERE id = $1 FOR UPDATE"
)
_COUNT_DEBTS = Statement(
    "companies.count_debts",
    "Number of debts of a workspace that are not erased.",
    "SELECT count(*) FROM debts WHERE workspace_id = $1 AND erased_at IS NULL",
)
_WORKSPACES = Statement(
    "companies.lock_workspaces",
    "Lock the workspaces of a company.",
    "SELECT workspace_id, kind FROM workspaces WHERE company_id = $1 FOR UPDATE",
)
_OWNED_TABLES = Statement(
    "companies.list_owned_tables",
    "Tables with rows of a company or a workspace, each with the tables it refers to.",
    """
    SELECT c.oid::regclass::text AS name, a.attname AS owner,
        array(SELECT DISTINCT f.confrelid::regclass::text FROM pg_constraint f
            WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid) AS referred
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace
        AND a.attname IN ('workspace_id', 'company_id') AND NOT a.attisdropped
    ORDER BY c.relname, a.attname DESC
    """,
)
_DELETE_TOKENS = Statement(
    "companies.delete_tokens",
    "Delete the tokens of a company's clients, whose table has no workspace.",
    "DELETE FROM token_families WHERE client_id IN (SELECT id FROM clients WHERE workspace_id = ANY($1))",
)
_LIFT_TIME_LIMIT = Statement(
    "companies.lift_time_limit", "Lift the time limit.", "SET LOCAL statement_timeout = 0"
)
_DELETE_COMPANY = Statement(
    "companies.delete_company", "Delete a company.", "DELETE FROM companies WHERE id = $1"
)


class CompanyHasDebts(Conflict):
    """The company still has live debts."""

    code = "company-has-debts"
    title = message("The company still has debts")
    way_out = "Erase its debts first: `DELETE /debts/{id}`."


async def delete(tx: Transaction, company_id: UUID) -> int:
    """Delete a company, its workspaces, credentials and staff, and return the number of deleted rows.

    Raises CompanyHasDebts while a live debt is not erased, Conflict while a row is still being written for
    it.
    """
    try:
        return await _delete(tx, company_id)
    except asyncpg.ForeignKeyViolationError as error:
        raise Conflict(
            message("A change to this company is still in progress. Repeat the command.")
        ) from error


async def _delete(tx: Transaction, company_id: UUID) -> int:
    await tx.fetchval(_LOCK, company_id)
    workspaces = await tx.fetch(_WORKSPACES, company_id)
    live_id = next(row["workspace_id"] for row in workspaces if row["kind"] == "live")
    if debt_count := await tx.fetchval(_COUNT_DEBTS, live_id):
        raise CompanyHasDebts(
            counted(
                "The company has {count} debt in live. Erase it first.",
                "The company has {count} debts in live. Erase them first.",
                count=debt_count,
            )
        )
    await tx.execute(_LIFT_TIME_LIMIT)
    workspace_ids = [row["workspace_id"] for row in workspaces]
    await tx.execute(_DELETE_TOKENS, workspace_ids)
    count = 0
    for table, owner in await _tables(tx):
        statement = delete_statement(table, owner)
        for owner_id in [company_id] if owner == "company_id" else workspace_ids:
            count += await tx.fetchval(statement, owner_id)
    await tx.execute(_DELETE_COMPANY, company_id)
    return count


def delete_statement(table: str, owner: str) -> Statement:
    """Return the statement that deletes and counts the rows of a company or a workspace in a table."""
    return Statement(
        f"companies.delete_{table}",
        "Delete the rows of a company or a workspace in a table.",
        f"WITH deleted AS (DELETE FROM {table} WHERE {owner} = $1 RETURNING 1) SELECT count(*) FROM deleted",
    )


async def _tables(tx: Transaction) -> list[tuple[str, str]]:
    """Return each table with its owner column, referencing tables before referenced ones."""
    rows = {row["name"]: row for row in await tx.fetch(_OWNED_TABLES)}
    order = TopologicalSorter({name: row["referred"] for name, row in rows.items()})
    return [(name, rows[name]["owner"]) for name in reversed(list(order.static_order())) if name in rows]
