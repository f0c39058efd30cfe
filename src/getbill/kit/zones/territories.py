"""Time zones of a country or territory, from the tz database."""

from functools import lru_cache
from importlib.resources import files


def zones_of_territory(territory: str) -> tuple[str, ...]:
    """Return the zones of an ISO 3166-1 code, in the order of the tz database; none for an unknown code."""
    return _zones_by_territory().get(territory, ())


@lru_cache(maxsize=1)
def _zones_by_territory() -> dict[str, tuple[str, ...]]:
    table: dict[str, list[str]] = {}
    for line in files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            territory, _, name = line.split("\t")[:3]
            table.setdefault(territory, []).append(name)
    return {territory: tuple(names) for territory, names in table.items()}
