"""Paths, states and limits of SFTP: four fixed folders per login, and nothing outside them.

A creditor's system drops files into `incoming/` (or the root), finds them in `processed/` or `rejected/` once
imported, and their results in `reports/`. The invariant: a path names one of these folders, a file directly
in one of them, or nothing.
"""

import posixpath
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from getbill.access import OPERATOR, Actor, ActorKind
from getbill.kit.errors import Conflict, require_move
from getbill.kit.text import names, storable_text

PREFIX: Final = "sftp"
CHUNK_BYTES: Final = 256 * 1024
FILES_MAX: Final = 10_000
KEYS_MAX: Final = 10
# An open file without writes for this long has lost its writer, probably to a crash.
ABANDONED_AFTER: Final = timedelta(minutes=15)
# Limit of names from clients. Ours may be longer, up to the 255 bytes that systems accept.
NAME_BYTES_MAX: Final = 200
_KEPT_NAME_BYTES_MAX: Final = 255
_PATH_BYTES_MAX: Final = 4_096
USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{2,62}")
# Suffixes of clients' temporary files, which they rename when complete.
_UNFINISHED: Final = (".part", ".filepart", ".partial", ".tmp", ".temp", ".crdownload", ".uploading")


class Folder(StrEnum):
    """The folder of a file; the root counts as `incoming`."""

    ROOT = ""
    INCOMING = "incoming"
    PROCESSED = "processed"
    REJECTED = "rejected"
    REPORTS = "reports"

    @property
    def takes_files(self) -> bool:
        """Whether a client may write files here."""
        return self in {Folder.ROOT, Folder.INCOMING}


class State(StrEnum):
    """The state of a file: being written, cut off, whole, being imported, or written by us or done."""

    OPEN = "open"
    CUT = "cut"
    WHOLE = "whole"
    TAKEN = "taken"
    KEPT = "kept"


# The table of moves: the states that may follow each; a file may always keep its state.
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.OPEN: frozenset({State.CUT, State.WHOLE, State.KEPT}),
    State.CUT: frozenset({State.OPEN, State.WHOLE}),
    State.WHOLE: frozenset({State.OPEN, State.TAKEN}),
    State.TAKEN: frozenset({State.KEPT}),
    State.KEPT: frozenset(),
}


def transition(before: State, after: State) -> State:
    """Return the state of a file after a move; raise MoveNotAllowed unless the table has it."""
    return require_move(TRANSITIONS, before, after)


class SftpRefused(Exception):
    """A client's request is refused; the text says why."""


class NoSuchPath(SftpRefused):
    """The file or folder does not exist."""


class NotAllowed(SftpRefused):
    """The folders are fixed, and only `incoming` and the root accept files."""


class NameTaken(SftpRefused):
    """A file of that name exists already."""


class NoRoom(SftpRefused):
    """The file exceeds the size limit, or the login's folders are full."""


class TakenOver(SftpRefused):
    """Another session has since opened the same file for writing."""


class UsernameTaken(Conflict):
    """Another login has this user name; they are unique across the installation."""

    code = "username-taken"
    way_out = "Choose another user name, or omit it to have one generated."


class FolderPath(NamedTuple):
    """A file's folder and name; an empty name means the folder itself."""

    folder: Folder
    name: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """An SFTP login: a user name in one workspace, with a password, keys or both."""

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
    # Whether the results of its files may be read: a creator or rotator may still read debts.
    may_read: bool = True

    @property
    def creator(self) -> Actor | None:
        """The creator; None for a login older than that record."""
        return None if self.created_by_kind is None else Actor(self.created_by_kind, self.created_by)


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A validated request for a login; without keys it always gets a password."""

    workspace_id: UUID
    name: str = "SFTP login"
    username: str | None = None
    public_keys: tuple[str, ...] = ()
    has_password: bool | None = None
    created_by: Actor = OPERATOR


@dataclass(frozen=True, slots=True)
class SftpLimits:
    """Limits of the SFTP server in one installation."""

    file_bytes_max: int = 1_000_000_000
    quota_bytes: int = 5_000_000_000
    sessions_max: int = 64
    sessions_per_login: int = 8
    files_open_max: int = 16
    attempts_max: int = 6
    # Wrong passwords from one address in ten minutes before it is blocked.
    failures_max: int = 30
    login_seconds: int = 30
    # Interval at which a session checks that its login is not revoked.
    login_check_seconds: float = 5.0


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
        """Whether it is complete and is, or will be, imported unchanged."""
        if self.state is State.TAKEN:
            return True
        return self.state is State.WHOLE and self.size > 0 and is_finished(self.path.name)

    def is_cut(self, now: datetime) -> bool:
        """Return whether writing ended without the file being closed."""
        return self.state is State.CUT or (
            self.state is State.OPEN and self.written_at < now - ABANDONED_AFTER
        )


def parse_path(path: bytes) -> FolderPath:
    """Return the folder and name of a client's path; raise NoSuchPath for one outside the login.

    `..` stops at the root, as in any chroot.
    """
    if len(path) > _PATH_BYTES_MAX:
        raise NoSuchPath("The path is too long.")
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        raise NoSuchPath("A path must be in UTF-8.") from None
    parts = [part for part in posixpath.normpath("/" + text).split("/") if part]
    if not parts:
        return FolderPath(Folder.ROOT)
    if len(parts) == 1:
        folder = _folder(parts[0])
        return FolderPath(folder) if folder else FolderPath(Folder.ROOT, _checked_name(parts[0]))
    folder = _folder(parts[0])
    if folder is None or len(parts) > 2:
        raise NoSuchPath("The only folders are incoming, processed, rejected and reports.")
    return FolderPath(folder, _checked_name(parts[1]))


def format_path(path: FolderPath) -> str:
    """Return the path of a folder and name."""
    return "/" + "/".join(part for part in path if part)


def _folder(name: str) -> Folder | None:
    try:
        return Folder(name) if name else None
    except ValueError:
        return None


def _checked_name(name: str) -> str:
    # Normalised to NFC: macOS sends decomposed names that look the same.
    name = unicodedata.normalize("NFC", name)
    if len(name.encode()) > _KEPT_NAME_BYTES_MAX:
        raise NoSuchPath(f"A name has at most {_KEPT_NAME_BYTES_MAX} bytes.")
    if names.hidden_in(name) is not None or not storable_text.is_storable(name) or "\\" in name:
        raise NoSuchPath("A name must not contain control characters, directional marks or backslashes.")
    return name


def is_finished(name: str) -> bool:
    """Return whether a name is of a finished file: neither hidden nor a client's temporary name."""
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED)


def timestamped_name(name: str, moment: datetime) -> str:
    """Return a variant of a taken name, with the instant before its suffix."""
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem:
        stem, ending = name, ""
    tail = f"-{moment:%Y%m%dT%H%M%S%f}Z{dot if ending else ''}{ending}"
    # A long name is truncated, so that later suffixes fit too.
    return stem.encode()[: max(1, NAME_BYTES_MAX - len(tail.encode()))].decode("utf-8", "ignore") + tail
