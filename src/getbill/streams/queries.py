"""Reading on from a place."""

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
    """Return the place that a caller names: a cursor's, an event's, the end (`now`), or None for the beginning.

    An event that the stream does not have, any more, has the place of what is lost. Raises BadRequest for what is
    neither.
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
    """Return what stands in a workspace's stream after a place; never waits for more."""
    # Read first: every event up to there is committed, in its place, and visible to what is read next.
    stream = await events.stream(database, workspace_id)
    start = BEGINNING if stream_request.after is None else stream_request.after.start_in(stream)
    query = events.EventQuery(
        start.after, stream.position, stream_request.limit, stream_request.kinds, stream_request.debt_id
    )
    page = await events.read(database, workspace_id, query)
    position = StreamPosition(stream.epoch, page.reached_position)
    return PullResult(page.events, position, page.reached_position < stream.position, start.is_new_epoch)
