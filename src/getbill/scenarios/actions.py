"""Publication of scenarios: always a new version, used by debts created from then on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from getbill import access, templates
from getbill.channels import NOTICES
from getbill.companies import OwnScenario, Workspace
from getbill.kit import calendar, clock, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import Conflict, one_field
from getbill.kit.messages import excerpt, message
from getbill.scenarios import catalogue, versions
from getbill.scenarios.checks import (
    Problem,
    ScenarioInvalid,
    from_data,
    texts_missing,
    to_data,
    unknown_languages,
)
from getbill.scenarios.ending import ends_too_early
from getbill.scenarios.model import Scenario

OWN_MAX = 200

_LOCK = Statement(
    "scenarios.lock_scenarios",
    "A workspace's own scenarios, locked until the transaction ends.",
    "SELECT own_scenarios FROM workspaces WHERE workspace_id = $1 FOR NO KEY UPDATE",
)
_INSERT = Statement(
    "scenarios.insert_version",
    "Insert a version of a scenario.",
    "INSERT INTO scenarios (workspace_id, name, version, content, created_at) VALUES ($1, $2, $3, $4, $5)",
)
_SET_CURRENT = Statement(
    "scenarios.set_current_versions",
    "Set the versions of a workspace's own scenarios that new debts get.",
    "UPDATE workspaces SET own_scenarios = $2 WHERE workspace_id = $1",
)


class ScenarioExists(Conflict):
    """The workspace already has a scenario of this name."""

    code = "scenario-exists"
    title = message("A scenario with this name already exists")
    way_out = "Publish a new version of the scenario in `id` with PUT, or choose another name."


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A published version, and the workspace that includes it."""

    workspace: Workspace
    scenario: Scenario


async def create(tx: Transaction, workspace: Workspace, content: Mapping[str, Any]) -> PublishedVersion:
    """Publish a new scenario's first version; raise ScenarioExists, or ScenarioInvalid with all problems."""
    own_scenarios = await _lock_own_scenarios(tx, workspace)
    name = content["name"]
    if name in own_scenarios or name in catalogue.names(workspace):
        scenario_id = catalogue.scenario_public_id(workspace, name)
        raise ScenarioExists(
            message(
                "The scenario '{name}' already exists as {shown}.", name=excerpt(name), shown=scenario_id
            ),
            extra={"id": scenario_id},
        )
    if len(own_scenarios) >= OWN_MAX:
        raise one_field(
            "/name",
            "too-many",
            message("A workspace may have at most {most} custom scenarios.", most=OWN_MAX),
        )
    return await _write(
        tx,
        workspace,
        own_scenarios,
        name,
        draft(workspace, name, 1, content, await templates.names(tx, workspace.id)),
    )


async def publish(
    tx: Transaction, workspace: Workspace, name: str, content: Mapping[str, Any]
) -> PublishedVersion:
    """Publish the next version of a scenario, or return the current one if nothing differs.

    Running debts keep their version. Raises ScenarioInvalid with every problem.
    """
    own_scenarios = await _lock_own_scenarios(tx, workspace)
    before = own_scenarios[name].version if name in own_scenarios else catalogue.version_of(workspace, name)
    template_names = await templates.names(tx, workspace.id)
    scenario = draft(workspace, name, before + 1, content, template_names)
    now = replace(workspace, own_scenarios=own_scenarios)
    present = (await versions.load(tx, now, [(name, before)]))[name, before]
    if to_data(scenario) | {"version": before} == to_data(present):
        return PublishedVersion(now, present)
    return await _write(tx, workspace, own_scenarios, name, scenario)


def draft(
    workspace: Workspace, name: str, version: int, content: Mapping[str, Any], template_names: Collection[str]
) -> Scenario:
    """Return a version without publishing it; raise ScenarioInvalid with every problem.

    `template_names` are the workspace's templates.
    """
    steps = [step | {"notices": _notices(step)} for step in content["steps"]]
    identifier = str(catalogue.id_of(workspace, name))
    scenario = from_data({**content, "steps": steps, "id": identifier, "name": name, "version": version})
    problems = texts_missing(scenario, template_names)
    early = ends_too_early(scenario, calendar.region_of(workspace.company.country, None))
    problems = (*problems, *unknown_languages(scenario), *_reserved_notices(workspace, scenario))
    if early is not None:
        problems = (*problems, ("end.offset", early))
    if problems:
        raise ScenarioInvalid(problems)
    return scenario


def _reserved_notices(workspace: Workspace, scenario: Scenario) -> Iterator[Problem]:
    """Yield where a scenario says that the company collects for somebody else, if it does not."""
    if workspace.company.is_third_party:
        return
    for position, step in enumerate(scenario.steps):
        notices = NOTICES.get(step.template)
        if notices:
            yield (
                f"steps.{position}.template",
                message(
                    "{template} gives the notice {notice} of a third-party collector. Choose another template, or"
                    " declare your company with PUT /external-api/v1/company/collector.",
                    template=step.template,
                    notice=notices[0],
                ),
            )


def _notices(step: Mapping[str, Any]) -> Sequence[str]:
    notices: Sequence[str] | None = step.get("notices")
    return list(NOTICES.get(step["template"], ())) if notices is None else notices


async def _lock_own_scenarios(tx: Transaction, workspace: Workspace) -> dict[str, OwnScenario]:
    content = await tx.fetchval(_LOCK, workspace.id)
    return {name: OwnScenario(*pair) for name, pair in json.read(content.encode()).items()}


async def _write(
    tx: Transaction,
    workspace: Workspace,
    own_scenarios: Mapping[str, OwnScenario],
    name: str,
    scenario: Scenario,
) -> PublishedVersion:
    text = json.write(scenario).decode()
    await tx.execute(_INSERT, workspace.id, name, scenario.version, text, clock.wall())
    since = own_scenarios[name].since if name in own_scenarios else scenario.version
    now_own = {**own_scenarios, name: OwnScenario(since, scenario.version)}
    await tx.execute(
        _SET_CURRENT,
        workspace.id,
        json.write({scenario_name: [*entry] for scenario_name, entry in now_own.items()}).decode(),
    )
    await access.invalidate(tx, workspace.id)
    return PublishedVersion(replace(workspace, own_scenarios=now_own), scenario)
