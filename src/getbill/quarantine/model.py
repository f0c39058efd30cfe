"""What can be set aside, and what a failure says of it. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID, uuid5

import asyncpg
from asyncpg import Record

from getbill.channels import WordingBroken
from getbill.kit import ids
from getbill.kit.errors import Problem
from getbill.kit.messages import Message, message
from getbill.vault import SealBroken, SealedUnderUnknownKey

# Where the installation's own jobs stand, which belong to no workspace.
INSTALLATION: Final = UUID(int=0)
# Before each try that follows a failure by itself; after the last one a person puts it back.
RETRY_SECONDS: Final = (600.0, 3_600.0, 21_600.0, 86_400.0, 259_200.0)

Kind = Literal[
    "contact",
    "sending",
    "event",
    "stream",
    "delivery",
    "endpoint",
    "import",
    "row",
    "file",
    "bounce",
    "erasure",
    "workspace",
    "job",
]
# What a person alone puts back, or what is done again anyway.
_BY_HAND: Final = frozenset({"delivery", "row", "bounce", "erasure", "job"})
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# What callers know the subject of each kind by.
PREFIXES: Final = {
    "contact": "debt",
    "sending": "debt",
    "event": "wh",
    "stream": "workspace",
    "delivery": "wd",
    "endpoint": "we",
    "import": "import",
    "row": "import",
    "erasure": "debt",
    "file": "file",
    "bounce": "followup",
    "workspace": "workspace",
    "job": "job",
}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is processed by itself: whose, what it is, and the debt it is about."""

    workspace_id: UUID
    kind: Kind
    subject_id: UUID
    debt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A row of the quarantine."""

    workspace_id: UUID
    id: UUID
    kind: Kind
    subject_id: UUID
    debt_id: UUID | None
    reason: str
    tries: int
    since: datetime
    failed_at: datetime
    next_try_at: datetime | None
    retried_at: datetime | None

    @staticmethod
    def from_row(row: Record) -> "QuarantineEntry":
        """Return what a row says."""
        return QuarantineEntry(**row)

    @property
    def item(self) -> Item:
        """What was set aside."""
        return Item(self.workspace_id, self.kind, self.subject_id, self.debt_id)


class ProcessesDied(Exception):
    """Each process that worked on something died of it, or was killed: nobody saw why."""


def cause_of(workspace_id: UUID, reason: str) -> UUID:
    """Return what a question is about that is asked once for all that failed for one reason."""
    return uuid5(workspace_id, reason)


def public_id_of(item: Item) -> str:
    """Return what callers know something by."""
    return ids.show(PREFIXES[item.kind], item.subject_id)


def retry_delays(kind: Kind) -> list[float]:
    """Return the seconds after each failure before it is tried again by itself."""
    return [] if kind in _BY_HAND else list(RETRY_SECONDS)


def unexpected(error: BaseException) -> BaseException | None:
    """Return an error whose traceback somebody needs, for the log; None where its reason says all."""
    return None if isinstance(error, SealBroken | WordingBroken | Problem | ProcessesDied) else error


# What a machine runs out of, and what a thing itself may be.
_CAUSES: Final[tuple[tuple[type[BaseException], Message], ...]] = (
    (ProcessesDied, message("The processes that worked on it died, one after the other, without an error.")),
    (MemoryError, message("There was not enough memory for it.")),
    (RecursionError, message("It is nested too deeply.")),
    (TimeoutError, message("It took too long.")),
    (UnicodeError, message("It holds characters that cannot be written.")),
)


def reason_of(error: BaseException) -> Message:
    """Return why something failed, in words that hold nothing of anybody and no name of ours."""
    if isinstance(error, SealedUnderUnknownKey):
        return message("What is sealed does not open: its master key is not given, or was destroyed.")
    if isinstance(error, SealBroken):
        return message("What is sealed does not open: it was changed, or sealed by another key.")
    if isinstance(error, WordingBroken):
        return message("The template cannot be sent: {why}", why=error.detail)
    if isinstance(error, Problem):
        return message("{title} ({code}).", title=error.title, code=error.code)
    if isinstance(error, asyncpg.PostgresError):
        return _refused_by_the_database(error)
    unforeseen = message("It failed as nobody foresaw; the worker's log has the traceback.")
    return next((sentence for kind, sentence in _CAUSES if isinstance(error, kind)), unforeseen)


def _refused_by_the_database(error: asyncpg.PostgresError) -> Message:
    rule, state = getattr(error, "constraint_name", None), error.sqlstate or "XX000"
    if rule:
        return message(
            "The database refused it by its rule {rule} (SQLSTATE {state}).", rule=rule, state=state
        )
    return message("The database refused it (SQLSTATE {state}).", state=state)
