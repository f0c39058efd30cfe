"""Long polling: calls that wait for new events of their workspace, and the notifications that wake them.

A waiting call holds no connection. One listener per process receives which stream grew; one poll every second
or few, for all waiting calls together, covers lost notifications.
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
from getbill.kit.database import DATABASE_ERRORS, Database, Listener
from getbill.kit.errors import Unavailable
from getbill.kit.messages import message
from getbill.streams.model import StreamPosition, TooManyWaiting

_log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0
# While the listener is live, notifications are rarely lost.
_POLLS_SKIPPED_MAX: Final = 5

_WAITING = Gauge("getbill_events_waiting", "Calls of this process that wait for news of their stream.")


@dataclass(frozen=True, slots=True)
class WaiterLimits:
    """Limits of concurrently waiting calls."""

    per_credential: int = 8
    per_process: int = 1_000


@dataclass(eq=False, slots=True)
class Waiter:
    """A waiting call: its position in the stream, and whether its wait is over."""

    workspace_id: UUID
    position: StreamPosition
    is_over: bool = False
    _wake_event: asyncio.Event = field(default_factory=asyncio.Event)

    def mark_read_to(self, position: StreamPosition) -> None:
        """Set the position now being read: later events are news."""
        self.position = position
        if not self.is_over:
            self._wake_event.clear()

    def wake(self) -> None:
        """Wake the call to read the stream."""
        self._wake_event.set()

    def stop(self) -> None:
        """End the wait at once."""
        self.is_over = True
        self._wake_event.set()

    async def wait_for_news(self, seconds: float) -> bool:
        """Wait for news; return False after the timeout or when the wait is over."""
        if not self.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, seconds)):
                    await self._wake_event.wait()
        return self._wake_event.is_set() and not self.is_over


class LongPolling:
    """The long polling of one process: its waiting calls, and the poll that wakes them."""

    def __init__(self, database: Database, dsn: str, limits: WaiterLimits | None = None) -> None:
        self._database = database
        self._limits = limits or WaiterLimits()
        self._waiters: dict[UUID, set[Waiter]] = {}
        self._waiting_counts: Counter[UUID] = Counter()
        self._is_closed = False
        self._listener = Listener(dsn, {events.STREAM_CHANNEL: self._on_notification})
        # Notifications sent while the listener was down are lost.
        self._listener.on_live(self._wake_all)
        self._poll_task = asyncio.get_running_loop().create_task(self._poll_forever())

    @contextmanager
    def admit(self, workspace_id: UUID, credential_id: UUID, position: StreamPosition) -> Iterator[Waiter]:
        """Register a call while it waits; raise TooManyWaiting, or Unavailable if the process is full."""
        if self._waiting_counts[credential_id] >= self._limits.per_credential:
            raise TooManyWaiting(
                message(
                    "{count} calls of this credential are already waiting for events.",
                    count=self._limits.per_credential,
                ),
                headers={"Retry-After": "1"},
            )
        if self._waiting_counts.total() >= self._limits.per_process:
            raise Unavailable(
                message(
                    "Too many calls are waiting for events. Repeat the request in a moment, or without `wait`."
                ),
                headers={"Retry-After": "1"},
            )
        waiter = Waiter(workspace_id, position, is_over=self._is_closed)
        self._waiting_counts[credential_id] += 1
        _WAITING.inc()
        self._waiters.setdefault(workspace_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            _WAITING.dec()
            self._waiting_counts[credential_id] -= 1
            self._waiting_counts += Counter()  # drops credentials without waiting calls
            self._waiters[workspace_id].discard(waiter)
            if not self._waiters[workspace_id]:
                del self._waiters[workspace_id]

    @property
    def waiting_count(self) -> int:
        """The number of waiting calls."""
        return self._waiting_counts.total()

    def release_all(self) -> None:
        """End every wait now, and later ones at once: the process is about to stop."""
        self._is_closed = True
        for waiter in self._all():
            waiter.stop()

    async def close(self) -> None:
        """End every wait and stop listening."""
        self.release_all()
        self._poll_task.cancel()
        with suppress(asyncio.CancelledError):
            await self._poll_task
        await self._listener.close()

    def _all(self) -> list[Waiter]:
        return [waiter for waiters in self._waiters.values() for waiter in waiters]

    def _wake_all(self) -> None:
        for waiter in self._all():
            waiter.wake()

    def _on_notification(self, payload: str) -> None:
        for waiter in self._waiters.get(UUID(payload.split(maxsplit=1)[0]), ()):
            waiter.wake()

    async def _poll_forever(self) -> None:
        polls_skipped = 0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            polls_skipped += 1
            if not self._waiters or (self._listener.is_live and polls_skipped < _POLLS_SKIPPED_MAX):
                continue
            polls_skipped = 0
            try:
                streams = await events.streams_of(self._database, list(self._waiters))
            except DATABASE_ERRORS as error:
                _log.warning("stream_positions_not_read", error=type(error).__name__)
                continue
            for waiter in self._all():
                stream = streams.get(waiter.workspace_id)
                if stream is not None and StreamPosition(stream.epoch, stream.position) != waiter.position:
                    waiter.wake()
