"""The deliveries of a workspace in the index of due work: the next instant at which one may be sent.

Whoever makes a delivery due notes it in the same transaction; a dispatcher that finds nothing more to send
postpones the workspace.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from getbill.kit import work
from getbill.kit.database import Statement, Transaction

# The channel that wakes dispatchers when deliveries are pending.
WAKE: Final = "getbill_deliveries"
KIND: Final = "deliveries"

_NEXT = Statement(
    "webhooks.find_next_due",
    "Instant at which the next delivery of a workspace can be sent, or its lease ends.",
    """
    SELECT min(greatest(head.next_try_at, w.down_until)) FROM webhook_endpoints w
    CROSS JOIN LATERAL (
        SELECT d.next_try_at FROM webhook_deliveries d
        WHERE d.workspace_id = $1 AND d.endpoint_id = w.id AND d.next_try_at < 'infinity'
        ORDER BY d.next_try_at LIMIT 1
    ) AS head
    WHERE w.workspace_id = $1 AND w.is_enabled AND w.deleted_at IS NULL
    """,
)


def note_deliveries(tx: Transaction, workspace_id: UUID, due_at: datetime) -> None:
    """Note that deliveries of a workspace can be sent from an instant on, and wake the dispatchers."""
    work.note(tx, workspace_id, KIND, due_at)
    tx.channels_to_notify.add(WAKE)


async def postpone_deliveries(tx: Transaction, workspace_id: UUID, now: datetime) -> bool:
    """Postpone a workspace to its next delivery; return False if one is due or being planned."""
    return await work.postpone(tx, workspace_id, KIND, now, _NEXT, workspace_id)
