"""An import is a creditor's list of debts on its way into the book: a batch, an uploaded file, a file over SFTP.

It moves through few states that a person understands, and counts every row exactly once: as a debt made, changed or
there before, or as a finding that says why it is none. What is to be done next stands on its row, under a lease.
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
# What a worker does in each state; where there is nothing, the import waits for a person or is over.
TASKS_OF: Final[Mapping[State, frozenset[Task]]] = {
    "uploaded": frozenset({"read"}),
    "needs_mapping": frozenset(),
    "mapped": frozenset(),
    # What was corrected before the first debt is put into the rows, then all of them are checked anew.
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
# Where an import may go from each state; it may always stay.
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
# The channel on which a commit that leaves something to do wakes the worker.
WAKE: Final = "getbill_imports"
# Rows, their events and the cursor move together, this many at a time.
CHUNK_ROWS: Final = 1_000
# How long a file's bytes are kept.
FILE_KEPT: Final = timedelta(days=30)
BYTES_MAX: Final = 512 * 1024 * 1024


class FileTooLarge(TooLarge):
    """The file is larger than this installation takes."""

    code = "file-too-large"
    way_out = "Split the file into several, or have GETBILL_IMPORT_BYTES_MAX raised."


class FileEmpty(Invalid):
    """No bytes came."""

    code = "file-empty"
    title = message("The file is empty")
    way_out = "Send the file's bytes as the body, or as the part `file` of multipart/form-data."


class ImportCannotMove(Conflict):
    """The import is not in a state in which this can be done."""

    code = "import-cannot-move"
    title = message("The import is not where this can be done")
    way_out = "Read the import: `state` says where it stands and `waiting_for` what it needs next."


class ImportSuperseded(Conflict):
    """Somebody else is sending the bytes of this import now."""

    code = "import-superseded"
    title = message("Another upload of this import has begun")
    way_out = "Read the import by its id: the later upload goes on."


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What whoever sends a list of debts asks for."""

    name: str
    source: Source
    # Who sends such files; what was confirmed for one sender's layout is remembered for that sender.
    sender: str
    language: str
    is_auto: bool = False
    is_dry_run: bool = False
    mode: Mode = "partial"
    on_duplicate: OnDuplicate = "skip"
    # None takes the workspace's own.
    grace_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """An import as its row tells it. `cursor` is the last line of the pass under way whose row is settled."""

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
        """Read a row of `imports` beside its two keys."""
        values = {name: row[name] for name in _NAMES}
        return cls(**values | {"accepts": tuple(row["accepts"])})

    @property
    def shown_id(self) -> str:
        """The id as callers see it."""
        return public_id(self.source, self.id)

    @property
    def is_checked(self) -> bool:
        """Whether its counts say what would become of its rows, and nothing was made of any."""
        return self.state == "checked" or self.task == "check"

    @property
    def has_debts(self) -> bool:
        """Whether debts were made or changed, so that there is something to take back or to tell of."""
        return not self.is_checked and (self.created > 0 or self.updated > 0)

    def check_transition(self, state: State) -> None:
        """Raise AssertionError where the table of moves does not lead from this state to another."""
        if state != self.state and state not in TRANSITIONS[self.state]:
            raise AssertionError(f"An import never moves from {self.state} to {state}.")

    def with_values(self, **changes: Any) -> "Import":
        """Return the import with some values changed."""
        return replace(self, **changes)


_NAMES: Final = tuple(field.name for field in fields(Import))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an import, unwrapped: of its file and of all the rest."""

    main: Key | None
    file: Key | None


def public_id(source: str, import_id: UUID) -> str:
    """Return an import's id as callers see it."""
    return ids.show(PREFIXES[source], import_id)


def chunk_context(import_id: UUID, number: int) -> bytes:
    """Return the place a chunk is sealed for."""
    return b"chunk" + import_id.bytes + number.to_bytes(4)


def plan_context(import_id: UUID) -> bytes:
    """Return the place a plan is sealed for."""
    return b"plan" + import_id.bytes


def problem_context(import_id: UUID) -> bytes:
    """Return the place what stopped an import is sealed for."""
    return b"problem" + import_id.bytes


def correction_context(import_id: UUID, line: int) -> bytes:
    """Return the place a corrected row is sealed for."""
    return b"correction" + import_id.bytes + line.to_bytes(8)


def finding_context(import_id: UUID, line: int) -> bytes:
    """Return the place a row's findings are sealed for."""
    return b"finding" + import_id.bytes + line.to_bytes(8)


def change_context(import_id: UUID, debt_id: UUID, line: int) -> bytes:
    """Return the place what a row replaced on a debt is sealed for."""
    return b"change" + import_id.bytes + debt_id.bytes + line.to_bytes(8)
