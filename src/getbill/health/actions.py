"""Worker heartbeats: one row that a worker touches every few seconds and deletes when it ends.

A worker that hangs stops touching it; one that was killed leaves a row that ages and is deleted by the
others.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from getbill.kit import clock, ids
from getbill.kit.database import DATABASE_ERRORS, Database, Statement

EVERY_SECONDS: Final = 2.0
# Maximum age of the last heartbeat of a worker that counts as alive.
ALIVE_WITHIN: Final = timedelta(seconds=15)
_REMOVE_AFTER: Final = timedelta(hours=1)

_log = structlog.get_logger(__name__)

_BEAT = Statement(
    "health.beat",
    "Say that this worker lives.",
    """
    INSERT INTO heartbeats (process_id, started_at, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (process_id) DO UPDATE SET seen_at = $3
    """,
)
_OTHERS = Statement(
    "health.others",
    "Is there any sign of life?",
    "SELECT EXISTS (SELECT FROM heartbeats)",
)
_END = Statement(
    "health.end",
    "Take a worker off the list, and those that nobody has heard of for an hour.",
    "DELETE FROM heartbeats WHERE process_id = $1 OR seen_at < $2",
)


async def has_others(database: Database) -> bool:
    """Return whether there is a heartbeat of another worker, running or killed."""
    return bool(await database.fetchval(_OTHERS))


async def beat(database: Database) -> None:
    """Keep this worker's heartbeat fresh until cancelled, then delete it."""
    process_id, started_at = ids.new(), clock.wall()
    try:
        while True:
            await _write_beat(database, process_id, started_at)
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        # In a lost database the heartbeat ages by itself.
        with suppress(*DATABASE_ERRORS):
            await database.execute(_END, process_id, clock.wall() - _REMOVE_AFTER)


async def _write_beat(database: Database, process_id: UUID, started_at: datetime) -> None:
    try:
        await database.execute(_BEAT, process_id, started_at, clock.wall())
    except DATABASE_ERRORS as error:
        _log.warning("heartbeat_not_written", error=type(error).__name__)
