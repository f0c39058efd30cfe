"""Queue of e-mails to admins: a row for each, claimed by one worker under a lease, retried, or held for a person.

The time at which a row is due is also the end of its lease: what a killed worker had claimed is due again then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction

# Longer than an e-mail can take.
LEASE: Final = timedelta(minutes=3)
_WORKSPACES_MAX: Final = 100

_INSERT = Statement(
    "webhooks.insert_notifications",
    "Queue an e-mail to each of some admins.",
    """
    INSERT INTO admin_notifications (workspace_id, id, endpoint_id, user_id, due_at)
    SELECT $1, id, $2, user_id, $5 FROM unnest($3::uuid[], $4::uuid[]) AS admin (id, user_id)
    """,
)
_DUE_WORKSPACES = Statement(
    "webhooks.list_notifiable",
    "Workspaces with an e-mail to an admin that is due.",
    "SELECT DISTINCT workspace_id FROM admin_notifications WHERE held_at IS NULL AND due_at <= $1 LIMIT $2",
)
_CLAIM = Statement(
    "webhooks.claim_notification",
    "Claim the e-mail of a workspace that is due longest.",
    """
    UPDATE admin_notifications SET due_at = $3, attempts = attempts + 1
    WHERE workspace_id = $1 AND id = (
        SELECT id FROM admin_notifications WHERE workspace_id = $1 AND held_at IS NULL AND due_at <= $2
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING workspace_id, id, endpoint_id, user_id, attempts, due_at
    """,
)
_DELETE = Statement(
    "webhooks.delete_notification",
    "Delete an e-mail that was sent or is no longer needed.",
    "DELETE FROM admin_notifications WHERE workspace_id = $1 AND id = $2 AND due_at = $3",
)
_RETRY = Statement(
    "webhooks.retry_notification",
    "Make a claimed e-mail due again later.",
    "UPDATE admin_notifications SET due_at = $4 WHERE workspace_id = $1 AND id = $2 AND due_at = $3",
)
_HOLD = Statement(
    "webhooks.hold_notification",
    "Hold a claimed e-mail until a person requests another attempt.",
    "UPDATE admin_notifications SET held_at = $4 WHERE workspace_id = $1 AND id = $2 AND due_at = $3",
)
_REQUEUE = Statement(
    "webhooks.requeue_notifications",
    "Make the held e-mails of a workspace due again, with all their attempts.",
    """
    UPDATE admin_notifications SET held_at = NULL, attempts = 0, due_at = $2
    WHERE workspace_id = $1 AND held_at IS NOT NULL
    """,
)


@dataclass(frozen=True, slots=True)
class Notification:
    """A claimed e-mail to one admin about one endpoint; `lease_end` is its fence."""

    workspace_id: UUID
    id: UUID
    endpoint_id: UUID
    user_id: UUID
    # This one included.
    attempts: int
    lease_end: datetime


async def enqueue(tx: Transaction, workspace_id: UUID, endpoint_id: UUID, user_ids: Sequence[UUID]) -> None:
    """Queue an e-mail to each user, sent once the transaction commits."""
    row_ids = [ids.new() for _ in user_ids]
    await tx.execute(_INSERT, workspace_id, endpoint_id, row_ids, user_ids, clock.wall())


async def due_workspaces(database: Database) -> list[UUID]:
    """Return workspaces that have an e-mail to send now."""
    rows = await database.fetch(_DUE_WORKSPACES, clock.wall(), _WORKSPACES_MAX)
    return [row["workspace_id"] for row in rows]


async def claim(database: Database, workspace_id: UUID) -> Notification | None:
    """Claim one e-mail of a workspace, if any is due."""
    now = clock.wall()
    row = await database.fetchrow(_CLAIM, workspace_id, now, now + LEASE)
    return None if row is None else Notification(*row)


async def settle(database: Database, notification: Notification, again_after: timedelta | None) -> None:
    """Delete a claimed e-mail, or make it due again after a delay; without effect once its lease is lost."""
    key = (notification.workspace_id, notification.id, notification.lease_end)
    if again_after is None:
        await database.execute(_DELETE, *key)
    else:
        await database.execute(_RETRY, *key, clock.wall() + again_after)


async def hold(database: Database, notification: Notification) -> None:
    """Hold a claimed e-mail until a person requests another attempt."""
    key = (notification.workspace_id, notification.id, notification.lease_end)
    await database.execute(_HOLD, *key, clock.wall())


async def requeue(tx: Transaction, workspace_id: UUID) -> None:
    """Requeue the held e-mails of a workspace."""
    await tx.execute(_REQUEUE, workspace_id, clock.wall())
