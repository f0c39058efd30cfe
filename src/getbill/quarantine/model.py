"""Quarantined items and the reasons of failures. No I/O."""

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

# The workspace of the installation's own jobs, which belong to no tenant.
INSTALLATION: Final = UUID(int=0)
# Delays of the automatic retries, each after a failure; after the last one a person requests the retry.
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
# Retried only by a person, or repeated anyway.
_BY_HAND: Final = frozenset({"delivery", "row", "bounce", "erasure", "job"})
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# Id prefix of each kind's subject.
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
    """A unit of processing: its workspace, kind, subject, and the debt it is about."""

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
        """Return the entry of a row."""
        return QuarantineEntry(**row)

    @property
    def item(self) -> Item:
        """The quarantined item."""
        return Item(self.workspace_id, self.kind, self.subject_id, self.debt_id)


class ProcessesDied(Exception):
    """Every process that worked on the item crashed or was killed; the cause is unknown."""


def cause_of(workspace_id: UUID, reason: str) -> UUID:
    """Return the subject id of the todo shared by all items that failed for one reason."""
    return uuid5(workspace_id, reason)


def public_id_of(item: Item) -> str:
    """Return the external id of an item's subject."""
    return ids.show(PREFIXES[item.kind], item.subject_id)


def retry_delays(kind: Kind) -> list[float]:
    """Return the delays of the automatic retries, in seconds after each failure."""
    return [] if kind in _BY_HAND else list(RETRY_SECONDS)


def unexpected(error: BaseException) -> BaseException | None:
    """Return an error whose traceback is needed in the log; None if its reason is sufficient."""
    return None if isinstance(error, SealBroken | WordingBroken | Problem | ProcessesDied) else error


# Resources that a machine runs out of, and faults of the item itself.
_CAUSES: Final[tuple[tuple[type[BaseException], Message], ...]] = (
    (ProcessesDied, message("The worker processes terminated one after the other, without an error.")),
    (MemoryError, message("There was not enough memory.")),
    (RecursionError, message("The data is nested too deeply.")),
    (TimeoutError, message("The operation took too long.")),
    (UnicodeError, message("The data contains characters that cannot be stored.")),
)


def reason_of(error: BaseException) -> Message:
    """Return why something failed, without personal data or internal names."""
    if isinstance(error, SealedUnderUnknownKey):
        return message("Encrypted data cannot be decrypted: its master key is missing or was destroyed.")
    if isinstance(error, SealBroken):
        return message("Encrypted data cannot be decrypted: it was altered or encrypted with another key.")
    if isinstance(error, WordingBroken):
        return message("The template cannot be sent: {why}", why=error.detail)
    if isinstance(error, Problem):
        return message("{title} ({code}).", title=error.title, code=error.code)
    if isinstance(error, asyncpg.PostgresError):
        return _refused_by_the_database(error)
    unforeseen = message("An unexpected error occurred; the worker's log has the traceback.")
    return next((sentence for kind, sentence in _CAUSES if isinstance(error, kind)), unforeseen)


def _refused_by_the_database(error: asyncpg.PostgresError) -> Message:
    rule, state = getattr(error, "constraint_name", None), error.sqlstate or "XX000"
    if rule:
        return message(
            "The database refused the write: it violates {rule} (SQLSTATE {state}).", rule=rule, state=state
        )
    return message("The database refused the operation (SQLSTATE {state}).", state=state)
