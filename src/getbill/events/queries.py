"""Queries of a workspace's stream: forward only, complete, and bounded per call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.kit.database import Database, Statement

# Maximum number of events that one filtered read examines.
SEARCH_MAX: Final = 10_000

_STREAM = Statement(
    "events.stream",
    "How far a workspace's stream has come, and in which epoch.",
    "SELECT epoch, position FROM streams WHERE workspace_id = $1",
)
_STREAMS_OF = Statement(
    "events.streams_of",
    "How far some workspaces' streams have come.",
    "SELECT workspace_id, epoch, position FROM streams WHERE workspace_id = ANY ($1::uuid[])",
)
_READ = Statement(
    "events.read",
    "The events on a stretch of a workspace's stream, in order.",
    """
    SELECT e.id, e.debt_id, e.sequence, e.kind, e.occurred_at, e.position, e.data, k.wrapped
    FROM events e
    LEFT JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
    WHERE e.workspace_id = $1 AND e.position > $2 AND e.position <= $3
    ORDER BY e.position LIMIT $4
    """,
)
_SEARCH = Statement(
    "events.search",
    "The events of some kinds on a stretch of a workspace's stream, and how far it was searched.",
    """
    WITH looked_at AS (
        SELECT id, position, kind FROM events
        WHERE workspace_id = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $6
    ), found AS (
        SELECT id FROM looked_at WHERE kind = ANY ($5::text[]) ORDER BY position LIMIT $4
    )
    SELECT e.id, e.debt_id, e.sequence, e.kind, e.occurred_at, e.position, e.data, k.wrapped, seen.number, seen.last
    FROM (SELECT count(*) AS number, max(position) AS last FROM looked_at) AS seen
    LEFT JOIN found ON true
    LEFT JOIN events e ON e.workspace_id = $1 AND e.id = found.id
    LEFT JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
    ORDER BY e.position
    """,
)
_READ_DEBT = Statement(
    "events.read_debt",
    "The events of one debt on a stretch of its workspace's stream, in order, of some kinds if asked.",
    # A debt's positions follow its sequence, which has an index per debt.
    """
    SELECT e.id, e.debt_id, e.sequence, e.kind, e.occurred_at, e.position, e.data, k.wrapped
    FROM events e
    LEFT JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
    WHERE e.workspace_id = $1 AND e.debt_id = $5 AND e.position > $2 AND e.position <= $3
        AND ($6::text[] IS NULL OR e.kind = ANY ($6))
    ORDER BY e.sequence LIMIT $4
    """,
)
_FIND = Statement(
    "events.find",
    "One event that has its place in its workspace's stream.",
    """
    SELECT e.id, e.debt_id, e.sequence, e.kind, e.occurred_at, e.position, e.data, k.wrapped
    FROM events e
    LEFT JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
    WHERE e.workspace_id = $1 AND e.id = $2 AND e.position IS NOT NULL
    """,
)


@dataclass(frozen=True, slots=True)
class Stream:
    """The end of a workspace's stream; a new epoch begins when published events were lost."""

    epoch: int
    position: int


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A committed event at its position; `sealed` and `wrapped` are None once the debt is erased."""

    event_id: UUID
    debt_id: UUID
    sequence: int
    kind: str
    occurred_at: datetime
    position: int
    sealed: bytes | None
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query of a stream: at most `limit` events with `after` < position <= `until`."""

    after: int
    until: int
    limit: int
    kinds: Sequence[str] | None = None
    debt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Matching events in stream order; complete up to `reached`."""

    events: list[StreamEvent]
    reached_position: int


async def stream(database: Database, workspace_id: UUID) -> Stream:
    """Return the end of a workspace's stream."""
    row = await database.fetchrow(_STREAM, workspace_id)
    return Stream(1, 0) if row is None else Stream(row["epoch"], row["position"])


async def streams_of(database: Database, workspace_ids: Sequence[UUID]) -> dict[UUID, Stream]:
    """Return the ends of some workspaces' streams."""
    rows = await database.fetch(_STREAMS_OF, workspace_ids)
    return {row["workspace_id"]: Stream(row["epoch"], row["position"]) for row in rows}


async def read(database: Database, workspace_id: UUID, query: EventQuery) -> StreamPage:
    """Return the next events of a stream, within the limit of examined events.

    A page that is not full and has not reached `query.until` has examined `SEARCH_MAX` events.
    """
    range_values = (workspace_id, query.after, query.until, query.limit)
    if query.after >= query.until:
        return StreamPage([], query.after)
    if query.debt_id is not None:
        rows = await database.fetch(_READ_DEBT, *range_values, query.debt_id, query.kinds)
    elif query.kinds is not None:
        return _search_page(await database.fetch(_SEARCH, *range_values, query.kinds, SEARCH_MAX), query)
    else:
        rows = await database.fetch(_READ, *range_values)
    events = [StreamEvent(*row.values()) for row in rows]
    return StreamPage(events, _reached_position(events, query, query.until))


def _search_page(rows: Sequence[Record], query: EventQuery) -> StreamPage:
    events = [StreamEvent(*list(row.values())[:8]) for row in rows if row["id"] is not None]
    is_cut = rows[0]["number"] >= SEARCH_MAX
    return StreamPage(events, _reached_position(events, query, rows[0]["last"] if is_cut else query.until))


def _reached_position(events: Sequence[StreamEvent], query: EventQuery, searched_position: int) -> int:
    return events[-1].position if len(events) == query.limit else searched_position


async def find(database: Database, workspace_id: UUID, event_id: UUID) -> StreamEvent | None:
    """Return an event that has a position in the stream; None for an unknown id."""
    row = await database.fetchrow(_FIND, workspace_id, event_id)
    return None if row is None else StreamEvent(*row.values())
