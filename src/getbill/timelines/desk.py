"""What carrying contacts out needs, how much is taken at once, and a contact between its two transactions."""

from dataclasses import dataclass, field

from getbill.channels.senders import Outcome, Outgoing, Sender, Senders
from getbill.followups import Followup
from getbill.kit.db import Database
from getbill.timelines.model import Contact
from getbill.vault import Vault


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is taken at once, and for how long; seconds are wall time."""

    batch: int = 200
    share: int = 400  # of one workspace in one turn
    abreast: int = 3  # rounds of it that are under way at the same time
    claim_seconds: float = 60.0
    sandbox_claim_seconds: float = 10.0  # there nothing takes long, and somebody may be waiting
    recovery_seconds: float = 180.0
    tries_max: int = 8
    retry_seconds: float = 300.0  # before the second try; doubled before each later one


@dataclass(frozen=True, slots=True)
class Desk:
    """What carrying contacts out needs."""

    database: Database
    vault: Vault
    senders: Senders
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Departing:
    """A contact committed as `sending`, with its message, its followup, and who carries it."""

    contact: Contact
    message: Outgoing
    followup: Followup
    sender: Sender


@dataclass(frozen=True, slots=True)
class Carried:
    """A contact of which a provider has spoken; no followup is left where its debt was erased meanwhile."""

    contact: Contact
    followup: Followup | None
    outcome: Outcome
    gives_receipt: bool
