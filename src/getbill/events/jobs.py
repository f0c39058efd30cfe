"""The sequencer: puts the committed events of a workspace in one order for all readers.

Events are committed in any order and by many machines; one sequencer at a time assigns their `position`,
gap-free per workspace and, for one debt, always in the order of its `sequence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from getbill.events.high_water_marks import STREAM_CHANNEL, HighWaterMarks
from getbill.kit import clock, failpoints
from getbill.kit.database import Database, Statement, Transaction

_TRY_LOCK = Statement(
    "events.try_sequencer_lock",
    "Try the sequencer's lock, alone, so that the next statement sees what the last holder wrote.",
    "SELECT pg_try_advisory_xact_lock(hashtextextended('getbill:sequencer', 0))",
)
_SEQUENCE = Statement(
    "events.assign_positions",
    "Assign the next stream positions to the oldest committed events.",
    # Machines' clocks differ: an event never counts as recorded before its debt's earlier events, and is
    # never sequenced without those of them that are waiting too.
    """
    WITH oldest AS (
        SELECT workspace_id, debt_id, sequence FROM events
        WHERE position IS NULL AND workspace_id <> ALL($3::uuid[]) AND ($4::uuid IS NULL OR workspace_id = $4)
        ORDER BY recorded_at LIMIT $1
    ), taken AS (
        SELECT workspace_id, debt_id, max(sequence) AS last FROM oldest GROUP BY workspace_id, debt_id
    ), waiting AS (
        SELECT e.workspace_id, e.id, e.debt_id, e.sequence, max(e.recorded_at) OVER (
            PARTITION BY e.workspace_id, e.debt_id ORDER BY e.sequence) AS counts_from
        FROM taken CROSS JOIN LATERAL (
            SELECT * FROM events
            WHERE workspace_id = taken.workspace_id AND debt_id = taken.debt_id AND sequence <= taken.last
                -- Said so that no index of what waits is walked for each debt: their product is seconds.
                AND coalesce(position, 0) = 0
            OFFSET 0  -- debt by debt, however many wait in all
        ) AS e
    ), ranked AS (
        SELECT workspace_id, id, row_number() OVER (
            PARTITION BY workspace_id ORDER BY counts_from, debt_id, sequence) AS place
        FROM waiting
    ), grown AS (
        UPDATE streams s SET position = s.position + more.events
        FROM (SELECT workspace_id, count(*) AS events FROM ranked GROUP BY workspace_id) AS more
        WHERE s.workspace_id = more.workspace_id
        RETURNING s.workspace_id, s.epoch, s.position, s.position - more.events AS before
    ), placed AS (
        UPDATE events e SET position = grown.before + ranked.place
        FROM ranked JOIN grown ON grown.workspace_id = ranked.workspace_id
        WHERE e.workspace_id = ranked.workspace_id AND e.id = ranked.id
    )
    -- Heard after the commit, by whoever waits for news of the stream.
    SELECT workspace_id, epoch, before, position,
        pg_notify($2, workspace_id || ' ' || epoch || ' ' || position) FROM grown
    """,
)
_UNSEQUENCED = Statement(
    "events.list_unsequenced",
    "Workspaces with events that have no position.",
    "SELECT DISTINCT workspace_id FROM events WHERE position IS NULL LIMIT 1000",
)
_WORKSPACES_TO_FAN_OUT = Statement(
    "events.list_to_fan_out",
    "Workspaces whose streams have events that are not fanned out.",
    "SELECT workspace_id FROM streams WHERE reacted < position ORDER BY workspace_id LIMIT 1000",
)
_CLAIM_FOR_FAN_OUT = Statement(
    "events.claim_for_fan_out",
    "Claim the next range of each stream that is not fanned out.",
    """
    WITH behind AS (
        SELECT workspace_id, reacted AS after, least(position, reacted + $1) AS until
        FROM streams WHERE reacted < position AND ($2::uuid IS NULL OR workspace_id = $2) ORDER BY workspace_id LIMIT 100 FOR UPDATE SKIP LOCKED
    )
    UPDATE streams s SET reacted = behind.until FROM behind WHERE s.workspace_id = behind.workspace_id
    RETURNING s.workspace_id, behind.after, behind.until
    """,
)


@dataclass(frozen=True, slots=True)
class StreamRange:
    """A part of one workspace's stream: the events with `after` < position <= `until`."""

    workspace_id: UUID
    after: int
    until: int


async def sequence(
    database: Database,
    batch: int = 1000,
    marks: HighWaterMarks | None = None,
    *,
    only: UUID | None = None,
    skipped_workspaces: Sequence[UUID] = (),
) -> int:
    """Assign positions to committed events and return how many; 0 also if another process is doing so.

    About `batch` at a time; call it again until it returns 0. `only` limits it to one workspace. A stream
    that ended before its mark begins a new epoch in the same transaction, so that no reader continues in it
    unaware.
    """
    async with database.transaction(clock.wall()) as tx:
        if not await tx.fetchval(_TRY_LOCK):
            return 0
        grown_streams = await tx.fetch(_SEQUENCE, batch, STREAM_CHANNEL, list(skipped_workspaces), only)
        if marks is not None and (behind := _behind(grown_streams, marks)):
            await marks.begin_epochs(tx, behind)
        if grown_streams:
            failpoints.at("events.sequencing")
    if grown_streams:
        failpoints.at("events.sequenced")
    if marks is not None:
        for row in grown_streams:
            marks.raise_mark(row["workspace_id"], (row["epoch"], row["position"]))
    return sum(row["position"] - row["before"] for row in grown_streams)


def _behind(grown_streams: Sequence[Record], marks: HighWaterMarks) -> dict[UUID, int]:
    """Return the streams that ended before their marks, each with the number of events just added."""
    return {
        row["workspace_id"]: row["position"] - row["before"]
        for row in grown_streams
        if marks.is_behind(row["workspace_id"], (row["epoch"], row["before"]))
    }


async def unsequenced_workspaces(database: Database) -> list[UUID]:
    """Return workspaces with events that have no position yet."""
    return [row["workspace_id"] for row in await database.fetch(_UNSEQUENCED)]


async def workspaces_to_fan_out(database: Database) -> list[UUID]:
    """Return workspaces with events that are not fanned out yet."""
    return [row["workspace_id"] for row in await database.fetch(_WORKSPACES_TO_FAN_OUT)]


async def claim_for_fan_out(tx: Transaction, batch: int, only: UUID | None = None) -> list[StreamRange]:
    """Claim stream ranges to fan out in this transaction; its commit marks them as done.

    Locks the streams' rows, skipping those that another worker holds; at most `batch` events of each stream,
    or of `only` one.
    """
    rows = await tx.fetch(_CLAIM_FOR_FAN_OUT, batch, only)
    return [StreamRange(row["workspace_id"], row["after"], row["until"]) for row in rows]
