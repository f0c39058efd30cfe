"""Import model: a creditor's list of debts from a batch, an uploaded file or a file over SFTP.

An import moves through few states and counts every row exactly once: as a debt created, updated or unchanged,
or as a rejected row with its finding. Its next task is stored on its row, under a lease.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from asyncpg import Record

from getbill.kit import ids
from getbill.kit.errors import Conflict, Invalid, MoveNotAllowed, TooLarge, require_move
from getbill.kit.messages import message
from getbill.vault import Key

Source = Literal["batch", "upload", "sftp"]
# The states as a schema shows them, in the order of `State`.
StateName = Literal[
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
TaskName = Literal["read", "check", "import", "correct", "undo"]
Mode = Literal["partial", "all_or_nothing"]
OnDuplicate = Literal["skip", "update", "error"]


class State(StrEnum):
    """The state of an import."""

    UPLOADED = "uploaded"
    NEEDS_MAPPING = "needs_mapping"
    MAPPED = "mapped"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    CORRECTING = "correcting"
    COMPLETED = "completed"
    ROLLING_BACK = "rolling_back"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"


class Task(StrEnum):
    """The next task of the worker on an import."""

    READ = "read"
    CHECK = "check"
    IMPORT = "import"
    CORRECT = "correct"
    UNDO = "undo"


STATES: Final = tuple(State)
# The worker's tasks in each state; without a task, the import waits for a person or has ended.
TASKS_OF: Final[Mapping[State, frozenset[Task]]] = {
    State.UPLOADED: frozenset({Task.READ}),
    State.NEEDS_MAPPING: frozenset(),
    State.MAPPED: frozenset(),
    # Corrections made before the first debt was created are applied to the rows, then all rows are checked
    # again.
    State.CHECKING: frozenset({Task.CORRECT, Task.CHECK}),
    State.CHECKED: frozenset(),
    State.IMPORTING: frozenset({Task.IMPORT}),
    State.CORRECTING: frozenset({Task.CORRECT}),
    State.COMPLETED: frozenset(),
    State.ROLLING_BACK: frozenset({Task.UNDO}),
    State.UNDOING: frozenset({Task.UNDO}),
    State.UNDONE: frozenset(),
    State.FAILED: frozenset(),
}
# The table of moves: the states that may follow each; an import may always keep its state.
TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.UPLOADED: frozenset(
        {
            State.NEEDS_MAPPING,
            State.MAPPED,
            State.CHECKING,
            State.IMPORTING,
            State.UNDONE,
            State.FAILED,
        }
    ),
    State.NEEDS_MAPPING: frozenset({State.UPLOADED, State.MAPPED, State.UNDONE}),
    State.MAPPED: frozenset(
        {State.UPLOADED, State.NEEDS_MAPPING, State.CHECKING, State.IMPORTING, State.UNDONE}
    ),
    State.CHECKING: frozenset({State.CHECKED, State.IMPORTING, State.UNDOING, State.UNDONE, State.FAILED}),
    State.CHECKED: frozenset({State.CHECKING, State.IMPORTING, State.UNDONE}),
    State.IMPORTING: frozenset({State.COMPLETED, State.ROLLING_BACK, State.UNDOING, State.FAILED}),
    State.CORRECTING: frozenset({State.COMPLETED, State.UNDOING, State.FAILED}),
    State.COMPLETED: frozenset({State.CORRECTING, State.UNDOING}),
    State.ROLLING_BACK: frozenset({State.UNDOING, State.FAILED}),
    State.UNDOING: frozenset({State.UNDONE, State.FAILED}),
    State.UNDONE: frozenset(),
    State.FAILED: frozenset({State.CHECKING, State.UNDOING, State.UNDONE}),
}


def transition(before: State, after: State, task: Task | None) -> tuple[State, Task | None]:
    """Return the state and the task after a move; raise MoveNotAllowed unless the table has it."""
    require_move(TRANSITIONS, before, after)
    if task not in (TASKS_OF[after] or {None}):
        raise MoveNotAllowed(f"An import that is {after} never has the task {task}.")
    return after, task


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


class LeaseLost(Exception):
    """Another process holds this import's lease; the transaction is rolled back."""


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
        task = None if row["task"] is None else Task(row["task"])
        return cls(**values | {"accepts": tuple(row["accepts"]), "state": State(row["state"]), "task": task})

    @property
    def public_id(self) -> str:
        """The public id."""
        return public_id(self.source, self.id)

    @property
    def is_checked(self) -> bool:
        """Whether the counts are those of a dry run, with no row imported yet."""
        return self.state is State.CHECKED or self.task is Task.CHECK

    @property
    def has_debts(self) -> bool:
        """Whether debts were created or updated, so that there is something to undo or to report."""
        return not self.is_checked and (self.created > 0 or self.updated > 0)

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
