"""Routes of timelines: past and future contacts of a debt, and previews of scenarios."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, companies, creditors, debts, scenarios, templates
from getbill.access import Caller, Change
from getbill.companies import ContactChanges, Workspace
from getbill.contacts import queries, sending, wire
from getbill.contacts.schedule import forecast_steps
from getbill.contacts.wire import (
    CalendarShown,
    ContactBody,
    ContactShown,
    ScenarioPreviewBody,
    StepMessage,
    TimelineShown,
)
from getbill.debts import Debt
from getbill.kit import ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import Conflict, NotFound
from getbill.kit.http import Route, answer, body, language_headers, language_of, problems
from getbill.kit.messages import excerpt, message
from getbill.scenarios import Scenario, ScenarioInvalid

router = APIRouter(prefix="/external-api/v1", tags=["Timelines"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Caller, Depends(access.requires("debts:write"))]
Changes = Annotated[Change, Depends(access.change("debts:write"))]


class NothingToSay(Conflict):
    """The step has no address or no means of payment, so it has no message."""

    code = "nothing-to-say"
    title = message("The step would be skipped")
    way_out = (
        "Add the address of the debtor, or the means of payment of the debt or creditor, that `detail` names."
    )


@router.get("/debts/{debt_id}/timeline", response_model=TimelineShown, responses=problems(404))
async def get_timeline(request: Request, caller: Reads, debt_id: str) -> Response:
    """Return every past and future contact of a debt, with the rules that moved or block each."""
    database: Database = request.app.state.database
    timeline = await queries.find_timeline(database, caller.workspace, ids.read("debt", debt_id))
    forecast = []
    if timeline.debt.is_contactable:
        forecast = forecast_steps(
            timeline.debt,
            timeline.history,
            caller.workspace.now(),
            timeline.planned_contact,
            is_set_aside=timeline.is_set_aside,
        )
    language = language_of(request)
    return answer(200, wire.serialize_timeline(timeline, forecast, language), language_headers(language))


@router.get("/debts/{debt_id}/timeline/{step}", response_model=StepMessage, responses=problems(404, 409))
async def get_step_message(request: Request, caller: Reads, debt_id: str, step: str) -> Response:
    """Return the message that a step of a debt's scenario would send now. Nothing is sent."""
    database: Database = request.app.state.database
    debt = await debts.find(database, caller.workspace, ids.read("debt", debt_id))
    try:
        scenario_step = debt.running_scenario.find_step(step)
    except LookupError:
        raise NotFound(
            message(
                "The scenario {scenario} (version {version}) has no step '{step}'.",
                scenario=debt.running_scenario.name,
                version=debt.running_scenario.version,
                step=excerpt(step),
            )
        ) from None
    scenario_step = scenario_step.reaching(debts.usable_kinds(debt)) or scenario_step
    now = caller.workspace.now()
    async with database.transaction(now) as tx:
        render_context = await sending.load_render_context(tx, caller.workspace.id, [debt])
    try:
        outgoing = sending.render_message(
            debt, scenario_step, ids.show("followup", debt.id), now, render_context
        )
    except sending.MessageNotRenderable as error:
        raise NothingToSay(message("The step would be quarantined: {reason}", reason=error.detail)) from None
    except sending.StepNotPossible as error:
        raise NothingToSay(
            message("The step would be skipped: {reason}.", reason=list(error.reasons)),
            extra={"ways_out": [way_out.translated(language_of(request)) for way_out in error.ways_out]},
        ) from None
    return answer(200, wire.serialize_message(step, outgoing))


@router.get("/contact", response_model=ContactShown)
async def get_contact(request: Request, caller: Reads) -> Response:
    """Return whether this workspace contacts its debtors."""
    database: Database = request.app.state.database
    return answer(200, wire.serialize_switches(await companies.switches(database, caller.workspace.id)))


@router.put("/contact", response_model=ContactShown, responses=problems(415, 422))
async def update_contact(
    change: Changes, contact_body: Annotated[ContactBody, body(ContactBody)]
) -> Response:
    """Change the contact settings of this workspace: stop all contact, simulate it in a dry run, switch it on.

    Takes effect with the next claim; a lower `minimum_balance` within a day. After a stop, missed steps are handled as each scenario says. After a
    dry run, the steps that were only simulated are sent.
    """

    async def switch_contact(tx: Transaction) -> access.Reply:
        switches = await companies.switch(
            tx,
            change.workspace.id,
            ContactChanges(
                contact_body.contact,
                contact_body.grace_hours,
                contact_body.minimum_balance,
                contact_body.write_off_small_balances,
            ),
        )
        await access.invalidate(tx, change.workspace.id)
        return lambda: answer(200, wire.serialize_switches(switches))

    reply = await change.commit(switch_contact)
    access.auth_context_of(change.request).invalidate(change.workspace.id)
    return reply


@router.post(
    "/scenarios/{timeline_id}/preview", response_model=CalendarShown, responses=problems(404, 415, 422)
)
async def preview_scenario(
    request: Request,
    caller: Writes,
    timeline_id: str,
    preview: Annotated[ScenarioPreviewBody, body(ScenarioPreviewBody)],
) -> Response:
    """Return what a scenario would do from today on, for an existing debt or a hypothetical one.

    Nothing is stored. `version` previews steps that are not saved yet. `debt_id` also needs the scope
    `debts:read`.
    """
    database: Database = request.app.state.database
    workspace = caller.workspace
    if preview.debt_id is not None:
        caller.require("debts:read")
    name = scenarios.find_name(workspace, timeline_id)
    scenario = await scenarios.find(database, workspace, name, None)
    if preview.version is not None:
        scenario = await _draft_version(database, workspace, scenario, preview)
    debt = await _preview_debt(database, workspace, preview, scenario)
    contact_history = await queries.find_history(database, debt)
    steps = forecast_steps(debt, contact_history, workspace.now())
    language = language_of(request)
    return answer(200, wire.serialize_calendar(debt, steps, language), language_headers(language))


async def _draft_version(
    database: Database, workspace: Workspace, scenario: Scenario, preview: ScenarioPreviewBody
) -> Scenario:
    assert preview.version is not None  # noqa: S101 - checked by the caller
    content, template_names = (
        scenarios.version_content(preview.version),
        await templates.names(database, workspace.id),
    )
    try:
        return scenarios.draft(workspace, scenario.name, scenario.version + 1, content, template_names)
    except ScenarioInvalid as error:
        raise scenarios.invalid_scenario(error, "/version") from None


async def _preview_debt(
    database: Database, workspace: Workspace, preview: ScenarioPreviewBody, scenario: Scenario
) -> Debt:
    now = workspace.now()
    if preview.debt is not None:
        new_debt = debts.new_debt(
            preview.debt.model_copy(update={"scenario": None, "timeline_id": None}), workspace
        )
        debt = debts.draft(workspace, new_debt, scenario, now)
        debt.assign_creditor(await creditors.find_choice(database, workspace, new_debt.creditor_choice))
    else:
        debt = await debts.find(database, workspace, ids.read("debt", preview.debt_id or ""))
        debt.running_scenario = scenario
        debt.started_on = debts.day_zero(debt.debtor.identity, scenario, now, debt.due_on)
        # As if the debt changed to the scenario now: the contacts made so far count for the rules alone.
        debt.run += 1
    debt.scenario = scenario.name
    return debt
