"""A place in a stream, and what becomes of one that is of an older epoch. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from getbill.companies import Workspace
from getbill.events import Stream, StreamEvent
from getbill.kit import http
from getbill.kit.errors import BadRequest, TooManyRequests
from getbill.kit.messages import message

# What integrators may rely on; docs/webhooks.md and the explorer say it in these words.
GUARANTEE = (
    "Pushed at least once within its schedule, never started out of order per debt, duplicates possible, "
    "the pull stream complete."
)

_SORT = "events"
# PostgreSQL's bigint.
_POSITION_MAX = 2**63 - 1


class TooManyWaiting(TooManyRequests):
    """The credential waits for news of the stream with as many calls as it may."""

    code = "too-many-waiting"
    title = message("Too many calls wait for events")
    way_out = "Wait with one call for each follower of the stream, or poll without `wait`."


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """A place in a workspace's stream; after it stands what its holder has not read."""

    epoch: int
    position: int

    def start_in(self, stream: Stream) -> "StreamStart":
        """Return where reading on begins: at the beginning, for a place that the stream does not have any more."""
        # A place beyond the end is one that a restore took back.
        if self.epoch != stream.epoch or self.position > stream.position:
            return StreamStart(0, is_new_epoch=True)
        return StreamStart(self.position)


@dataclass(frozen=True, slots=True)
class StreamStart:
    """After which position to read, and whether its asker was told of another stream than there is."""

    after: int
    is_new_epoch: bool = False


BEGINNING = StreamStart(0)
# Of no epoch: what stood there is not in the stream.
NOT_IN_STREAM = StreamPosition(0, 0)


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a caller wants of the stream: from a place on (None: from the beginning), of some kinds or of one debt."""

    after: StreamPosition | None
    limit: int
    kinds: Sequence[str] | None = None
    debt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PullResult:
    """What the stream had: events in order, the place after all that was looked at, and whether it goes on."""

    events: list[StreamEvent]
    position: StreamPosition
    has_more: bool
    is_new_epoch: bool

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell but a place."""
        return bool(self.events) or self.is_new_epoch


def write_position(position: StreamPosition) -> str:
    """Return the cursor that names a place."""
    return http.write_cursor(_SORT, [position.epoch, position.position])


def seal_position(position: StreamPosition, workspace: Workspace) -> str:
    """Return the cursor that names a place in a workspace's stream, and in no other one."""
    return http.seal(write_position(position), workspace.cursor_signer(_SORT))


def open_position(cursor: str, workspace: Workspace) -> StreamPosition:
    """Return the place a cursor names; raise BadRequest for one of another workspace's stream, or none at all."""
    try:
        return read_position(http.unseal(cursor, workspace.cursor_signer(_SORT)))
    except BadRequest:
        raise http.foreign_cursor("after") from None


def read_position(cursor: str) -> StreamPosition:
    """Return the place a cursor names; raise BadRequest for what is no cursor of ours."""
    epoch, position = http.read_cursor(cursor, _SORT, 2)
    # `type`, not `isinstance`: true is an int too.
    if type(epoch) is not int or type(position) is not int or not 0 <= position <= _POSITION_MAX:
        raise http.foreign_cursor()
    return StreamPosition(epoch, position)
