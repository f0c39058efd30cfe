"""The stream's work in every workspace that the index names, for tests that do not run a worker."""

from collections.abc import AsyncIterator
from uuid import UUID

from getbill import events, quarantine, streams, webhooks
from getbill.events import HighWaterMarks
from getbill.kit import clock, work
from getbill.kit.database.transactions import Database


def due(database: Database) -> AsyncIterator[UUID]:
    return work.due_workspaces(database, "stream", clock.wall())


async def sequence(database: Database, batch: int = 1000, marks: HighWaterMarks | None = None) -> int:
    """Give a batch of each workspace's events their positions; return how many."""
    return sum(
        [
            await events.sequence(database, workspace_id, batch, marks) or 0
            async for workspace_id in due(database)
        ]
    )


async def sequence_events(database: Database) -> int:
    """The same as a worker does it, which passes over streams in quarantine."""
    suspended = await quarantine.workspaces(database, "stream")
    return sum(
        [
            await streams.sequence_events(database, workspace_id) or 0
            async for workspace_id in due(database)
            if workspace_id not in suspended
        ]
    )


async def enqueue_deliveries(database: Database, batch: int = 1000) -> int:
    """Fan out a batch of each stream; return how many streams there were."""
    return sum(
        [
            (await webhooks.enqueue_deliveries(database, workspace_id, batch)).range_count
            async for workspace_id in due(database)
        ]
    )


async def catch_up(database: Database, batch: int = 1000) -> int:
    """Fan out what endpoints missed; return how many are behind still."""
    return sum(
        [await webhooks.catch_up(database, workspace_id, batch) async for workspace_id in due(database)]
    )
