"""The scenarios that come with GetBill, in the same form as a workspace's own.

A version in `published` is never edited: a change is a new file with the next version.
"""

from functools import cache
from importlib.resources import files
from uuid import UUID

import orjson

from getbill.scenarios.model import Scenario, from_data


class ScenarioUnknown(LookupError):
    """No scenario has that name, version or id."""


class ScenarioConflict(ValueError):
    """`scenario` and `timeline_id` name two different scenarios."""


BUILT_IN: tuple[Scenario, ...] = tuple(
    from_data(orjson.loads(file.read_bytes()))
    for file in sorted((files("getbill.scenarios") / "published").iterdir(), key=lambda file: file.name)
)


@cache
def built_in(name: str, version: int | None = None) -> Scenario:
    """Return the built-in scenario of that name, in its latest version unless one is given."""
    found = [s for s in BUILT_IN if s.name == name and version in {None, s.version}]
    if not found:
        raise ScenarioUnknown(f"There is no scenario {name!r}; there are {', '.join(_names())}.")
    return max(found, key=lambda scenario: scenario.version)


def resolve(name: str | None, timeline_id: UUID | None) -> Scenario:
    """Return the scenario meant by its name, by its `timeline_id` or by both, which must then agree."""
    if timeline_id is None:
        return built_in(name or "standard_3_waves")
    named = next((scenario.name for scenario in BUILT_IN if scenario.id == timeline_id), None)
    if named is None:
        raise ScenarioUnknown("No scenario has that timeline_id; write its name in scenario instead.")
    if name is not None and name != named:
        raise ScenarioConflict(f"timeline_id is the scenario {named}, not {name}; give one of the two.")
    return built_in(named)


def _names() -> list[str]:
    return sorted({scenario.name for scenario in BUILT_IN})
