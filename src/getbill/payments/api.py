"""Routes of payments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, debts
from getbill.access import Caller, Change
from getbill.debts import Debt
from getbill.kit import http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, problems
from getbill.payments import actions, queries, wire
from getbill.payments.actions import EntryOutcome
from getbill.payments.wire import EnteredShown, NewPaymentBody, PaymentList, PaymentPageQuery, SimulationBody

router = APIRouter(prefix="/external-api/v1", tags=["Payments"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write", read_scope="debts:read"))]


@router.post(
    "/debts/{debt_id}/payments",
    status_code=201,
    response_model=EnteredShown,
    responses={
        **problems(404, 409, 415, 422),
        200: {"model": EnteredShown, "description": "The entry made before with the same provider's id."},
    },
)
async def create_payment(
    change: Writes, debt_id: str, payload: Annotated[NewPaymentBody, body(NewPaymentBody)]
) -> Response:
    """Enter a payment, refund, chargeback, write-off, adjustment or reversal on a debt.

    A payment in full resolves the debt and stops contact at once; a refund, chargeback or reversal returns it
    to where it stood. A repeated provider's id returns 200 with the existing entry; with another amount it
    returns 409. A payment of more than ten times the balance that names no provider is refused unless it is
    confirmed.
    """

    async def create(tx: Transaction) -> access.Reply:
        debt = await _lock_debt(tx, change, debt_id)
        if payload.entry_kind == "reversal":
            outcome = await actions.reverse(tx, debt, wire.new_reversal(payload, debt))
        else:
            outcome = await actions.enter(tx, debt, wire.new_entry(payload, debt))
        return lambda: _entry_response(outcome, debt)

    return await change.commit(create)


@router.get("/debts/{debt_id}/payments", response_model=PaymentList, responses=problems(404))
async def list_payments(
    request: Request, caller: Reads, debt_id: str, query: Annotated[PaymentPageQuery, Query()]
) -> Response:
    """List a debt's entries, oldest first."""
    database: Database = request.app.state.database
    debt = await debts.find(database, caller.workspace, ids.read("debt", debt_id))
    offset = (query.page - 1) * query.limit
    entries, total = await queries.entries_of(database, debt, query.limit, offset)
    pages = http.pagination(total, query.page, query.limit, None)
    return answer(200, {"data": [wire.serialize_entry(entry) for entry in entries], "pagination": pages})


@router.post(
    "/sandbox/debts/{debt_id}/simulate-payment",
    tags=["Sandbox"],
    status_code=201,
    response_model=EnteredShown,
    responses=problems(403, 404, 409, 415, 422),
)
async def simulate_payment(
    change: Writes, debt_id: str, payload: Annotated[SimulationBody, body(SimulationBody, optional=True)]
) -> Response:
    """Simulate a card payment in the sandbox, by default of the whole balance."""

    async def simulate(tx: Transaction) -> access.Reply:
        debt = await _lock_debt(tx, change, debt_id)
        amount = None if payload.amount is None else wire.read_money(payload.amount, debt.currency)
        outcome = await actions.simulate(tx, debt, amount, payload.method, payload.paid_at)
        return lambda: _entry_response(outcome, debt)

    return await change.commit(simulate)


async def _lock_debt(tx: Transaction, change: Change, debt_id: str) -> Debt:
    debt = await debts.lock(tx, change.workspace, ids.read("debt", debt_id))
    change.debt_id = debt.id
    return debt


def _entry_response(outcome: EntryOutcome, debt: Debt) -> Response:
    return answer(201 if outcome.is_new else 200, wire.serialize_outcome(outcome, debt))
