"""The routes of the stream."""

import asyncio
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from getbill import access, events
from getbill.access import Caller
from getbill.kit import clock, ids
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.kit.http import Route, answer, problems
from getbill.kit.messages import excerpt, message
from getbill.streams import queries, wire
from getbill.streams.long_poll import Room, Waiter
from getbill.streams.model import Asked, Pulled
from getbill.streams.wire import EventPage, EventShown, EventsQuery
from getbill.vault import Vault

router = APIRouter(prefix="/external-api/v1/events", tags=["Events"], route_class=Route)

_SCOPE: Final = "webhooks:read"
_DATA_SCOPE: Final = "debts:read"
# A stream that grows by what a call did not ask for is looked at for it no more often than this.
_REST_SECONDS: Final = 0.05

Reads = Annotated[Caller, Depends(access.requires(_SCOPE))]


@router.get("", response_model=EventPage, responses=problems(400, 404, 429, 503))
async def list_events(request: Request, caller: Reads, query: Annotated[EventsQuery, Query()]) -> Response:
    """Read the stream of events on from a place: what webhooks push, complete and in order.

    Keep `next_cursor`, and send it as `after` the next time: nothing is missed however long that is. With `wait` a
    call at the end of the stream is answered as soon as something happens. `epoch_changed` says that the database was
    restored to an earlier state and the answer begins anew. `data` needs the scope `debts:read` too.
    """
    database: Database = request.app.state.database
    workspace = caller.workspace
    asked = wire.asked(query, await queries.place_of(database, workspace, query.after))
    pulled = await queries.pull(database, workspace.id, asked)
    if query.wait and not pulled.is_news and not pulled.has_more:
        pulled = await _wait(request, caller, replace(asked, after=pulled.place), query.wait)
        # It may have been revoked in the meantime.
        caller = await access.caller_now(request, _SCOPE)
    vault: Vault = request.app.state.vault
    return answer(200, await wire.page(pulled, vault, workspace, with_data=caller.may(_DATA_SCOPE)))


@router.get("/{event_id}", response_model=EventShown, responses=problems(404))
async def get_event(request: Request, caller: Reads, event_id: str) -> Response:
    """Return one event, by its `webhook_id`."""
    database: Database = request.app.state.database
    found = await events.find(database, caller.workspace.id, ids.read("wh", event_id))
    if found is None:
        raise NotFound(message("There is no event {event_id}.", event_id=excerpt(event_id)))
    vault: Vault = request.app.state.vault
    key = None
    if found.wrapped is not None:
        key = vault.unwrap(found.wrapped, caller.workspace.id, found.debt_id)
    with_data = caller.may(_DATA_SCOPE)
    return answer(200, wire.shown(found, key, caller.workspace.id, with_data=with_data))


async def _wait(request: Request, caller: Caller, asked: Asked, seconds: float) -> Pulled:
    """Look at the stream each time it grows, until there is news, the time is up, or the process stops."""
    room: Room = request.app.state.room
    assert asked.after is not None  # noqa: S101 - where the first look ended
    ends = clock.monotonic() + seconds
    is_filtered = asked.kinds is not None or asked.debt_id is not None
    with room.enter(caller.workspace.id, caller.credential_id, asked.after) as waiter:
        watch = asyncio.create_task(_end_when_left(request, waiter))
        try:
            while True:
                waiter.look_from(asked.after)
                pulled = await queries.pull(request.app.state.database, caller.workspace.id, asked)
                if pulled.is_news or not await _goes_on(waiter, pulled, ends, is_filtered=is_filtered):
                    break
                asked = replace(asked, after=pulled.place)
        finally:
            watch.cancel()
    if watch.done() and not watch.cancelled():
        raise ClientDisconnect
    return pulled


async def _goes_on(waiter: Waiter, pulled: Pulled, ends: float, *, is_filtered: bool) -> bool:
    """Wait until it is worth another look; False when the waiting is over."""
    waiter.place = pulled.place
    if pulled.has_more:
        return not waiter.is_over and clock.monotonic() < ends
    is_woken = await waiter.news(ends - clock.monotonic())
    if is_woken and is_filtered:
        await asyncio.sleep(_REST_SECONDS)
    return is_woken


async def _end_when_left(request: Request, waiter: Waiter) -> None:
    # After the request's (empty) body the only thing to receive is that the client left.
    while (await request.receive())["type"] != "http.disconnect":
        pass
    waiter.end()
