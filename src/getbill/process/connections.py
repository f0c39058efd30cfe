"""Limits of unauthenticated API connections: their number, the size and the speed of requests.

A head has a maximum size and time, a body a minimum rate, and an address a maximum number of unauthenticated
connections. The longest-waiting connection makes room for the next, so that strangers cannot keep out a
client with a credential.
"""

import asyncio
import http
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Protocol

import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from getbill.access import address_bucket, is_within
from getbill.kit import ids, json
from getbill.kit.errors import OtherStatus
from getbill.kit.http import TlsServer, language_headers
from getbill.kit.messages import DEFAULT, Message, message, negotiated
from getbill.settings import Settings

# Interval in which a body is checked: in each its client sends the minimum, or the request ends.
BODY_WINDOW_SECONDS: Final = 5.0
# Input is still read for this long after the response, so that the response arrives.
LINGER_SECONDS: Final = 2.0
# Maximum ratio of framing to content: a chunk of one byte takes six.
_FRAMING_RATIO: Final = 8

Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of a client that has not authenticated yet."""

    head_bytes: int
    head_seconds: float
    body_bytes_per_second: int
    connections_per_address: int
    connections_per_proxy: int
    connections: int
    proxies: Networks = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> "ConnectionLimits":
        """Return the limits of an installation."""
        return cls(
            settings.head_bytes_max,
            settings.head_seconds_max,
            settings.body_bytes_per_second_min,
            settings.connections_per_address_max,
            settings.connections_per_proxy_max,
            settings.connections_max,
            settings.trusted_proxies,
        )


class Stranger:
    """An unauthenticated connection; the request's state carries it."""

    __slots__ = ("_strangers", "address", "is_authenticated")

    def __init__(self, strangers: "Strangers", address: str) -> None:
        self._strangers = strangers
        self.address = address
        self.is_authenticated = False

    def recognise(self) -> None:
        """Stop counting the connection: it has authenticated."""
        if not self.is_authenticated:
            self.is_authenticated = True
            self._strangers.remove(self)


class Waiting(Protocol):
    """The protocol of a connection, during its TLS handshake and after it."""

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered on it."""

    @property
    def is_sending(self) -> bool:
        """Whether its client delays: a request is incomplete, or a response is not read."""

    def evict(self) -> None:
        """Close, to make room for another connection."""


class Strangers:
    """The unauthenticated connections of one process, the oldest first."""

    def __init__(self, bounds: ConnectionLimits) -> None:
        self._bounds = bounds
        self._all: dict[Stranger, Waiting] = {}
        self._by_address: dict[str, dict[Stranger, Waiting]] = {}

    def admit(self, host: str, protocol: Waiting) -> Stranger | None:
        """Count a new connection, if necessary closing the longest-waiting one; None if none is waiting."""
        bounds, address = self._bounds, address_bucket(host)
        is_proxy = bool(bounds.proxies) and is_within(host, bounds.proxies)
        limit = bounds.connections_per_proxy if is_proxy else bounds.connections_per_address
        if not self._make_room(self._by_address.get(address, {}), limit):
            return None
        if not self._make_room(self._all, bounds.connections):
            return None
        stranger = Stranger(self, address)
        self._all[stranger] = protocol
        self._by_address.setdefault(address, {})[stranger] = protocol
        return stranger

    def remove(self, stranger: Stranger) -> None:
        """Stop counting a connection."""
        self._all.pop(stranger, None)
        siblings = self._by_address.get(stranger.address)
        if siblings is not None:
            siblings.pop(stranger, None)
            if not siblings:
                del self._by_address[stranger.address]

    def _make_room(self, connections: dict[Stranger, Waiting], limit: int) -> bool:
        if len(connections) < limit:
            return True
        # Otherwise a client that sends an endless body would keep out all others.
        stranger = next(
            (candidate for candidate, protocol in connections.items() if protocol.is_waiting), None
        )
        stranger = stranger or next(
            (candidate for candidate, protocol in connections.items() if protocol.is_sending), None
        )
        if stranger is None:
            return False
        protocol = connections[stranger]
        self.remove(stranger)
        protocol.evict()
        return True


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol with limits on the size and speed of requests."""

    bounds: ConnectionLimits
    strangers: Strangers

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stranger: Stranger | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        self._is_in_head = False
        self._is_in_body = False
        self._is_dismissed = False
        # Whether a message ended in the current chunk of input.
        self._has_ended_one = False
        # Bytes of the head in earlier chunks of input; of the body, with and without framing.
        self._head_bytes = 0
        self._piece_bytes = 0
        self._headers_count = 0
        self._fed_bytes = 0
        self._body_bytes = 0
        self._window_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection and start the time limit of its first head."""
        super().connection_made(transport)
        if self.client is not None:
            self._stranger = self.strangers.admit(self.client[0], self)
            if self._stranger is None:
                self._dismiss(
                    503, message("Too many connections are open from this address. Close some, or wait.")
                )
                return
            self.app_state = {**self.app_state, "stranger": self._stranger}
        self._start_timer(self.bounds.head_seconds, self._on_late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self._stop_timer()
        self._stop_reading_timer()
        if self._stranger is not None:
            self.strangers.remove(self._stranger)
        super().connection_lost(exc)

    @property
    def is_waiting(self) -> bool:
        """Whether no request of this connection is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_sending(self) -> bool:
        """Whether a body is incomplete, or a response is not being read."""
        return self._is_in_body or self.flow.write_paused

    def evict(self) -> None:
        """Close a waiting connection to make room; answer an incomplete head or body with 408."""
        if self._is_in_body and not self.is_waiting:
            self._dismiss(
                408,
                message(
                    "The body of the request arrived too slowly while other requests waited. Send it without pauses."
                ),
            )
        elif self._is_in_head and self._head_bytes:
            self._dismiss(
                408,
                message(
                    "The head of the request arrived too slowly while other requests waited. Send it without pauses."
                ),
            )
        elif self.flow.write_paused:
            self._hang_up()
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """Pause until the client has read; an unauthenticated one must read as fast as it must send."""
        super().pause_writing()
        if self._reading_timer is None and self._stranger is not None and not self._stranger.is_authenticated:
            self._unread_bytes = self.transport.get_write_buffer_size()
            self._reading_timer = self.loop.call_later(BODY_WINDOW_SECONDS, self._on_unread)

    def resume_writing(self) -> None:
        """Resume writing."""
        super().resume_writing()
        self._stop_reading_timer()

    def data_received(self, data: bytes) -> None:
        """Process input within the limits."""
        if self._is_dismissed:
            return
        was_in_body, self._has_ended_one = self._is_in_body, False
        self._piece_bytes = len(data)
        super().data_received(data)
        if self._is_dismissed or self.parser is None:
            return
        if self._is_in_body:
            if was_in_body:
                self._fed_bytes += len(data)
            elif not self._has_ended_one:
                self._fed_bytes += max(0, len(data) - self._size_of_head())
            self._check_body()
        elif self._is_in_head or not self._has_ended_one:
            # If another message ended in this chunk, the share of this head in it is unknown.
            self._head_bytes += 1 if self._has_ended_one else len(data)
            self._check_head()

    def on_message_begin(self) -> None:
        """Start a head."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """End the head; refuse one that is too large and arrived in one chunk."""
        if self._is_dismissed:
            return
        self._stop_timer()
        self._is_in_head = False
        self._is_in_body = True
        self._headers_count = len(self.headers)
        most_bytes = self._head_bytes + self._piece_bytes
        self._head_bytes = self._fed_bytes = self._body_bytes = self._window_bytes = 0
        # Measured only if it may be too large, which is rare.
        if most_bytes > self.bounds.head_bytes and self._size_of_head() > self.bounds.head_bytes:
            self._dismiss(431, self._too_large())
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Process a part of the body."""
        if self._is_dismissed:
            return
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request's body."""
        if self._is_dismissed:
            return
        self._stop_timer()
        self._is_in_body = False
        self._has_ended_one = True
        super().on_message_complete()
        if self.cycle.response_complete and self.timeout_keep_alive_task is None:
            # The unread rest of a body has postponed the timeout of an idle connection.
            seconds, end = self.timeout_keep_alive, self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(seconds, end)

    def on_response_complete(self) -> None:
        """Close a connection whose body is no longer read, once the response had time to arrive."""
        super().on_response_complete()
        if self._is_in_body and not self.transport.is_closing():
            self._start_timer(LINGER_SECONDS, self.transport.close)

    def shutdown(self) -> None:
        """Shut down with the server, without waiting for refused clients."""
        if self._is_dismissed:
            self.transport.abort()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 it is uvicorn's
        """Refuse input that is not HTTP."""
        self._dismiss(400, message("This is not an HTTP/1.1 request."))

    def _size_of_head(self) -> int:
        # Trailers are appended to the headers.
        lines = sum(len(name) + len(value) + 4 for name, value in self.headers[: self._headers_count])
        return len(self.url) + lines

    def _check_head(self) -> None:
        if self._head_bytes > self.bounds.head_bytes:
            self._dismiss(431, self._too_large())
        elif self._timer is None:
            self._start_timer(self.bounds.head_seconds, self._on_late_head)

    def _check_body(self) -> None:
        framing = self._fed_bytes - _FRAMING_RATIO * self._body_bytes
        if framing > self.bounds.head_bytes:
            self._dismiss(
                431,
                message(
                    "The chunks of the body are too small, or followed by too many trailers. Send larger chunks."
                ),
            )
        elif self._timer is None and not self.cycle.response_complete:
            self._start_timer(BODY_WINDOW_SECONDS, self._on_window)

    def _on_window(self) -> None:
        """Check the progress of a body since the last check; a client that waits for us is not too slow."""
        self._timer = None
        came = self._fed_bytes - self._window_bytes
        self._window_bytes = self._fed_bytes
        is_ours = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if not is_ours and came < self.bounds.body_bytes_per_second * BODY_WINDOW_SECONDS:
            rate = self.bounds.body_bytes_per_second
            self._dismiss(
                408,
                message(
                    "The body arrived at less than {rate} bytes per second. Send it again without pauses.",
                    rate=rate,
                ),
            )
            return
        self._start_timer(BODY_WINDOW_SECONDS, self._on_window)

    def _on_unread(self) -> None:
        """Check what an unauthenticated client has read of a response; abort if too little."""
        self._reading_timer = None
        left = self.transport.get_write_buffer_size()
        if self._unread_bytes - left < self.bounds.body_bytes_per_second * BODY_WINDOW_SECONDS:
            self._hang_up()
            return
        self._unread_bytes = left
        self._reading_timer = self.loop.call_later(BODY_WINDOW_SECONDS, self._on_unread)

    def _hang_up(self) -> None:
        """Abort the connection, even during a response."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.abort()

    def _stop_reading_timer(self) -> None:
        if self._reading_timer is not None:
            self._reading_timer.cancel()
            self._reading_timer = None

    def _on_late_head(self) -> None:
        self._timer = None
        seconds = f"{self.bounds.head_seconds:g}"
        self._dismiss(
            408,
            message(
                "The head of the request was not complete within {seconds} s. Send it without pauses.",
                seconds=seconds,
            ),
        )

    def _too_large(self) -> Message:
        return message(
            "The head of the request is larger than {most} bytes. Send fewer or shorter headers.",
            most=self.bounds.head_bytes,
        )

    def _dismiss(self, status: int, detail: Message) -> None:
        """Respond instead of the application, and close once the response had time to arrive."""
        self._stop_timer()
        self._unset_keepalive_if_required()
        self._is_dismissed = True
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.scope["state"]["dismissed"] = status
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        self.flow.resume_reading()
        self.transport.write(_answer(status, detail, self._language()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        # Not `close`: over TLS that would wait for the client's close_notify.
        self._start_timer(LINGER_SECONDS, self.transport.abort)

    def _language(self) -> str:
        """Return the language of the head, as far as it has been read."""
        for name, value in self.headers or ():
            if name == b"accept-language":
                return negotiated(value.decode("latin-1"))
        return DEFAULT

    def _start_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded_protocol(bounds: ConnectionLimits) -> type[BoundedProtocol]:
    """Return the protocol class of a server with these limits."""
    members = {"bounds": bounds, "strangers": Strangers(bounds)}
    return type("BoundedProtocol", (BoundedProtocol,), members)


class Loop(uvloop.Loop):
    """An event loop whose servers limit the time and number of TLS handshakes."""

    async def create_server(self, *arguments: Any, **options: Any) -> Any:
        """Create a server; with TLS it listens on a bound socket."""
        context, bound = options.get("ssl"), options.get("sock")
        if context is None or bound is None:
            return await super().create_server(*arguments, **options)
        make: Callable[[], BoundedProtocol] = arguments[0]
        server = TlsServer(self, make, bound, context, make().strangers)
        server.begin(options.get("backlog", socket.SOMAXCONN))
        return server


def _answer(status: int, detail: Message, language: str) -> bytes:
    body = json.write(OtherStatus(status, detail).document(language))
    lines = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        f"x-request-id: {ids.new_text()}",
        "x-content-type-options: nosniff",
        *(f"{name.lower()}: {value}" for name, value in language_headers(language).items()),
        "connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
