"""Sequencing of events, per workspace if the common run fails: one broken stream delays no other."""

from uuid import UUID

from getbill import events, quarantine
from getbill.events import HighWaterMarks
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item

_MISSING = Statement(
    "streams.missing",
    "Workspaces whose events wait for a stream that is not there.",
    """
    SELECT DISTINCT e.workspace_id FROM events e LEFT JOIN streams s ON s.workspace_id = e.workspace_id
    WHERE e.position IS NULL AND s.workspace_id IS NULL LIMIT 100
    """,
)
_MEND = Statement(
    "streams.mend",
    "Have a stream stand where its last event stands.",
    """
    INSERT INTO streams AS s (workspace_id, position, reacted)
    SELECT $1, coalesce(max(position), 0), coalesce(max(position), 0) FROM events WHERE workspace_id = $1
    ON CONFLICT (workspace_id) DO UPDATE SET position = greatest(s.position, excluded.position)
    """,
)


class StreamMissing(LookupError):
    """Events are waiting for a position in a stream that does not exist."""


async def sequence_events(database: Database, marks: HighWaterMarks | None = None, batch: int = 1000) -> int:
    """Assign positions to committed events and return how many; quarantine a stream that fails."""
    quarantined_ids = await quarantine.workspaces(database, "stream")
    try:
        return await events.sequence(database, batch, marks, skipped_workspaces=quarantined_ids)
    except Exception as error:
        if quarantine.is_transient(error):
            raise
    sequenced_count = 0
    for workspace_id in await events.unsequenced_workspaces(database):
        if workspace_id not in quarantined_ids:
            sequenced_count += await _sequence_workspace(database, workspace_id, marks, batch)
    return sequenced_count


async def _sequence_workspace(
    database: Database, workspace_id: UUID, marks: HighWaterMarks | None, batch: int
) -> int:
    try:
        return await events.sequence(database, batch, marks, only=workspace_id)
    except Exception as error:
        if quarantine.is_transient(error):
            raise
        await quarantine.add_separately(database, Item(workspace_id, "stream", workspace_id), error)
        return 0


async def set_missing_aside(database: Database) -> None:
    """Quarantine missing streams; otherwise their waiting events would be retried for ever."""
    for row in await database.fetch(_MISSING):
        item = Item(row["workspace_id"], "stream", row["workspace_id"])
        if not await quarantine.is_quarantined(database, item):
            await quarantine.add_separately(database, item, StreamMissing())


async def mend(tx: Transaction, workspace_id: UUID) -> None:
    """Reset a quarantined stream to its last event's position, so that the next event gets one."""
    await tx.execute(_MEND, workspace_id)
