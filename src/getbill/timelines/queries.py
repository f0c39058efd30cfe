"""Reading the ledger: what is planned next, and whether anything is on its way."""

from datetime import datetime
from uuid import UUID

from getbill.kit.db import Database, Statement

_NEXT_DUE = Statement(
    "timelines.next_due",
    "When is the next contact of a sandbox due?",
    "SELECT min(due_at) FROM contacts WHERE workspace_id = $1 AND state = 'planned' AND NOT is_live",
)
_IS_BUSY = Statement(
    "timelines.is_busy",
    "Is any contact of a workspace in a worker's hands?",
    """
    SELECT EXISTS (SELECT FROM contacts
                   WHERE workspace_id = $1 AND state IN ('claimed', 'sending') AND lease_until IS NOT NULL)
    """,
)


async def next_due(database: Database, workspace_id: UUID) -> datetime | None:
    """Return when the next contact of a sandbox is due, in its own time; None when nothing is planned."""
    found: datetime | None = await database.fetchval(_NEXT_DUE, workspace_id)
    return found


async def is_busy(database: Database, workspace_id: UUID) -> bool:
    """Say whether any contact of a workspace is in a worker's hands."""
    return bool(await database.fetchval(_IS_BUSY, workspace_id))
