"""The routes of followups: what was done towards a debtor, by which channel, and how it ended."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access, debts
from getbill.access import Caller
from getbill.followups import queries, wire
from getbill.followups.wire import FollowupList, FollowupQuery, FollowupShown, FollowupsOfDebtQuery
from getbill.kit import ids, paging
from getbill.kit.db import Database
from getbill.kit.http import answer
from getbill.kit.routes import Route
from getbill.kit.shapes import problems

router = APIRouter(prefix="/external-api/v1/followups", tags=["Followups"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("followups:read"))]


@router.get("", response_model=FollowupList, responses=problems(400, 404))
async def list_followups(
    request: Request, caller: Reads, query: Annotated[FollowupQuery, Query()]
) -> Response:
    """List AI calls, text messages, e-mails and letters, the newest first, by page or by cursor."""
    debt_id = wire.debt_of(query)
    return await _list(request, caller, query, debt_id)


@router.get("/debt/{debt_id}", response_model=FollowupList, responses=problems(400, 404))
async def list_followups_of_debt(
    request: Request, caller: Reads, debt_id: str, query: Annotated[FollowupsOfDebtQuery, Query()]
) -> Response:
    """List what was done about one debt, the newest first."""
    database: Database = request.app.state.database
    debt = await debts.find(database, caller.workspace, ids.read("debt", debt_id))
    return await _list(request, caller, query, debt.id)


@router.get("/{followup_id}", response_model=FollowupShown, responses=problems(404))
async def get_followup(request: Request, caller: Reads, followup_id: str) -> Response:
    """Return one followup."""
    database: Database = request.app.state.database
    found = await queries.find(database, caller.workspace, ids.read("followup", followup_id))
    return answer(200, found.shown())


async def _list(
    request: Request, caller: Caller, query: FollowupsOfDebtQuery, debt_id: UUID | None
) -> Response:
    database: Database = request.app.state.database
    wanted = wire.wanted(query, debt_id)
    found = await queries.page(database, caller.workspace, wanted)
    total = await queries.count(database, caller.workspace, wanted, paging.EXACT_MAX + 1)
    cursor = wire.cursor_after(found, query.limit)
    pages = paging.pagination(total, query.page, query.limit, cursor)
    return answer(200, {"data": [one.shown() for one in found[: query.limit]], "pagination": pages})
