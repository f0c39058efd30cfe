"""The master key file: one version per line with its times, the current version first.

A rotation announces the `next` version, promotes it to the current one, and destroys the replaced one in
time. Each step replaces the whole file, so that a crash leaves the state before it or after it. The comments
hold no secrets.
"""

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from re import compile as pattern
from typing import Final

from getbill.kit import failpoints
from getbill.kit.files import durable_files
from getbill.vault.model import Key, MasterKeyWrong, read_master_keys

DESTROYED_MAX: Final = 50

_TIME: Final = pattern(r"\b(made|replaced) (\S+?Z)")
_INSTALLATION: Final = pattern(r"#\s*installation ([0-9a-f]{16})")
_DESTROYED: Final = pattern(r"#\s*destroyed ([0-9a-f]{16}) (\S+Z)")
_HEAD: Final = (
    "# Master keys of the vault, the one in use first. Keep this file apart from every backup of the database:\n"
    "# a backup opens only with the version that was in use when it was made.\n"
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the master key with the times of its life."""

    key: Key
    made_at: datetime | None = None
    replaced_at: datetime | None = None
    is_next: bool = False

    @property
    def hex_id(self) -> str:
        """The id in hexadecimal."""
        return self.key.id.hex()

    def line(self) -> str:
        """Return its line of the file."""
        life = ["next"] if self.is_next else []
        life += [f"made {_format_time(self.made_at)}"] if self.made_at else []
        life += [f"replaced {_format_time(self.replaced_at)}"] if self.replaced_at else []
        return f"{base64.b64encode(self.key.secret).decode()}  # {', '.join(life)}\n"


@dataclass(frozen=True, slots=True)
class DestroyedVersion:
    """The record of a destroyed version."""

    hex_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of the master key, and the record of those destroyed."""

    current: Version
    next: Version | None = None
    replaced: tuple[Version, ...] = ()
    destroyed: tuple[DestroyedVersion, ...] = field(default=())
    # The installation whose database it belongs to, by the id of its own key; None until its first worker has
    # claimed it.
    installation: str | None = None

    @property
    def openable(self) -> list[Version]:
        """Every version that can unwrap keys, the current one first."""
        return [self.current, *((self.next,) if self.next else ()), *self.replaced]

    def is_of(self, installation: str) -> bool:
        """Return whether the file belongs to this installation, or to none yet."""
        return self.installation in {None, installation}

    def owned(self, installation: str) -> "Versions":
        """Return the versions as owned by this installation."""
        return replace(self, installation=installation)

    def announced(self, now: datetime) -> "Versions":
        """Return the versions with a new one that every process must load before it wraps anything."""
        return replace(self, next=self.next or Version(Key.new(), now, is_next=True))

    def promoted(self, now: datetime) -> "Versions":
        """Return the versions with the next one promoted to the current one."""
        if self.next is None:
            return self
        former = replace(self.current, replaced_at=now)
        return replace(
            self,
            current=Version(self.next.key, now),
            next=None,
            replaced=(former, *self.replaced),
        )

    def without(self, dropped: Iterable[Version], now: datetime) -> "Versions":
        """Return the versions without some that are destroyed."""
        ids = {version.key.id for version in dropped}
        destroyed = [
            DestroyedVersion(version.hex_id, now) for version in self.replaced if version.key.id in ids
        ]
        remaining = tuple(version for version in self.replaced if version.key.id not in ids)
        return replace(self, replaced=remaining, destroyed=(*self.destroyed, *destroyed)[-DESTROYED_MAX:])

    def dated(self, now: datetime) -> "Versions":
        """Return the versions with their times; those of a file without times begin now."""
        return replace(
            self,
            current=replace(self.current, made_at=self.current.made_at or now),
            replaced=tuple(
                replace(version, replaced_at=version.replaced_at or now) for version in self.replaced
            ),
        )


def of_another(path: Path) -> str:
    """Return the message for a key file of another installation, with the remedy."""
    return (
        f"The key file {path} belongs to another database, and sharing it would lose data. Set "
        "GETBILL_MASTER_KEY_FILE to a separate file: a copy of that file without its line `# installation`, or "
        "for a new database a file that does not exist yet."
    )


class KeyFile:
    """The file that holds the master key if the environment does not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> object:
        """Return a value that changes whenever the file does; None if it does not exist."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    @property
    def is_writable(self) -> bool:
        """Whether this process may replace the file: a mounted secret is read-only."""
        return os.access(self.path.parent, os.W_OK)

    def keys(self) -> list[Key]:
        """Return the keys of all versions, the current one first."""
        return [version.key for version in self.read().openable]

    def read(self) -> Versions:
        """Return the file's content; raise MasterKeyWrong if it is not a key file."""
        text = self.path.read_text("utf-8")
        versions = [version for line in text.splitlines() for version in _versions(line)]
        if not versions:
            raise MasterKeyWrong(f"There is no master key in {self.path}.")
        # The current version is the first that is in use.
        current = next((version for version in versions if not version.is_next), versions[0])
        next_version = next((version for version in versions if version.is_next), None)
        replaced = [version for version in versions if version not in (current, next_version)]
        owner = _INSTALLATION.search(text)
        return Versions(
            current,
            next_version,
            tuple(replaced),
            tuple(_destroyed_versions(text)),
            owner.group(1) if owner else None,
        )

    def write(self, versions: Versions) -> None:
        """Write all versions atomically, readable by their owner alone."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        durable_files.replace(self.path, _file_text(versions).encode())

    def destroy(self, versions: Versions) -> None:
        """Write the remaining versions, and overwrite the file that held the others."""
        former = self.path.with_name(f"{self.path.name}.old")
        if not former.exists():
            os.link(self.path, former)
            durable_files.sync_folder(self.path.parent)
        self.write(versions)
        failpoints.at("vault.destroying")
        durable_files.shred(former)

    def shred_leftovers(self) -> None:
        """Overwrite leftovers of keys from an interrupted destruction or a draft."""
        former, temporary = (
            self.path.with_name(f"{self.path.name}.old"),
            self.path.with_name(f"{self.path.name}.new"),
        )
        if former.exists() and not former.samefile(self.path):
            durable_files.shred(former)
        elif former.exists():
            former.unlink()
        durable_files.shred(temporary)


def _versions(line: str) -> list[Version]:
    life = line.partition("#")[2]
    times = {name: _parse_time(text) for name, text in _TIME.findall(life)}
    is_next = life.strip().startswith("next")
    return [Version(key, times.get("made"), times.get("replaced"), is_next) for key in read_master_keys(line)]


def _destroyed_versions(text: str) -> Iterable[DestroyedVersion]:
    for key_id, at in _DESTROYED.findall(text):
        moment = _parse_time(at)
        if moment is not None:
            yield DestroyedVersion(key_id, moment)


def _file_text(versions: Versions) -> str:
    lines = [version.line() for version in versions.openable]
    remarks = [f"# destroyed {version.hex_id} {_format_time(version.at)}\n" for version in versions.destroyed]
    owner = [f"# installation {versions.installation}\n"] if versions.installation else []
    return "".join((_HEAD, *owner, *lines, *remarks))


def _format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat("T", "seconds")[:19] + "Z"


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
