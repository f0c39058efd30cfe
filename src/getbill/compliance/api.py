"""The routes of the suppression list."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.compliance import suppressions, wire
from getbill.compliance.suppressions import hash_of
from getbill.compliance.wire import SuppressionBody, SuppressionList, SuppressionShown
from getbill.kit import ids, paging
from getbill.kit.db import Database, Transaction
from getbill.kit.http import answer, body
from getbill.kit.routes import Route
from getbill.kit.shapes import problems

router = APIRouter(prefix="/external-api/v1/suppressions", tags=["Suppressions"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debtors:read"))]
Writes = Annotated[Change, Depends(access.change("debtors:write"))]


class SuppressionQuery(BaseModel):
    """Which lines: the newest, or the one about an address."""

    model_config = ConfigDict(extra="forbid")

    email: wire.Email | None = None
    phone: wire.Phone | None = None
    limit: Annotated[int, Field(ge=1, le=paging.LIMIT_MAX)] = paging.LIMIT_DEFAULT


@router.get("", response_model=SuppressionList)
async def list_suppressions(
    request: Request, caller: Reads, query: Annotated[SuppressionQuery, Query()]
) -> Response:
    """List the newest lines of the suppression list, or ask whether an address is on it."""
    database: Database = request.app.state.database
    asked = hash_of(caller.workspace, query.email, query.phone) if query.email or query.phone else None
    found = await suppressions.suppressions(database, caller.workspace.id, query.limit, asked)
    return answer(200, {"data": [wire.suppression(line) for line in found]})


@router.post("", status_code=201, response_model=SuppressionShown, responses=problems(415, 422))
async def create_suppression(
    change: Writes, asked: Annotated[SuppressionBody, body(SuppressionBody)]
) -> Response:
    """Have nobody contacted at an address any more, on any debt; it holds from the next contact on.

    The list keeps a keyed hash of the address and outlives the debts. An address that is on it stays as it is.
    """

    async def work(tx: Transaction) -> access.Reply:
        found = hash_of(change.workspace, asked.email, asked.phone)
        kind = "email" if asked.email else "phone"
        line = await suppressions.suppress(tx, change.workspace.id, kind, found, asked.reason)
        return lambda: answer(201, wire.suppression(line))

    return await change.commit(work)


@router.delete("/{suppression_id}", response_model=SuppressionShown, responses=problems(404))
async def delete_suppression(change: Writes, suppression_id: str) -> Response:
    """Take an address off the suppression list, because whoever has it agreed to be contacted again."""

    async def work(tx: Transaction) -> access.Reply:
        line = await suppressions.lift(tx, change.workspace.id, ids.read(suppressions.PREFIX, suppression_id))
        return lambda: answer(200, wire.suppression(line))

    return await change.commit(work)
