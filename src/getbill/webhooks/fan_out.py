"""Fan-out: one pending delivery per event of a stream and endpoint subscribed to its kind.

A delivery names the debt's previous event for its endpoint (`previous_sequence`), so that a filter does not
look like a gap. It is stored per lane: the events of one debt to one endpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from getbill import events, quarantine
from getbill.kit import clock, failpoints
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item
from getbill.webhooks import due

_log = structlog.get_logger(__name__)

BATCH_EVENTS: Final = 1000

_ENQUEUE = Statement(
    "webhooks.enqueue_deliveries",
    "Insert deliveries of the events in ranges of streams, to all endpoints that subscribe or to one.",
    # The ids are UUIDv7 (RFC 9562), so that the log's keys grow at their end. Both parts of the statement see
    # the lanes as they were before it.
    """
    WITH due AS (
        SELECT e.workspace_id, w.id AS endpoint_id, e.id AS event_id, e.debt_id, e.kind, e.position, e.sequence,
            w.fields, lag(e.sequence) OVER (
                PARTITION BY e.workspace_id, w.id, e.debt_id ORDER BY e.position) AS previous
        FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[])
            AS stretch (workspace_id, after, until, endpoint_id)
        JOIN events e ON e.workspace_id = stretch.workspace_id AND e.position > stretch.after
            AND e.position <= stretch.until
        JOIN webhook_endpoints w ON w.workspace_id = e.workspace_id AND w.is_enabled AND w.deleted_at IS NULL
            AND e.position > w.from_position AND e.kind = ANY (w.events)
            AND (w.id = stretch.endpoint_id OR (stretch.endpoint_id IS NULL AND w.catching_up_from IS NULL))
    ), lanes AS (
        INSERT INTO webhook_lanes AS lane (workspace_id, endpoint_id, debt_id, sequence)
        SELECT workspace_id, endpoint_id, debt_id, max(sequence) FROM due
        GROUP BY workspace_id, endpoint_id, debt_id ORDER BY workspace_id, endpoint_id, debt_id
        ON CONFLICT (workspace_id, endpoint_id, debt_id) DO UPDATE SET sequence = excluded.sequence
    )
    INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
        previous_sequence, fields, next_try_at, created_at)
    SELECT due.workspace_id, encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send($6) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid,
        due.endpoint_id, due.event_id, due.debt_id, due.kind, due.position, due.sequence,
        coalesce(due.previous, lane.sequence), due.fields, $5, $5
    FROM due
    LEFT JOIN webhook_lanes lane ON due.previous IS NULL AND lane.workspace_id = due.workspace_id
        AND lane.endpoint_id = due.endpoint_id AND lane.debt_id = due.debt_id
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


async def enqueue_deliveries(database: Database, batch: int = BATCH_EVENTS) -> int:
    """Enqueue deliveries for new events in the streams; return how many ranges were read.

    At most `batch` events of each stream; call it again until it returns 0.
    """
    try:
        return await _enqueue_deliveries(database, batch)
    except Exception as error:
        if quarantine.is_transient(error):
            raise
    return sum(
        [
            await _enqueue_workspace(database, workspace_id, batch)
            for workspace_id in await events.workspaces_to_fan_out(database)
        ]
    )


async def _enqueue_deliveries(database: Database, batch: int, only: UUID | None = None) -> int:
    async with database.transaction(clock.wall()) as tx:
        stream_ranges = await events.claim_for_fan_out(tx, batch, only)
        await enqueue_ranges(
            tx,
            [
                FanOutRange(stream_range.workspace_id, stream_range.after, stream_range.until)
                for stream_range in stream_ranges
            ],
        )
        if stream_ranges:
            failpoints.at("webhooks.enqueuing")
    if stream_ranges:
        failpoints.at("webhooks.enqueued")
    return len(stream_ranges)


async def _enqueue_workspace(database: Database, workspace_id: UUID, batch: int) -> int:
    """Enqueue one stream, in ever smaller ranges on failure; a single event that fails is quarantined."""
    while True:
        try:
            return await _enqueue_deliveries(database, batch, workspace_id)
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            if batch == 1:
                await _skip_event(database, workspace_id, error)
                return 1
            batch //= 2


async def _skip_event(database: Database, workspace_id: UUID, error: Exception) -> None:
    """Quarantine the next event of a stream and move past it, in one transaction."""
    async with database.transaction(clock.wall()) as tx:
        for stream_range in await events.claim_for_fan_out(tx, 1, workspace_id):
            event_id = await tx.fetchval(_EVENT_AT, workspace_id, stream_range.until)
            if event_id is not None:
                await quarantine.add(tx, Item(workspace_id, "event", event_id), quarantine.reason_of(error))
    _log.error("event_quarantined", workspace=str(workspace_id), exc_info=quarantine.unexpected(error))


async def enqueue_event(tx: Transaction, workspace_id: UUID, event_id: UUID) -> bool:
    """Enqueue a quarantined event; return whether it exists."""
    position = await tx.fetchval(_POSITION, workspace_id, event_id)
    if position is not None:
        await enqueue_ranges(tx, [FanOutRange(workspace_id, position - 1, position)])
    return position is not None


async def enqueue_ranges(tx: Transaction, fan_out_ranges: Sequence[FanOutRange]) -> None:
    """Enqueue deliveries for ranges whose streams the transaction has locked."""
    if not fan_out_ranges:
        return
    now = clock.wall()
    columns = zip(
        *(
            (fan_out_range.workspace_id, fan_out_range.after, fan_out_range.until, fan_out_range.endpoint_id)
            for fan_out_range in fan_out_ranges
        ),
        strict=True,
    )
    await tx.execute(_ENQUEUE, *columns, now, int(now.timestamp() * 1000))
    for workspace_id in {fan_out_range.workspace_id for fan_out_range in fan_out_ranges}:
        due.note_deliveries(tx, workspace_id, now)
