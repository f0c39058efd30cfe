"""Working days, public holidays and local time at the debtor's address.

Days are dates in the debtor's own time zone; instants are aware UTC. If the zone is in doubt, every candidate
is kept, because a rule on contact hours must hold in all of them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays
import phonenumbers

from getbill.kit import phones, zones
from getbill.kit.zones import NumberZones

DEFAULT_COUNTRY = "FR"
DEFAULT_ZONE = "Europe/Paris"

# French overseas territories have their own ISO code, under French law and with French postcodes.
_OVERSEAS = {
    "GP": "971",
    "MQ": "972",
    "GF": "973",
    "RE": "974",
    "PM": "975",
    "YT": "976",
    "BL": "977",
    "MF": "978",
    "TF": "984",
    "WF": "986",
    "PF": "987",
    "NC": "988",
}
# Territories whose residents may give the mainland as their country.
_OUTLYING = {"FR": tuple(_OVERSEAS), "US": ("PR", "VI", "GU", "MP", "AS")}
_TERRITORIES = {prefix: territory for territory, prefix in _OVERSEAS.items()}
_TOWNS = {"97133": "BL", "97150": "MF"}
# Alsace and Moselle have two additional holidays (ordonnance of 16 August 1892; art. L3134-13 C. trav.).
_ALSACE_MOSELLE = {"57": "57", "67": "6AE", "68": "6AE"}
# Names of the territories that are not departments, as in the holidays library.
_HOLIDAY_KEYS = {_OVERSEAS[territory]: territory for territory in ("BL", "MF", "NC", "PF", "PM", "TF", "WF")}


class Region(NamedTuple):
    """Holiday region of a debtor: the country and, in France, the department."""

    country: str = DEFAULT_COUNTRY
    subdivision: str | None = None


DEFAULT_REGION = Region()


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Days on which debtors are not contacted."""

    weekends: bool = True
    public_holidays: bool = True
    dates: tuple[date, ...] = ()


NOTHING_EXCLUDED = Exclusions(weekends=False, public_holidays=False)


def territory_of(country: str | None, postal_code: str | None) -> str:
    """Return the ISO code of the address's phone numbering plan: `RE` for France 97400."""
    code = (country or DEFAULT_COUNTRY).upper()
    digits = (postal_code or "").replace(" ", "")
    if code != "FR" or len(digits) != 5:
        return code
    return _TOWNS.get(digits) or _TERRITORIES.get(digits[:3], code)


@lru_cache(maxsize=4096)
def region_of(country: str | None, postal_code: str | None) -> Region:
    """Return the region of an address for holidays and law; French overseas territories are in `FR`."""
    territory = territory_of(country, postal_code)
    if territory in _OVERSEAS:
        return Region("FR", _OVERSEAS[territory])
    if territory == "FR" and postal_code:
        return Region("FR", _ALSACE_MOSELLE.get(postal_code.strip()[:2]))
    return Region(territory)


@lru_cache(maxsize=4096)
def holidays_of(region: Region, year: int) -> frozenset[date]:
    """Return the public holidays of a year; empty if those of the country are unknown."""
    country, subdivision = region
    try:
        public_holidays = holidays.country_holidays(
            country, subdiv=_HOLIDAY_KEYS.get(subdivision or "", subdivision), years=year
        )
    except NotImplementedError:
        return frozenset()
    return frozenset(public_holidays)


@lru_cache(maxsize=512)
def weekend_of(country: str) -> frozenset[int]:
    """Return the weekend days (Monday is 0); Saturday and Sunday if those of the country are unknown."""
    try:
        return frozenset(holidays.country_holidays(country).weekend)
    except NotImplementedError:
        return frozenset({5, 6})


def is_excluded(day: date, region: Region, exclusions: Exclusions) -> bool:
    """Return whether contact is excluded on that day in that region."""
    return day in excluded_days(region, exclusions, day.year)


@lru_cache(maxsize=4096)
def excluded_days(region: Region, exclusions: Exclusions, year: int) -> frozenset[date]:
    """Return every day of the year on which contact is excluded."""
    days = {day for day in exclusions.dates if day.year == year}
    if exclusions.public_holidays:
        days |= holidays_of(region, year)
    if exclusions.weekends:
        weekend, first = weekend_of(region.country), date(year, 1, 1)
        length = (date(year, 12, 31) - first).days + 1
        all_days = (first + timedelta(days=count) for count in range(length))
        days |= {day for day in all_days if day.weekday() in weekend}
    return frozenset(days)


@lru_cache(maxsize=4096)
def open_day(day: date, region: Region, exclusions: Exclusions) -> date:
    """Return the first day on or after `day` that is not excluded."""
    while is_excluded(day, region, exclusions):
        day += timedelta(days=1)
    return day


def add_business_days(day: date, count: int, region: Region) -> date:
    """Return the day `count` business days after `day`; with 0, `day` itself or the next business day."""
    day = open_day(day, region, Exclusions())
    for _ in range(count):
        day = open_day(day + timedelta(days=1), region, Exclusions())
    return day


def zones_of(country: str | None, postal_code: str | None, phone: str | None) -> tuple[str, ...]:
    """Return every possible time zone of a debtor, best first; `Europe/Paris` if nothing is known.

    A postcode tells the zone, or the zones of an area that straddles several. The area code of a number (E.164)
    under the country code of the address adds its own where they differ: the debtor may be at either. Without a
    telling postcode, a telling number of the country decides, and else every zone of the country is possible,
    with those of a foreign number unless there is a postal address.
    """
    return _zones_of(country, postal_code, phones.range_of(phone) if phone else None)


# Small on purpose, for the same reason as the zones of numbers.
@lru_cache(maxsize=1024)
def _zones_of(country: str | None, postal_code: str | None, number_range: str | None) -> tuple[str, ...]:
    number = zones.zones_of_number(number_range) if number_range else None
    if not country and not postal_code:
        return (number.zones if number else ()) or (DEFAULT_ZONE,)
    territory = territory_of(country, postal_code)
    by_postcode = zones.zones_of_postcode(territory, postal_code)
    if by_postcode:
        return _distinct(by_postcode, _zones_of_area_code(number, territory))
    by_country = zones.zones_of_territory(territory)
    if number is None or (postal_code and by_country and not _is_of(number, territory)):
        return by_country or (DEFAULT_ZONE,)
    if _is_of(number, territory):
        return number.zones or by_country or (DEFAULT_ZONE,)
    return _distinct(by_country, number.zones) or (DEFAULT_ZONE,)


def _zones_of_area_code(number: NumberZones | None, territory: str) -> tuple[str, ...]:
    """Return the zones of a number's area code under the territory's own country code."""
    is_own = number and number.is_local and number.country_code == _country_code_of(territory)
    return number.zones if number and is_own else ()


def _is_of(number: NumberZones, territory: str) -> bool:
    """Return whether a number belongs to a territory or to its outlying ones."""
    return number.territory in {territory, *_OUTLYING.get(territory, ())}


def _distinct(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(groups)))


@lru_cache(maxsize=512)
def _country_code_of(territory: str) -> int:
    return phonenumbers.country_code_for_region(territory)


def local_date(at: datetime, zone_name: str) -> date:
    """Return the date in a time zone at that instant."""
    return at.astimezone(ZoneInfo(zone_name)).date()


@lru_cache(maxsize=4096)
def at_local(day: date, clock: time, zone_name: str) -> datetime:
    """Return the first instant at which the local clock shows `clock` on `day`, or has just passed it.

    If the clock is put forward over that time, the instant of the change is returned; if it is put back and
    shows the time twice, the first of the two.
    """
    local = datetime.combine(day, clock, ZoneInfo(zone_name))
    instant = local.astimezone(UTC)
    if instant.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local)


def _end_of_gap(local: datetime) -> datetime:
    before, after = local.replace(fold=1).astimezone(UTC), local.astimezone(UTC)
    offset = after.astimezone(local.tzinfo).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(local.tzinfo).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
