"""Routes of the event stream."""

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
from getbill.streams.long_poll import LongPolling, Waiter
from getbill.streams.model import PullResult, StreamRequest
from getbill.streams.wire import EventPage, EventShown, EventsQuery
from getbill.vault import Vault

router = APIRouter(prefix="/external-api/v1/events", tags=["Events"], route_class=Route)

_SCOPE: Final = "webhooks:read"
_DATA_SCOPE: Final = "debts:read"
# Minimum interval between reads for a filtered call while the stream grows by other events.
_REST_SECONDS: Final = 0.05

Reads = Annotated[Caller, Depends(access.requires(_SCOPE))]


@router.get("", response_model=EventPage, responses=problems(400, 404, 429, 503))
async def list_events(request: Request, caller: Reads, query: Annotated[EventsQuery, Query()]) -> Response:
    """Read events from a position on: everything that webhooks push, complete and in order.

    Keep `next_cursor` and send it as `after` in the next call: nothing is missed, however late that is. With
    `wait`, a call at the end of the stream returns as soon as an event arrives. `epoch_changed` means that
    the database was restored to an earlier state and reading starts from the beginning. `data` also needs the
    scope `debts:read`.
    """
    database: Database = request.app.state.database
    workspace = caller.workspace
    stream_request = wire.stream_request(query, await queries.position_of(database, workspace, query.after))
    pull_result = await queries.pull(database, workspace.id, stream_request)
    if query.wait and not pull_result.is_news and not pull_result.has_more:
        pull_result = await _wait(
            request, caller, replace(stream_request, after=pull_result.position), query.wait
        )
        # The credential may have been revoked during the wait.
        caller = await access.caller_now(request, _SCOPE)
    vault: Vault = request.app.state.vault
    return answer(
        200, await wire.serialize_page(pull_result, vault, workspace, with_data=caller.may(_DATA_SCOPE))
    )


@router.get("/{event_id}", response_model=EventShown, responses=problems(404))
async def get_event(request: Request, caller: Reads, event_id: str) -> Response:
    """Return one event, by its `webhook_id`."""
    database: Database = request.app.state.database
    event = await events.find(database, caller.workspace.id, ids.read("wh", event_id))
    if event is None:
        raise NotFound(message("There is no event {event_id}.", event_id=excerpt(event_id)))
    vault: Vault = request.app.state.vault
    key = None
    if event.wrapped is not None:
        key = vault.unwrap(event.wrapped, caller.workspace.id, event.debt_id)
    with_data = caller.may(_DATA_SCOPE)
    return answer(200, wire.serialize_event(event, key, caller.workspace.id, with_data=with_data))


async def _wait(
    request: Request, caller: Caller, stream_request: StreamRequest, seconds: float
) -> PullResult:
    """Read the stream each time it grows, until there is news, the time is up, or the process stops."""
    long_polling: LongPolling = request.app.state.long_polling
    assert stream_request.after is not None  # noqa: S101 - set by the first read
    ends = clock.monotonic() + seconds
    is_filtered = stream_request.kinds is not None or stream_request.debt_id is not None
    with long_polling.admit(caller.workspace.id, caller.credential_id, stream_request.after) as waiter:
        watch = asyncio.create_task(_stop_on_disconnect(request, waiter))
        try:
            while True:
                waiter.mark_read_to(stream_request.after)
                pull_result = await queries.pull(
                    request.app.state.database, caller.workspace.id, stream_request
                )
                if pull_result.is_news or not await _wait_for_growth(
                    waiter, pull_result, ends, is_filtered=is_filtered
                ):
                    break
                stream_request = replace(stream_request, after=pull_result.position)
        finally:
            watch.cancel()
    if watch.done() and not watch.cancelled():
        raise ClientDisconnect
    return pull_result


async def _wait_for_growth(
    waiter: Waiter, pull_result: PullResult, ends: float, *, is_filtered: bool
) -> bool:
    """Wait until another read is worthwhile; return False when the wait is over."""
    waiter.position = pull_result.position
    if pull_result.has_more:
        return not waiter.is_over and clock.monotonic() < ends
    is_woken = await waiter.wait_for_news(ends - clock.monotonic())
    if is_woken and is_filtered:
        await asyncio.sleep(_REST_SECONDS)
    return is_woken


async def _stop_on_disconnect(request: Request, waiter: Waiter) -> None:
    # After the (empty) request body, the only message is that the client has disconnected.
    while (await request.receive())["type"] != "http.disconnect":
        pass
    waiter.stop()
