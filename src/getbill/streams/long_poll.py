"""The waiting room: calls that wait for news of their workspace's stream, and what wakes them.

Whoever waits holds no connection. One listener of the process hears which stream grew; one question every second or
few, for all who wait together, is the net under it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Gauge

from getbill import events
from getbill.kit.database import LOST, Database, Listener
from getbill.kit.errors import Unavailable
from getbill.kit.messages import message
from getbill.streams.model import Place, TooManyWaiting

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
# While the listener hears, a wake is lost only by mistake.
_LOOKS_UNHEARD: Final = 5

_WAITING = Gauge("getbill_events_waiting", "Calls of this process that wait for news of their stream.")


@dataclass(frozen=True, slots=True)
class Seats:
    """How many calls may wait at a time."""

    of_credential: int = 8
    of_process: int = 1_000


@dataclass(eq=False, slots=True)
class Waiter:
    """One call that waits: where it has read to, and whether it is to come back whatever there is."""

    workspace_id: UUID
    place: Place
    is_over: bool = False
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def look_from(self, place: Place) -> None:
        """Say that the stream is looked at from here now: what comes from now on is news."""
        self.place = place
        if not self.is_over:
            self._woken.clear()

    def wake(self) -> None:
        """Have it look at the stream."""
        self._woken.set()

    def end(self) -> None:
        """Have it come back now."""
        self.is_over = True
        self._woken.set()

    async def news(self, seconds: float) -> bool:
        """Wait for news; False when there was none in time, or it is over."""
        if not self.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, seconds)):
                    await self._woken.wait()
        return self._woken.is_set() and not self.is_over


class Room:
    """The waiting calls of one process."""

    def __init__(self, database: Database, dsn: str, seats: Seats | None = None) -> None:
        self._database = database
        self._seats = seats or Seats()
        self._waiting: dict[UUID, set[Waiter]] = {}
        self._taken: Counter[UUID] = Counter()
        self._is_closed = False
        self._listener = Listener(dsn, {events.GROWN: self._hear})
        # What grew while nobody listened was not heard.
        self._listener.on_live(self._wake_all)
        self._net = asyncio.get_running_loop().create_task(self._look())

    @contextmanager
    def enter(self, workspace_id: UUID, credential_id: UUID, place: Place) -> Iterator[Waiter]:
        """Seat a call for as long as it waits; raise TooManyWaiting, or Unavailable when the room is full."""
        if self._taken[credential_id] >= self._seats.of_credential:
            raise TooManyWaiting(
                message(
                    "{count} calls of this credential wait for events already.",
                    count=self._seats.of_credential,
                ),
                headers={"Retry-After": "1"},
            )
        if self._taken.total() >= self._seats.of_process:
            raise Unavailable(
                message(
                    "Too many calls wait for events here. Repeat the request in a moment, or without `wait`."
                ),
                headers={"Retry-After": "1"},
            )
        waiter = Waiter(workspace_id, place, is_over=self._is_closed)
        self._taken[credential_id] += 1
        _WAITING.inc()
        self._waiting.setdefault(workspace_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            _WAITING.dec()
            self._taken[credential_id] -= 1
            self._taken += Counter()  # what nobody sits on takes no room
            self._waiting[workspace_id].discard(waiter)
            if not self._waiting[workspace_id]:
                del self._waiting[workspace_id]

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._taken.total()

    def let_go(self) -> None:
        """Have all who wait come back now, and nobody wait any more: the process is about to stop."""
        self._is_closed = True
        for waiter in self._all():
            waiter.end()

    async def close(self) -> None:
        """Let everybody go and stop listening."""
        self.let_go()
        self._net.cancel()
        with suppress(asyncio.CancelledError):
            await self._net
        await self._listener.close()

    def _all(self) -> list[Waiter]:
        return [waiter for waiters in self._waiting.values() for waiter in waiters]

    def _wake_all(self) -> None:
        for waiter in self._all():
            waiter.wake()

    def _hear(self, payload: str) -> None:
        for waiter in self._waiting.get(UUID(payload.split(maxsplit=1)[0]), ()):
            waiter.wake()

    async def _look(self) -> None:
        unheard = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            unheard += 1
            if not self._waiting or (self._listener.is_live and unheard < _LOOKS_UNHEARD):
                continue
            unheard = 0
            try:
                found = await events.streams_of(self._database, list(self._waiting))
            except LOST as error:
                _log.warning("streams_not_seen", error=type(error).__name__)
                continue
            for waiter in self._all():
                stream = found.get(waiter.workspace_id)
                if stream is not None and Place(stream.epoch, stream.position) != waiter.place:
                    waiter.wake()
