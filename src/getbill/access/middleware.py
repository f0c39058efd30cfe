"""The API middleware: request id, authentication, rate limit, access log.

Nothing here waits for the database while a credential is cached and its lease lasts. Of a request only its
route, the ids in its path, its status and duration are logged.
"""

from math import ceil
from re import compile as pattern

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from getbill.access import requests
from getbill.access.auth_state import AuthContext
from getbill.access.limits import WINDOW_SECONDS, Count, CrowdedRequest
from getbill.access.model import BodyTooLarge, Caller, NoCredential, RateLimited, TlsRequired
from getbill.access.requests import Peer, bucket, peer_of, private_headers
from getbill.kit import clock, ids
from getbill.kit.errors import Problem, Unauthenticated
from getbill.kit.http import problem, route_template, template_with_ids
from getbill.kit.text import storable_text

API = "/external-api/"
OAUTH = frozenset({"/token", "/oauth/token", "/oauth/revoke"})
# Header errors of these routes are reported in the form of RFC 6749, by the routes themselves.
AUTHENTICATING = OAUTH | {"/external-api/v1/oauth/token", "/external-api/v1/oauth/revoke"}

# The status nginx logs when the connection ended before the response.
_CLIENT_CLOSED_REQUEST = 499
_REQUEST_ID = pattern(rb"[A-Za-z0-9._:-]{1,128}")

Headers = dict[bytes, bytes]


class Middleware:
    """The API's ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        if method == "HEAD":
            # HEAD is answered like GET, without the body (RFC 9110 section 9.3.2).
            scope = {**scope, "method": "GET"}
        exchange = _Exchange(scope, send, scope["app"].state.auth, method)
        try:
            await self._answer(exchange, scope, receive)
        except ClientDisconnect:
            # Unless the server has answered instead.
            exchange.status = scope["state"].get("dismissed", _CLIENT_CLOSED_REQUEST)
        except Exception as error:
            if exchange.status:
                raise
            # Outside this middleware there is only the server, whose response would have neither the request
            # id nor our format.
            crash_handler = scope["app"].exception_handlers[Exception]
            await (await crash_handler(Request(scope), error))(scope, receive, exchange.send)
        finally:
            exchange.log_request()

    async def _answer(self, exchange: "_Exchange", scope: Scope, receive: Receive) -> None:
        try:
            await exchange.admit()
            storable_text.refuse_address(scope["path"], scope["query_string"])
            exchange.check_headers()
            receive = exchange.limited_receive(receive)
        except Problem as refusal:
            await problem(refusal, scope)(scope, receive, exchange.send)
        else:
            await self._app(scope, receive, exchange.send)


class _Exchange:
    """One request from the middleware to its response."""

    __slots__ = (
        "auth",
        "caller",
        "extra",
        "headers",
        "method",
        "now",
        "pass_on",
        "peer",
        "scope",
        "started",
        "status",
    )

    def __init__(self, scope: Scope, pass_on: Send, auth: AuthContext, method: str) -> None:
        self.started = clock.monotonic()
        self.now = clock.unix()
        self.scope = scope
        self.method = method
        self.pass_on = pass_on
        self.auth = auth
        self.headers: Headers = dict(scope["headers"])
        self.peer: Peer = peer_of(scope, self.headers)
        self.caller: Caller | None = None
        self.status = 0
        request_id = self._request_id()
        self.extra = [(b"x-request-id", request_id.encode())]
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["is_private"] = self.peer.is_private
        structlog.contextvars.bind_contextvars(request_id=request_id)

    def _request_id(self) -> str:
        header = self.headers.get(b"x-request-id")
        if header is not None and _REQUEST_ID.fullmatch(header):
            return header.decode()
        return ids.new_text()

    async def admit(self) -> None:
        """Authenticate the caller and count the request; raise RateLimited or TlsRequired."""
        path = self.scope["path"]
        if path.startswith(API):
            caller = await self._find_caller()
            self.scope["state"]["caller"] = caller
            if isinstance(caller, Caller):
                stranger = self.scope["state"].get("stranger")
                if stranger is not None:
                    stranger.recognise()
                await self._count(caller)
                return
        elif path not in OAUTH:
            return
        count = self.auth.addresses.consume(bucket(self.peer.address), self.now)
        if not count.is_allowed and path in AUTHENTICATING:
            # The route admits a client with the right secret only.
            self.scope["state"]["crowded"] = CrowdedRequest(count, self._add_rate_headers)
            return
        self._enforce_limit(count)

    def check_headers(self) -> None:
        """Raise errors of the headers themselves; the OAuth routes report them in their own format."""
        path = self.scope["path"]
        if path in AUTHENTICATING:
            return
        requests.refuse_repeated(self.scope["headers"], self.headers)
        # Without a valid credential the route reports that first.
        if not isinstance(self.scope["state"].get("caller"), Problem):
            requests.refuse_encoding(self.scope["headers"], self.headers)

    async def _find_caller(self) -> Caller | Problem:
        token = _token(self.headers)
        if token is None:
            return NoCredential()
        cached_caller = self.auth.authenticator.cached_caller(token, self.now)
        if cached_caller is not None:
            return cached_caller
        count = self.auth.addresses.peek(bucket(self.peer.address), self.now)
        if count.is_allowed:
            return await self._authenticate(token)
        # Each guess costs a database query: requests from an address with too many wrong guesses queue, and
        # so does a client with a valid credential behind it.
        async with self.auth.crowd_semaphore:
            caller = await self._authenticate(token)
        if not isinstance(caller, Caller):
            self._enforce_limit(count)
        return caller

    async def _authenticate(self, token: str) -> Caller | Problem:
        try:
            return await self.auth.authenticator.authenticate(token)
        except Unauthenticated as refusal:
            return refusal

    async def _count(self, caller: Caller) -> None:
        self.caller = caller
        limits, limit = self.auth.limits, caller.limit_per_minute
        count = limits.try_consume(caller.counted_as, limit, self.now)
        self._enforce_limit(count or await limits.lease(caller.counted_as, limit, self.now))
        if caller.workspace.is_live and not self.peer.is_private:
            raise TlsRequired

    def _enforce_limit(self, count: Count) -> None:
        """Set the rate limit headers; raise RateLimited if the minute is used up."""
        self._add_rate_headers(count)
        if not count.is_allowed:
            raise RateLimited(count.limit, count.seconds_left(self.now))

    def _add_rate_headers(self, count: Count) -> None:
        """Add the rate limit headers (the last two: draft-ietf-httpapi-ratelimit-headers)."""
        seconds = count.seconds_left(self.now)
        self.extra += (
            (b"x-ratelimit-limit", b"%d" % count.limit),
            (b"x-ratelimit-remaining", b"%d" % count.remaining),
            (b"x-ratelimit-reset", b"%d" % ceil(round(count.ends, 3))),
            (b"ratelimit-policy", b'"minute";q=%d;w=%d' % (count.limit, WINDOW_SECONDS)),
            (b"ratelimit", b'"minute";r=%d;t=%d' % (count.remaining, seconds)),
        )

    def limited_receive(self, receive: Receive) -> Receive:
        """Return a `receive` that refuses a body that is too large, whether declared or not."""
        policy = self.auth.policy
        bytes_max = policy.larger_bodies.get(self.scope["path"], policy.body_bytes_max)
        declared = self.headers.get(b"content-length")
        if declared is not None:
            # The server reads no more than was declared.
            if declared.isdigit() and int(declared) > bytes_max:
                raise BodyTooLarge(bytes_max)
            return receive
        return _limit_body(receive, bytes_max) if b"transfer-encoding" in self.headers else receive

    async def send(self, message: Message) -> None:
        """Send the response with the request id and the rate limit headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            response_headers = private_headers(
                self.scope["path"], self.scope["scheme"], message.get("headers", ())
            )
            message["headers"] = [*response_headers, *self.extra]
        elif self.method == "HEAD":
            message = {**message, "body": b""}
        await self.pass_on(message)

    def log_request(self) -> None:
        """Log the request and count it."""
        scope, caller = self.scope, self.caller
        seconds = clock.monotonic() - self.started
        status = self.status or _CLIENT_CLOSED_REQUEST
        requests.count(self.method, route_template(scope), status, seconds)
        self.auth.log.add(
            (
                clock.wall(),
                scope["state"]["request_id"],
                self.method,
                template_with_ids(scope),
                status,
                seconds * 1000,
                None if caller is None else caller.workspace.id,
                None if caller is None else caller.credential_id,
                self.peer.address,
            )
        )


def _limit_body(receive: Receive, bytes_max: int) -> Receive:
    seen = 0

    async def receive_limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > bytes_max:
            raise BodyTooLarge(bytes_max)
        return message

    return receive_limited


def _token(headers: Headers) -> str | None:
    value = headers.get(b"authorization")
    if value is None or value[:7].lower() != b"bearer ":
        return None
    return value[7:].strip().decode("latin-1") or None
