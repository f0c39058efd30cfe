"""Fan-out: one pending delivery per event of a stream and endpoint subscribed to its kind.

A delivery names the debt's previous event for its endpoint (`previous_sequence`), so that a filter does not
look like a gap. It is stored per lane: the events of one debt to one endpoint.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from getbill import events, quarantine
from getbill.kit import clock, failpoints, work
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item
from getbill.webhooks import due

_log = structlog.get_logger(__name__)

BATCH_EVENTS: Final = 1000

_ENQUEUE = Statement(
    "webhooks.enqueue_deliveries",
    "Insert deliveries of the events in a range of a stream, to all endpoints that subscribe or to one.",
    # The ids are UUIDv7 (RFC 9562), so that the log's keys grow at their end; instead of random bits they
    # have a digest of event and endpoint. Both parts of the statement see the lanes as they were before it.
    """
    WITH due AS (
        SELECT w.id AS endpoint_id, e.id AS event_id, e.debt_id, e.kind, e.position, e.sequence, w.fields,
            lag(e.sequence) OVER (PARTITION BY w.id, e.debt_id ORDER BY e.position) AS previous
        FROM events e
        JOIN webhook_endpoints w ON w.workspace_id = e.workspace_id AND w.is_enabled AND w.deleted_at IS NULL
            AND e.position > w.from_position AND e.kind = ANY (w.events)
            AND (w.id = $4 OR ($4::uuid IS NULL AND w.catching_up_from IS NULL))
        WHERE e.workspace_id = $1 AND e.position > $2 AND e.position <= $3
    ), lanes AS (
        INSERT INTO webhook_lanes AS lane (workspace_id, endpoint_id, debt_id, sequence)
        SELECT $1, endpoint_id, debt_id, max(sequence) FROM due
        GROUP BY endpoint_id, debt_id ORDER BY endpoint_id, debt_id
        ON CONFLICT (workspace_id, endpoint_id, debt_id) DO UPDATE SET sequence = excluded.sequence
    )
    INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
        previous_sequence, fields, next_try_at, created_at)
    SELECT $1, encode(set_bit(set_bit(set_bit(set_bit(set_bit(set_bit(overlay(
            decode(md5(due.endpoint_id::text || due.event_id::text), 'hex')
            PLACING substring(int8send($6) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 54, 1), 55, 0), 70, 0), 71, 1),
            'hex')::uuid,
        due.endpoint_id, due.event_id, due.debt_id, due.kind, due.position, due.sequence,
        coalesce(due.previous, lane.sequence), due.fields, $5, $5
    FROM due
    LEFT JOIN webhook_lanes lane ON due.previous IS NULL AND lane.workspace_id = $1
        AND lane.endpoint_id = due.endpoint_id AND lane.debt_id = due.debt_id
    """,
)
_NEXT = Statement(
    "webhooks.find_next_stream_work",
    "Now, if events of a workspace wait for their position or for their deliveries; otherwise null.",
    """
    SELECT CASE WHEN EXISTS (SELECT FROM events WHERE workspace_id = $1 AND position IS NULL)
        OR EXISTS (SELECT FROM streams WHERE workspace_id = $1 AND reacted < position)
        OR EXISTS (SELECT FROM webhook_endpoints WHERE workspace_id = $1 AND catching_up_from IS NOT NULL
            AND is_enabled AND deleted_at IS NULL)
    THEN $2::timestamptz END
    """,
)

_EVENT_AT = Statement(
    "webhooks.find_event_at",
    "Event at a position of a stream.",
    "SELECT id FROM events WHERE workspace_id = $1 AND position = $2",
)
_POSITION = Statement(
    "webhooks.find_position",
    "Stream position of an event.",
    "SELECT position FROM events WHERE workspace_id = $1 AND id = $2",
)


@dataclass(frozen=True, slots=True)
class FanOutRange:
    """A range of a stream to enqueue: for every subscriber, or for one endpoint that missed it."""

    workspace_id: UUID
    after: int
    until: int
    endpoint_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FanOut:
    """What a visit of a stream did: the ranges it enqueued, and whether nothing is left to do in it."""

    range_count: int
    is_complete: bool


async def enqueue_deliveries(database: Database, workspace_id: UUID, batch: int = BATCH_EVENTS) -> FanOut:
    """Enqueue deliveries for new events in a workspace's stream, at most `batch` of them.

    If nothing is left, not even to sequence, the workspace is not visited again before its next event. Events
    are enqueued in ever smaller ranges on failure; a single one that fails is quarantined.
    """
    while True:
        try:
            return await _enqueue_deliveries(database, workspace_id, batch)
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            if batch == 1:
                await _skip_event(database, workspace_id, error)
                return FanOut(1, is_complete=False)
            batch //= 2


async def _enqueue_deliveries(database: Database, workspace_id: UUID, batch: int) -> FanOut:
    async with database.transaction(clock.wall()) as tx:
        stream_range = await events.claim_for_fan_out(tx, workspace_id, batch)
        if stream_range is not None:
            await enqueue_range(tx, FanOutRange(workspace_id, stream_range.after, stream_range.until))
            failpoints.at("webhooks.enqueuing")
        is_complete = await work.postpone(tx, workspace_id, "stream", tx.now, _NEXT, workspace_id, tx.now)
    if stream_range is not None:
        failpoints.at("webhooks.enqueued")
    return FanOut(int(stream_range is not None), is_complete)


async def _skip_event(database: Database, workspace_id: UUID, error: Exception) -> None:
    """Quarantine the next event of a stream and move past it, in one transaction."""
    async with database.transaction(clock.wall()) as tx:
        stream_range = await events.claim_for_fan_out(tx, workspace_id, 1)
        if stream_range is not None:
            event_id = await tx.fetchval(_EVENT_AT, workspace_id, stream_range.until)
            await quarantine.add(tx, Item(workspace_id, "event", event_id), quarantine.reason_of(error))
    _log.error("event_quarantined", workspace=str(workspace_id), exc_info=quarantine.unexpected(error))


async def enqueue_event(tx: Transaction, workspace_id: UUID, event_id: UUID) -> bool:
    """Enqueue a quarantined event; return whether it exists."""
    position = await tx.fetchval(_POSITION, workspace_id, event_id)
    if position is not None:
        await enqueue_range(tx, FanOutRange(workspace_id, position - 1, position))
    return position is not None


async def enqueue_range(tx: Transaction, fan_out_range: FanOutRange) -> None:
    """Enqueue deliveries for a range of a stream that the transaction has locked."""
    now = clock.wall()
    await tx.execute(
        _ENQUEUE,
        fan_out_range.workspace_id,
        fan_out_range.after,
        fan_out_range.until,
        fan_out_range.endpoint_id,
        now,
        int(now.timestamp() * 1000),
    )
    due.note_deliveries(tx, fan_out_range.workspace_id, now)
