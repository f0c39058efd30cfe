"""The routes of a sandbox's clock: where it stands, and moving it ahead."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.kit import clock, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, problems
from getbill.sandbox import actions, queries, wire
from getbill.sandbox.model import Advance
from getbill.sandbox.wire import AdvanceBody, AdvanceShown, ClockShown

router = APIRouter(prefix="/external-api/v1/sandbox", tags=["Sandbox"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]

_WAIT_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.05


@router.get("/clock", response_model=ClockShown, responses=problems(403))
async def get_clock(request: Request, caller: Reads) -> Response:
    """Return what time it is in the sandbox."""
    actions.refuse_live(caller.workspace)
    database: Database = request.app.state.database
    running = await queries.running(database, caller.workspace.id)
    found = await queries.clock_of(database, caller.workspace.id)
    return answer(200, wire.clock(found, running))


@router.post(
    "/clock/advance",
    response_model=AdvanceShown,
    responses={
        **problems(403, 409, 415, 422),
        202: {"model": AdvanceShown, "description": "Not everything has happened yet: ask at `url`."},
    },
)
async def advance_clock(
    request: Request, change: Writes, asked: Annotated[AdvanceBody, body(AdvanceBody)]
) -> Response:
    """Move the sandbox's clock ahead; everything that falls due on the way happens, in order.

    Answers 200 once all of it has happened: contacts made, events in the stream, webhooks on their way. What
    takes longer than 30 seconds is answered 202, with a URL that says how far it has come.
    """
    begun: list[Advance] = []

    async def work(tx: Transaction) -> access.Reply:
        begun[:] = [await actions.begin(tx, change.workspace, asked.by)]
        return lambda: _shown(202, begun[0])

    reply = await change.commit(work)
    if not begun:
        return reply
    access.gate_of(request).forget(change.workspace.id)
    found = await _wait(request.app.state.database, change, begun[0])
    access.gate_of(request).forget(change.workspace.id)
    return _shown(200 if found.done_at else 202, found)


@router.get("/clock/advances/{advance_id}", response_model=AdvanceShown, responses=problems(403, 404))
async def get_clock_advance(request: Request, caller: Reads, advance_id: str) -> Response:
    """Return how far a move of the clock has come."""
    actions.refuse_live(caller.workspace)
    found = await queries.advance(
        request.app.state.database, caller.workspace, ids.read("advance", advance_id)
    )
    return _shown(200, found)


async def _wait(database: Database, change: Change, begun: Advance) -> Advance:
    ends = clock.monotonic() + _WAIT_SECONDS
    found = begun
    while found.done_at is None and clock.monotonic() < ends:
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        found = await queries.advance(database, change.workspace, begun.id)
    return found


def _shown(status: int, found: Advance) -> Response:
    headers = {"Location": found.url} if status == 202 else None
    return answer(status, wire.advance(found), headers)
