"""The built-in scenarios, and the look-up of a scenario by name or id.

A version in `published` is never edited: a change is a new file with the next version. A workspace uses the
built-in version of a scenario until it publishes its own.
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


class ScenarioReserved(WrongValue):
    """The scenario gives the notices of a third-party collector, which the company is not."""


class ScenarioConflict(WrongValue):
    """`scenario` and `timeline_id` name two different scenarios."""


BUILT_IN: tuple[Scenario, ...] = tuple(
    parse(file.read_bytes())
    for file in sorted((files("getbill.scenarios") / "published").iterdir(), key=lambda file: file.name)
)


@cache
def built_in(name: str, version: int | None = None) -> Scenario:
    """Return a built-in scenario, by default in its latest version."""
    versions = [s for s in BUILT_IN if s.name == name and version in {None, s.version}]
    if not versions:
        raise ScenarioUnknown(
            message(
                "There is no scenario '{name}'. Valid scenarios: {names}.",
                name=excerpt(name),
                names=list(_BUILT_IN_IDS),
            )
        )
    return max(versions, key=lambda scenario: scenario.version)


_BUILT_IN_IDS = {scenario.name: scenario.id for scenario in BUILT_IN}
_WITH_NOTICES = {scenario.name for scenario in BUILT_IN if any(step.notices for step in scenario.steps)}


def id_of(workspace: Workspace, name: str) -> UUID:
    """Return the id of a workspace's scenario; name and id correspond one to one.

    The id is derived from the name, so neither needs a look-up.
    """
    return _BUILT_IN_IDS.get(name) or _own_id(workspace.id, name)


def scenario_public_id(workspace: Workspace, name: str) -> str:
    """Return the public id of a workspace's scenario."""
    return _format_id(id_of(workspace, name))


def names(workspace: Workspace) -> list[str]:
    """Return the names of a workspace's scenarios, its own and the built-in ones."""
    return sorted({*_BUILT_IN_IDS, *workspace.own_scenarios})


def version_of(workspace: Workspace, name: str) -> int:
    """Return the version that a new debt gets; raise ScenarioUnknown for an unknown name."""
    own_scenario = workspace.own_scenarios.get(name)
    return own_scenario.version if own_scenario else built_in(name).version


def resolve(workspace: Workspace, name: str | None, timeline_id: str | None) -> str:
    """Return the scenario's name from its name, its `timeline_id`, or both, which must then agree.

    Defaults to the company's default scenario. Raises ScenarioUnknown or ScenarioConflict.
    """
    if timeline_id is None:
        requested_name = name or workspace.company.scenario
        if requested_name not in workspace.own_scenarios and requested_name not in _BUILT_IN_IDS:
            raise ScenarioUnknown(
                message(
                    "There is no scenario '{name}'. Valid scenarios: {names}.",
                    name=excerpt(requested_name),
                    names=list(names(workspace)),
                )
            )
        return requested_name
    name_by_id = _name_by_id(workspace, timeline_id)
    if name_by_id is None:
        raise ScenarioUnknown(
            message("No scenario has this timeline_id. GET /external-api/v1/scenarios lists the scenarios.")
        )
    if name is not None and name != name_by_id:
        raise ScenarioConflict(
            message(
                "timeline_id identifies the scenario {named}, not {name}; send only one of the two.",
                named=name_by_id,
                name=name,
            )
        )
    return name_by_id


def refuse_notices(workspace: Workspace, name: str) -> None:
    """Raise ScenarioReserved for a built-in scenario that says the company collects for somebody else."""
    if workspace.company.is_third_party or name in workspace.own_scenarios or name not in _WITH_NOTICES:
        return
    raise ScenarioReserved(
        message(
            "The scenario {name} is for third-party collectors: its first letter says that you collect for somebody"
            " else. Choose another one, or declare your company with PUT /external-api/v1/company/collector.",
            name=name,
        )
    )


def find_name(workspace: Workspace, id_or_name: str) -> str:
    """Return the scenario's name from an id or a name; raise NotFound."""
    if id_or_name in workspace.own_scenarios or id_or_name in _BUILT_IN_IDS:
        return id_or_name
    name_by_id = _name_by_id(workspace, id_or_name)
    if name_by_id is None:
        raise NotFound(
            message(
                "There is no scenario {id_or_name}. Valid scenarios: {names}.",
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
