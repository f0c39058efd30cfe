"""A company, its workspaces and its staff users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from getbill.kit.clock import WorkspaceClock
from getbill.kit.errors import Forbidden
from getbill.kit.http import CursorSigner
from getbill.kit.messages import message
from getbill.vault import Lookup, Vault

ROLES = ("admin", "manager", "agent", "developer", "viewer")


class SandboxOnly(Forbidden):
    """Time is moved and money is simulated in a sandbox, never where people are."""

    code = "sandbox-only"
    title = message("This exists in a sandbox only")
    way_out = "Send a sandbox key."


@dataclass(frozen=True, slots=True)
class Company:
    """Who collects: the name debtors read, and the defaults of its debts."""

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
    # What its letters carry: the lines of its address, and the mentions that the law wants.
    address: tuple[str, ...] = ()
    imprint: str | None = None
    # Of `kit.destinations.Zone`: whose numbers count as expensive here.
    refused_zones: frozenset[str] = frozenset()


class OwnScenario(NamedTuple):
    """Of a scenario that a workspace wrote itself: its first version there, and the one new debts get."""

    since: int
    version: int


@dataclass(frozen=True, slots=True)
class Workspace:
    """The tenant: what every change needs to know of where it happens. Loaded with the caller."""

    id: UUID
    kind: str
    company: Company
    clock: WorkspaceClock
    vault: Vault
    lookup: Lookup
    # By name; what is not named here is as it comes with GetBill.
    own_scenarios: Mapping[str, OwnScenario] = field(default_factory=dict)
    # `on`, `dry_run` or `stopped`; the installation's stop is in it.
    contact: str = "on"
    grace_hours: int = 2

    @property
    def is_live(self) -> bool:
        """Whether real people are contacted from here."""
        return self.kind == "live"

    def now(self) -> datetime:
        """Return the workspace's instant."""
        return self.clock.now()

    def cursor_signer(self, listing: str) -> CursorSigner:
        """Return what marks the cursors of one of this workspace's lists."""
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
