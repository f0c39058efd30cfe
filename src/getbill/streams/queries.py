"""Reading on from a place."""

from typing import Final
from uuid import UUID

from getbill import events
from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.streams.model import BEGINNING, LOST, Asked, Place, Pulled, open_place

NOW: Final = "now"
_EVENT: Final = "wh"


async def place_of(database: Database, workspace: Workspace, after: str | None) -> Place | None:
    """Return the place that a caller names: a cursor's, an event's, the end (`now`), or None for the beginning.

    An event that the stream does not have, any more, has the place of what is lost. Raises BadRequest for what is
    neither.
    """
    if after is None:
        return None
    if after == NOW:
        stream = await events.stream(database, workspace.id)
        return Place(stream.epoch, stream.position)
    try:
        event_id = ids.read(_EVENT, after)
    except NotFound:
        return open_place(after, workspace)
    stream = await events.stream(database, workspace.id)
    event = await events.find(database, workspace.id, event_id)
    return LOST if event is None else Place(stream.epoch, event.position)


async def pull(database: Database, workspace_id: UUID, asked: Asked) -> Pulled:
    """Return what stands in a workspace's stream after a place; never waits for more."""
    # Read first: every event up to there is committed, in its place, and visible to what is read next.
    stream = await events.stream(database, workspace_id)
    start = BEGINNING if asked.after is None else asked.after.start_in(stream)
    wanted = events.Wanted(start.after, stream.position, asked.limit, asked.kinds, asked.debt_id)
    page = await events.read(database, workspace_id, wanted)
    place = Place(stream.epoch, page.reached)
    return Pulled(page.events, place, page.reached < stream.position, start.is_new_epoch)
