"""Disabling and enabling endpoints: a disabled endpoint receives nothing and its deliveries wait.

Its position in the stream is kept. Once enabled, missed events are enqueued first, batch by batch, then new
ones, so a debt's events arrive in order. Disabling, enabling and fan-out lock the workspace's stream, so an
event is either enqueued or missed.
"""

from uuid import UUID

from getbill import quarantine
from getbill.kit import clock, failpoints, work
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item
from getbill.webhooks import due, fan_out
from getbill.webhooks.fan_out import FanOutRange

_LOCK_STREAM = Statement(
    "webhooks.lock_stream",
    "Lock a workspace's stream against fan-out; taken before any lock of an endpoint.",
    "SELECT reacted FROM streams WHERE workspace_id = $1 FOR UPDATE",
)
_DISABLE = Statement(
    "webhooks.disable_endpoint",
    "Disable an endpoint, with the position from which it misses events.",
    """
    UPDATE webhook_endpoints w SET is_enabled = false, disabled_at = $3, disabled_reason = $4,
        missed_from = coalesce(w.catching_up_from, s.reacted), catching_up_from = NULL
    FROM streams s
    WHERE s.workspace_id = $1 AND w.workspace_id = $1 AND w.id = $2 AND w.is_enabled AND w.deleted_at IS NULL
    RETURNING true
    """,
)
_ENABLE = Statement(
    "webhooks.enable_endpoint",
    "Enable an endpoint and clear its failures.",
    """
    UPDATE webhook_endpoints w SET is_enabled = true, disabled_at = NULL, disabled_reason = NULL, missed_from = NULL,
        catching_up_from = CASE WHEN $3 AND w.missed_from < s.reacted THEN w.missed_from END,
        failures = 0, failing_since = NULL, down_until = NULL
    FROM streams s
    WHERE s.workspace_id = $1 AND w.workspace_id = $1 AND w.id = $2 AND NOT w.is_enabled AND w.deleted_at IS NULL
    RETURNING true
    """,
)
_HURRY = Statement(
    "webhooks.hurry_deliveries",
    "Make the pending deliveries of an endpoint due now.",
    """
    UPDATE webhook_deliveries SET next_try_at = $3
    WHERE workspace_id = $1 AND endpoint_id = $2 AND next_try_at > $3 AND lease_until IS NULL
    """,
)
_CANCEL = Statement(
    "webhooks.cancel_deliveries",
    "Cancel the pending deliveries of an endpoint.",
    """
    WITH dropped AS (
        DELETE FROM webhook_deliveries WHERE workspace_id = $1 AND endpoint_id = $2 RETURNING *
    )
    INSERT INTO webhook_log (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
        previous_sequence, fields, is_replay, state, attempts, created_at, settled_at)
    SELECT workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, previous_sequence, fields,
        is_replay, 'cancelled', attempts, created_at, $3
    FROM dropped
    """,
)
_BEHIND = Statement(
    "webhooks.list_behind",
    "Enabled endpoints of a workspace that have not caught up with its stream.",
    """
    SELECT id FROM webhook_endpoints
    WHERE workspace_id = $1 AND catching_up_from IS NOT NULL AND is_enabled AND deleted_at IS NULL
    ORDER BY id LIMIT 100
    """,
)
_CAUGHT_UP_TO = Statement(
    "webhooks.lock_catch_up",
    "Position up to which an endpoint has caught up, locked until the transaction ends.",
    """
    SELECT catching_up_from FROM webhook_endpoints
    WHERE workspace_id = $1 AND id = $2 AND is_enabled AND deleted_at IS NULL FOR NO KEY UPDATE
    """,
)
_CATCH_UP = Statement(
    "webhooks.set_catch_up",
    "Set the position up to which an endpoint has caught up; null at the end of the stream.",
    "UPDATE webhook_endpoints SET catching_up_from = $3 WHERE workspace_id = $1 AND id = $2",
)


async def lock_stream(tx: Transaction, workspace_id: UUID) -> None:
    """Block fan-out in a workspace until the transaction ends; call it before locking any endpoint."""
    await tx.execute(_LOCK_STREAM, workspace_id)


async def disable(tx: Transaction, workspace_id: UUID, endpoint_id: UUID, reason: str) -> bool:
    """Disable an endpoint (`asked`, `gone` or `failing`); return False if it already was.

    The transaction holds the stream lock: see `lock_stream`.
    """
    return bool(await tx.fetchval(_DISABLE, workspace_id, endpoint_id, clock.wall(), reason))


async def disable_for(tx: Transaction, workspace_id: UUID, endpoint_id: UUID) -> None:
    """Disable an endpoint whose owner is revoked; missed events are kept for a later enabling."""
    await lock_stream(tx, workspace_id)
    await disable(tx, workspace_id, endpoint_id, "asked")


async def enable(tx: Transaction, workspace_id: UUID, endpoint_id: UUID, *, send_missed: bool) -> bool:
    """Enable an endpoint, with or without what it missed; return False if it already was.

    Without `send_missed`, pending deliveries are cancelled too. The transaction holds the stream lock: see
    `lock_stream`.
    """
    if not await tx.fetchval(_ENABLE, workspace_id, endpoint_id, send_missed):
        return False
    now = clock.wall()
    if send_missed:
        await tx.execute(_HURRY, workspace_id, endpoint_id, now)
        work.note(tx, workspace_id, "stream", work.EARLIEST)
    else:
        await cancel(tx, workspace_id, endpoint_id)
    due.note_deliveries(tx, workspace_id, now)
    return True


async def cancel(tx: Transaction, workspace_id: UUID, endpoint_id: UUID) -> None:
    """Cancel the pending deliveries of an endpoint and log them as cancelled."""
    await tx.execute(_CANCEL, workspace_id, endpoint_id, clock.wall())


async def catch_up(database: Database, workspace_id: UUID, batch: int = fan_out.BATCH_EVENTS) -> int:
    """Enqueue missed events of enabled endpoints; return how many endpoints have not caught up yet.

    At most `batch` events of each; call it again until it returns 0.
    """
    lagging_count = 0
    for row in await database.fetch(_BEHIND, workspace_id):
        item = Item(workspace_id, "endpoint", row["id"])
        if await quarantine.is_quarantined(database, item):
            continue
        try:
            lagging_count += await _catch_up_one(database, workspace_id, row["id"], batch)
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            await quarantine.add_separately(database, item, error)
    return lagging_count


async def _catch_up_one(database: Database, workspace_id: UUID, endpoint_id: UUID, batch: int) -> bool:
    async with database.transaction(clock.wall()) as tx:
        reacted: int = await tx.fetchval(_LOCK_STREAM, workspace_id)
        after: int | None = await tx.fetchval(_CAUGHT_UP_TO, workspace_id, endpoint_id)
        if after is None:
            return False
        until = min(after + batch, reacted)
        await fan_out.enqueue_range(tx, FanOutRange(workspace_id, after, until, endpoint_id))
        is_behind = until < reacted
        await tx.execute(_CATCH_UP, workspace_id, endpoint_id, until if is_behind else None)
        failpoints.at("webhooks.catching_up")
    failpoints.at("webhooks.caught_up")
    return is_behind
