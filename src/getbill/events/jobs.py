"""The sequencer: puts the committed events of a workspace in one order for all readers.

Events are committed in any order and by many machines. One process at a time assigns the positions of a
stream: gap-free and, for one debt, always in the order of its `sequence`.
"""

from dataclasses import dataclass
from uuid import UUID

from getbill.events.high_water_marks import STREAM_CHANNEL, HighWaterMarks
from getbill.kit import clock, failpoints
from getbill.kit.database import Database, Statement, Transaction

_LOCK = Statement(
    "events.lock_stream",
    "Lock a stream, alone, so that the next statement sees what the last holder wrote.",
    "SELECT position FROM streams WHERE workspace_id = $1 FOR NO KEY UPDATE SKIP LOCKED",
)
_SEQUENCE = Statement(
    "events.assign_positions",
    "Assign the next positions of a stream to its oldest committed events.",
    # Machines' clocks differ: an event never counts as recorded before its debt's earlier events, and is
    # never sequenced without those of them that are waiting too.
    """
    WITH oldest AS (
        SELECT debt_id, sequence FROM events
        WHERE workspace_id = $1 AND position IS NULL ORDER BY recorded_at LIMIT $2
    ), taken AS (
        SELECT debt_id, max(sequence) AS last FROM oldest GROUP BY debt_id
    ), waiting AS (
        SELECT e.id, e.debt_id, e.sequence, max(e.recorded_at) OVER (
            PARTITION BY e.debt_id ORDER BY e.sequence) AS counts_from
        FROM taken CROSS JOIN LATERAL (
            SELECT * FROM events
            WHERE workspace_id = $1 AND debt_id = taken.debt_id AND sequence <= taken.last
                -- Said so that no index of what waits is walked for each debt: their product is seconds.
                AND coalesce(position, 0) = 0
            OFFSET 0  -- debt by debt, however many wait in all
        ) AS e
    ), ranked AS (
        SELECT id, row_number() OVER (ORDER BY counts_from, debt_id, sequence) AS place FROM waiting
    ), grown AS (
        UPDATE streams s SET position = s.position + more.events
        FROM (SELECT count(*) AS events FROM ranked) AS more
        WHERE s.workspace_id = $1 AND more.events > 0
        RETURNING s.epoch, s.position, s.position - more.events AS before
    ), placed AS (
        UPDATE events e SET position = grown.before + ranked.place FROM ranked CROSS JOIN grown
        WHERE e.workspace_id = $1 AND e.id = ranked.id
    )
    SELECT epoch, before, position FROM grown
    """,
)
_ANNOUNCE = Statement(
    "events.announce_growth",
    "Wake, after the commit, whoever waits for news of a stream.",
    "SELECT pg_notify($1, $2)",
)
_CLAIM_FOR_FAN_OUT = Statement(
    "events.claim_for_fan_out",
    "Claim the next range of a stream that is not fanned out.",
    """
    WITH behind AS (
        SELECT reacted AS after, least(position, reacted + $2) AS until FROM streams
        WHERE workspace_id = $1 AND reacted < position FOR UPDATE SKIP LOCKED
    )
    UPDATE streams s SET reacted = behind.until FROM behind WHERE s.workspace_id = $1
    RETURNING behind.after, behind.until
    """,
)


@dataclass(frozen=True, slots=True)
class StreamRange:
    """A part of one workspace's stream: the events with `after` < position <= `until`."""

    workspace_id: UUID
    after: int
    until: int


async def sequence(
    database: Database, workspace_id: UUID, batch: int = 1000, marks: HighWaterMarks | None = None
) -> int | None:
    """Assign positions to committed events of a workspace and return how many.

    About `batch` at a time; call it again until it returns 0. Returns None if another process holds the
    stream, or if there is none. A stream that ended before its mark begins a new epoch in the same
    transaction, so that no reader continues in it unaware.
    """
    async with database.transaction(clock.wall()) as tx:
        if await tx.fetchval(_LOCK, workspace_id) is None:
            return None
        growth = await tx.fetchrow(_SEQUENCE, workspace_id, batch)
        if growth is None:
            return 0
        event_count: int = growth["position"] - growth["before"]
        await tx.execute(_ANNOUNCE, STREAM_CHANNEL, f"{workspace_id} {growth['epoch']} {growth['position']}")
        if marks is not None and marks.is_behind(workspace_id, (growth["epoch"], growth["before"])):
            await marks.begin_epochs(tx, {workspace_id: event_count})
        failpoints.at("events.sequencing")
    failpoints.at("events.sequenced")
    if marks is not None:
        marks.raise_mark(workspace_id, (growth["epoch"], growth["position"]))
    return event_count


async def claim_for_fan_out(tx: Transaction, workspace_id: UUID, batch: int) -> StreamRange | None:
    """Claim the next range of a stream to fan out in this transaction; its commit marks it as done.

    Locks the stream's row; at most `batch` events. Returns None if there is nothing to fan out, or another
    worker holds the stream.
    """
    row = await tx.fetchrow(_CLAIM_FOR_FAN_OUT, workspace_id, batch)
    return None if row is None else StreamRange(workspace_id, row["after"], row["until"])
