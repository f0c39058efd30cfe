"""Companies, workspaces and staff."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from getbill.kit.clock import WorkspaceClock
from getbill.kit.errors import Forbidden
from getbill.kit.http import CursorSigner
from getbill.kit.messages import message
from getbill.vault import Lookup, Vault

ROLES = ("admin", "manager", "agent", "developer", "viewer")


class SandboxOnly(Forbidden):
    """This operation exists in sandboxes only: it moves time or simulates money."""

    code = "sandbox-only"
    title = message("Available in a sandbox only")
    way_out = "Use a sandbox key."


@dataclass(frozen=True, slots=True)
class Company:
    """A creditor: the name shown to debtors, and the defaults of its debts."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    iban: str | None
    country: str
    currency: str
    language: str
    scenario: str
    collector: str
    created_at: datetime
    # The letterhead: the lines of the address, and the legally required particulars.
    address: tuple[str, ...] = ()
    imprint: str | None = None
    # Zones (`kit.phones.Zone`) whose numbers count as expensive for this company.
    refused_zones: frozenset[str] = frozenset()
    # What a third-party collector has on file (in France art. R124-2 CPCE).
    registration_number: str | None = None
    insurer: str | None = None
    insurance_policy: str | None = None
    insured_until: date | None = None
    # The account that holds its clients' money alone.
    client_iban: str | None = None
    declared_on: date | None = None
    declared_to: str | None = None

    @property
    def is_third_party(self) -> bool:
        """Whether the company collects the debts of others."""
        return self.collector == "third_party"


class OwnScenario(NamedTuple):
    """A scenario of a workspace's own: its first version there, and the version for new debts."""

    since: int
    version: int


@dataclass(frozen=True, slots=True)
class Workspace:
    """The tenant, with all that a change needs to know about it; loaded with the caller."""

    id: UUID
    kind: str
    company: Company
    clock: WorkspaceClock
    vault: Vault
    lookup: Lookup
    # By name; scenarios not listed here are GetBill's own.
    own_scenarios: Mapping[str, OwnScenario] = field(default_factory=dict)
    # `on`, `dry_run` or `stopped`; it includes the installation's stop.
    contact: str = "on"
    grace_hours: int = 2
    # The channels with a provider, as a worker reported them; None before the first report, and in a sandbox.
    provided_channels: frozenset[str] | None = None
    # The names of its own templates; None where nobody asked for them.
    template_names: frozenset[str] | None = None
    # In units of each debt's currency; a debt with less is not contacted. 0: no minimum.
    minimum_balance: Decimal = Decimal(1)
    # Whether such a balance is written off without asking a person.
    writes_off_small_balances: bool = False

    @property
    def is_live(self) -> bool:
        """Whether this workspace contacts real people."""
        return self.kind == "live"

    def now(self) -> datetime:
        """Return the workspace's current instant."""
        return self.clock.now()

    def cursor_signer(self, listing: str) -> CursorSigner:
        """Return the signer of the cursors of one of this workspace's lists."""
        prefix = f"{self.id}\x00{listing}\x00"
        return lambda cursor: self.lookup.hash("cursor", prefix + cursor)


@dataclass(frozen=True, slots=True)
class User:
    """A member of a company's staff."""

    id: UUID
    company_id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: str
    is_active: bool
    last_seen_at: datetime | None
    created_at: datetime
