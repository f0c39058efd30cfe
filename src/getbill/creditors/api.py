"""Routes of creditors, and of the role in which the company collects."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.creditors import actions, collector_api, queries, wire
from getbill.creditors.queries import PREFIX, CreditorPageQuery
from getbill.creditors.wire import (
    CreditorChangeBody,
    CreditorList,
    CreditorShown,
    CreditorWithTotals,
    NewCreditorBody,
)
from getbill.kit import http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.http import PageQuery, Route, answer, body, include_routes, problems

_creditors = APIRouter(prefix="/external-api/v1", tags=["Creditors"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("creditors:read"))]
Writes = Annotated[Change, Depends(access.change("creditors:write", read_scope="creditors:read"))]


@_creditors.post(
    "/creditors", status_code=201, response_model=CreditorShown, responses=problems(409, 415, 422)
)
async def create_creditor(
    change: Writes, creditor_body: Annotated[NewCreditorBody, body(NewCreditorBody)]
) -> Response:
    """Create a creditor. A debt whose `company` is the same name also creates one."""

    async def create(tx: Transaction) -> access.Reply:
        content = wire.parse_change(creditor_body, change.workspace)
        creditor = await actions.create(tx, change.workspace, content)
        location = {"Location": f"/external-api/v1/creditors/{ids.show(PREFIX, creditor.id)}"}
        return lambda: answer(201, wire.serialize_creditor(creditor), location)

    return await change.commit(create)


@_creditors.get("/creditors", response_model=CreditorList)
async def list_creditors(request: Request, caller: Reads, query: Annotated[PageQuery, Query()]) -> Response:
    """List the creditors, newest first."""
    database, workspace = _database_of(request), caller.workspace
    after = wire.creditors_after(workspace, query.cursor)
    offset = 0 if after else (query.page - 1) * query.limit
    matches = await queries.list_creditors(
        database, workspace, CreditorPageQuery(query.limit + 1, offset, after)
    )
    total = await queries.count(database, workspace.id, http.EXACT_MAX + 1)
    page = matches[: query.limit]
    cursor = wire.creditors_cursor(workspace, page[-1]) if len(matches) > query.limit else None
    pagination = http.pagination(total, query.page, query.limit, cursor)
    return answer(200, {"data": [wire.serialize_creditor(row) for row in page], "pagination": pagination})


@_creditors.get("/creditors/{creditor_id}", response_model=CreditorWithTotals, responses=problems(404))
async def get_creditor(request: Request, caller: Reads, creditor_id: str) -> Response:
    """Return a creditor with the number and the amounts of its debts, per currency."""
    database = _database_of(request)
    creditor = await queries.find(database, caller.workspace, ids.read(PREFIX, creditor_id))
    totals = await queries.totals_of_creditor(database, creditor.workspace_id, creditor.id)
    return answer(200, wire.serialize_creditor_with_totals(creditor, totals))


@_creditors.put(
    "/creditors/{creditor_id}", response_model=CreditorShown, responses=problems(404, 409, 415, 422)
)
async def update_creditor(
    change: Writes, creditor_id: str, change_body: Annotated[CreditorChangeBody, body(CreditorChangeBody)]
) -> Response:
    """Change the given fields of a creditor; the others keep their values.

    Later messages of its debts have the new values.
    """
    return await _update(change, creditor_id, change_body)


@_creditors.patch(
    "/creditors/{creditor_id}", response_model=CreditorShown, responses=problems(404, 409, 415, 422)
)
async def change_creditor(
    change: Writes, creditor_id: str, change_body: Annotated[CreditorChangeBody, body(CreditorChangeBody)]
) -> Response:
    """Change the given fields of a creditor, as PUT does."""
    return await _update(change, creditor_id, change_body)


@_creditors.delete("/creditors/{creditor_id}", response_model=CreditorShown, responses=problems(404, 409))
async def delete_creditor(change: Writes, creditor_id: str) -> Response:
    """Delete a creditor that no debt names, for good."""

    async def delete(tx: Transaction) -> access.Reply:
        creditor = await actions.delete(tx, change.workspace, ids.read(PREFIX, creditor_id))
        return lambda: answer(200, wire.serialize_creditor(creditor))

    return await change.commit(delete)


async def _update(change: Change, creditor_id: str, change_body: CreditorChangeBody) -> Response:
    async def update(tx: Transaction) -> access.Reply:
        before = await queries.lock_creditor(tx, change.workspace, ids.read(PREFIX, creditor_id))
        creditor_change = wire.parse_change(change_body, change.workspace, before)
        creditor = await actions.update(tx, change.workspace, before, creditor_change)
        return lambda: answer(200, wire.serialize_creditor(creditor))

    return await change.commit(update)


def _database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


router = APIRouter()
include_routes(router, _creditors, collector_api.router)
