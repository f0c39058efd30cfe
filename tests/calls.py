"""Calls to an ASGI application in this process: a request goes in as the server would hand it over, the answer
comes out whole. What the application raises past its own handlers is raised here."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Site:
    """An application as a client sees it from one address."""

    app: Any
    client: tuple[str, int] | None = ("127.0.0.1", 50_000)
    scheme: str = "http"
    headers: dict[str, str] = field(default_factory=dict)

    def with_token(self, token: str) -> "Site":
        """The same site, called with a Bearer credential."""
        return Site(self.app, self.client, self.scheme, {**self.headers, "Authorization": f"Bearer {token}"})

    def from_address(self, address: str, scheme: str = "http") -> "Site":
        """The same site, called from elsewhere."""
        return Site(self.app, (address, 50_000), scheme, self.headers)

    async def get(self, path: str, **headers: str) -> Answer:
        """GET a path."""
        return await self.call("GET", path, headers=headers)

    async def post(self, path: str, value: Any = None, **headers: str) -> Answer:
        """POST a value as JSON; names of headers are written with underscores."""
        return await self.call("POST", path, body=json.dumps(value).encode(), headers=headers)

    async def form(self, path: str, fields: Any, **headers: str) -> Answer:
        """POST a form."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return await self.call("POST", path, body=urlencode(fields).encode(), headers=sent)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        chunks: list[bytes] | None = None,
        leaves: asyncio.Event | None = None,
    ) -> Answer:
        """Send one request; with `chunks` its length is not declared. Who `leaves` does not wait for the answer."""
        named = {"Host": "testserver", **self.headers}
        if chunks is None:
            named["Content-Length"] = str(len(body))
        else:
            named["Transfer-Encoding"] = "chunked"
        if method in {"POST", "PUT", "PATCH"}:
            named["Content-Type"] = "application/json"
        named |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()],
            "client": self.client,
            "server": ("testserver", 80),
            "state": {},
        }
        return await _answer(self.app, scope, [body] if chunks is None else chunks, leaves or asyncio.Event())


async def _answer(app: Any, scope: dict[str, Any], chunks: list[bytes], leaves: asyncio.Event) -> Answer:
    waiting = list(chunks)
    status, headers, body = 0, {}, bytearray()

    async def receive() -> dict[str, Any]:
        if not waiting:
            await leaves.wait()
            return {"type": "http.disconnect"}
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, headers, bytes(body))


@asynccontextmanager
async def started(app: Any) -> AsyncIterator[Site]:
    """Run an application's lifespan around the calls to it."""
    async with app.router.lifespan_context(app):
        yield Site(app)
