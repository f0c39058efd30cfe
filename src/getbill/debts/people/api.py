"""Routes of debtors."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, debtors
from getbill.access import Caller, Change
from getbill.debts import queries, wire
from getbill.debts.people import actions
from getbill.debts.people.actions import PersonHeld
from getbill.debts.wire import (
    DebtorChangeBody,
    DebtorDetail,
    DebtorList,
    DebtorWithTotals,
    IfMatch,
    MergeBody,
    SplitBody,
)
from getbill.kit import http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import NotFound, refusal
from getbill.kit.http import PageQuery, Route, answer, body, problems

router = APIRouter(prefix="/external-api/v1", tags=["Debtors"], route_class=Route)

_CHANGING = problems(404, 409, 412, 415, 422)

ReadsDebtors = Annotated[Caller, Depends(access.requires("debtors:read"))]
WritesDebtors = Annotated[Change, Depends(access.change("debtors:write", read_scope="debtors:read"))]


def _database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


@router.get("/debtors", response_model=DebtorList)
async def list_debtors(
    request: Request, caller: ReadsDebtors, query: Annotated[PageQuery, Query()]
) -> Response:
    """List the people and firms who have debts, newest first."""
    database = _database_of(request)
    after = wire.debtors_after(caller.workspace, query.cursor)
    offset = 0 if after else (query.page - 1) * query.limit
    page_query = debtors.DebtorPageQuery(query.limit + 1, offset, after)
    matches = await debtors.list_debtors(database, caller.workspace, page_query)
    total = await debtors.count(database, caller.workspace, http.EXACT_MAX + 1)
    debtor_page = matches[: query.limit]
    is_end = len(matches) <= query.limit
    cursor = (
        None
        if is_end
        else wire.debtors_cursor(caller.workspace, debtor_page[-1].created_at, debtor_page[-1].id)
    )
    pagination = http.pagination(total, query.page, query.limit, cursor)
    return answer(
        200, {"data": [wire.serialize_debtor(debtor) for debtor in debtor_page], "pagination": pagination}
    )


@router.get("/debtors/{debtor_id}", response_model=DebtorDetail, responses=problems(404, 410))
async def get_debtor(request: Request, caller: ReadsDebtors, debtor_id: str) -> Response:
    """Return a debtor with the amounts owed and paid, per currency, and their history.

    A debtor who was merged into another one is 410, with the other one's `id`.
    """
    database, workspace = _database_of(request), caller.workspace
    identifier = ids.read("debtor", debtor_id)
    try:
        debtor = await debtors.find(database, workspace, identifier)
    except NotFound:
        await actions.refuse_merged(database, workspace.id, identifier)
        raise
    totals = await queries.totals_of_debtor(database, workspace.id, debtor.id)
    history = await debtors.list_history(database, workspace.id, debtor.id)
    payload = wire.serialize_debtor_with_totals(debtor, [dict(row) for row in totals]) | {
        "history": [wire.serialize_history(entry) for entry in history]
    }
    return answer(200, payload, {"ETag": wire.debtor_etag(debtor)})


@router.put("/debtors/{debtor_id}", response_model=DebtorWithTotals, responses=_CHANGING)
async def update_debtor(
    change: WritesDebtors,
    debtor_id: str,
    change_body: Annotated[DebtorChangeBody, body(DebtorChangeBody)],
    if_match: IfMatch = None,
) -> Response:
    """Change the given fields of a debtor; the others keep their values.

    An address that is replaced stays among the debtor's further ones. Each of their debts announces the
    change as `debt.updated`.
    """

    async def update(tx: Transaction) -> access.Reply:
        person = await _hold_person(tx, change, debtor_id)
        wire.check_etag(wire.debtor_etag(person.debtor), if_match)
        changes = wire.parse_debtor_change(change_body, person.debtor.identity)
        _refuse_expensive(change, person, changes)
        await actions.change_person(tx, change.workspace, person, changes, change.caller.actor)
        return lambda: _debtor_response(200, person)

    return await change.commit(update)


@router.post(
    "/debtors/{debtor_id}/split", status_code=201, response_model=DebtorWithTotals, responses=_CHANGING
)
async def split_debtor(
    change: WritesDebtors, debtor_id: str, request_body: Annotated[SplitBody, body(SplitBody)]
) -> Response:
    """Move debts that belong to another person to a new debtor, and return that one.

    Their planned contacts are void and planned anew for the new debtor.
    """
    identity = wire.new_debtor(request_body.debtor)
    debt_ids = [ids.read("debt", debt_id) for debt_id in request_body.debts]

    async def split(tx: Transaction) -> access.Reply:
        person = await _hold_person(tx, change, debtor_id)
        new_person = await actions.split_person(
            tx, change.workspace, person, (debt_ids, identity), change.caller.actor
        )
        change.debt_id = min(new_person.debts)
        return lambda: _debtor_response(201, new_person)

    return await change.commit(split)


@router.post("/debtors/{debtor_id}/merge", response_model=DebtorWithTotals, responses=_CHANGING)
async def merge_debtor(
    change: WritesDebtors, debtor_id: str, request_body: Annotated[MergeBody, body(MergeBody)]
) -> Response:
    """Merge another debtor into this one, who keeps what is known and gets all debts of both.

    What is known of the other one is added. Their id responds with 410 and the `id` of this debtor.
    """
    other_id = ids.read("debtor", request_body.debtor_id)

    async def merge(tx: Transaction) -> access.Reply:
        person = await actions.merge_people(
            tx, change.workspace, ids.read("debtor", debtor_id), other_id, change.caller.actor
        )
        change.debt_id = min(person.debts)
        return lambda: _debtor_response(200, person)

    return await change.commit(merge)


async def _hold_person(tx: Transaction, change: Change, debtor_id: str) -> PersonHeld:
    person = await actions.hold_person(tx, change.workspace, ids.read("debtor", debtor_id))
    change.debt_id = min(person.debts, default=None)
    return person


def _refuse_expensive(change: Change, person: PersonHeld, changes: dict[str, Any]) -> None:
    """Raise Invalid for a number dearer than a personal one, unless a debt of the person accepts it."""
    phone = changes.get("phone")
    accepts = any(debt.details.accept_expensive_destination for debt in person.debts.values())
    if phone is not None and not accepts:
        error = wire.destination_error("/phone", phone, change.workspace.company.refused_zones)
        if error is not None:
            raise refusal([error])


def _debtor_response(status: int, person: PersonHeld) -> Response:
    payload = wire.serialize_debtor_with_totals(person.debtor, _totals(person))
    headers = {"ETag": wire.debtor_etag(person.debtor)}
    if status == 201:
        headers["Location"] = f"/external-api/v1/debtors/{payload['id']}"
    return answer(status, payload, headers)


def _totals(person: PersonHeld) -> list[dict[str, Any]]:
    """Return the totals of the debts as they are now, which are stored at the end of the transaction."""
    held_debts = list(person.debts.values())
    return [
        {
            "currency": currency,
            "debts": sum(debt.currency == currency for debt in held_debts),
            "amount": sum(debt.amount for debt in held_debts if debt.currency == currency),
            "balance": sum(debt.balance for debt in held_debts if debt.currency == currency),
            "paid": sum(debt.paid for debt in held_debts if debt.currency == currency),
        }
        for currency in sorted({debt.currency for debt in held_debts})
    ]
