"""Processes that hold master keys: a new version wraps nothing before each of them can open it.

Each running process reports every few seconds which versions it can open, and reads them again before it
reports. One that was killed is forgotten a minute later.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from getbill.kit import clock, ids
from getbill.kit.database import DATABASE_ERRORS, Database, Statement
from getbill.vault.model import Vault

EVERY_SECONDS: Final = 2.0
ALIVE_WITHIN: Final = timedelta(seconds=60)
_REMOVE_AFTER: Final = timedelta(hours=1)

_log = structlog.get_logger(__name__)

_HOLD = Statement(
    "vault.hold",
    "Say which master keys a process can open, and which it wraps with.",
    """
    INSERT INTO vault_holders (process_id, process, key_ids, current_id, seen_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (process_id) DO UPDATE
    SET key_ids = excluded.key_ids, current_id = excluded.current_id, seen_at = excluded.seen_at
    """,
)
_LEAVE = Statement(
    "vault.leave",
    "Take a process off the list, and those that nobody has heard of for an hour.",
    "DELETE FROM vault_holders WHERE process_id = $1 OR seen_at < $2",
)
_LACKING = Statement(
    "vault.lacking",
    "Which processes at work cannot open what a master key wraps?",
    "SELECT process FROM vault_holders WHERE seen_at > $1 AND NOT key_ids @> ARRAY[$2::text] ORDER BY process",
)
_BEHIND = Statement(
    "vault.behind",
    "Which processes at work wrap with another master key?",
    "SELECT process FROM vault_holders WHERE seen_at > $1 AND current_id <> $2 ORDER BY process",
)


@asynccontextmanager
async def hold_keys(database: Database, vault: Vault, process: str) -> AsyncIterator[None]:
    """Register a process as a holder of master keys, and reload the file when it changes."""
    process_id = ids.new()
    await _report(database, vault, process_id, process)
    task = asyncio.create_task(_beat(database, vault, process_id, process))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        # In a lost database the registration expires by itself.
        with suppress(*DATABASE_ERRORS):
            await database.execute(_LEAVE, process_id, clock.wall() - _REMOVE_AFTER)


async def processes_lacking(database: Database, key_id: str) -> list[str]:
    """Return the running processes that cannot unwrap with a master key."""
    return [row["process"] for row in await database.fetch(_LACKING, clock.wall() - ALIVE_WITHIN, key_id)]


async def processes_behind(database: Database, key_id: str) -> list[str]:
    """Return the running processes that still wrap with another master key."""
    return [row["process"] for row in await database.fetch(_BEHIND, clock.wall() - ALIVE_WITHIN, key_id)]


async def _beat(database: Database, vault: Vault, process_id: UUID, process: str) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        await _report(database, vault, process_id, process)


async def _report(database: Database, vault: Vault, process_id: UUID, process: str) -> None:
    try:
        vault.refresh()
        key_ids = [key.id.hex() for key in vault.masters]
        await database.execute(_HOLD, process_id, process, key_ids, vault.current.id.hex(), clock.wall())
    except (*DATABASE_ERRORS, OSError) as error:
        _log.warning("vault_hold_not_written", error=type(error).__name__)
