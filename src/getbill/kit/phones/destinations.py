"""Destinations that cost more than a person's own number: premium rate, satellites, pagers, and zones a company rules out.

What a number is comes from the phonenumbers library, and where it is silent or sees a plain mobile from `destinations.csv`,
each line with its source.
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
    """What makes a number expensive to call or text, wherever it is."""

    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    INTERNATIONAL_NETWORK = "international_network"


class Zone(StrEnum):
    """Countries that cost more from France; a company may have them treated as expensive."""

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
    Destination.PERSONAL: message("a personal number, charged above a mobile one"),
    Destination.PAGER: message("a pager"),
    Destination.COMPANY: message("a company's universal access number"),
    Destination.VOICEMAIL: message("a voicemail access number"),
    Destination.SATELLITE: message("a satellite phone"),
    Destination.INTERNATIONAL_NETWORK: message("a number of an international network"),
    Zone.FRENCH_OVERSEAS: message("a French overseas number, which this company does not call unasked"),
    Zone.MAGHREB: message("a number of the Maghreb, which this company does not call unasked"),
}


@cache
def _destinations_by_prefix() -> dict[str, Destination]:
    text = files("getbill.kit.phones").joinpath("destinations.csv").read_text("utf-8")
    return {row["prefix"]: Destination(row["destination"]) for row in csv.DictReader(text.splitlines())}


@cache
def _lengths() -> tuple[int, ...]:
    """Return how long listed prefixes are, the longest first, each with the plus sign."""
    return tuple(sorted({len(prefix) + 1 for prefix in _destinations_by_prefix()}, reverse=True))


# Few entries, as for every number: enough for what one request asks.
@lru_cache(maxsize=256)
def destination_of(e164: str) -> Destination | None:
    """Return what makes a number expensive; None for the number of a person or a firm."""
    destinations = _destinations_by_prefix()
    for length in _lengths():
        destination = destinations.get(e164[1:length])
        if destination is not None:
            return destination
    return _OF_TYPES.get(numbers.kind(e164))


def zone_of(e164: str) -> Zone | None:
    """Return the zone of a number that a company may rule out; None for all others."""
    return _ZONES.get(e164[1:4])


def expensive_destination(e164: str, refused_zones: frozenset[str] = NO_ZONES) -> str | None:
    """Return what makes a number expensive for a company that rules out some zones; None where nothing does."""
    zone = zone_of(e164)
    if zone is not None and zone in refused_zones:
        return zone
    return destination_of(e164)


def refusal(e164: str, destination: str) -> Message:
    """Return the sentence that refuses an expensive number."""
    return message(
        "{number} is {destination}. Send accept_expensive_destination: true to have it called all the same, or another number.",
        number=e164,
        destination=_DESCRIPTIONS[destination],
    )
