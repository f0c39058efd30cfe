"""Routes of a sandbox: its time, advancing it, and the outcomes that it simulates."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.kit import clock, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.http import Route, answer, body, language_headers, language_of, problems
from getbill.sandbox import actions, queries, wire
from getbill.sandbox.model import Advance
from getbill.sandbox.wire import AdvanceBody, AdvanceShown, ClockShown, OutcomeList

router = APIRouter(prefix="/external-api/v1/sandbox", tags=["Sandbox"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]
Writes = Annotated[Change, Depends(access.change("debts:write"))]

_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.05


@router.get("/clock", response_model=ClockShown, responses=problems(403))
async def get_clock(request: Request, caller: Reads) -> Response:
    """Return the current time of the sandbox."""
    actions.refuse_live(caller.workspace)
    database: Database = request.app.state.database
    running = await queries.running_advance(database, caller.workspace.id)
    workspace_clock = await queries.clock_of(database, caller.workspace.id)
    return answer(200, wire.serialize_clock(workspace_clock, running))


@router.post(
    "/clock/advance",
    response_model=AdvanceShown,
    responses={
        **problems(403, 409, 415, 422),
        202: {
            "model": AdvanceShown,
            "description": "The advance is still in progress; `url` shows its progress.",
        },
    },
)
async def advance_clock(
    request: Request, change: Writes, payload: Annotated[AdvanceBody, body(AdvanceBody)]
) -> Response:
    """Advance the sandbox's clock; everything that falls due on the way happens, in order.

    Returns 200 once all of it has happened: contacts made, events in the stream, webhook deliveries pending.
    After 30 seconds it returns 202, with the URL of the advance's progress.
    """
    advances: list[Advance] = []

    async def start(tx: Transaction) -> access.Reply:
        advances[:] = [await actions.start_advance(tx, change.workspace, payload.by)]
        return lambda: _advance_response(202, advances[0])

    reply = await change.commit(start)
    if not advances:
        return reply
    access.auth_context_of(request).invalidate(change.workspace.id)
    advance = await _wait(request.app.state.database, change, advances[0])
    access.auth_context_of(request).invalidate(change.workspace.id)
    return _advance_response(200 if advance.done_at else 202, advance)


@router.get("/outcomes", response_model=OutcomeList, responses=problems(403))
async def list_outcomes(request: Request, caller: Reads) -> Response:
    """List the reserved addresses and numbers of a sandbox, with the outcome of contacts at each."""
    actions.refuse_live(caller.workspace)
    language = language_of(request)
    return answer(200, wire.serialize_outcomes(language), language_headers(language))


@router.get("/clock/advances/{advance_id}", response_model=AdvanceShown, responses=problems(403, 404))
async def get_clock_advance(request: Request, caller: Reads, advance_id: str) -> Response:
    """Return the progress of an advance of the clock."""
    actions.refuse_live(caller.workspace)
    advance = await queries.find_clock_advance(
        request.app.state.database, caller.workspace, ids.read("advance", advance_id)
    )
    return _advance_response(200, advance)


async def _wait(database: Database, change: Change, advance: Advance) -> Advance:
    ends = clock.monotonic() + _WAIT_SECONDS
    latest = advance
    while latest.done_at is None and clock.monotonic() < ends:
        await asyncio.sleep(_POLL_SECONDS)
        latest = await queries.find_clock_advance(database, change.workspace, advance.id)
    return latest


def _advance_response(status: int, advance: Advance) -> Response:
    headers = {"Location": advance.url} if status == 202 else None
    return answer(status, wire.serialize_advance(advance), headers)
