"""The facts that rules evaluate: the debtor's location, the collector, and every contact so far.

Contacts carry the keyed hash of the address, so that caps apply across all debts of a person while their
address stays unreadable here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from getbill.channels import ADDRESS_OF, AddressKind, Channel
from getbill.companies import Workspace
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region


class Party(StrEnum):
    """The kind of debtor: consumer or business; an unknown one counts as a consumer."""

    CONSUMER = "consumer"
    BUSINESS = "business"


class Collector(StrEnum):
    """The collector: the creditor itself, or a third party on its behalf."""

    CREDITOR = "creditor"
    THIRD_PARTY = "third_party"


class Per(StrEnum):
    """The key by which a cap counts contacts."""

    CASE = "case"
    ADDRESS = "address"


class PastContact(NamedTuple):
    """A contact made, or of unknown outcome: its instant, channel, address hash, and whether of this case."""

    channel: Channel
    at: datetime
    address: bytes | None = None
    same_case: bool = True


@dataclass(frozen=True, slots=True)
class PermissionChange:
    """A change of what the owner of an address allows: a suppression or a consent, given or ended."""

    workspace: Workspace
    address_hash: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one debt that the rules evaluate.

    `contacts` are those of this case and, for the hashes below, of the person's other cases; `notices` are
    those given so far; `suppressed` are hashes on the suppression list; `consents` are those given by an
    address; `exclusions` are the scenario's own days without contact.
    """

    zones: tuple[str, ...] = (calendar.DEFAULT_ZONE,)
    region: Region = calendar.DEFAULT_REGION
    party: Party = Party.CONSUMER
    collector: Collector = Collector.CREDITOR
    contacts: tuple[PastContact, ...] = ()
    email_hash: bytes | None = None
    phone_hash: bytes | None = None
    notices: frozenset[str] = frozenset()
    suppressed: frozenset[bytes] = frozenset()
    consents: frozenset[tuple[bytes, str]] = frozenset()
    exclusions: Exclusions = calendar.NOTHING_EXCLUDED

    def with_notices(self, notices: tuple[str, ...]) -> "Facts":
        """Return the facts for a contact that itself gives these notices."""
        return replace(self, notices=self.notices.union(notices)) if notices else self

    def contact_instants(self, per: Per, channel: Channel, channels: tuple[Channel, ...]) -> list[datetime]:
        """Return the sorted instants of contacts on `channels` that count together with one on `channel`."""
        if not self.contacts:
            return []
        if per == Per.CASE:
            return sorted(c.at for c in self.contacts if c.same_case and c.channel in channels)
        address = self.hash_for(channel)
        return sorted(c.at for c in self.contacts if c.address == address and c.channel in channels)

    def hash_for(self, channel: Channel) -> bytes | None:
        """Return the keyed hash of the address that a channel uses."""
        return hash_for(channel, self.email_hash, self.phone_hash)


def hash_for(channel: Channel, email: bytes | None, phone: bytes | None) -> bytes | None:
    """Return the keyed hash of a channel's address, e-mail or phone; None for letters."""
    kind = ADDRESS_OF[channel]
    if kind == AddressKind.POSTAL:
        return None
    return email if kind == AddressKind.EMAIL else phone
