"""Time zones of a postcode, in countries with several zones: a table of prefixes, `postcodes.csv`.

The longest prefix decides. An area that straddles zones names each of them.
"""

import csv
import re
from functools import lru_cache
from importlib.resources import files

from getbill.kit.zones.territories import zones_of_territory

_SEPARATORS = re.compile(r"[^0-9A-Z]")
# The digits of a postcode; any other number of them is a mistake, and tells nothing.
_DIGITS = {
    "US": (5, 9),
    "RU": (6,),
    "BR": (8, 5),
    "AU": (4,),
    "MX": (5,),
    "ID": (5,),
    "MN": (5,),
    "ES": (5,),
    "PT": (4, 7),
    "CL": (7,),
    "NZ": (4,),
    "EC": (6,),
    "GL": (4,),
    "UA": (5,),
    "CN": (6,),
    "PF": (5,),
}
_CANADIAN = re.compile(r"[A-Z][0-9][A-Z](?:[0-9][A-Z][0-9])?")


def zones_of_postcode(territory: str, postal_code: str | None) -> tuple[str, ...]:
    """Return the zones of a postcode, the likeliest first; none if it does not tell.

    In a country with one zone, every postcode tells.
    """
    compact = _SEPARATORS.sub("", (postal_code or "").upper())
    if not compact:
        return ()
    prefixes = _zones_by_prefix().get(territory)
    if prefixes is None:
        zones = zones_of_territory(territory)
        return zones if len(zones) == 1 else ()
    if not _is_complete(territory, compact):
        return ()
    lengths = range(min(len(compact), _LONGEST), 0, -1)
    return next((prefixes[compact[:length]] for length in lengths if compact[:length] in prefixes), ())


_LONGEST = 5


def _is_complete(territory: str, compact: str) -> bool:
    if territory == "CA":
        return _CANADIAN.fullmatch(compact) is not None
    return compact.isdecimal() and len(compact) in _DIGITS[territory]


@lru_cache(maxsize=1)
def _zones_by_prefix() -> dict[str, dict[str, tuple[str, ...]]]:
    lines = files("getbill.kit.zones").joinpath("postcodes.csv").read_text("utf-8").splitlines()
    table: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        zones = tuple(row["zones"].split())
        prefixes = table.setdefault(row["country"], {})
        prefixes.update(dict.fromkeys(_prefixes(row["postcodes"]), zones))
    return table


def _prefixes(written: str) -> list[str]:
    """Return the prefixes of a range such as `010-089`, or the one prefix."""
    first, _, last = written.partition("-")
    if not last:
        return [first]
    return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
