"""Maintenance of an installation: tasks at start and once a day, by one worker.

The queue's schedule sets the time, so that one of several workers runs it; every task is safe to repeat.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import uuid5

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.models import Schedule

from getbill import access, companies, imports, quarantine, sftp, webhooks
from getbill import vault as vaults
from getbill.kit import clock, work
from getbill.kit.database import Database, Statement
from getbill.quarantine import INSTALLATION, Item
from getbill.settings import Settings
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

# Night in Europe; the schedule is in UTC.
EVERY_NIGHT: Final = "17 2 * * *"
_QUEUE_LOG_RETENTION: Final = timedelta(days=7)

_PRUNE_QUEUE_LOG = Statement(
    "process.prune_queue_log",
    "Delete old lines of the queue's log of finished jobs.",
    "DELETE FROM pgqueuer_log WHERE created < $1",
)


async def run_all(database: Database, vault: Vault, settings: Settings) -> None:
    """Run all maintenance now; a task that fails is quarantined, and the others run."""
    now = clock.wall()
    parts: dict[str, Callable[[], Awaitable[object]]] = {
        "access": lambda: access.run_maintenance(database, vault, now, settings.access_log_days),
        "partitions": lambda: webhooks.keep_partitions(database, now),
        "rotations": lambda: webhooks.end_rotations(database, now),
        "imports": lambda: imports.drop_expired(database, vault),
        "cut_files": lambda: sftp.cut_abandoned(database, now),
        "old_files": lambda: sftp.expire(database, now),
        "work": lambda: compute_work_anew(database),
        "vacuum": lambda: vaults.vacuum_keys(database),
        "queue_log": lambda: database.execute(_PRUNE_QUEUE_LOG, now - _QUEUE_LOG_RETENTION),
    }
    for name, part in parts.items():
        await _run_part(database, name, part)
    _log.info("maintenance_completed")


async def compute_work_anew(database: Database) -> None:
    """Have every workspace visited for every kind of work, so that the index of due work is right by itself.

    It is anyway, unless rows were changed by hand.
    """
    for workspace_id in await companies.workspace_ids(database):
        async with database.transaction(clock.wall()) as tx:
            await work.note_every_kind(tx, workspace_id)


async def _run_part(database: Database, name: str, part: Callable[[], Awaitable[object]]) -> None:
    item = Item(INSTALLATION, "job", uuid5(INSTALLATION, name))
    try:
        await part()
    except Exception as error:
        is_own = isinstance(error, asyncpg.SyntaxOrAccessError)
        if quarantine.is_transient(error) and not is_own:
            raise
        _log.error("maintenance_failed", part=name)
        await quarantine.add_separately(database, item, error)
        return
    async with database.transaction(clock.wall()) as tx:
        await quarantine.resolve(tx, item)


def maintenance_tick(
    database: Database, vault: Vault, settings: Settings, stop: asyncio.Event
) -> Callable[[], Awaitable[bool]]:
    """Return the tick of a loop that runs maintenance at once and then every night until stopped."""

    async def at_night(_schedule: Schedule) -> None:
        await run_all(database, vault, settings)

    async def run_nightly() -> bool:
        await run_all(database, vault, settings)
        scheduler = SchedulerManager(Queries(AsyncpgPoolDriver(database.pool)))
        scheduler.shutdown = stop
        scheduler.schedule("upkeep", EVERY_NIGHT, clean_old=True)(at_night)
        await scheduler.run()
        return False

    return run_nightly
