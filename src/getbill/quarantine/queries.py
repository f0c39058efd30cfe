"""Queries for the quarantine: its items, due retries, suspended workspaces."""

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from uuid import UUID

from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine.model import Item, QuarantineEntry

_DUE = Statement(
    "quarantine.list_due",
    "Items due for an automatic retry, longest due first.",
    "SELECT * FROM quarantine WHERE next_try_at <= $1 AND retried_at IS NULL ORDER BY next_try_at LIMIT 500",
)
_LIST = Statement(
    "quarantine.list_items",
    "Items in quarantine, oldest first.",
    "SELECT * FROM quarantine WHERE retried_at IS NULL ORDER BY since, id LIMIT $1",
)
_FIND = Statement(
    "quarantine.find_item",
    "Item.",
    "SELECT * FROM quarantine WHERE workspace_id = $1 AND id = $2",
)
_BY_REASON = Statement(
    "quarantine.list_by_reason",
    "Items with a reason that were not retried, in the order in which debts are locked.",
    """
    SELECT * FROM quarantine WHERE workspace_id = $1 AND reason = $2 AND retried_at IS NULL
    ORDER BY subject_id LIMIT $3
    """,
)
_IS_QUARANTINED = Statement(
    "quarantine.is_quarantined",
    "Whether a subject is in quarantine.",
    """
    SELECT EXISTS (SELECT FROM quarantine
        WHERE workspace_id = $1 AND kind = $2 AND subject_id = $3 AND retried_at IS NULL)
    """,
)
_COUNTS = Statement(
    "quarantine.count_by_kind",
    "Number of items by kind, over all workspaces.",
    "SELECT kind, count(*) AS number FROM quarantine WHERE retried_at IS NULL GROUP BY kind ORDER BY kind",
)
_WORKSPACES = Statement(
    "quarantine.list_workspaces",
    "Workspaces in quarantine.",
    "SELECT workspace_id FROM quarantine WHERE kind = $1 AND retried_at IS NULL",
)


async def due(database: Database, now: datetime) -> list[QuarantineEntry]:
    """Return the entries due for an automatic retry."""
    return [QuarantineEntry.from_row(row) for row in await database.fetch(_DUE, now)]


async def list_entries(database: Database, limit: int = 1000) -> list[QuarantineEntry]:
    """Return the entries of all workspaces, the oldest first."""
    return [QuarantineEntry.from_row(row) for row in await database.fetch(_LIST, limit)]


async def find(tx: Transaction, workspace_id: UUID, entry_id: UUID) -> QuarantineEntry | None:
    """Return one entry; None if it is no longer quarantined."""
    row = await tx.fetchrow(_FIND, workspace_id, entry_id)
    return QuarantineEntry.from_row(row) if row else None


async def of_reason(tx: Transaction, workspace_id: UUID, reason: str, most: int) -> list[QuarantineEntry]:
    """Return up to `most` entries that failed for one reason and were not retried since."""
    return [QuarantineEntry.from_row(row) for row in await tx.fetch(_BY_REASON, workspace_id, reason, most)]


async def is_quarantined(database: Database, item: Item) -> bool:
    """Return whether an item is quarantined."""
    return bool(await database.fetchval(_IS_QUARANTINED, item.workspace_id, item.kind, item.subject_id))


async def counts(database: Database) -> Mapping[str, int]:
    """Return the number of quarantined items, by kind."""
    return {row["kind"]: row["number"] for row in await database.fetch(_COUNTS)}


async def workspaces(database: Database, kind: str = "workspace") -> list[UUID]:
    """Return the suspended workspaces: as a whole, or only their `stream`."""
    return [row["workspace_id"] for row in await database.fetch(_WORKSPACES, kind)]


async def without_suspended(
    database: Database, workspace_ids: AsyncIterator[UUID], kind: str = "workspace"
) -> AsyncIterator[UUID]:
    """Yield those of some workspaces that are not suspended; without any, nothing is read."""
    suspended_ids: Collection[UUID] | None = None
    async for workspace_id in workspace_ids:
        if suspended_ids is None:
            suspended_ids = await workspaces(database, kind)
        if workspace_id not in suspended_ids:
            yield workspace_id
