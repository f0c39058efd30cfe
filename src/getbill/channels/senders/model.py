"""A message on its way to one person, and what its provider said of it.

A sender never guesses. What certainly did not leave has failed, what certainly was taken is accepted, and
everything in between is unknown: an unknown message is shown to a person and never sent a second time.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from getbill.channels.model import Channel


class Assurance(StrEnum):
    """What a provider offers to whoever does not know whether it took a message."""

    IDEMPOTENCY_KEY = "idempotency_key"
    LOOK_UP = "look_up"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do: whether it may be asked again, and whether it ever says that a message arrived."""

    assurance: Assurance
    gives_receipt: bool
    # How many messages one round hands over at the same time. Some rounds of a worker are under way together, and in doubt
    # together after a crash.
    at_once: int = 8
    # How long it is given to answer; a message whose worker is silent for twice as long is looked after.
    answer_seconds: float = 90.0
    # Nothing leaves us: what it answers follows from the message alone, and the transaction that decides may ask it.
    answers_inside: bool = False


@dataclass(frozen=True, slots=True)
class MessageAuthor:
    """Who writes: the company as the debtor reads it, and where an answer goes."""

    name: str
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A rendered message for one address; `key` is the same however often it is tried."""

    key: str
    channel: Channel
    address: str
    writer: MessageAuthor
    subject: str
    text: str
    html: str | None = None
    language: str = "fr"
    # The workspace it is sent from, as a provider names it when it reports.
    workspace: str = ""
    # Which template it is of, and in which version; 0 is the one that comes with GetBill.
    template: str | None = None
    template_version: int = 0
    # Of an e-mail: the picture at its head, with its media type.
    logo: tuple[str, bytes] | None = None
    # Of a letter: who writes and where, and what the law wants on every page.
    letterhead: tuple[str, ...] = ()
    imprint: str | None = None
    written_at: datetime | None = None


class Fate(StrEnum):
    """How far a message came, as far as its provider says."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """A provider's word on one message: its own reference for it, and why it failed or is in doubt."""

    fate: Fate
    ref: str | None = None
    reason: str | None = None
    is_permanent: bool = True
    duration_ms: int | None = None
    # Whether the address itself was refused: it is contacted no more.
    is_dead_address: bool = False


def failed(reason: str, *, permanent: bool, dead_address: bool = False) -> SendOutcome:
    """Return the outcome of a message that certainly did not leave; a passing failure may be tried again."""
    return SendOutcome(Fate.FAILED, reason=reason, is_permanent=permanent, is_dead_address=dead_address)


def unknown(reason: str) -> SendOutcome:
    """Return the outcome of a message of which nobody knows whether it left."""
    return SendOutcome(Fate.UNKNOWN, reason=reason)


class Sender(Protocol):
    """One provider for one channel."""

    name: str
    channel: Channel
    capabilities: Capabilities

    async def send(self, message: Outgoing) -> SendOutcome:
        """Hand a message over and say what became of it; raises nothing a provider can cause."""

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Say what became of a message handed over earlier; None when the provider never saw it."""

    async def close(self) -> None:
        """Let go of connections."""
