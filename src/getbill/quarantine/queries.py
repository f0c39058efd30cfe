"""Queries for the quarantine: its items, due retries, suspended workspaces."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine.model import Item, QuarantineEntry

_DUE = Statement(
    "quarantine.due",
    "What is to be tried again by itself, the longest due first.",
    "SELECT * FROM quarantine WHERE next_try_at <= $1 AND retried_at IS NULL ORDER BY next_try_at LIMIT 500",
)
_EVERY = Statement(
    "quarantine.every",
    "What stands aside, the oldest first.",
    "SELECT * FROM quarantine WHERE retried_at IS NULL ORDER BY since, id LIMIT $1",
)
_FIND = Statement(
    "quarantine.find",
    "One thing that stands aside.",
    "SELECT * FROM quarantine WHERE workspace_id = $1 AND id = $2",
)
_OF_REASON = Statement(
    "quarantine.of_reason",
    "What failed for one reason and was not put back since, in the order in which debts are locked.",
    """
    SELECT * FROM quarantine WHERE workspace_id = $1 AND reason = $2 AND retried_at IS NULL
    ORDER BY subject_id LIMIT $3
    """,
)
_IS_ASIDE = Statement(
    "quarantine.is_aside",
    "Does this thing stand aside?",
    """
    SELECT EXISTS (SELECT FROM quarantine
        WHERE workspace_id = $1 AND kind = $2 AND subject_id = $3 AND retried_at IS NULL)
    """,
)
_COUNTS = Statement(
    "quarantine.counts",
    "How much stands aside, by what it is, over all workspaces.",
    "SELECT kind, count(*) AS number FROM quarantine WHERE retried_at IS NULL GROUP BY kind ORDER BY kind",
)
_WORKSPACES = Statement(
    "quarantine.workspaces",
    "Which workspaces are left alone for now?",
    "SELECT workspace_id FROM quarantine WHERE kind = $1 AND retried_at IS NULL",
)


async def due(database: Database, now: datetime) -> list[QuarantineEntry]:
    """Return the entries due for an automatic retry."""
    return [QuarantineEntry.from_row(row) for row in await database.fetch(_DUE, now)]


async def list_entries(database: Database, limit: int = 1000) -> list[QuarantineEntry]:
    """Return the entries of all workspaces, the oldest first."""
    return [QuarantineEntry.from_row(row) for row in await database.fetch(_EVERY, limit)]


async def find(tx: Transaction, workspace_id: UUID, entry_id: UUID) -> QuarantineEntry | None:
    """Return one entry; None if it is no longer quarantined."""
    row = await tx.fetchrow(_FIND, workspace_id, entry_id)
    return QuarantineEntry.from_row(row) if row else None


async def of_reason(tx: Transaction, workspace_id: UUID, reason: str, most: int) -> list[QuarantineEntry]:
    """Return up to `most` entries that failed for one reason and were not retried since."""
    return [QuarantineEntry.from_row(row) for row in await tx.fetch(_OF_REASON, workspace_id, reason, most)]


async def is_quarantined(database: Database, item: Item) -> bool:
    """Return whether an item is quarantined."""
    return bool(await database.fetchval(_IS_ASIDE, item.workspace_id, item.kind, item.subject_id))


async def counts(database: Database) -> Mapping[str, int]:
    """Return the number of quarantined items, by kind."""
    return {row["kind"]: row["number"] for row in await database.fetch(_COUNTS)}


async def workspaces(database: Database, kind: str = "workspace") -> list[UUID]:
    """Return the suspended workspaces: as a whole, or only their `stream`."""
    return [row["workspace_id"] for row in await database.fetch(_WORKSPACES, kind)]
