"""Expensive destinations: premium rate, satellites, pagers, and zones that a company refuses.

The type of a number comes from the phonenumbers library; if the library has none or reports an ordinary
mobile, from `destinations.csv`, each line with its source.
"""

import csv
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from phonenumbers import PhoneNumberType

from getbill.kit.messages import Message, message
from getbill.kit.phones import numbers

NO_ZONES: Final[frozenset[str]] = frozenset()


class Destination(StrEnum):
    """A type of number that is expensive to call or text from anywhere."""

    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    INTERNATIONAL_NETWORK = "international_network"


class Zone(StrEnum):
    """Countries that are more expensive from France; a company may have them refused."""

    FRENCH_OVERSEAS = "french_overseas"
    MAGHREB = "maghreb"


_OF_TYPES: Final = {
    PhoneNumberType.PREMIUM_RATE: Destination.PREMIUM,
    PhoneNumberType.SHARED_COST: Destination.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: Destination.PERSONAL,
    PhoneNumberType.PAGER: Destination.PAGER,
    PhoneNumberType.UAN: Destination.COMPANY,
    PhoneNumberType.VOICEMAIL: Destination.VOICEMAIL,
}
_ZONES: Final = {
    **dict.fromkeys(("262", "508", "590", "594", "596", "681", "687", "689"), Zone.FRENCH_OVERSEAS),
    **dict.fromkeys(("212", "213", "216"), Zone.MAGHREB),
}
_DESCRIPTIONS: Final[dict[str, Message]] = {
    Destination.PREMIUM: message("a premium-rate number"),
    Destination.SHARED_COST: message("a shared-cost number"),
    Destination.PERSONAL: message("a personal number, charged at more than mobile rates"),
    Destination.PAGER: message("a pager"),
    Destination.COMPANY: message("a company's universal access number"),
    Destination.VOICEMAIL: message("a voicemail access number"),
    Destination.SATELLITE: message("a satellite phone"),
    Destination.INTERNATIONAL_NETWORK: message("a number of an international network"),
    Zone.FRENCH_OVERSEAS: message("a French overseas number, which this company calls only on request"),
    Zone.MAGHREB: message("a number of the Maghreb, which this company calls only on request"),
}


@cache
def _destinations_by_prefix() -> dict[str, Destination]:
    text = files("getbill.kit.phones").joinpath("destinations.csv").read_text("utf-8")
    return {row["prefix"]: Destination(row["destination"]) for row in csv.DictReader(text.splitlines())}


@cache
def _lengths() -> tuple[int, ...]:
    """Return the lengths of listed prefixes, including the plus sign, longest first."""
    return tuple(sorted({len(prefix) + 1 for prefix in _destinations_by_prefix()}, reverse=True))


# Small on purpose, as for every cache of numbers: enough for one request.
@lru_cache(maxsize=256)
def destination_of(e164: str) -> Destination | None:
    """Return the expensive destination of a number; None for the number of a person or a firm."""
    destinations = _destinations_by_prefix()
    for length in _lengths():
        destination = destinations.get(e164[1:length])
        if destination is not None:
            return destination
    return _OF_TYPES.get(numbers.kind(e164))


def zone_of(e164: str) -> Zone | None:
    """Return the zone of a number that a company may refuse; None for all others."""
    return _ZONES.get(e164[1:4])


def expensive_destination(e164: str, refused_zones: frozenset[str] = NO_ZONES) -> str | None:
    """Return why a number is too expensive for a company that refuses some zones; None if it is not."""
    zone = zone_of(e164)
    if zone is not None and zone in refused_zones:
        return zone
    return destination_of(e164)


def refusal(e164: str, destination: str) -> Message:
    """Return the message that refuses an expensive number."""
    return message(
        "{number} is {destination}. Send accept_expensive_destination: true to accept it, or send another number.",
        number=e164,
        destination=_DESCRIPTIONS[destination],
    )
