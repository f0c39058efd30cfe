"""What can be set aside, and what a failure says of it. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

import asyncpg
from asyncpg import Record

from getbill.channels import WordingBroken
from getbill.kit import ids
from getbill.kit.errors import Problem
from getbill.kit.messages import Message, message
from getbill.vault import SealBroken

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
class Aside:
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
    def of(row: Record) -> "Aside":
        """Return what a row says."""
        return Aside(**row)

    @property
    def item(self) -> Item:
        """What was set aside."""
        return Item(self.workspace_id, self.kind, self.subject_id, self.debt_id)


class ProcessesDied(Exception):
    """Each process that worked on something died of it, or was killed: nobody saw why."""


def named(item: Item) -> str:
    """Return what callers know something by."""
    return ids.show(PREFIXES[item.kind], item.subject_id)


def pauses(kind: Kind) -> list[float]:
    """Return the seconds after each failure before it is tried again by itself."""
    return [] if kind in _BY_HAND else list(RETRY_SECONDS)


def unexplained(error: BaseException) -> BaseException | None:
    """Return an error whose traceback somebody needs, for the log; None where its reason says all."""
    return None if isinstance(error, SealBroken | WordingBroken | Problem | ProcessesDied) else error


def reason_of(error: BaseException) -> Message:
    """Return why something failed, in words that hold nothing of anybody."""
    if isinstance(error, SealBroken):
        return message("What is sealed does not open ({error}).", error=type(error).__name__)
    if isinstance(error, WordingBroken):
        return message("The template cannot be sent: {why}", why=error.detail)
    if isinstance(error, ProcessesDied):
        return message("The processes that worked on it died, one after the other, without an error.")
    if isinstance(error, Problem):
        return message("{error} ({code}).", error=type(error).__name__, code=error.code)
    if isinstance(error, asyncpg.PostgresError):
        rule = getattr(error, "constraint_name", None)
        name = f"{type(error).__name__} ({rule})" if rule else type(error).__name__
        return message("The database refused it: {error}.", error=name)
    return message("{error}; the worker's log has its traceback.", error=type(error).__name__)
