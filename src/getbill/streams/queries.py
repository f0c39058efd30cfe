"""Reads of a stream from a position on."""

from typing import Final
from uuid import UUID

from getbill import events
from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.streams.model import (
    BEGINNING,
    NOT_IN_STREAM,
    PullResult,
    StreamPosition,
    StreamRequest,
    open_position,
)

NOW: Final = "now"
_EVENT: Final = "wh"


async def position_of(database: Database, workspace: Workspace, after: str | None) -> StreamPosition | None:
    """Return the position of a cursor, an event or the end (`now`); None for the beginning.

    An event that the stream does not have, or no longer has, gives `NOT_IN_STREAM`. Raises BadRequest for any
    other value.
    """
    if after is None:
        return None
    if after == NOW:
        stream = await events.stream(database, workspace.id)
        return StreamPosition(stream.epoch, stream.position)
    try:
        event_id = ids.read(_EVENT, after)
    except NotFound:
        return open_position(after, workspace)
    stream = await events.stream(database, workspace.id)
    event = await events.find(database, workspace.id, event_id)
    return NOT_IN_STREAM if event is None else StreamPosition(stream.epoch, event.position)


async def pull(database: Database, workspace_id: UUID, stream_request: StreamRequest) -> PullResult:
    """Return the events of a workspace's stream after a position; never wait for more."""
    # Read first: every event up to there is committed, positioned and visible to the next read.
    stream = await events.stream(database, workspace_id)
    start = BEGINNING if stream_request.after is None else stream_request.after.start_in(stream)
    query = events.EventQuery(
        start.after, stream.position, stream_request.limit, stream_request.kinds, stream_request.debt_id
    )
    page = await events.read(database, workspace_id, query)
    position = StreamPosition(stream.epoch, page.reached_position)
    return PullResult(page.events, position, page.reached_position < stream.position, start.is_new_epoch)
