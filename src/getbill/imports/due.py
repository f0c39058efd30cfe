"""The tasks of a workspace's imports in the index of due work, and the lease under which a worker does one."""

from datetime import datetime
from typing import Final
from uuid import UUID

from getbill.imports.model import WAKE
from getbill.kit import work
from getbill.kit.database import Statement, Transaction

KIND: Final = "imports"
LEASE: Final = work.Lease(
    table="imports",
    key={"id": "uuid"},
    is_waiting="t.task IS NOT NULL",
    is_held="t.lease_until IS NOT NULL",
    on_claim="begun_at = coalesce(t.begun_at, $2)",
)

_NEXT = Statement(
    "imports.find_next_due",
    "Instant at which the next task of a workspace's imports waits, or its lease ends.",
    """
    SELECT min(coalesce(lease_until, to_timestamp(0))) FROM imports
    WHERE workspace_id = $1 AND task IS NOT NULL AND (lease_until IS NULL OR lease_until < 'infinity')
    """,
)


def note_imports(tx: Transaction, workspace_id: UUID, due_at: datetime) -> None:
    """Note that a task of a workspace's imports waits from an instant on, and wake the workers."""
    work.note(tx, workspace_id, KIND, due_at)
    tx.channels_to_notify.add(WAKE)


async def postpone_imports(tx: Transaction, workspace_id: UUID, now: datetime) -> bool:
    """Postpone a workspace to its next task; return False if one waits or is being planned."""
    return await work.postpone(tx, workspace_id, KIND, now, _NEXT, workspace_id)
