"""Positions in a stream and their validity across epochs. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from getbill.companies import Workspace
from getbill.events import Stream, StreamEvent
from getbill.kit import http
from getbill.kit.errors import BadRequest, TooManyRequests
from getbill.kit.messages import message

# The delivery guarantee, quoted verbatim in docs/webhooks.md and the explorer.
GUARANTEE = (
    "Every event is pushed at least once within its retry schedule. Deliveries for one debt never"
    " start out of order. Duplicates are possible. The pull stream is complete."
)

_SORT = "events"
# PostgreSQL's bigint.
_POSITION_MAX = 2**63 - 1


class TooManyWaiting(TooManyRequests):
    """The credential has reached its maximum of waiting calls."""

    code = "too-many-waiting"
    title = message("Too many calls are waiting for events")
    way_out = "Use one waiting call per consumer of the stream, or poll without `wait`."


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """A position in a workspace's stream; the reader has read up to it."""

    epoch: int
    position: int

    def start_in(self, stream: Stream) -> "StreamStart":
        """Return where reading starts: at the beginning for a position that the stream no longer has."""
        # A position beyond the end was removed by a restore.
        if self.epoch != stream.epoch or self.position > stream.position:
            return StreamStart(0, is_new_epoch=True)
        return StreamStart(self.position)


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The position to read after, and whether the reader's epoch has ended."""

    after: int
    is_new_epoch: bool = False


BEGINNING = StreamStart(0)
# No epoch: the event is not in the stream.
NOT_IN_STREAM = StreamPosition(0, 0)


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A request to read: a position (None: the beginning), and a filter by kind or debt."""

    after: StreamPosition | None
    limit: int
    kinds: Sequence[str] | None = None
    debt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PullResult:
    """The result of a read: events in order, the position reached, and whether more follow."""

    events: list[StreamEvent]
    position: StreamPosition
    has_more: bool
    is_new_epoch: bool

    @property
    def is_news(self) -> bool:
        """Whether there is anything besides a new position."""
        return bool(self.events) or self.is_new_epoch


def write_position(position: StreamPosition) -> str:
    """Return the cursor of a position."""
    return http.write_cursor(_SORT, [position.epoch, position.position])


def seal_position(position: StreamPosition, workspace: Workspace) -> str:
    """Return the cursor of a position, valid for this workspace's stream only."""
    return http.seal(write_position(position), workspace.cursor_signer(_SORT))


def open_position(cursor: str, workspace: Workspace) -> StreamPosition:
    """Return the position of a cursor; raise BadRequest if it is malformed or of another workspace."""
    try:
        return read_position(http.unseal(cursor, workspace.cursor_signer(_SORT)))
    except BadRequest:
        raise http.foreign_cursor("after") from None


def read_position(cursor: str) -> StreamPosition:
    """Return the position of a cursor; raise BadRequest if it is malformed."""
    epoch, position = http.read_cursor(cursor, _SORT, 2)
    # `type`, not `isinstance`: true is an int too.
    if type(epoch) is not int or type(position) is not int or not 0 <= position <= _POSITION_MAX:
        raise http.foreign_cursor()
    return StreamPosition(epoch, position)
