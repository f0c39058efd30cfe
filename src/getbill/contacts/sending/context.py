"""What carrying contacts out needs, how much is taken at once, and a contact between its two transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog

from getbill import quarantine
from getbill.channels.senders import Outgoing, Sender, Senders, SendOutcome
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
    """How much is taken at once, and for how long; seconds are wall time."""

    batch: int = 200
    workspace_share: int = 800  # of one workspace in one turn
    concurrent_batches: int = 3  # rounds of it that are under way at the same time
    claim_seconds: float = 60.0
    sandbox_claim_seconds: float = 10.0  # there nothing takes long, and somebody may be waiting
    recovery_seconds: float = 180.0
    # Workers that die in a row while they hold a contact, the last of them that one alone, before it is set aside.
    crashes_max: int = 6
    lookups_max: int = (
        20  # claims and recoveries of a contact after which nobody asks any more what became of it
    )
    answer_seconds_max: float = 300.0  # no provider is waited for longer, whatever it may take
    tries_max: int = 8
    retry_seconds: float = 300.0  # before the second try; doubled before each later one


@dataclass(frozen=True, slots=True)
class SendingContext:
    """What carrying contacts out needs."""

    database: Database
    vault: Vault
    senders: Senders
    settings: SendingSettings = field(default_factory=SendingSettings)
    # Until then, by the monotonic clock, nothing is decided on without a claim: one that kills us is to leave a trace.
    careful_until: float = 0.0

    @property
    def is_careful(self) -> bool:
        """Whether a worker may have died a moment ago, and nobody knows of what."""
        return clock.monotonic() < self.careful_until

    def answer_timeout(self, sender: Sender) -> float:
        """Return for how many seconds a provider's answer is waited for."""
        return min(sender.capabilities.answer_seconds, self.settings.answer_seconds_max)


@dataclass(frozen=True, slots=True)
class PreparedSend:
    """A contact committed as `sending`, with its message, its followup, and who carries it."""

    contact: Contact
    message: Outgoing
    followup: Followup
    sender: Sender
    # How long its provider is given to answer, in seconds.
    timeout_seconds: float
    # The debt and its history as the transaction that committed it as `sending` left them.
    debt: Debt | None = None
    contact_history: ContactHistory | None = None


@dataclass(frozen=True, slots=True)
class SendResult:
    """A contact of which a provider has spoken; no followup is left where its debt was erased meanwhile."""

    contact: Contact
    followup: Followup | None
    outcome: SendOutcome
    gives_receipt: bool
    # The debt and its history as its departure left them; None of one that another worker had sent.
    debt: Debt | None = None
    contact_history: ContactHistory | None = None


_DATABASE_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@asynccontextmanager
async def isolate_workspace(database: Database, workspace_id: UUID) -> AsyncIterator[None]:
    """Let what is wrong with one workspace keep no other one waiting: it is set aside, and left alone for a while.

    A lost database concerns them all.
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
            # Its contacts come back when their lease ends.
            await quarantine.add_separately(database, Item(workspace_id, "workspace", workspace_id), error)
