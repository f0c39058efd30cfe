"""Replays: one delivery, a selection or a time range, sent again to the same endpoint or another.

A replay is an ordinary delivery, marked as a replay, under the event's own id. An event that is pending or
about to be enqueued is not enqueued twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill import access
from getbill.access import Actor
from getbill.companies import Workspace
from getbill.kit import clock, ids
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError, Invalid, refusal
from getbill.kit.messages import message
from getbill.webhooks import delivery_log, due, endpoints
from getbill.webhooks.model import Endpoint, WebhookDisabled

EVENTS_MAX: Final = 10_000
SELECTED_MAX: Final = 1000
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Clock skew between machines: an instant of one may lie a little before another's.
_SKEW: Final = timedelta(minutes=1)

# Each returns, for an endpoint, events with the content of their plain deliveries to it.
_OF_DELIVERIES = Statement(
    "webhooks.find_replayed_deliveries",
    "Pending and settled deliveries of an endpoint, for a replay.",
    """
    SELECT id, event_id, debt_id, kind, position, sequence, previous_sequence, fields
    FROM webhook_deliveries WHERE workspace_id = $1 AND endpoint_id = $2 AND id = ANY ($3)
    UNION ALL
    SELECT id, event_id, debt_id, kind, position, sequence, previous_sequence, fields
    FROM webhook_log WHERE workspace_id = $1 AND endpoint_id = $2 AND id = ANY ($3)
    """,
)
_OF_EVENTS = Statement(
    "webhooks.find_replayed_events",
    "Events, for a replay.",
    """
    SELECT id AS event_id, debt_id, kind, position, sequence FROM events
    WHERE workspace_id = $1 AND id = ANY ($2)
    """,
)
_OF_TIME = Statement(
    "webhooks.list_replayed_period",
    "Events of a period and of some kinds, for a replay; event ids are in the order of time.",
    """
    SELECT id AS event_id, debt_id, kind, position, sequence FROM events
    WHERE workspace_id = $1 AND id >= $2 AND id < $3 AND kind = ANY ($4) AND position IS NOT NULL
    ORDER BY id LIMIT $5
    """,
)
_OF_OUTCOME = Statement(
    "webhooks.list_replayed_outcome",
    "Deliveries of a period with some outcomes and of some kinds, for a replay.",
    """
    SELECT DISTINCT ON (event_id) event_id, debt_id, kind, position, sequence, previous_sequence, fields
    FROM webhook_log
    WHERE workspace_id = $1 AND endpoint_id = $2 AND settled_at >= $7 AND event_id >= $3 AND event_id < $4
        AND kind = ANY ($5) AND state = ANY ($6)
    ORDER BY event_id LIMIT $8
    """,
)
_EARLIER_DELIVERIES = Statement(
    "webhooks.list_earlier_deliveries",
    "Fields and previous sequences of earlier deliveries of some events to an endpoint, if logged.",
    """
    SELECT DISTINCT ON (event_id) event_id, previous_sequence, fields FROM webhook_log
    WHERE workspace_id = $1 AND endpoint_id = $2 AND event_id = ANY ($3) AND NOT is_replay
        AND settled_at >= $4
    ORDER BY event_id
    """,
)
_INSERT = Statement(
    "webhooks.insert_replays",
    "Insert replays, except of events that are pending or not yet fanned out.",
    """
    INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
        previous_sequence, fields, is_replay, next_try_at, created_at)
    SELECT w.workspace_id, r.id, w.id, r.event_id, r.debt_id, r.kind, r.position, r.sequence, r.previous_sequence,
        CASE WHEN r.fields IS NULL THEN NULL ELSE string_to_array(r.fields, ',') END, true, $3, $3
    FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])
        AS r (id, event_id, debt_id, kind, position, sequence, previous_sequence, fields)
    JOIN webhook_endpoints w ON w.workspace_id = $1 AND w.id = $2
    JOIN streams s ON s.workspace_id = w.workspace_id
    WHERE (r.position <= greatest(coalesce(w.catching_up_from, s.reacted), w.from_position)
            OR (r.position IS NOT NULL AND NOT r.kind = ANY (w.events)))
        AND NOT EXISTS (
        SELECT FROM webhook_deliveries d
        WHERE d.workspace_id = w.workspace_id AND d.endpoint_id = w.id AND d.debt_id = r.debt_id
            AND d.position = r.position)
    RETURNING id
    """,
)


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A replay: its events, their source endpoint and the target endpoint.

    Either `deliveries`, or `events`, or the range from `since` to `until`: of `kinds`, by default those the
    endpoint subscribes to; with `states`, only deliveries that ended so.
    """

    endpoint_id: UUID
    to_endpoint_id: UUID
    deliveries: Sequence[UUID] | None = None
    events: Sequence[UUID] | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: Sequence[str] | None = None
    states: Sequence[str] | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the target is another endpoint than the source."""
        return self.endpoint_id != self.to_endpoint_id


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The number of deliveries enqueued, and of events that are pending anyway."""

    replayed: int
    already_pending: int


class ReplayTooLarge(Invalid):
    """The range holds more events than one replay may send."""

    code = "replay-too-large"
    title = message("The range is too large for one replay")
    way_out = (
        "Narrow the time range, select fewer `events`, or only the `status` exhausted; then continue"
        " with the next range. To read all events again, use the stream at `GET /events`."
    )


@dataclass(frozen=True, slots=True)
class _ReplayEvent:
    """An event to send again; `is_known` if an earlier delivery determines its content for the endpoint."""

    event_id: UUID
    debt_id: UUID
    kind: str
    # None for an event not yet in the stream, which its subscribers will receive anyway.
    position: int | None
    sequence: int
    previous_sequence: int | None = None
    fields: list[str] | None = None
    is_known: bool = False


async def replay(tx: Transaction, workspace: Workspace, request: ReplayRequest, by: Actor) -> ReplayResult:
    """Enqueue the requested events at once; raise NotFound, WebhookDisabled or ReplayTooLarge, unchanged.

    The target endpoint is locked, so that two concurrent replays do not duplicate each other.
    """
    target = await endpoints.lock(tx, workspace, request.to_endpoint_id)
    source = await endpoints.peek(tx, workspace, request.endpoint_id) if request.is_elsewhere else target
    if not target.is_enabled:
        raise WebhookDisabled(
            message("The webhook {webhook} is disabled.", webhook=ids.show(endpoints.PREFIX, target.id))
        )
    events = await _find_events(tx, workspace, request, source)
    if len(events) > EVENTS_MAX:
        raise ReplayTooLarge(
            message("There are more than {most} events in this range. Narrow it.", most=EVENTS_MAX),
            extra={"limit": EVENTS_MAX},
        )
    if request.is_elsewhere:
        events = [replace(event, previous_sequence=None, fields=target.fields) for event in events]
    else:
        events = await _as_delivered(tx, workspace, target, events)
    queued_count = await _enqueue(tx, workspace, target, events) if events else 0
    access.record_use(tx, workspace.id, target.id, by)
    due.note_deliveries(tx, workspace.id, clock.wall())
    return ReplayResult(queued_count, len(events) - queued_count)


async def _find_events(
    tx: Transaction, workspace: Workspace, request: ReplayRequest, source: Endpoint
) -> list[_ReplayEvent]:
    if request.deliveries is not None:
        rows = await tx.fetch(_OF_DELIVERIES, workspace.id, source.id, request.deliveries)
        _refuse_missing("/deliveries", delivery_log.PREFIX, request.deliveries, rows, "id")
    elif request.events is not None:
        rows = await tx.fetch(_OF_EVENTS, workspace.id, request.events)
        _refuse_missing("/webhook_ids", "wh", request.events, rows, "event_id")
    else:
        rows = await _events_in_range(tx, workspace, request, source)
    is_known = request.deliveries is not None or request.states is not None
    # One event once, however many of its deliveries were named.
    return list({row["event_id"]: _replay_event(row, is_known=is_known) for row in rows}.values())


async def _events_in_range(
    tx: Transaction, workspace: Workspace, request: ReplayRequest, source: Endpoint
) -> list[Record]:
    since, until = request.since or _BEGINNING, request.until or clock.wall()
    low, high = ids.first_at(since), ids.first_at(until)
    kinds = source.events if request.kinds is None else request.kinds
    if request.states is None:
        return await tx.fetch(_OF_TIME, workspace.id, low, high, kinds, EVENTS_MAX + 1)
    search_key = (workspace.id, source.id, low, high, kinds, request.states)
    return await tx.fetch(_OF_OUTCOME, *search_key, since - _SKEW, EVENTS_MAX + 1)


def _replay_event(row: Record, *, is_known: bool) -> _ReplayEvent:
    values = {name: value for name, value in row.items() if name != "id"}
    return _ReplayEvent(**values, is_known=is_known)


def _refuse_missing(
    pointer: str, prefix: str, identifiers: Sequence[UUID], rows: Sequence[Record], column: str
) -> None:
    existing_ids = {row[column] for row in rows}
    errors = [
        FieldError(
            f"{pointer}/{index}",
            "not-found",
            message("{id} was not found.", id=ids.show(prefix, identifier)),
        )
        for index, identifier in enumerate(identifiers)
        if identifier not in existing_ids
    ]
    if errors:
        raise refusal(errors)


async def _as_delivered(
    tx: Transaction, workspace: Workspace, target: Endpoint, events: Sequence[_ReplayEvent]
) -> list[_ReplayEvent]:
    """Return events with the content of their earlier deliveries; one never sent here gets today's."""
    unknown = [event.event_id for event in events if not event.is_known]
    if not unknown:
        return list(events)
    since = ids.time_of(min(unknown)) - _SKEW
    rows = await tx.fetch(_EARLIER_DELIVERIES, workspace.id, target.id, unknown, since)
    described = {row["event_id"]: (row["previous_sequence"], row["fields"]) for row in rows}
    detailed_events = []
    for event in events:
        if not event.is_known:
            previous, fields = described.get(event.event_id, (None, target.fields))
            event = replace(event, previous_sequence=previous, fields=fields)  # noqa: PLW2901 the same event
        detailed_events.append(event)
    return detailed_events


async def _enqueue(
    tx: Transaction, workspace: Workspace, target: Endpoint, events: Sequence[_ReplayEvent]
) -> int:
    rows = (
        (
            ids.new(),
            event.event_id,
            event.debt_id,
            event.kind,
            event.position,
            event.sequence,
            event.previous_sequence,
            # Joined, as an array of arrays must be rectangular.
            None if event.fields is None else ",".join(event.fields),
        )
        for event in events
    )
    columns = zip(*rows, strict=True)
    return len(await tx.fetch(_INSERT, workspace.id, target.id, clock.wall(), *columns))
