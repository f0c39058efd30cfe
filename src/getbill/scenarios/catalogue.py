"""The scenarios that come with GetBill, and which scenario is meant by a name or an id.

A version in `published` is never edited: a change is a new file with the next version. A workspace has them all as
its own from the first version it writes itself; until then it has them as they come.
"""

from functools import cache
from importlib.resources import files
from uuid import UUID, uuid5

from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.errors import NotFound, WrongValue
from getbill.kit.messages import excerpt, message
from getbill.scenarios.checks import parse
from getbill.scenarios.model import Scenario

PREFIX = "timeline"


class ScenarioUnknown(WrongValue, LookupError):
    """No scenario has that name, version or id."""


class ScenarioConflict(WrongValue):
    """`scenario` and `timeline_id` name two different scenarios."""


BUILT_IN: tuple[Scenario, ...] = tuple(
    parse(file.read_bytes())
    for file in sorted((files("getbill.scenarios") / "published").iterdir(), key=lambda file: file.name)
)


@cache
def built_in(name: str, version: int | None = None) -> Scenario:
    """Return the built-in scenario of that name, in its latest version unless one is given."""
    versions = [s for s in BUILT_IN if s.name == name and version in {None, s.version}]
    if not versions:
        raise ScenarioUnknown(
            message(
                "There is no scenario '{name}'; there are {names}.",
                name=excerpt(name),
                names=list(_BUILT_IN_IDS),
            )
        )
    return max(versions, key=lambda scenario: scenario.version)


_BUILT_IN_IDS = {scenario.name: scenario.id for scenario in BUILT_IN}


def id_of(workspace: Workspace, name: str) -> UUID:
    """Return the id of a workspace's scenario of that name: the two are the same thing.

    It follows from the name, so that nothing has to be looked up where either is shown.
    """
    return _BUILT_IN_IDS.get(name) or _own_id(workspace.id, name)


def scenario_public_id(workspace: Workspace, name: str) -> str:
    """Return the id of a workspace's scenario as callers see it."""
    return _format_id(id_of(workspace, name))


def names(workspace: Workspace) -> list[str]:
    """Return the names of a workspace's scenarios, its own and those that come with GetBill."""
    return sorted({*_BUILT_IN_IDS, *workspace.own_scenarios})


def version_of(workspace: Workspace, name: str) -> int:
    """Return the version that a debt made now in a workspace gets; raise ScenarioUnknown when there is none."""
    own_scenario = workspace.own_scenarios.get(name)
    return own_scenario.version if own_scenario else built_in(name).version


def resolve(workspace: Workspace, name: str | None, timeline_id: str | None) -> str:
    """Return the name of the scenario meant by its name, by its `timeline_id` or by both, which must then agree.

    The company's own default stands where neither is given. Raises ScenarioUnknown or ScenarioConflict.
    """
    if timeline_id is None:
        requested_name = name or workspace.company.scenario
        if requested_name not in workspace.own_scenarios and requested_name not in _BUILT_IN_IDS:
            raise ScenarioUnknown(
                message(
                    "There is no scenario '{name}'; there are {names}.",
                    name=excerpt(requested_name),
                    names=list(names(workspace)),
                )
            )
        return requested_name
    name_by_id = _name_by_id(workspace, timeline_id)
    if name_by_id is None:
        raise ScenarioUnknown(
            message("No scenario has this timeline_id; read them at GET /external-api/v1/scenarios.")
        )
    if name is not None and name != name_by_id:
        raise ScenarioConflict(
            message(
                "timeline_id is the scenario {named}, not {name}; send one of the two.",
                named=name_by_id,
                name=name,
            )
        )
    return name_by_id


def find_name(workspace: Workspace, id_or_name: str) -> str:
    """Return the name of the scenario that an address names by its id or its name; raise NotFound."""
    if id_or_name in workspace.own_scenarios or id_or_name in _BUILT_IN_IDS:
        return id_or_name
    name_by_id = _name_by_id(workspace, id_or_name)
    if name_by_id is None:
        raise NotFound(
            message(
                "There is no scenario {id_or_name}; there are {names}.",
                id_or_name=excerpt(id_or_name),
                names=list(names(workspace)),
            )
        )
    return name_by_id


def _name_by_id(workspace: Workspace, timeline_id: str) -> str | None:
    try:
        scenario_id = ids.read(PREFIX, timeline_id)
    except NotFound:
        return None
    return next((name for name in names(workspace) if id_of(workspace, name) == scenario_id), None)


@cache
def _own_id(workspace_id: UUID, name: str) -> UUID:
    return uuid5(workspace_id, name)


@cache
def _format_id(identifier: UUID) -> str:
    return ids.show(PREFIX, identifier)
