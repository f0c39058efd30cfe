"""What the rules look at: where the debtor is, who collects, and every contact made so far.

Contacts are known by the keyed hash of the address, so that caps hold over all debts of a person without
their address being readable here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from getbill.channels import ADDRESS_OF, AddressKind, Channel
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region


class Party(StrEnum):
    """Whether the debtor is a person or a business; where it is not known, a person is assumed."""

    CONSUMER = "consumer"
    BUSINESS = "business"


class Collector(StrEnum):
    """Who collects: the creditor itself, or a third party for it."""

    CREDITOR = "creditor"
    THIRD_PARTY = "third_party"


class Per(StrEnum):
    """What a cap counts contacts by."""

    CASE = "case"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class PastContact:
    """A contact made, or whose fate is unknown: when, how, to which keyed hash, and for this case or not."""

    channel: Channel
    at: datetime
    address: bytes | None = None
    same_case: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rules need to know of one debt.

    `contacts` are those of this case and, for the hashes below, of the person's other cases; `notices` are
    those given so far; `suppressed` are hashes on the suppression list; `consents` what an address agreed to; `exclusions` are the scenario's own days
    without contact.
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
        """Return the instants, in order, of the contacts on `channels` that count with one on `channel`."""
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
    """Return which keyed hash, that of an e-mail address or of a phone number, a channel's address has; letters have none."""
    kind = ADDRESS_OF[channel]
    if kind == AddressKind.POSTAL:
        return None
    return email if kind == AddressKind.EMAIL else phone
