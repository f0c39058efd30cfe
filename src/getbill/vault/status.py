"""Status of the master key: the current version, kept versions with their times, and required action."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asyncpg import Record

from getbill.kit import clock
from getbill.kit.database import Database, Statement
from getbill.kit.master_key_lifetime import use_and_retention
from getbill.vault import key_holders
from getbill.vault.key_holders import ALIVE_WITHIN
from getbill.vault.keyfile import KeyFile, of_another
from getbill.vault.model import Vault

_MASTER: Final = Statement(
    "vault.find_status",
    "Current master key, its age, and its predecessors.",
    """
    SELECT key_id, created_at, ARRAY(SELECT o.key_id FROM vault_master o WHERE NOT o.is_current) AS replaced
    FROM vault_master WHERE is_current
    """,
)
_FIRST_ERASURE: Final = Statement(
    "vault.find_first_erasure",
    "Time of the first erasure since an instant, over all workspaces.",
    "SELECT min(erased_at) FROM erasures WHERE erased_at >= $1",
)


@dataclass(frozen=True, slots=True)
class ReplacedVersion:
    """A replaced version of the master key, with which older backups can be opened."""

    key_id: str
    replaced_at: datetime | None
    destroyed_after: datetime | None


@dataclass(frozen=True, slots=True)
class MasterKeyStatus:
    """The master key status of an installation; `due_since` and `notice` if an operator has to act."""

    key_id: str
    is_file: bool
    in_use_since: datetime
    rotation_at: datetime | None
    replaced_versions: tuple[ReplacedVersion, ...] = ()
    next_id: str | None = None
    lacking: tuple[str, ...] = ()
    due_since: datetime | None = None
    notice: str | None = None

    @property
    def opens_since(self) -> datetime | None:
        """Minimum creation time of a backup that can be opened; None if every backup can."""
        replaced = [version.replaced_at for version in self.replaced_versions if version.replaced_at]
        return min(replaced) if replaced else None


async def master_key_status(database: Database, vault: Vault, days: int) -> MasterKeyStatus:
    """Return the status of the master key."""
    row = await database.fetchrow(_MASTER)
    if row is None:
        return MasterKeyStatus(
            vault.current.id.hex(), is_file=False, in_use_since=clock.wall(), rotation_at=None
        )
    if isinstance(vault.source, KeyFile) and vault.source.is_writable:
        return await _file_status(database, vault, vault.source, row["created_at"], days)
    if row["key_id"] != vault.current.id.hex():
        return _rewrap_pending_status(vault, row)
    erased_at = await database.fetchval(_FIRST_ERASURE, row["created_at"])
    return _environment_status(vault, row, erased_at, days)


async def _file_status(
    database: Database, vault: Vault, file: KeyFile, registered_at: datetime, days: int
) -> MasterKeyStatus:
    versions = file.read()
    is_anothers = not versions.is_of(vault.installation_id)
    in_use, retention = use_and_retention(days)
    since = versions.current.made_at or registered_at
    rotation_at = since + in_use
    next_version = versions.next
    lacking = (
        tuple(await key_holders.processes_lacking(database, next_version.hex_id)) if next_version else ()
    )
    # A worker checks every few seconds; a process that was killed is waited for until its heartbeat expires.
    is_late = clock.wall() > rotation_at + 5 * ALIVE_WITHIN
    return MasterKeyStatus(
        versions.current.hex_id,
        is_file=True,
        in_use_since=since,
        rotation_at=rotation_at,
        replaced_versions=tuple(
            ReplacedVersion(
                version.hex_id,
                version.replaced_at,
                version.replaced_at + retention if version.replaced_at else None,
            )
            for version in versions.replaced
        ),
        next_id=next_version.hex_id if next_version else None,
        lacking=lacking,
        due_since=rotation_at if is_late else None,
        notice=of_another(file.path)
        if is_anothers
        else _late_notice(rotation_at, lacking)
        if is_late
        else None,
    )


def _late_notice(rotation_at: datetime, lacking: tuple[str, ...]) -> str:
    due = f"The rotation of the master key has been due since {_format_instant(rotation_at)}"
    if lacking:
        return (
            f"{due}; {len(lacking)} processes ({', '.join(sorted(set(lacking)))}) do not have the new key: set "
            "GETBILL_MASTER_KEY_FILE to the same file for all of them."
        )
    return f"{due}: start `getbill worker` where the key file is, or run `getbill vault rotate`."


def _rewrap_pending_status(vault: Vault, row: Record) -> MasterKeyStatus:
    return MasterKeyStatus(
        vault.current.id.hex(),
        is_file=False,
        in_use_since=row["created_at"],
        rotation_at=None,
        notice=f"Keys are still wrapped by the master key {row['key_id']}: run `getbill vault rewrap`.",
    )


def _environment_status(vault: Vault, row: Record, erased_at: datetime | None, days: int) -> MasterKeyStatus:
    where = str(vault.source.path) if isinstance(vault.source, KeyFile) else "GETBILL_MASTER_KEY"
    in_use, retention = use_and_retention(days)
    now, since = clock.wall(), row["created_at"]
    key_ids = [key.id.hex() for key in vault.masters]
    older = tuple(
        ReplacedVersion(key_id, since, since + retention) for key_id in key_ids if key_id in row["replaced"]
    )
    rotation_at = erased_at + in_use if erased_at else None
    due_since, notice = None, None
    if rotation_at is not None and rotation_at <= now:
        due_since = rotation_at
        notice = (
            f"The rotation of the master key in {where} has been due since {_format_instant(rotation_at)}: see "
            "docs/runbook.md."
        )
    elif older and since + retention <= now:
        due_since = since + retention
        notice = (
            f"The removal of the replaced master keys has been due since {_format_instant(due_since)}: remove "
            f"{', '.join(version.key_id for version in older)} from {where}."
        )
    return MasterKeyStatus(
        vault.current.id.hex(),
        is_file=False,
        in_use_since=since,
        rotation_at=rotation_at,
        replaced_versions=older,
        due_since=due_since,
        notice=notice,
    )


def _format_instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
