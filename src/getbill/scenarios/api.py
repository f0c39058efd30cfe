"""Routes of scenarios: list, read, create and publish a version."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.companies import Workspace
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, problems
from getbill.scenarios import actions, catalogue, versions, wire
from getbill.scenarios.checks import ScenarioInvalid
from getbill.scenarios.model import Scenario
from getbill.scenarios.wire import ScenarioBody, ScenarioList, ScenarioShown, VersionBody

router = APIRouter(prefix="/external-api/v1/scenarios", tags=["Scenarios"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]


class VersionQuery(BaseModel):
    """The version of a scenario."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[
        int | None,
        Field(ge=1, le=2**31 - 1, description="Version of the scenario; defaults to the current one."),
    ] = None


@router.get("", response_model=ScenarioList)
async def list_scenarios(request: Request, caller: Reads) -> Response:
    """List the workspace's scenarios, each in the version that new debts get."""
    database: Database = request.app.state.database
    workspace = caller.workspace
    keys = [(name, catalogue.version_of(workspace, name)) for name in catalogue.names(workspace)]
    scenarios = await versions.load(database, workspace, keys)
    return answer(200, {"data": [wire.serialize_scenario(workspace, scenarios[key]) for key in keys]})


@router.post("", status_code=201, response_model=ScenarioShown, responses=problems(409, 415, 422))
async def create_scenario(change: Writes, payload: Annotated[ScenarioBody, body(ScenarioBody)]) -> Response:
    """Create a scenario. Debts can then use it, by its name or as `timeline_id`."""

    async def create(tx: Transaction) -> access.Reply:
        try:
            version = await actions.create(tx, change.workspace, wire.version_content(payload))
        except ScenarioInvalid as error:
            raise wire.invalid_scenario(error) from None
        return lambda: _scenario_response(201, version.workspace, version.scenario)

    return _invalidate_cache(change, await change.commit(create))


@router.get("/{timeline_id}", response_model=ScenarioShown, responses=problems(404))
async def get_scenario(
    request: Request,
    caller: Reads,
    timeline_id: str,
    query: Annotated[VersionQuery, Query()],
) -> Response:
    """Return a scenario, by its id or its name."""
    database: Database = request.app.state.database
    name = catalogue.find_name(caller.workspace, timeline_id)
    scenario = await versions.find(database, caller.workspace, name, query.version)
    return _scenario_response(200, caller.workspace, scenario)


@router.put("/{timeline_id}", response_model=ScenarioShown, responses=problems(404, 409, 415, 422))
async def update_scenario(
    change: Writes, timeline_id: str, payload: Annotated[VersionBody, body(VersionBody)]
) -> Response:
    """Publish the next version of a scenario, given in full. Running debts keep their version.

    A body identical to the current version creates no new one. `PUT /debts/{id}` with `scenario_version`
    moves a debt to another version.
    """

    async def publish(tx: Transaction) -> access.Reply:
        name = catalogue.find_name(change.workspace, timeline_id)
        try:
            version = await actions.publish(tx, change.workspace, name, wire.version_content(payload))
        except ScenarioInvalid as error:
            raise wire.invalid_scenario(error) from None
        return lambda: _scenario_response(200, version.workspace, version.scenario)

    return _invalidate_cache(change, await change.commit(publish))


def _scenario_response(status: int, workspace: Workspace, scenario: Scenario) -> Response:
    document = wire.serialize_scenario(workspace, scenario)
    headers = {"Location": f"{router.prefix}/{document['id']}"} if status == 201 else None
    return answer(status, document, headers)


def _invalidate_cache(change: Change, reply: Response) -> Response:
    """Update this process's cache at once; other processes are notified by the commit."""
    access.auth_context_of(change.request).invalidate(change.workspace.id)
    return reply
