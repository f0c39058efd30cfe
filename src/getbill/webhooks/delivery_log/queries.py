"""Queries of the delivery log: pending and settled deliveries, and every attempt of one.

Pending deliveries come first, soonest first; then settled ones, newest first. A reader who follows the cursor
sees every delivery that existed at the start, whatever is settled meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.webhooks.model import DeliveryState

PREFIX: Final = "wd"
_SKEW: Final = timedelta(minutes=1)
# Before and after every row: a bound that is always present can always use an index.
_FIRST_AT, _LAST_AT = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)

_SHARED = """d.id, d.endpoint_id, d.event_id, d.debt_id, d.kind, d.position, d.sequence, d.previous_sequence, d.fields,
    d.is_replay, d.attempts, d.created_at"""
_PENDING = f"""
    SELECT {_SHARED}, 'pending' AS state, d.next_try_at, NULL::timestamptz AS settled_at, d.next_try_at AS stands_at
    FROM webhook_deliveries d
    """
_SETTLED = f"""
    SELECT {_SHARED}, d.state, NULL::timestamptz AS next_try_at, d.settled_at, d.settled_at AS stands_at
    FROM webhook_log d
    """
_FILTER = """
    WHERE d.workspace_id = $1 AND d.endpoint_id = $2
      AND ($3::text[] IS NULL OR d.kind = ANY ($3)) AND ($4::uuid IS NULL OR d.debt_id = $4)
    """
_PENDING_PAGE = Statement(
    "webhooks.list_pending",
    "Page of an endpoint's pending deliveries, soonest first.",
    _PENDING
    + _FILTER
    + """
      AND d.created_at >= $5 AND d.created_at < $6 AND (d.next_try_at, d.id) > ($7, $8)
    ORDER BY d.next_try_at, d.id LIMIT $9
    """,
)
_SETTLED_PAGE = Statement(
    "webhooks.list_settled",
    "Page of an endpoint's settled deliveries, newest first.",
    _SETTLED
    + _FILTER
    # A debt's deliveries are no older than its first event, allowing for differences between machines'
    # clocks.
    + """
      AND d.settled_at >= greatest($5, (SELECT min(e.recorded_at) - $11::interval FROM events e
          WHERE e.workspace_id = $1 AND e.debt_id = $4))
      AND d.settled_at < $6 AND d.settled_at <= $7 AND (d.settled_at, d.id) < ($7, $8) AND d.state = ANY ($10::text[])
    ORDER BY d.settled_at DESC, d.id DESC LIMIT $9
    """,
)
_ONE_PENDING = Statement(
    "webhooks.find_pending",
    "Pending delivery.",
    _PENDING + "WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id = $3",
)
_ONE_SETTLED = Statement(
    "webhooks.find_settled",
    "Settled delivery.",
    _SETTLED + "WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id = $3",
)
_LAST_ATTEMPTS = Statement(
    "webhooks.find_last_attempts",
    "Last attempts of some deliveries, by the days between their beginning and end.",
    """
    SELECT a.delivery_id, a.started_at, a.duration_ms, a.status, a.error, a.is_withheld
    FROM unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::timestamptz[]) AS d (id, attempts, since, until)
    JOIN webhook_attempts a ON a.workspace_id = $1 AND a.delivery_id = d.id AND a.attempt = d.attempts
        AND a.started_at >= d.since AND a.started_at <= d.until
    """,
)
_ATTEMPTS = Statement(
    "webhooks.list_attempts",
    "Attempts of a delivery, in order.",
    """
    SELECT attempt, url, started_at, duration_ms, status, error, response, is_withheld FROM webhook_attempts
    WHERE workspace_id = $1 AND delivery_id = $2 AND started_at >= $3 AND started_at <= $4 ORDER BY attempt
    """,
)
_ERASED = Statement(
    "webhooks.find_erased",
    "Those of some debts that are erased.",
    """
    SELECT d.id FROM unnest($2::uuid[]) AS d (id)
    WHERE NOT EXISTS (SELECT FROM vault_keys k WHERE k.workspace_id = $1 AND k.subject_id = d.id)
    """,
)
_SETTLED_SINCE = Statement(
    "webhooks.tail_log",
    "Deliveries of a workspace, or of one endpoint, settled since a place in the log, in its order.",
    _SETTLED
    + """
    JOIN webhook_endpoints w ON w.workspace_id = d.workspace_id AND w.id = d.endpoint_id
    WHERE w.workspace_id = $1 AND ($2::uuid IS NULL OR w.id = $2) AND d.settled_at >= $3
      AND (d.settled_at, d.id) > ($3, $4)
    ORDER BY d.settled_at, d.id LIMIT $5
    """,
)
_EVENT = Statement(
    "webhooks.find_event",
    "Event of a delivery with its key; no key once its debt is erased.",
    """
    SELECT e.occurred_at, e.data, k.wrapped FROM events e
    LEFT JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
    WHERE e.workspace_id = $1 AND e.id = $2
    """,
)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """The conditions of a page; None omits one. `until` is exclusive.

    `since` and `until` apply to the time of settlement, or of creation while pending. `after` is the position
    of a row: whether it is settled, its instant and its id.
    """

    endpoint_id: UUID
    states: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    debt_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
    after: tuple[bool, datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one event to one endpoint; `stands_at` is its position in its part of the log."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    debt_id: UUID
    kind: str
    position: int
    sequence: int
    previous_sequence: int | None
    fields: list[str] | None
    is_replay: bool
    attempts: int
    created_at: datetime
    state: str
    next_try_at: datetime | None
    settled_at: datetime | None
    stands_at: datetime

    @property
    def is_pending(self) -> bool:
        """Whether the delivery is still pending."""
        return self.state == DeliveryState.PENDING


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """A logged attempt; its response is sealed."""

    attempt: int
    url: str
    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response: bytes | None
    is_withheld: bool


@dataclass(frozen=True, slots=True)
class DeliveryContent:
    """An event's instant, sealed data and wrapped key; data and key are None once erased."""

    occurred_at: datetime
    data: bytes | None
    wrapped: bytes | None


async def list_deliveries(
    database: Database, workspace: Workspace, filters: DeliveryFilter
) -> list[Delivery]:
    """Return a page of an endpoint's deliveries: pending, then settled."""
    states = tuple(DeliveryState) if filters.states is None else filters.states
    settled_states = [state for state in states if state != DeliveryState.PENDING]
    conditions = _conditions(workspace, filters)
    is_past_pending, *position = filters.after or (False, _FIRST_AT, _FIRST_ID)
    deliveries: list[Delivery] = []
    if not is_past_pending:
        if DeliveryState.PENDING in states:
            deliveries = _from_rows(
                await database.fetch(_PENDING_PAGE, *conditions, *position, filters.limit)
            )
        position = [_LAST_AT, _LAST_ID]
    remaining = filters.limit - len(deliveries)
    if settled_states and remaining:
        deliveries += _from_rows(
            await database.fetch(_SETTLED_PAGE, *conditions, *position, remaining, settled_states, _SKEW)
        )
    return deliveries


def _conditions(workspace: Workspace, filters: DeliveryFilter) -> tuple[object, ...]:
    since, until = filters.since or _FIRST_AT, filters.until or _LAST_AT
    return (workspace.id, filters.endpoint_id, filters.kinds, filters.debt_id, since, until)


def _from_rows(rows: Sequence[Record]) -> list[Delivery]:
    return [Delivery(**dict(row)) for row in rows]


async def settled_since(
    database: Database,
    workspace: Workspace,
    endpoint_id: UUID | None,
    position: tuple[datetime, UUID],
    limit: int,
) -> list[Delivery]:
    """Return deliveries settled after a position, oldest first, of one endpoint or of all."""
    return _from_rows(await database.fetch(_SETTLED_SINCE, workspace.id, endpoint_id, *position, limit))


async def find(database: Database, workspace: Workspace, endpoint_id: UUID, delivery_id: UUID) -> Delivery:
    """Return one delivery of an endpoint; raise NotFound for an unknown id."""
    for statement in (_ONE_PENDING, _ONE_SETTLED):
        row = await database.fetchrow(statement, workspace.id, endpoint_id, delivery_id)
        if row is not None:
            return Delivery(**dict(row))
    raise NotFound(
        message("There is no delivery {delivery} of this webhook.", delivery=ids.show(PREFIX, delivery_id))
    )


async def last_attempts(
    database: Database, workspace: Workspace, deliveries: Sequence[Delivery]
) -> dict[UUID, Record]:
    """Return the last attempt of each delivery that had one."""
    attempt_keys = [
        (delivery.id, delivery.attempts, *_lifetime(delivery)) for delivery in deliveries if delivery.attempts
    ]
    if not attempt_keys:
        return {}
    rows = await database.fetch(_LAST_ATTEMPTS, workspace.id, *zip(*attempt_keys, strict=True))
    return {row["delivery_id"]: row for row in rows}


async def list_attempts(database: Database, workspace: Workspace, delivery: Delivery) -> list[LoggedAttempt]:
    """Return every attempt of a delivery, in order."""
    rows = await database.fetch(_ATTEMPTS, workspace.id, delivery.id, *_lifetime(delivery))
    return [LoggedAttempt(**dict(row)) for row in rows]


def _lifetime(delivery: Delivery) -> tuple[datetime, datetime]:
    """Return the range in which a delivery's attempts began, allowing for differences between clocks."""
    return delivery.created_at - _SKEW, (delivery.settled_at or clock.wall()) + _SKEW


async def find_erased(database: Database, workspace: Workspace, debt_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the given debts are erased."""
    rows: list[Any] = await database.fetch(_ERASED, workspace.id, list(set(debt_ids)))
    return {row["id"] for row in rows}


async def find_content(database: Database, workspace: Workspace, delivery: Delivery) -> DeliveryContent:
    """Return the content of a delivery; raise NotFound if its event was lost in a restore."""
    row = await database.fetchrow(_EVENT, workspace.id, delivery.event_id)
    if row is None:
        raise NotFound(message("There is no event {event}.", event=ids.show("wh", delivery.event_id)))
    return DeliveryContent(*row.values())
