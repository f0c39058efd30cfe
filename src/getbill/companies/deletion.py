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
    "companies.lock", "Let nobody change a company.", "SELECT name FROM companies WHERE id = $1 FOR UPDATE"
)
_DEBTS_LEFT = Statement(
    "companies.debts_left",
    "How many debts does a workspace have?",
    "SELECT count(*) FROM debts WHERE workspace_id = $1 AND erased_at IS NULL",
)
_WORKSPACES = Statement(
    "companies.lock_workspaces",
    "Let nobody add to a company's workspaces.",
    "SELECT workspace_id, kind FROM workspaces WHERE company_id = $1 FOR UPDATE",
)
_OWNED = Statement(
    "companies.owned_tables",
    "Which tables have rows of a company or a workspace, and which tables do they refer to?",
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
    "Delete the tokens of a company's clients; their table names no workspace.",
    "DELETE FROM token_families WHERE client_id IN (SELECT id FROM clients WHERE workspace_id = ANY($1))",
)
_NO_LIMIT = Statement(
    "companies.no_limit", "A large sandbox takes its time.", "SET LOCAL statement_timeout = 0"
)
_DELETE_COMPANY = Statement("companies.delete", "Delete a company.", "DELETE FROM companies WHERE id = $1")


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
    if debt_count := await tx.fetchval(_DEBTS_LEFT, live_id):
        raise CompanyHasDebts(
            counted(
                "The company has {count} debt in live. Erase it first.",
                "The company has {count} debts in live. Erase them first.",
                count=debt_count,
            )
        )
    await tx.execute(_NO_LIMIT)
    workspace_ids = [row["workspace_id"] for row in workspaces]
    await tx.execute(_DELETE_TOKENS, workspace_ids)
    count = 0
    for table, owner in await _tables(tx):
        subjects = [company_id] if owner == "company_id" else workspace_ids
        statement = Statement(
            f"companies.delete_of_{table}",
            "Delete what a company owns.",
            f"WITH gone AS (DELETE FROM {table} WHERE {owner} = ANY($1) RETURNING 1) SELECT count(*) FROM gone",
        )
        count += await tx.fetchval(statement, subjects)
    await tx.execute(_DELETE_COMPANY, company_id)
    return count


async def _tables(tx: Transaction) -> list[tuple[str, str]]:
    """Return each table with its owner column, referencing tables before referenced ones."""
    rows = {row["name"]: row for row in await tx.fetch(_OWNED)}
    order = TopologicalSorter({name: row["referred"] for name, row in rows.items()})
    return [(name, rows[name]["owner"]) for name in reversed(list(order.static_order())) if name in rows]
