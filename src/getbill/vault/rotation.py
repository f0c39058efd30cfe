"""Rotation of the master key while everything runs, and timely destruction of its replaced versions.

A version is in use for a sixth of the erasure days and kept for the rest of them: a key that was destroyed
under it can no longer be unwrapped from any backup once those days are over, and a backup can be opened for
as long as the version it was made under is kept. Every step is safe to repeat, so that a rotation that was
killed continues: the new version is announced in the file, is promoted once every process can open it, and
rewraps every key, in batches; the replaced one is destroyed when its time is over and it wraps nothing any
more.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from asyncpg import Record

from getbill.kit import clock, failpoints
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.master_key_lifetime import use_and_retention
from getbill.vault import key_holders
from getbill.vault.keyfile import KeyFile, Version, Versions, of_another
from getbill.vault.model import MasterKeyWrong, SealBroken, Vault

BATCH: Final = 500
# A change that wrapped a key under a replaced version is committed or rolled back after this.
SETTLE_DELAY: Final = timedelta(seconds=60)

_log = structlog.get_logger(__name__)

_LOCK = Statement(
    "vault.lock_rotation",
    "Lock the key file against other changes.",
    "SELECT pg_advisory_xact_lock(hashtextextended('getbill:vault', 0))",
)
_CURRENT = Statement(
    "vault.find_current",
    "Current master key.",
    "SELECT key_id FROM vault_master WHERE is_current",
)
_STALE_KEYS = Statement(
    "vault.list_stale_keys",
    "Keys of a workspace that a former master key wraps, from a subject on.",
    """
    SELECT subject_id, wrapped FROM vault_keys
    WHERE workspace_id = $1 AND substr(wrapped, 2, 8) <> $2 AND subject_id > $3
    ORDER BY subject_id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
    """,
)
_REWRAP = Statement(
    "vault.rewrap_keys",
    "Replace keys of a workspace by the same keys, wrapped by the current master key.",
    # As kit.database.row_statements: by key, also without statistics.
    """
    UPDATE vault_keys k SET wrapped = n.wrapped
    FROM unnest((SELECT $2::uuid[]), (SELECT $3::bytea[])) AS n (subject_id, wrapped)
    WHERE k.workspace_id = $1 AND k.subject_id = n.subject_id
    """,
)
_COUNT_STALE = Statement(
    "vault.count_stale_keys",
    "Number of keys that a former master key wraps, by workspace.",
    """
    SELECT workspace_id, count(*) AS number FROM vault_keys WHERE substr(wrapped, 2, 8) <> $1 GROUP BY workspace_id
    ORDER BY workspace_id
    """,
)
_RETIRE_MASTER = Statement(
    "vault.retire_master",
    "Retire the current master key.",
    "UPDATE vault_master SET is_current = false WHERE is_current AND key_id <> $1",
)
REGISTER_MASTER = Statement(
    "vault.register_master",
    "Make a master key the current one.",
    """
    INSERT INTO vault_master (key_id, is_current, installation_key, created_at) VALUES ($1, true, $2, $3)
    ON CONFLICT (key_id) DO UPDATE SET is_current = true, installation_key = excluded.installation_key,
        created_at = CASE WHEN vault_master.is_current THEN vault_master.created_at ELSE excluded.created_at END
    """,
)
_DELETE_MASTERS = Statement(
    "vault.delete_masters",
    "Delete master keys that the key file no longer has.",
    "DELETE FROM vault_master WHERE NOT is_current AND NOT key_id = ANY($1)",
)

ShouldContinue = Callable[[], bool]
_NOWHERE: Final = UUID(int=0)


def forever() -> bool:
    """Continue until the work is done."""
    return True


async def rotate(database: Database, vault: Vault, should_continue: ShouldContinue = forever) -> int:
    """Rewrap every key under the current master key and return how many; safe to repeat after a crash.

    In batches, skipping locked keys: those follow in the next pass. A key that no master key opens is left
    unchanged and logged.
    """
    rewrapped_count, is_done = await _rewrap_all(database, vault, should_continue)
    if is_done:
        await _register(database, vault)
    return rewrapped_count


async def _register(database: Database, vault: Vault) -> None:
    key_id = vault.current.id.hex()
    async with database.transaction(clock.wall()) as tx:
        await tx.execute(_RETIRE_MASTER, key_id)
        await tx.execute(REGISTER_MASTER, key_id, vault.wrap_installation(), clock.wall())
        await tx.execute(_DELETE_MASTERS, [key.id.hex() for key in vault.masters])
    failpoints.at("vault.registered")


async def _rewrap_all(
    database: Database, vault: Vault, should_continue: ShouldContinue = forever
) -> tuple[int, bool]:
    """Return how many keys were rewrapped, and whether no other master key wraps a readable one."""
    rewrapped_count = 0
    stale_counts = await _stale_counts(database, vault)
    while should_continue():
        pass_count = unreadable = 0
        for workspace_id in stale_counts:
            counts = await _rewrap_workspace(database, vault, workspace_id, should_continue)
            pass_count, unreadable = pass_count + counts[0], unreadable + counts[1]
        rewrapped_count += pass_count
        stale_counts = await _stale_counts(database, vault)
        _log.info("vault_pass_completed", rewrapped=pass_count, remaining=sum(stale_counts.values()))
        if not pass_count:
            return rewrapped_count, sum(stale_counts.values()) <= unreadable
    return rewrapped_count, False


async def _stale_counts(database: Database, vault: Vault) -> dict[UUID, int]:
    return {
        row["workspace_id"]: row["number"] for row in await database.fetch(_COUNT_STALE, vault.current.id)
    }


async def _rewrap_workspace(
    database: Database, vault: Vault, workspace_id: UUID, should_continue: ShouldContinue
) -> tuple[int, int]:
    """Return how many keys of a workspace were rewrapped, and how many no master key opens."""
    rewrapped_count = unreadable = 0
    cursor = _NOWHERE
    while should_continue():
        async with database.transaction(clock.wall()) as tx:
            rows = await tx.fetch(_STALE_KEYS, workspace_id, vault.current.id, cursor, BATCH)
            if not rows:
                break
            rewrapped_rows = [
                rewrapped_row
                for row in rows
                if (rewrapped_row := _rewrapped(vault, workspace_id, row)) is not None
            ]
            arrays = ([rewrapped_row[column] for rewrapped_row in rewrapped_rows] for column in range(2))
            await tx.execute(_REWRAP, workspace_id, *arrays)
            cursor = rows[-1]["subject_id"]
        rewrapped_count += len(rewrapped_rows)
        unreadable += len(rows) - len(rewrapped_rows)
        failpoints.at("vault.rewrapped")
    return rewrapped_count, unreadable


def _rewrapped(vault: Vault, workspace_id: UUID, row: Record) -> tuple[UUID, bytes] | None:
    subject_id = row["subject_id"]
    try:
        return subject_id, vault.rewrap(row["wrapped"], workspace_id, subject_id)
    except SealBroken:
        _log.error("vault_key_unreadable", workspace=str(workspace_id), subject=str(subject_id))
        return None


async def is_settled(database: Database, key_id: str) -> bool:
    """Return whether the database records that a master key wraps all its keys."""
    return bool(await database.fetchval(_CURRENT) == key_id)


class MasterKeyRotation:
    """The life cycle of the master key in a file, as one process runs it."""

    def __init__(self, database: Database, vault: Vault, file: KeyFile, days: int) -> None:
        self._database = database
        self._vault = vault
        self._file = file
        self._in_use, self._retention = use_and_retention(days)
        self._is_reported = False

    async def run_due(self, should_continue: ShouldContinue = forever) -> None:
        """Run the due steps: announce, promote, rewrap, destroy; none on the file of another database."""
        if not self._file.read().is_of(self._vault.installation_id):
            if not self._is_reported:
                _log.error("vault_key_file_mismatched", reason=of_another(self._file.path))
            self._is_reported = True
            return
        versions = await self.announce()
        if versions.next is not None:
            await self.promote()
        await self.rewrap(should_continue)
        await self.destroy()

    async def announce(self, *, at_once: bool = False) -> Versions:
        """Write the next version into the file when it is due, or `at_once`; return the file's content."""
        async with self._database.transaction(clock.wall()) as tx:
            versions, now = await self._locked_versions(tx), clock.wall()
            self._file.shred_leftovers()
            dated = versions.dated(now).owned(self._vault.installation_id)
            is_due = at_once or now >= (dated.current.made_at or now) + self._in_use
            if is_due and not dated.next and await is_settled(self._database, dated.current.hex_id):
                dated = dated.announced(now)
            if dated != versions:
                self._file.write(dated)
        failpoints.at("vault.announced")
        return dated

    async def promote(self) -> list[str]:
        """Promote the next version, unless some processes cannot open it yet: return those."""
        self._vault.refresh()
        async with self._database.transaction(clock.wall()) as tx:
            versions = await self._locked_versions(tx)
            if versions.next is None:
                return []
            lacking = await key_holders.processes_lacking(self._database, versions.next.hex_id)
            if lacking:
                return lacking
            self._file.write(versions.promoted(clock.wall()))
        _log.info("vault_rotated", current=versions.next.hex_id, replaced=versions.current.hex_id)
        failpoints.at("vault.promoted")
        return []

    async def rewrap(self, should_continue: ShouldContinue = forever) -> int | None:
        """Rewrap every key under the current version if necessary; return how many were.

        None while some process still wraps with the replaced version, or keys are locked: call it again.
        """
        self._vault.refresh()
        current_id = self._vault.current.id.hex()
        if await is_settled(self._database, current_id):
            return 0
        if await key_holders.processes_behind(self._database, current_id):
            return None
        rewrapped_count, is_done = await _rewrap_all(self._database, self._vault, should_continue)
        if not is_done:
            return None
        await _register(self._database, self._vault)
        return rewrapped_count

    async def destroy(self, *, at_once: bool = False) -> list[Version]:
        """Destroy the replaced versions whose time is over, or all of them `at_once`; return those.

        A version is kept until every change that may have used it is over and every process uses the newer
        one.
        """
        versions, now = self._file.read(), clock.wall()
        wait = SETTLE_DELAY if at_once else max(self._retention, SETTLE_DELAY)
        expired = [version for version in versions.replaced if (version.replaced_at or now) + wait <= now]
        current_id = versions.current.hex_id
        if not expired or await key_holders.processes_behind(self._database, current_id):
            return []
        self._vault.refresh()
        # Rewraps what a slow change wrapped with the old version after the rotation.
        _, is_done = await _rewrap_all(self._database, self._vault)
        if not is_done or not await is_settled(self._database, current_id):
            return []
        async with self._database.transaction(now) as tx:
            versions = await self._locked_versions(tx)
            remaining = versions.without(expired, now)
            self._file.destroy(remaining)
            await tx.execute(_DELETE_MASTERS, [version.hex_id for version in remaining.openable])
        _log.info("vault_versions_destroyed", versions=[version.hex_id for version in expired])
        return expired

    async def _locked_versions(self, tx: Transaction) -> Versions:
        await tx.execute(_LOCK)
        versions = self._file.read()
        if not versions.is_of(self._vault.installation_id):
            raise MasterKeyWrong(of_another(self._file.path))
        return versions
