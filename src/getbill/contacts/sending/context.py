"""Dependencies and limits of sending, and a contact between its two transactions."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

import asyncpg
import structlog

from getbill import quarantine
from getbill.channels.senders import Outgoing, Sender, Senders, SendOutcome
from getbill.contacts.handovers import HandoverJournal
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.quarantine import Item
from getbill.vault import Vault

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SendingSettings:
    """Batch sizes, timeouts and retry limits; seconds are wall time."""

    batch: int = 200
    workspace_share: int = 800  # of one workspace in one tick
    concurrent_batches: int = 3  # batches in progress at the same time
    claim_seconds: float = 60.0
    sandbox_claim_seconds: float = 10.0  # short: sandbox sending is fast, and a caller may be waiting
    recovery_seconds: float = 180.0
    # Consecutive dead workers, the last of them with this contact alone, before a contact is set aside.
    crashes_max: int = 6
    lookups_max: int = 20  # claims and recoveries of a contact before its outcome stays unknown
    answer_seconds_max: float = 300.0  # upper limit of the wait for any provider
    tries_max: int = 8
    retry_seconds: float = 300.0  # before the second attempt; doubled before each later one


@dataclass(frozen=True, slots=True)
class SendingContext:
    """The dependencies of sending."""

    database: Database
    vault: Vault
    senders: Senders
    settings: SendingSettings = field(default_factory=SendingSettings)
    # Until then, by the monotonic clock, every decision needs a claim, so that a contact that kills us leaves
    # a trace.
    careful_until: float = 0.0
    # Without a journal, whatever a worker is sending when it dies is in doubt.
    handovers: HandoverJournal | None = None

    @property
    def is_careful(self) -> bool:
        """Whether a worker may have died a moment ago for an unknown reason."""
        return clock.monotonic() < self.careful_until

    def answer_timeout(self, sender: Sender) -> float:
        """Return the timeout of a provider's answer in seconds."""
        return min(sender.capabilities.answer_seconds, self.settings.answer_seconds_max)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A contact that another one's message covers, committed as `sending` with it."""

    contact: Contact
    # None if its debt was erased meanwhile.
    followup: Followup | None
    # The debt and its history after that commit; None if another worker sent the message.
    debt: Debt | None = None
    contact_history: ContactHistory | None = None


@dataclass(frozen=True, slots=True)
class PreparedSend:
    """A contact committed as `sending`, with its message, followup and sender."""

    contact: Contact
    message: Outgoing
    followup: Followup
    sender: Sender
    # Timeout of the provider's answer, in seconds.
    timeout_seconds: float
    # The debt and its history after the transaction that committed the contact as `sending`.
    debt: Debt | None = None
    contact_history: ContactHistory | None = None
    # The journal that knows the hand-over of the contact.
    handovers: HandoverJournal | None = None
    # The contacts of other debts that the message covers.
    members: tuple[GroupMember, ...] = ()


@dataclass(frozen=True, slots=True)
class SendResult:
    """A contact with its provider's outcome; the followup is None if its debt was erased meanwhile."""

    contact: Contact
    followup: Followup | None
    outcome: SendOutcome
    gives_receipt: bool
    # The debt and its history after the send decision; None if another worker sent the contact.
    debt: Debt | None = None
    contact_history: ContactHistory | None = None
    # The contacts of other debts that the message covered.
    members: tuple[GroupMember, ...] = ()

    def of_each_debt(self) -> list["SendResult"]:
        """Return the outcome for each contact that the message covered, the leader's first."""
        return (
            [
                replace(self, members=()),
                *(
                    replace(
                        self,
                        contact=member.contact,
                        followup=member.followup,
                        debt=member.debt,
                        contact_history=member.contact_history,
                        members=(),
                    )
                    for member in self.members
                ),
            ]
            if self.members
            else [self]
        )

    def without_cached(self) -> "SendResult":
        """Return the result without cached debts and histories, which a failed attempt has changed."""
        members = tuple(replace(member, debt=None, contact_history=None) for member in self.members)
        return replace(self, debt=None, contact_history=None, members=members)


def each_debt(results: Iterable[SendResult]) -> list[SendResult]:
    """Return the outcomes of messages for each contact that they covered."""
    return [covered for result in results for covered in result.of_each_debt()]


_DATABASE_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@asynccontextmanager
async def isolate_workspace(database: Database, workspace_id: UUID) -> AsyncIterator[None]:
    """Quarantine a failing workspace for a while, so that it delays no other one.

    A lost database is raised: it concerns every workspace.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, _DATABASE_LOST) and quarantine.is_transient(error):
            raise
        traceback = quarantine.unexpected(error)
        _log.error(
            "workspace_failed", workspace=str(workspace_id), error=type(error).__name__, exc_info=traceback
        )
        if not quarantine.is_transient(error):
            # Its contacts are claimed again when their lease ends.
            await quarantine.add_separately(database, Item(workspace_id, "workspace", workspace_id), error)
