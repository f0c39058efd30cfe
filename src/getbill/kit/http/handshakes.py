"""A TLS server that counts its connections from the accept, not only once the handshake is over.

The event loop reports a connection to a protocol after the handshake, so strangers could hold any number of
handshakes open. Here each is counted like an unauthenticated connection, and one that waits makes room for
the next.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

HANDSHAKE_SECONDS: Final = 10.0
SHUTDOWN_SECONDS: Final = 2.0
# Number of connections accepted in one go, before others are answered.
_TAKEN_AT_ONCE: Final = 64
# Pause in accepting when a resource is exhausted (open files, memory).
_PAUSE_SECONDS: Final = 1.0


class Counter(Protocol):
    """A counter of connections by address."""

    def admit(self, host: str, protocol: Any) -> Any:
        """Count a connection; return None if there is no room for it."""

    def remove(self, stranger: Any) -> None:
        """Stop counting a connection."""


class Handshake:
    """A connection whose handshake is in progress."""

    is_waiting = True
    is_sending = False

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def evict(self) -> None:
        """Close the connection, to make room for another."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class TlsServer:
    """A listener on one socket that passes connections on once their TLS handshake is complete."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make: Callable[[], asyncio.Protocol],
        listener: socket.socket,
        context: ssl.SSLContext,
        counter: Counter,
    ) -> None:
        self._loop = loop
        self._make = make
        self._listener = listener
        self._context = context
        self._counter = counter
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_serving = False

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets it listens on."""
        return (self._listener,)

    def begin(self, backlog: int) -> None:
        """Listen and accept connections."""
        self._listener.settimeout(0)
        self._listener.listen(backlog)
        self._is_serving = True
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Stop accepting; handshakes in progress are aborted."""
        if self._is_serving:
            self._is_serving = False
            self._loop.remove_reader(self._listener)
            self._listener.close()
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the handshakes in progress have ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(_TAKEN_AT_ONCE):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_PAUSE_SECONDS, self._go_on)
                return
            self._take(connection, address[0])

    def _go_on(self) -> None:
        if self._is_serving:
            self._loop.add_reader(self._listener, self._accept)

    def _take(self, connection: socket.socket, host: str) -> None:
        stranger = self._counter.admit(host, Handshake(connection))
        if stranger is None:
            connection.close()
            return
        connection.settimeout(0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._shake_hands(connection, stranger))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shake_hands(self, connection: socket.socket, stranger: Any) -> None:
        # Not TLS, too late, or disconnected.
        with suppress(OSError):
            try:
                await self._loop.connect_accepted_socket(
                    self._make,
                    connection,
                    ssl=self._context,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS,
                    ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                )
            finally:
                # From here on its protocol counts it.
                self._counter.remove(stranger)
