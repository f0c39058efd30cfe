"""The routes of timelines: what happened to a debt and what will, and what a scenario would do."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, debts, scenarios
from getbill.access import Caller
from getbill.companies import Workspace
from getbill.debts import Debt
from getbill.kit import ids
from getbill.kit.db import Database
from getbill.kit.http import answer, body
from getbill.kit.routes import Route
from getbill.kit.shapes import problems
from getbill.scenarios import Scenario, ScenarioInvalid
from getbill.timelines import queries, wire
from getbill.timelines.forecast import foresee
from getbill.timelines.history import History
from getbill.timelines.wire import CalendarShown, PreviewBody, TimelineShown

router = APIRouter(prefix="/external-api/v1", tags=["Timelines"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Caller, Depends(access.requires("debts:write"))]


@router.get("/debts/{debt_id}/timeline", response_model=TimelineShown, responses=problems(404))
async def get_timeline(request: Request, caller: Reads, debt_id: str) -> Response:
    """Return every contact of a debt, made and ahead, with the rule that moved each and what stands against it."""
    database: Database = request.app.state.database
    found = await queries.timeline(database, caller.workspace, ids.read("debt", debt_id))
    planned = []
    if found.debt.is_contactable:
        planned = foresee(found.debt, found.history, caller.workspace.now(), found.planned)
    return answer(200, wire.timeline(found.debt, found.past, planned))


@router.post(
    "/scenarios/{timeline_id}/preview", response_model=CalendarShown, responses=problems(404, 415, 422)
)
async def preview_scenario(
    request: Request, caller: Writes, timeline_id: str, asked: Annotated[PreviewBody, body(PreviewBody)]
) -> Response:
    """Return what a scenario would do from today on, for a debt that is there or one that is only asked about.

    Nothing is stored. `version` tries steps that are not written yet.
    """
    database: Database = request.app.state.database
    workspace = caller.workspace
    name = scenarios.find_name(workspace, timeline_id)
    script = await scenarios.find(database, workspace, name, None)
    if asked.version is not None:
        script = _tried(workspace, name, script.version, asked)
    debt = await _debt(database, workspace, asked, script)
    return answer(200, wire.calendar(debt, foresee(debt, History(), workspace.now())))


def _tried(workspace: Workspace, name: str, version: int, asked: PreviewBody) -> Scenario:
    assert asked.version is not None  # noqa: S101 - the caller looked
    try:
        return scenarios.draft(workspace, name, version + 1, scenarios.content(asked.version))
    except ScenarioInvalid as error:
        raise scenarios.refused(error, "/version") from None


async def _debt(database: Database, workspace: Workspace, asked: PreviewBody, script: Scenario) -> Debt:
    now = workspace.now()
    if asked.debt is not None:
        new = debts.new_debt(asked.debt.model_copy(update={"scenario": None, "timeline_id": None}), workspace)
        debt = debts.draft(workspace, new, script, now)
    else:
        debt = await debts.find(database, workspace, ids.read("debt", asked.debt_id or ""))
        debt.script = script
        debt.started_on = debts.day_zero(debt.debtor.identity, script, now, debt.due_on)
    debt.scenario = script.name
    return debt
