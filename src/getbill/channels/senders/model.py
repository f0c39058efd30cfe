"""Sender protocol: a message on its way to one person, and the provider's outcome.

A sender never guesses. A message that certainly did not leave has failed, one that was certainly accepted is
accepted, and every other message is unknown: an unknown message is shown to a person and never sent again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from getbill.channels.model import Channel


class Assurance(StrEnum):
    """How a provider lets a client resolve an in-doubt message."""

    IDEMPOTENCY_KEY = "idempotency_key"
    LOOK_UP = "look_up"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of a provider: how to resolve doubts, and whether it reports deliveries."""

    assurance: Assurance
    gives_receipt: bool
    # Number of messages sent concurrently by one batch. A worker runs several batches at a time, all of which
    # are in doubt after a crash.
    at_once: int = 8
    # Response timeout; a message whose worker is silent for twice as long is recovered.
    answer_seconds: float = 90.0
    # Nothing is sent over the network: the outcome depends on the message alone, so the deciding transaction
    # may call it.
    answers_inside: bool = False
    # `send` calls the message's `before_handover` itself, just before the message leaves; otherwise it is called first.
    announces_handover: bool = False


@dataclass(frozen=True, slots=True)
class MessageAuthor:
    """The sender of a message: the company name shown to the debtor, and the reply address."""

    name: str
    reply_to: str | None = None


def _nothing_to_note() -> None:
    """Note nothing."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A rendered message for one address; `key` is the same for every attempt."""

    key: str
    channel: Channel
    address: str
    writer: MessageAuthor
    subject: str
    text: str
    html: str | None = None
    language: str = "fr"
    # The workspace of the message, which a provider includes in its reports.
    workspace: str = ""
    # The template and its version; 0 is the built-in one.
    template: str | None = None
    template_version: int = 0
    # For an e-mail: the picture at its head, with its media type.
    logo: tuple[str, bytes] | None = None
    # For a letter: the sender and its address, and the legal notices of every page.
    letterhead: tuple[str, ...] = ()
    imprint: str | None = None
    written_at: datetime | None = None
    # Earlier attempts by this channel for the debt, for a simulated debtor who answers the second time.
    earlier_attempts: int = 0
    # Called just before the message leaves; what it raises, `send` raises, and the message stays.
    before_handover: Callable[[], None] = field(default=_nothing_to_note, compare=False, repr=False)


class Fate(StrEnum):
    """The last status of a message that its provider reported."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ResponseKind(StrEnum):
    """A kind of response of a debtor."""

    PROMISE = "promise"
    PAYMENT = "payment"
    DISPUTE = "dispute"
    # The debtor asks not to be contacted at this address any more.
    STOP = "stop"
    # The address belongs to another person.
    NOT_ME = "not_me"


@dataclass(frozen=True, slots=True)
class DebtorResponse:
    """A debtor's response to a contact, some days after it."""

    kind: ResponseKind
    days: int = 0
    # The share of the balance that a payment covers.
    percent: int = 100
    # Days from a promise to the promised day.
    promise_days: int = 0


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """A provider's outcome for one message: its own reference, and the reason for a failure or doubt."""

    fate: Fate
    ref: str | None = None
    reason: str | None = None
    is_permanent: bool = True
    duration_ms: int | None = None
    # Whether the address itself was refused: it is not contacted again.
    is_dead_address: bool = False
    # The followup's status for an answered call; by default there was no agreement.
    call_status: str | None = None
    # What the debtor does then, in a sandbox.
    responses: tuple[DebtorResponse, ...] = ()

    @property
    def is_temporary_failure(self) -> bool:
        """Whether the message certainly did not leave and another attempt may succeed."""
        return self.fate == Fate.FAILED and not self.is_permanent


def failed(reason: str, *, permanent: bool, dead_address: bool = False) -> SendOutcome:
    """Return the outcome of a message that certainly did not leave; a temporary failure may be retried."""
    return SendOutcome(Fate.FAILED, reason=reason, is_permanent=permanent, is_dead_address=dead_address)


def unknown(reason: str) -> SendOutcome:
    """Return the outcome of a message that may or may not have left."""
    return SendOutcome(Fate.UNKNOWN, reason=reason)


class Sender(Protocol):
    """A provider for one channel."""

    name: str
    channel: Channel
    capabilities: Capabilities

    async def send(self, message: Outgoing) -> SendOutcome:
        """Send a message and return the outcome; a provider failure raises no exception."""

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        """Return the outcome of an earlier message; None when the provider does not know it."""

    async def close(self) -> None:
        """Close every connection."""
