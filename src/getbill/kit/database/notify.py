"""PostgreSQL NOTIFY and LISTEN: processes wake each other after a commit.

A notification only means "look again": a process that misses one polls every second anyway, so only latency
depends on it. A listener knows whether it is connected; while it is not, anything cached on the strength of
notifications (a token) is read from the database again.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from asyncpg import Record

from getbill.kit.database.errors import DATABASE_ERRORS

_log = structlog.get_logger(__name__)

_NOTIFY = "SELECT pg_notify($1, $2)"


class Notifier:
    """Sender of notifications after a commit, at most one per channel every few milliseconds.

    A NOTIFY inside the transaction makes every commit queue behind one database-wide lock. Sent after the
    commit, in bursts, it costs nothing, and a process that misses one polls every second anyway.
    """

    _INTERVAL_SECONDS = 0.01

    def __init__(self, pool: "asyncpg.Pool[Record]") -> None:
        self._pool = pool
        self._pending_channels: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def notify(self, channel: str) -> None:
        """Notify a channel within a few milliseconds."""
        self._pending_channels.add(channel)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._send_soon())

    async def flush(self) -> None:
        """Send the pending notifications."""
        if self._task is not None:
            await self._task

    async def _send_soon(self) -> None:
        await asyncio.sleep(self._INTERVAL_SECONDS)
        while self._pending_channels:
            channel = self._pending_channels.pop()
            try:
                await self._pool.execute(_NOTIFY, channel, "")
            except DATABASE_ERRORS as error:
                _log.warning("notification_not_sent", channel=channel, error=type(error).__name__)


PayloadHandler = Callable[[str], None]


class Listener:
    """A connection that receives notifications; `is_live` says whether it would receive one now."""

    _RETRY_SECONDS = 0.5
    # A connection that died silently is considered live for at most twice this.
    _CHECK_SECONDS = 0.5

    def __init__(self, dsn: str, channels: dict[str, PayloadHandler]) -> None:
        self.is_live = False
        self._dsn = dsn
        self._channels = channels
        self._connection_lost = asyncio.Event()
        self._on_live: list[Callable[[], None]] = []
        self._task = asyncio.get_running_loop().create_task(self._listen_forever())

    def on_live(self, callback: Callable[[], None]) -> None:
        """Register a callback for each (re)connection: anything cached may be stale by then."""
        self._on_live.append(callback)

    async def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except DATABASE_ERRORS as error:
                _log.warning("listener_lost", error=type(error).__name__)
            self.is_live = False
            await asyncio.sleep(self._RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, server_settings={"application_name": "getbill listener"}
        )
        try:
            self._connection_lost.clear()
            connection.add_termination_listener(lambda _: self._connection_lost.set())
            for channel, handler in self._channels.items():
                await connection.add_listener(channel, _payload_listener(handler))
            self.is_live = True
            for callback in self._on_live:
                callback()
            while not self._connection_lost.is_set():
                # Not `wait_for`: before Python 3.12 it loses a cancellation that arrives together with the
                # awaited result, and closing would wait forever.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._CHECK_SECONDS):
                        await self._connection_lost.wait()
                if not self._connection_lost.is_set():
                    async with asyncio.timeout(self._CHECK_SECONDS):
                        await connection.execute("SELECT 1")
        finally:
            self.is_live = False
            with suppress(*DATABASE_ERRORS):
                await connection.close(timeout=1)


def _payload_listener(handler: PayloadHandler) -> Callable[..., None]:
    def receive(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
        handler(str(payload))

    return receive
