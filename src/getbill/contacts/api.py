"""The routes of timelines: what happened to a debt and what will, and what a scenario would do."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, companies, debts, scenarios, templates
from getbill.access import Caller, Change
from getbill.companies import Workspace
from getbill.contacts import queries, sending, wire
from getbill.contacts.history import History
from getbill.contacts.schedule import foresee
from getbill.contacts.wire import (
    CalendarShown,
    ContactBody,
    ContactShown,
    MessageShown,
    PreviewBody,
    TimelineShown,
)
from getbill.debts import Debt
from getbill.kit import ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import Conflict, NotFound
from getbill.kit.http import Route, answer, body, problems
from getbill.kit.messages import excerpt, message
from getbill.scenarios import Scenario, ScenarioInvalid

router = APIRouter(prefix="/external-api/v1", tags=["Timelines"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Caller, Depends(access.requires("debts:write"))]
Changes = Annotated[Change, Depends(access.change("debts:write"))]


class NothingToSay(Conflict):
    """The step has no address or cannot say how to pay, so it has no message."""

    code = "nothing-to-say"
    title = message("The step would be passed over")
    way_out = (
        "Give the debtor the address, or the debt or the creditor the way to pay, that the detail names."
    )


@router.get("/debts/{debt_id}/timeline", response_model=TimelineShown, responses=problems(404))
async def get_timeline(request: Request, caller: Reads, debt_id: str) -> Response:
    """Return every contact of a debt, made and ahead, with the rule that moved each and what stands against it."""
    database: Database = request.app.state.database
    found = await queries.timeline(database, caller.workspace, ids.read("debt", debt_id))
    planned = []
    if found.debt.is_contactable:
        planned = foresee(found.debt, found.history, caller.workspace.now(), found.planned)
    return answer(200, wire.timeline(found, planned))


@router.get("/debts/{debt_id}/timeline/{step}", response_model=MessageShown, responses=problems(404, 409))
async def get_step_message(request: Request, caller: Reads, debt_id: str, step: str) -> Response:
    """Return what a step of a debt's scenario would say if it were taken now; nothing is sent."""
    database: Database = request.app.state.database
    debt = await debts.find(database, caller.workspace, ids.read("debt", debt_id))
    try:
        found = debt.script.step(step)
    except LookupError:
        raise NotFound(
            message(
                "The scenario {scenario} (version {version}) has no step '{step}'.",
                scenario=debt.script.name,
                version=debt.script.version,
                step=excerpt(step),
            )
        ) from None
    found = found.reaching(debts.usable(debt)) or found
    now = caller.workspace.now()
    async with database.transaction(now) as tx:
        stationery = await sending.stationery(tx, caller.workspace.id)
    try:
        outgoing = sending.write(debt, found, ids.show("followup", debt.id), now, stationery)
    except sending.CannotBeWritten as error:
        raise NothingToSay(message("The step would be set aside: {reason}", reason=error.detail)) from None
    except sending.CannotBeSaid as reason:
        raise NothingToSay(
            message("The step would be passed over: {reason}.", reason=reason.args[0])
        ) from None
    return answer(200, wire.message(step, outgoing))


@router.get("/contact", response_model=ContactShown)
async def get_contact(request: Request, caller: Reads) -> Response:
    """Return whether this workspace's debtors are contacted."""
    database: Database = request.app.state.database
    return answer(200, wire.contact(await companies.switches(database, caller.workspace.id)))


@router.put("/contact", response_model=ContactShown, responses=problems(415, 422))
async def update_contact(change: Changes, asked: Annotated[ContactBody, body(ContactBody)]) -> Response:
    """Stop all contact of this workspace, rehearse it in a dry run, or switch it on.

    Holds from the next claim on. After a stop what was missed is dealt with as each scenario says; after a dry run what
    was only rehearsed is done in earnest.
    """

    async def work(tx: Transaction) -> access.Reply:
        now = await companies.switch(tx, change.workspace.id, asked.contact, asked.grace_hours)
        await access.forget(tx, change.workspace.id)
        return lambda: answer(200, wire.contact(now))

    reply = await change.commit(work)
    access.gate_of(change.request).forget(change.workspace.id)
    return reply


@router.post(
    "/scenarios/{timeline_id}/preview", response_model=CalendarShown, responses=problems(404, 415, 422)
)
async def preview_scenario(
    request: Request, caller: Writes, timeline_id: str, asked: Annotated[PreviewBody, body(PreviewBody)]
) -> Response:
    """Return what a scenario would do from today on, for a debt that is there or one that is only asked about.

    Nothing is stored. `version` tries steps that are not written yet. `debt_id` needs the scope `debts:read` too.
    """
    database: Database = request.app.state.database
    workspace = caller.workspace
    if asked.debt_id is not None:
        caller.require("debts:read")
    name = scenarios.find_name(workspace, timeline_id)
    script = await scenarios.find(database, workspace, name, None)
    if asked.version is not None:
        script = await _tried(database, workspace, script, asked)
    debt = await _debt(database, workspace, asked, script)
    return answer(200, wire.calendar(debt, foresee(debt, History(), workspace.now())))


async def _tried(database: Database, workspace: Workspace, script: Scenario, asked: PreviewBody) -> Scenario:
    assert asked.version is not None  # noqa: S101 - the caller looked
    content, known = scenarios.content(asked.version), await templates.names(database, workspace.id)
    try:
        return scenarios.draft(workspace, script.name, script.version + 1, content, known)
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
