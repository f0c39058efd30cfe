"""Routes of debts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, creditors, debtors
from getbill.access import Caller, Change
from getbill.debts import actions, erasure, queries, transitions, wire
from getbill.debts.model import Debt
from getbill.debts.people import router as debtors_router
from getbill.debts.person_locks import lock_with_siblings
from getbill.debts.wire import (
    DebtChangeBody,
    DebtList,
    DebtOwner,
    DebtQuery,
    DebtShown,
    ErasureShown,
    IfMatch,
    NewDebtBody,
)
from getbill.kit import clock, http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.http import Route, answer, body, include_routes, problems
from getbill.kit.text.body_types import Line, Text

_debts = APIRouter(prefix="/external-api/v1", tags=["Debts"], route_class=Route)

_CHANGING = problems(404, 409, 412, 415, 422)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write", read_scope="debts:read"))]
# The response states what was erased, without any of its content.
Erases = Annotated[Change, Depends(access.change("debts:write"))]


class HoldBody(BaseModel):
    """The reason for holding a debt."""

    model_config = ConfigDict(extra="forbid")

    reason: Line | None = Field(None, examples=["The debtor disputes the invoice."])


class EscalationBody(BaseModel):
    """A person's decision to hand a debt over to legal action."""

    model_config = ConfigDict(extra="forbid")

    reason: Line = Field(examples=["No answer to three waves; the amount is undisputed."])
    decided_by: Text = Field(description="Name of the deciding person.", examples=["Marie Martin"])


def database_of(request: Request) -> Database:
    """Return the application's database."""
    database: Database = request.app.state.database
    return database


def _journal_of(request: Request) -> erasure.ErasureJournal:
    journal: erasure.ErasureJournal = request.app.state.journal
    return journal


def _debt_response(status: int, debt: Debt) -> Response:
    payload = wire.serialize_debt(debt)
    headers = {"ETag": wire.etag(debt)}
    if status == 201:
        headers["Location"] = f"/external-api/v1/debts/{payload['id']}"
    return answer(status, payload, headers)


@_debts.post(
    "/debts",
    status_code=201,
    response_model=DebtShown,
    responses={
        **problems(409, 415, 422),
        200: {"model": DebtShown, "description": "The debt made before from the same body."},
    },
)
async def create_debt(change: Writes, debt_body: Annotated[NewDebtBody, body(NewDebtBody)]) -> Response:
    """Create a debt. Its scenario starts automatically.

    The same `reference` with the same body returns 200 and the existing debt; with another body it returns
    409 and the existing debt's `id`.
    """
    new_debt = wire.new_debt(debt_body, change.workspace)

    async def create(tx: Transaction) -> access.Reply:
        try:
            created = await actions.create(tx, change.workspace, new_debt)
        except actions.ReferenceTaken as conflict:
            # The error names that debt and its reference, so its stored response is erased with that debt.
            change.debt_id = conflict.debt_id
            raise
        change.debt_id = created.debt.id
        return lambda: _debt_response(201 if created.is_new else 200, created.debt)

    return await change.commit(create)


@_debts.get("/debts", response_model=DebtList)
async def list_debts(request: Request, caller: Reads, query: Annotated[DebtQuery, Query()]) -> Response:
    """List debts, by page or, for large portfolios, by cursor."""
    return await _list_debts(request, caller, query)


@_debts.get("/debts/by-creditor/{creditor_id}", response_model=DebtList, responses=problems(404))
async def list_debts_by_creditor(
    request: Request, caller: Reads, creditor_id: str, query: Annotated[DebtQuery, Query()]
) -> Response:
    """List the debts that are owed to a creditor, as `GET /debts` lists all."""
    creditor = await creditors.find(
        database_of(request), caller.workspace, ids.read(creditors.PREFIX, creditor_id)
    )
    return await _list_debts(request, caller, query, DebtOwner("creditor", creditor.id))


@_debts.get("/debts/by-debtor/{debtor_id}", response_model=DebtList, responses=problems(404))
async def list_debts_by_debtor(
    request: Request, caller: Reads, debtor_id: str, query: Annotated[DebtQuery, Query()]
) -> Response:
    """List the debts of a debtor, as `GET /debts` lists all."""
    debtor = await debtors.find(database_of(request), caller.workspace, ids.read("debtor", debtor_id))
    return await _list_debts(request, caller, query, DebtOwner("debtor", debtor.id))


async def _list_debts(
    request: Request, caller: Caller, query: DebtQuery, owner: DebtOwner | None = None
) -> Response:
    database = database_of(request)
    debt_filter = wire.build_filter(query, caller.workspace, owner)
    debts = await queries.find_page(database, caller.workspace, debt_filter)
    total = await queries.count(database, caller.workspace, debt_filter.conditions, http.EXACT_MAX + 1)
    page = debts[: query.limit]
    is_end = len(debts) <= query.limit
    cursor = None if is_end else wire.cursor_after(caller.workspace, page[-1], query.sort, owner)
    pagination = http.pagination(total, query.page, query.limit, cursor)
    return answer(200, {"data": [wire.serialize_debt(debt) for debt in page], "pagination": pagination})


@_debts.get("/debts/{debt_id}", response_model=DebtShown, responses=problems(404))
async def get_debt(request: Request, caller: Reads, debt_id: str) -> Response:
    """Return one debt. Its ETag can be sent as `If-Match` in a later request."""
    debt = await queries.find(database_of(request), caller.workspace, ids.read("debt", debt_id))
    return _debt_response(200, debt)


@_debts.put("/debts/{debt_id}", response_model=DebtShown, responses=_CHANGING)
async def update_debt(
    change: Writes,
    debt_id: str,
    change_body: Annotated[DebtChangeBody, body(DebtChangeBody)],
    if_match: IfMatch = None,
) -> Response:
    """Change the given fields of a debt; the others keep their values.

    A changed amount is booked as an adjustment.
    """

    async def update(tx: Transaction) -> access.Reply:
        if not wire.DEBTOR_NAMES.isdisjoint(change_body.model_fields_set):
            await lock_with_siblings(tx, change.workspace, [ids.read("debt", debt_id)])
        debt = await _lock_debt(tx, change, debt_id)
        wire.check_etag(wire.etag(debt), if_match)
        debt_change = wire.parse_change(change_body, debt)
        wire.refuse_other_name(debt_change, debt)
        await actions.update(tx, change.workspace, debt, debt_change)
        return lambda: _debt_response(200, debt)

    return await change.commit(update)


@_debts.delete("/debts/{debt_id}", response_model=ErasureShown, responses=problems(404, 412, 503))
async def delete_debt(request: Request, change: Erases, debt_id: str, if_match: IfMatch = None) -> Response:
    """Erase a debt permanently: contact stops and no personal data of the debtor remains.

    The response is sent once the erasure is also on disk beside the database, so that restoring a backup
    cannot undo it.
    """

    async def erase(tx: Transaction) -> access.Reply:
        debt = await _lock_debt(tx, change, debt_id)
        wire.check_etag(wire.etag(debt), if_match)
        erasure_result = await erasure.erase(tx, change.workspace, debt)
        await access.delete_answers(tx, change.workspace.id, debt.id)
        return lambda: answer(200, wire.serialize_erasure(erasure_result))

    erasure_key = change.workspace.id, ids.read("debt", debt_id)
    try:
        response = await change.commit(erase)
    except NotFound:
        # The erasure may come from a request that received no response.
        if (erased_at := await erasure.find_erased_at(change.database, *erasure_key)) is not None:
            await _journal_of(request).record_if_missing(*erasure_key, erased_at)
        raise
    await _journal_of(request).record(*erasure_key, clock.wall())
    return response


@_debts.post("/debts/{debt_id}/hold", response_model=DebtShown, responses=_CHANGING)
async def hold_debt(
    change: Writes, debt_id: str, hold_body: Annotated[HoldBody, body(HoldBody, optional=True)]
) -> Response:
    """Hold a debt: the debtor is not contacted until it is resumed."""

    async def hold(tx: Transaction) -> access.Reply:
        debt = await _lock_debt(tx, change, debt_id)
        transitions.hold(tx, debt, hold_body.reason)
        return lambda: _debt_response(200, debt)

    return await change.commit(hold)


@_debts.post("/debts/{debt_id}/resume", response_model=DebtShown, responses=_CHANGING)
async def resume_debt(change: Writes, debt_id: str) -> Response:
    """Resume a held debt at the step where its scenario stopped."""

    async def resume(tx: Transaction) -> access.Reply:
        debt = await _lock_debt(tx, change, debt_id)
        transitions.resume(tx, debt)
        return lambda: _debt_response(200, debt)

    return await change.commit(resume)


@_debts.post("/debts/{debt_id}/escalate", response_model=DebtShown, responses=_CHANGING)
async def escalate_debt(
    change: Writes, debt_id: str, decision: Annotated[EscalationBody, body(EscalationBody)]
) -> Response:
    """Hand a debt over to legal action. This requires a person's decision; no scenario does it."""

    async def escalate(tx: Transaction) -> access.Reply:
        debt = await _lock_debt(tx, change, debt_id)
        transitions.escalate(tx, debt, decision.reason, decision.decided_by)
        return lambda: _debt_response(200, debt)

    return await change.commit(escalate)


async def _lock_debt(tx: Transaction, change: Change, debt_id: str) -> Debt:
    debt = await queries.lock(tx, change.workspace, ids.read("debt", debt_id))
    change.debt_id = debt.id
    return debt


router = APIRouter()
include_routes(router, _debts, debtors_router)
