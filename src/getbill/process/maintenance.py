"""Maintenance of an installation: tasks at start and once a day, by one worker.

A row says when it is due, and one of several workers claims it under a lease: a night that nobody worked is
caught up, and what a killed worker began is begun again. Every task is safe to repeat.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import uuid5

import asyncpg
import structlog

from getbill import access, companies, debts, imports, quarantine, sftp, webhooks
from getbill import vault as vaults
from getbill.kit import clock, work
from getbill.kit.database import Database, Statement
from getbill.quarantine import INSTALLATION, Item
from getbill.settings import Settings
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

# Night in Europe.
NIGHT: Final = time(2, 17, tzinfo=UTC)
LEASE: Final = timedelta(hours=1)

_CLAIM = Statement(
    "process.claim_maintenance",
    "Claim the maintenance of the installation if it is due.",
    "UPDATE maintenance SET due_at = $2 WHERE due_at <= $1 RETURNING true",
)
_COMPLETE = Statement(
    "process.complete_maintenance",
    "Make the maintenance due in the next night.",
    "UPDATE maintenance SET due_at = $1",
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
        "creditors": lambda: debts.link_creditors(database, vault),
        "work": lambda: compute_work_anew(database),
        "vacuum": lambda: vaults.vacuum_keys(database),
    }
    for name, part in parts.items():
        await _run_part(database, name, part)
    await database.execute(_COMPLETE, next_night(now))
    _log.info("maintenance_completed")


def next_night(now: datetime) -> datetime:
    """Return the next time at which maintenance is due."""
    tonight = datetime.combine(now.astimezone(UTC).date(), NIGHT)
    return tonight if tonight > now else tonight + timedelta(days=1)


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


def maintenance_tick(database: Database, vault: Vault, settings: Settings) -> Callable[[], Awaitable[bool]]:
    """Return the tick of a loop that runs maintenance at once, and then whenever it is due."""
    is_first = True

    async def run_due() -> bool:
        nonlocal is_first
        now = clock.wall()
        if is_first or await database.fetchval(_CLAIM, now, now + LEASE):
            await run_all(database, vault, settings)
            is_first = False
        return False

    return run_due
