"""Import model: a creditor's list of debts from a batch, an uploaded file or a file over SFTP.

An import moves through few states and counts every row exactly once: as a debt created, updated or unchanged,
or as a rejected row with its finding. Its next task is stored on its row, under a lease.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID

from asyncpg import Record

from getbill.kit import ids
from getbill.kit.errors import Conflict, Invalid, TooLarge
from getbill.kit.messages import message
from getbill.vault import Key

Source = Literal["batch", "upload", "sftp"]
State = Literal[
    "uploaded",
    "needs_mapping",
    "mapped",
    "checking",
    "checked",
    "importing",
    "correcting",
    "completed",
    "rolling_back",
    "undoing",
    "undone",
    "failed",
]
Task = Literal["read", "check", "import", "correct", "undo"]
Mode = Literal["partial", "all_or_nothing"]
OnDuplicate = Literal["skip", "update", "error"]

STATES: Final[tuple[State, ...]] = get_args(State)
# The worker's tasks in each state; without a task, the import waits for a person or has ended.
TASKS_OF: Final[Mapping[State, frozenset[Task]]] = {
    "uploaded": frozenset({"read"}),
    "needs_mapping": frozenset(),
    "mapped": frozenset(),
    # Corrections made before the first debt was created are applied to the rows, then all rows are checked
    # again.
    "checking": frozenset({"correct", "check"}),
    "checked": frozenset(),
    "importing": frozenset({"import"}),
    "correcting": frozenset({"correct"}),
    "completed": frozenset(),
    "rolling_back": frozenset({"undo"}),
    "undoing": frozenset({"undo"}),
    "undone": frozenset(),
    "failed": frozenset(),
}
# Allowed transitions from each state; an import may always keep its state.
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "uploaded": frozenset({"needs_mapping", "mapped", "checking", "importing", "undone", "failed"}),
    "needs_mapping": frozenset({"uploaded", "mapped", "undone"}),
    "mapped": frozenset({"uploaded", "needs_mapping", "checking", "importing", "undone"}),
    "checking": frozenset({"checked", "importing", "undoing", "undone", "failed"}),
    "checked": frozenset({"checking", "importing", "undone"}),
    "importing": frozenset({"completed", "rolling_back", "undoing", "failed"}),
    "correcting": frozenset({"completed", "undoing", "failed"}),
    "completed": frozenset({"correcting", "undoing"}),
    "rolling_back": frozenset({"undoing", "failed"}),
    "undoing": frozenset({"undone", "failed"}),
    "undone": frozenset(),
    "failed": frozenset({"checking", "undoing", "undone"}),
}
PREFIXES: Final = {"batch": "batch", "upload": "import", "sftp": "import"}
# The PostgreSQL channel that notifies the worker of a commit that leaves a task.
WAKE: Final = "getbill_imports"
# Number of rows committed together with their events and the cursor.
CHUNK_ROWS: Final = 1_000
# Retention of a file's bytes.
FILE_KEPT: Final = timedelta(days=30)
BYTES_MAX: Final = 512 * 1024 * 1024


class FileTooLarge(TooLarge):
    """The file is larger than this installation accepts."""

    code = "file-too-large"
    way_out = "Split the file, or ask the operator to raise GETBILL_IMPORT_BYTES_MAX."


class FileEmpty(Invalid):
    """The upload has no bytes."""

    code = "file-empty"
    title = message("The file is empty")
    way_out = "Send the content of the file as the body, or as the part `file` of multipart/form-data."


class ImportCannotMove(Conflict):
    """The import's state does not allow this action."""

    code = "import-cannot-move"
    title = message("The import's state does not allow this")
    way_out = "Read the import: `state` is its progress, and `waiting_for` the next action it requires."


class ImportSuperseded(Conflict):
    """A later upload of this import is in progress."""

    code = "import-superseded"
    title = message("A later upload of this import has started")
    way_out = "Read the import by its id; the later upload continues."


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options that the sender of a list of debts chose."""

    name: str
    source: Source
    # The sender of the file; a confirmed layout is saved for that sender.
    sender: str
    language: str
    is_auto: bool = False
    is_dry_run: bool = False
    mode: Mode = "partial"
    on_duplicate: OnDuplicate = "skip"
    # None uses the workspace's setting.
    grace_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """An import as its row stores it; `cursor` is the last line settled in the current pass."""

    workspace_id: UUID
    id: UUID
    file_id: UUID
    source: Source
    sender: str
    name: str
    language: str
    state: State
    received_at: datetime | None
    size: int
    same_as: UUID | None
    is_auto: bool
    is_dry_run: bool
    mode: Mode
    on_duplicate: OnDuplicate
    grace_hours: int
    plan: bytes | None
    signature: str | None
    is_confirmed: bool
    error: str | None
    problem: bytes | None
    cursor: int
    rows_total: int | None
    rows_done: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    rejected: int
    warnings: int
    undone: int
    kept: int
    restored: int
    task: Task | None
    accepts: tuple[str, ...]
    fence: int
    begun_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    drop_at: datetime | None
    is_unwanted: bool
    # Wrapped; None once dropped.
    key: bytes | None = None
    file_key: bytes | None = None

    @classmethod
    def from_row(cls, row: Record) -> "Import":
        """Return the import of a row of `imports` joined with its two keys."""
        values = {name: row[name] for name in _NAMES}
        return cls(**values | {"accepts": tuple(row["accepts"])})

    @property
    def public_id(self) -> str:
        """The public id."""
        return public_id(self.source, self.id)

    @property
    def is_checked(self) -> bool:
        """Whether the counts are those of a dry run, with no row imported yet."""
        return self.state == "checked" or self.task == "check"

    @property
    def has_debts(self) -> bool:
        """Whether debts were created or updated, so that there is something to undo or to report."""
        return not self.is_checked and (self.created > 0 or self.updated > 0)

    def check_transition(self, state: State) -> None:
        """Raise AssertionError unless `TRANSITIONS` allows a move to this state."""
        if state != self.state and state not in TRANSITIONS[self.state]:
            raise AssertionError(f"An import never moves from {self.state} to {state}.")

    def with_values(self, **changes: Any) -> "Import":
        """Return the import with some values changed."""
        return replace(self, **changes)


_NAMES: Final = tuple(field.name for field in fields(Import))


@dataclass(frozen=True, slots=True)
class Keys:
    """The unwrapped keys of an import: one for its file and one for everything else."""

    main: Key | None
    file: Key | None


def public_id(source: str, import_id: UUID) -> str:
    """Return an import's public id."""
    return ids.show(PREFIXES[source], import_id)


def chunk_context(import_id: UUID, number: int) -> bytes:
    """Return the encryption context of a chunk."""
    return b"chunk" + import_id.bytes + number.to_bytes(4)


def plan_context(import_id: UUID) -> bytes:
    """Return the encryption context of a plan."""
    return b"plan" + import_id.bytes


def problem_context(import_id: UUID) -> bytes:
    """Return the encryption context of the problem that stopped an import."""
    return b"problem" + import_id.bytes


def correction_context(import_id: UUID, line: int) -> bytes:
    """Return the encryption context of a corrected row."""
    return b"correction" + import_id.bytes + line.to_bytes(8)


def finding_context(import_id: UUID, line: int) -> bytes:
    """Return the encryption context of a row's findings."""
    return b"finding" + import_id.bytes + line.to_bytes(8)


def change_context(import_id: UUID, debt_id: UUID, line: int) -> bytes:
    """Return the encryption context of the values that a row replaced on a debt."""
    return b"change" + import_id.bytes + debt_id.bytes + line.to_bytes(8)
