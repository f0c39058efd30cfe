"""The routes of debts and of the debtors who owe them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, debtors
from getbill.access import Caller, Change
from getbill.debts import actions, erasure, erasure_journal, queries, transitions, wire
from getbill.debts.model import Debt
from getbill.debts.wire import (
    DebtChangeBody,
    DebtList,
    DebtorList,
    DebtorWithTotals,
    DebtQuery,
    DebtShown,
    ErasedShown,
    Line,
    NewDebtBody,
    PageQuery,
    Text,
)
from getbill.kit import clock, http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import NotFound, PreconditionFailed
from getbill.kit.http import Route, answer, body, gather, problems
from getbill.kit.messages import message

_debts = APIRouter(prefix="/external-api/v1", tags=["Debts"], route_class=Route)
_debtors = APIRouter(prefix="/external-api/v1", tags=["Debtors"], route_class=Route)

_CHANGING = problems(404, 409, 412, 415, 422)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write", shown_to="debts:read"))]
# The answer says what is gone, and nothing of what it was.
Erases = Annotated[Change, Depends(access.change("debts:write"))]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="ETag of the version you read; a newer one is not changed (412)."),
]


class HoldBody(BaseModel):
    """Why a debt is held."""

    model_config = ConfigDict(extra="forbid")

    reason: Line | None = Field(None, examples=["The debtor disputes the invoice."])


class EscalationBody(BaseModel):
    """A person's decision to hand a debt over to legal action."""

    model_config = ConfigDict(extra="forbid")

    reason: Line = Field(examples=["No answer to three waves; the amount is undisputed."])
    decided_by: Text = Field(description="Name of the person who decided.", examples=["Marie Martin"])


def database_of(request: Request) -> Database:
    """Return the application's database."""
    database: Database = request.app.state.database
    return database


def _journal_of(request: Request) -> erasure_journal.Journal:
    journal: erasure_journal.Journal = request.app.state.journal
    return journal


def _shown(status: int, debt: Debt) -> Response:
    shown = wire.debt(debt)
    headers = {"ETag": wire.tag(debt)}
    if status == 201:
        headers["Location"] = f"/external-api/v1/debts/{shown['id']}"
    return answer(status, shown, headers)


@_debts.post(
    "/debts",
    status_code=201,
    response_model=DebtShown,
    responses={
        **problems(409, 415, 422),
        200: {"model": DebtShown, "description": "The debt made before from the same body."},
    },
)
async def create_debt(change: Writes, new: Annotated[NewDebtBody, body(NewDebtBody)]) -> Response:
    """Create a debt: its scenario starts by itself.

    The same `reference` with the same body answers 200 with the debt made before; with another body 409, with
    the existing debt's `id`.
    """
    asked = wire.new_debt(new, change.workspace)

    async def work(tx: Transaction) -> access.Reply:
        try:
            created = await actions.create(tx, change.workspace, asked)
        except actions.ReferenceTaken as taken:
            # The refusal names that debt and its reference, so its stored answer goes with it.
            change.debt_id = taken.debt_id
            raise
        change.debt_id = created.debt.id
        return lambda: _shown(201 if created.is_new else 200, created.debt)

    return await change.commit(work)


@_debts.get("/debts", response_model=DebtList)
async def list_debts(request: Request, caller: Reads, query: Annotated[DebtQuery, Query()]) -> Response:
    """List debts, by page or, for large books, by cursor."""
    database = database_of(request)
    wanted = wire.wanted(query, caller.workspace)
    found = await queries.page(database, caller.workspace, wanted)
    total = await queries.count(database, caller.workspace, wanted.filters, http.EXACT_MAX + 1)
    shown = found[: query.limit]
    cursor = wire.cursor_after(caller.workspace, shown[-1], query.sort) if len(found) > query.limit else None
    pages = http.pagination(total, query.page, query.limit, cursor)
    return answer(200, {"data": [wire.debt(debt) for debt in shown], "pagination": pages})


@_debts.get("/debts/{debt_id}", response_model=DebtShown, responses=problems(404))
async def get_debt(request: Request, caller: Reads, debt_id: str) -> Response:
    """Return one debt; its ETag serves a later `If-Match`."""
    found = await queries.find(database_of(request), caller.workspace, ids.read("debt", debt_id))
    return _shown(200, found)


@_debts.put("/debts/{debt_id}", response_model=DebtShown, responses=_CHANGING)
async def update_debt(
    change: Writes,
    debt_id: str,
    changed: Annotated[DebtChangeBody, body(DebtChangeBody)],
    if_match: IfMatch = None,
) -> Response:
    """Change what is sent, leave the rest. A changed amount is booked as an adjustment."""

    async def work(tx: Transaction) -> access.Reply:
        debt = await _locked(tx, change, debt_id)
        _refuse_older(debt, if_match)
        wanted = wire.change(changed, debt)
        wire.refuse_other_name(wanted, debt)
        await actions.update(tx, change.workspace, debt, wanted)
        return lambda: _shown(200, debt)

    return await change.commit(work)


@_debts.delete("/debts/{debt_id}", response_model=ErasedShown, responses=problems(404, 412, 503))
async def delete_debt(request: Request, change: Erases, debt_id: str, if_match: IfMatch = None) -> Response:
    """Erase a debt for good: contact stops, and nothing that says who the debtor was remains.

    The answer comes when the erasure is on disk beside the database too, so that no restored backup takes it back.
    """

    async def work(tx: Transaction) -> access.Reply:
        debt = await _locked(tx, change, debt_id)
        _refuse_older(debt, if_match)
        done = await erasure.erase(tx, change.workspace, debt)
        await access.forget_answers(tx, change.workspace.id, debt.id)
        return lambda: answer(200, wire.erased(done))

    place = change.workspace.id, ids.read("debt", debt_id)
    try:
        response = await change.commit(work)
    except NotFound:
        # Erased by a request that was never answered, perhaps.
        if (erased_at := await erasure_journal.erased_at(change.database, *place)) is not None:
            await _journal_of(request).note_again(*place, erased_at)
        raise
    await _journal_of(request).note(*place, clock.wall())
    return response


@_debts.post("/debts/{debt_id}/hold", response_model=DebtShown, responses=_CHANGING)
async def hold_debt(
    change: Writes, debt_id: str, held: Annotated[HoldBody, body(HoldBody, optional=True)]
) -> Response:
    """Hold a debt: nobody contacts the debtor until it is resumed."""

    async def work(tx: Transaction) -> access.Reply:
        debt = await _locked(tx, change, debt_id)
        transitions.hold(tx, debt, held.reason)
        return lambda: _shown(200, debt)

    return await change.commit(work)


@_debts.post("/debts/{debt_id}/resume", response_model=DebtShown, responses=_CHANGING)
async def resume_debt(change: Writes, debt_id: str) -> Response:
    """Resume a held debt where its scenario stood."""

    async def work(tx: Transaction) -> access.Reply:
        debt = await _locked(tx, change, debt_id)
        transitions.resume(tx, debt)
        return lambda: _shown(200, debt)

    return await change.commit(work)


@_debts.post("/debts/{debt_id}/escalate", response_model=DebtShown, responses=_CHANGING)
async def escalate_debt(
    change: Writes, debt_id: str, decision: Annotated[EscalationBody, body(EscalationBody)]
) -> Response:
    """Hand a debt over to legal action. A person decides; no scenario ever does."""

    async def work(tx: Transaction) -> access.Reply:
        debt = await _locked(tx, change, debt_id)
        transitions.escalate(tx, debt, decision.reason, decision.decided_by)
        return lambda: _shown(200, debt)

    return await change.commit(work)


async def _locked(tx: Transaction, change: Change, debt_id: str) -> Debt:
    debt = await queries.lock(tx, change.workspace, ids.read("debt", debt_id))
    change.debt_id = debt.id
    return debt


def _refuse_older(debt: Debt, if_match: str | None) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    now = wire.tag(debt)
    if now not in [tag.strip() for tag in if_match.split(",")]:
        raise PreconditionFailed(
            message("The debt is at {now}; read it again and repeat the change.", now=now),
            headers={"ETag": now},
        )


ReadsDebtors = Annotated[Caller, Depends(access.requires("debtors:read"))]


@_debtors.get("/debtors", response_model=DebtorList)
async def list_debtors(
    request: Request, caller: ReadsDebtors, query: Annotated[PageQuery, Query()]
) -> Response:
    """List the people and firms who have debts, the newest first."""
    database = database_of(request)
    after = wire.debtors_after(caller.workspace, query.cursor)
    offset = 0 if after else (query.page - 1) * query.limit
    page = debtors.Page(query.limit + 1, offset, after)
    found = await debtors.list_debtors(database, caller.workspace, page)
    total = await debtors.count(database, caller.workspace, http.EXACT_MAX + 1)
    shown = found[: query.limit]
    is_end = len(found) <= query.limit
    cursor = None if is_end else wire.debtors_cursor(caller.workspace, shown[-1].created_at, shown[-1].id)
    pages = http.pagination(total, query.page, query.limit, cursor)
    return answer(200, {"data": [wire.debtor(debtor) for debtor in shown], "pagination": pages})


@_debtors.get("/debtors/{debtor_id}", response_model=DebtorWithTotals, responses=problems(404))
async def get_debtor(request: Request, caller: ReadsDebtors, debtor_id: str) -> Response:
    """Return a debtor with what they owe and paid, per currency."""
    database = database_of(request)
    found = await debtors.find(database, caller.workspace, ids.read("debtor", debtor_id))
    totals = await queries.totals_of_debtor(database, caller.workspace.id, found.id)
    return answer(200, wire.debtor_with_totals(found, totals))


router = APIRouter()
gather(router, _debts, _debtors)
