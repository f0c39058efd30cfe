"""What an SFTP login may do and where: four fixed folders of its own, and nothing above, beside or below them.

A creditor's system drops files into `incoming/` (or the root), finds them in `processed/` or `rejected/` once they are
imported, and what became of them in `reports/`. The invariant: a path names one of these folders, a file right in one
of them, or nothing at all.
"""

import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from getbill.access import OPERATOR, Actor, ActorKind
from getbill.kit.errors import Conflict
from getbill.kit.text import names, storable_text

PREFIX: Final = "sftp"
CHUNK_BYTES: Final = 256 * 1024
FILES_MAX: Final = 10_000
KEYS_MAX: Final = 10
# An open file that nothing came into for so long has lost its writer, whose process died perhaps.
ABANDONED_AFTER: Final = timedelta(minutes=15)
# Of what a client puts. What we put back may have a longer one, and no system takes more than 255.
NAME_BYTES_MAX: Final = 200
_KEPT_NAME_BYTES_MAX: Final = 255
_PATH_BYTES_MAX: Final = 4_096
USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{2,62}")
# How clients call what they have not finished: they rename it when they have.
_UNFINISHED: Final = (".part", ".filepart", ".partial", ".tmp", ".temp", ".crdownload", ".uploading")


class Folder(StrEnum):
    """Where a file lies; the root counts as `incoming`."""

    ROOT = ""
    INCOMING = "incoming"
    PROCESSED = "processed"
    REJECTED = "rejected"
    REPORTS = "reports"

    @property
    def takes_files(self) -> bool:
        """Whether a client may put files here."""
        return self in {Folder.ROOT, Folder.INCOMING}


class State(StrEnum):
    """How far a file is: written to, left unfinished, complete, being imported, or put there by us or done with."""

    OPEN = "open"
    CUT = "cut"
    WHOLE = "whole"
    TAKEN = "taken"
    KEPT = "kept"


class SftpRefused(Exception):
    """What a client asked for is not done; the text says why."""


class NoSuchPath(SftpRefused):
    """There is no such file or folder."""


class NotAllowed(SftpRefused):
    """The folders are fixed, and only `incoming` and the root take files."""


class NameTaken(SftpRefused):
    """There is a file of that name already."""


class NoRoom(SftpRefused):
    """The file is larger than one may be, or the login's folders are full."""


class TakenOver(SftpRefused):
    """Another session has opened the same file for writing since."""


class UsernameTaken(Conflict):
    """Another login has this user name; they are unique over the whole installation."""

    code = "username-taken"
    way_out = "Choose another user name, or leave it out and have one made."


class FolderPath(NamedTuple):
    """A file's folder and name; a folder itself where the name is empty."""

    folder: Folder
    name: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """Who may drop files: a user name in one workspace, opened by a password, by keys, or by either."""

    id: UUID
    workspace_id: UUID
    username: str
    name: str
    has_password: bool
    fingerprints: tuple[str, ...]
    created_at: datetime
    rotated_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    created_by_kind: ActorKind | None = None
    created_by: UUID | None = None
    # Whether what became of its files may be read: somebody who created or rotated it may still read debts.
    may_read: bool = True

    @property
    def creator(self) -> Actor | None:
        """Who created it; None from before that was recorded."""
        return None if self.created_by_kind is None else Actor(self.created_by_kind, self.created_by)


@dataclass(frozen=True, slots=True)
class NewLogin:
    """What a login is made of; without keys it gets a password, whatever is asked."""

    workspace_id: UUID
    name: str = "SFTP login"
    username: str | None = None
    public_keys: tuple[str, ...] = ()
    has_password: bool | None = None
    created_by: Actor = OPERATOR


@dataclass(frozen=True, slots=True)
class SftpLimits:
    """What one installation grants to those who drop files."""

    file_bytes_max: int = 1_000_000_000
    quota_bytes: int = 5_000_000_000
    sessions_max: int = 64
    sessions_per_login: int = 8
    files_open_max: int = 16
    attempts_max: int = 6
    # Wrong passwords from one address in ten minutes, before none from there is looked at.
    failures_max: int = 30
    login_seconds: int = 30
    # So long a session goes on before it is asked whether its login still opens.
    look_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class File:
    """A file as its folder lists it."""

    id: UUID
    login_id: UUID
    path: FolderPath
    size: int
    state: State
    written_at: datetime
    import_id: UUID | None = field(default=None)

    @property
    def is_complete(self) -> bool:
        """Whether it has come whole and is, or will be, imported as it is."""
        if self.state is State.TAKEN:
            return True
        return self.state is State.WHOLE and self.size > 0 and is_finished(self.path.name)

    def is_cut(self, now: datetime) -> bool:
        """Say whether nobody is writing to it any more, and it was not closed."""
        return self.state is State.CUT or (
            self.state is State.OPEN and self.written_at < now - ABANDONED_AFTER
        )


def parse_path(path: bytes) -> FolderPath:
    """Return what a client's path names; raise NoSuchPlace for what can be no file or folder of a login.

    `..` stops at the root, as it does for everybody who is locked into a folder.
    """
    if len(path) > _PATH_BYTES_MAX:
        raise NoSuchPath("The path is too long.")
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        raise NoSuchPath("A path is written in UTF-8.") from None
    parts = [part for part in posixpath.normpath("/" + text).split("/") if part]
    if not parts:
        return FolderPath(Folder.ROOT)
    if len(parts) == 1:
        folder = _folder(parts[0])
        return FolderPath(folder) if folder else FolderPath(Folder.ROOT, _checked_name(parts[0]))
    folder = _folder(parts[0])
    if folder is None or len(parts) > 2:
        raise NoSuchPath("There are no other folders than incoming, processed, rejected and reports.")
    return FolderPath(folder, _checked_name(parts[1]))


def format_path(path: FolderPath) -> str:
    """Return the path that names a place."""
    return "/" + "/".join(part for part in path if part)


def _folder(name: str) -> Folder | None:
    try:
        return Folder(name) if name else None
    except ValueError:
        return None


def _checked_name(name: str) -> str:
    # Composed: what a Mac decomposes is the same name to a person.
    name = unicodedata.normalize("NFC", name)
    if len(name.encode()) > _KEPT_NAME_BYTES_MAX:
        raise NoSuchPath(f"A name has at most {_KEPT_NAME_BYTES_MAX} bytes.")
    if names.hidden_in(name) is not None or not storable_text.is_storable(name) or "\\" in name:
        raise NoSuchPath("A name has no control characters, no marks of direction and no backslash.")
    return name


def is_finished(name: str) -> bool:
    """Say whether a name is that of a finished file: not hidden, and not what clients call their half-done ones."""
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED)


def timestamped_name(name: str, moment: datetime) -> str:
    """Return the name a file gets where another has its own already: with the instant before its ending."""
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem:
        stem, ending = name, ""
    tail = f"-{moment:%Y%m%dT%H%M%S%f}Z{dot if ending else ''}{ending}"
    # A long name loses its end, so that what is appended to it later fits too.
    return stem.encode()[: max(1, NAME_BYTES_MAX - len(tail.encode()))].decode("utf-8", "ignore") + tail
