"""The HTTP client of webhooks: one POST to an untrusted address that may hang, redirect or never end.

Ten seconds in all, no redirects, at most 4 kB of the response kept, and no connection to a forbidden address.
"""

import ssl
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import structlog
from yarl import URL

from getbill.kit import clock
from getbill.kit.exit_errors import CannotRun
from getbill.webhooks.model import AttemptOutcome
from getbill.webhooks.ssrf import (
    LOOKUPS_MAX,
    AddressForbidden,
    CheckedResolver,
    EgressPolicy,
    Lookup,
    Network,
    checked_socket,
    parse_address,
    system_lookup,
)

_log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 10.0
RESPONSE_BYTES_MAX: Final = 4096
USER_AGENT: Final = "GetBill-Webhooks/1"
_HEADERS: Final = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}


def client_tls(ca_bundle: Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's CAs and a bundle; raise CannotRun for an empty one."""
    context = ssl.create_default_context()
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except OSError as error:
            raise CannotRun(f"GETBILL_CA_BUNDLE {ca_bundle} holds no certificates (PEM): {error}") from error
    return context


class WebhookClient:
    """The HTTP client; live and sandbox have separate connections, as they may reach different hosts."""

    def __init__(
        self,
        networks: tuple[Network, ...] = (),
        *,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, "webhook-lookup")
        self._lookup = lookup or system_lookup(self._threads)
        self._tls = tls or client_tls(None)
        self._policies = {is_live: EgressPolicy(is_live, networks) for is_live in (True, False)}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._is_allowed = lru_cache(maxsize=4096)(self._allows)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: dict[str, str], body: bytes, *, is_live: bool) -> AttemptOutcome:
        """Make one attempt and return its outcome; raise nothing that the receiver could cause."""
        started_at, started = clock.wall(), clock.monotonic()
        try:
            status, response_body, retry_after = await self._exchange(url, headers, body, is_live=is_live)
        except Exception as error:  # noqa: BLE001 - whatever an untrusted server causes is a failed attempt
            return AttemptOutcome(started_at, _elapsed_ms(started), error=self._error_text(error))
        error_text = "Redirects are not followed." if 300 <= status < 400 else None
        return AttemptOutcome(
            started_at, _elapsed_ms(started), status, error_text, response_body, retry_after
        )

    async def _exchange(
        self, url: str, headers: dict[str, str], body: bytes, *, is_live: bool
    ) -> tuple[int, bytes, float | None]:
        target = URL(url)
        # A numeric host is never resolved, so the resolver never checks it.
        if not self._is_allowed(target.host or "", is_live):
            raise AddressForbidden(url)
        started = clock.monotonic()
        _is_new.set(False)
        try:
            return await self._send_once(target, headers, body, is_live=is_live)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # The receiver closed an idle connection as it was reused: not a failed attempt.
            if _is_new.get() or clock.monotonic() - started >= 1:
                raise
            return await self._send_once(target, headers, body, is_live=is_live)

    def _allows(self, host: str, is_live: bool) -> bool:
        address = parse_address(host)
        return address is None or self._policies[is_live].allows(address)

    async def _send_once(
        self, target: URL, headers: dict[str, str], body: bytes, *, is_live: bool
    ) -> tuple[int, bytes, float | None]:
        async with self._session(is_live).post(
            target, data=body, headers=headers, allow_redirects=False
        ) as response:
            response_body = b"" if response.content.at_eof() else await _read_head(response)
            return response.status, response_body, _retry_after(response.headers.get("Retry-After"))

    def _session(self, is_live: bool) -> aiohttp.ClientSession:
        if is_live not in self._sessions:
            connector = _Connector(
                limit=0,
                use_dns_cache=False,
                ssl=self._tls,
                resolver=CheckedResolver(self._policies[is_live], self._lookup),
                socket_factory=checked_socket(self._policies[is_live]),
            )
            self._sessions[is_live] = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self.timeout_seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                auto_decompress=False,
            )
        return self._sessions[is_live]

    def _error_text(self, error: Exception) -> str:
        # A message of ours, never the exception's, which may quote the receiver's data.
        if isinstance(error, AddressForbidden):
            return "Webhooks may not be sent to this address."
        if isinstance(error, TimeoutError):
            return f"No answer within {self.timeout_seconds:g} seconds."
        if not isinstance(error, aiohttp.ClientError | OSError | ValueError):
            _log.error("webhook_request_failed", error=type(error).__name__, exc_info=error)
        return next(
            (text for kind, text in _ERROR_TEXTS if isinstance(error, kind)), "The connection failed."
        )


# Whether this task's attempt opened a connection or reused an idle one.
_is_new: ContextVar[bool] = ContextVar("webhook_connection_is_new")


class _Connector(aiohttp.TCPConnector):
    """A connector that reports new connections; aiohttp's own tracing costs a sixth of a request."""

    async def _create_connection(self, *args: Any) -> Any:
        _is_new.set(True)
        return await super()._create_connection(*args)


_ERROR_TEXTS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, "The certificate is not valid for this host."),
    (aiohttp.ClientSSLError, "TLS failed."),
    (aiohttp.ClientConnectorDNSError, "The host name was not found."),
    (aiohttp.ClientConnectorError, "The connection was refused or timed out."),
    (aiohttp.InvalidURL, "The URL contains no reachable host."),
    (aiohttp.ServerDisconnectedError, "The connection was closed without a response."),
    (aiohttp.ClientResponseError, "The response was not HTTP."),
)


def _elapsed_ms(started: float) -> int:
    return round((clock.monotonic() - started) * 1000)


async def _read_head(response: aiohttp.ClientResponse) -> bytes:
    """Return the first bytes of a response; a body that breaks off or stalls does not void the status."""
    head = b""
    try:
        while len(head) < RESPONSE_BYTES_MAX:
            part = await response.content.read(RESPONSE_BYTES_MAX - len(head))
            if not part:
                break
            head += part
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    return head


def _retry_after(value: Any) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3): a number, or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    retry_at: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (retry_at - clock.wall()).total_seconds()
