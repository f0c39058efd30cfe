"""Time zones of a phone number: of its area code, or of the country whose numbering plan has it."""

from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers import timezone as phone_zones

from getbill.kit import phones
from getbill.kit.zones.territories import zones_of_territory


class NumberZones(NamedTuple):
    """The country of a number (ISO 3166-1), its country code, its zones, and whether an area code tells them."""

    territory: str | None
    country_code: int
    zones: tuple[str, ...]
    is_local: bool


_NOTHING_KNOWN = NumberZones(None, 0, (), is_local=False)


# Small on purpose: if a numbering plan has no ranges, the key is the number itself, which should not stay in
# memory for long.
@lru_cache(maxsize=1024)
def zones_of_number(number_range: str) -> NumberZones:
    """Return the zones of a number (E.164), or of its range."""
    number, kind = phones.phone_number_of(number_range), phones.kind(number_range)
    code = number.country_code
    if code is None or kind == PhoneNumberType.UNKNOWN:
        return _NOTHING_KNOWN
    territory = phonenumbers.region_code_for_number(number)
    country_zones = zones_of_territory(territory or "")
    if len(country_zones) != 1 and phonenumbers.is_number_type_geographical(kind, code):
        local_zones = _known_zones(phone_zones.time_zones_for_geographical_number(number))
        if local_zones:
            # Numbers of an area that straddles a border list the zones of both countries.
            own_zones = tuple(zone for zone in local_zones if zone in country_zones)
            return NumberZones(territory, code, own_zones or local_zones, is_local=True)
    # If the digits do not determine the place, the numbering plan still determines the country.
    zones = country_zones or _known_zones(phone_zones.time_zones_for_number(number))
    return NumberZones(territory, code, zones, is_local=len(zones) == 1)


def _known_zones(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name != phone_zones.UNKNOWN_TIMEZONE)
