"""Sequencing of a workspace's events; a stream that fails is quarantined."""

from uuid import UUID

from getbill import events, quarantine
from getbill.events import HighWaterMarks
from getbill.kit import work
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item

_EXISTS = Statement(
    "streams.has_stream",
    "Whether a workspace has a stream.",
    "SELECT EXISTS (SELECT FROM streams WHERE workspace_id = $1)",
)
_MEND = Statement(
    "streams.mend_stream",
    "Set the position of a stream to that of its last event.",
    """
    INSERT INTO streams AS s (workspace_id, position, reacted)
    SELECT $1, coalesce(max(position), 0), coalesce(max(position), 0) FROM events WHERE workspace_id = $1
    ON CONFLICT (workspace_id) DO UPDATE SET position = greatest(s.position, excluded.position)
    """,
)


class StreamMissing(LookupError):
    """Events are waiting for a position in a stream that does not exist."""


async def sequence_events(
    database: Database, workspace_id: UUID, marks: HighWaterMarks | None = None, batch: int = 1000
) -> int | None:
    """Assign positions to committed events and return how many; quarantine the stream if it fails.

    Returns None if another process holds the stream.
    """
    try:
        return await _sequence(database, workspace_id, batch, marks)
    except Exception as error:
        if quarantine.is_transient(error):
            raise
        await quarantine.add_separately(database, Item(workspace_id, "stream", workspace_id), error)
        return 0


async def _sequence(
    database: Database, workspace_id: UUID, batch: int, marks: HighWaterMarks | None
) -> int | None:
    count = await events.sequence(database, workspace_id, batch, marks)
    if count is None and not await database.fetchval(_EXISTS, workspace_id):
        raise StreamMissing
    return count


async def mend(tx: Transaction, workspace_id: UUID) -> None:
    """Reset a quarantined stream to its last event's position, so that the next event gets one."""
    await tx.execute(_MEND, workspace_id)
    work.note(tx, workspace_id, "stream", work.EARLIEST)
