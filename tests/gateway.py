"""A gateway for tests, on the loopback: takes messages as docs/providers.md says, and fails as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from getbill.channels import Channel
from getbill.channels.senders import Assurance, GatewaySettings
from getbill.kit import clock, json
from getbill.kit.signing import new_secret, secret_key, standard_signature, standard_verifies


@dataclass
class Exchange:
    """A gateway and the telephone network behind it: `delivered` is what people got, one entry for each time."""

    assurance: Assurance
    secret: str = field(default_factory=new_secret)
    delivered: list[dict[str, Any]] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    # What it answers with; None hangs up after it took the message, "before" hangs up without taking it.
    answers: list[tuple[int, Any] | str | None] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self._check(request, raw)
        message = json.read(raw)
        self.asked.append(f"POST {message['id']}")
        answer = (
            self.answers.pop(0)
            if self.answers
            else (202, {"status": "accepted", "ref": f"x-{message['id']}"})
        )
        if answer == "before":
            return self._hang_up(request)
        if isinstance(answer, tuple) and answer[0] >= 400:
            return web.Response(status=answer[0], body=json.write(answer[1]))
        is_new = message["id"] not in self.taken
        if is_new or self.assurance != Assurance.IDEMPOTENCY_KEY:
            self.delivered.append(message)
        self.taken[message["id"]] = message
        if not isinstance(answer, tuple):
            return self._hang_up(request)
        return web.Response(status=answer[0], body=json.write(answer[1]))

    async def tell(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self._check(request, b"")
        self.asked.append(f"GET {key}")
        if key not in self.taken:
            return web.Response(status=404)
        return web.Response(body=json.write({"status": "accepted", "ref": f"x-{key}"}))

    def _check(self, request: web.Request, raw: bytes) -> None:
        headers = request.headers
        timestamp = int(headers["webhook-timestamp"])
        assert headers["idempotency-key"] == headers["webhook-id"]
        assert standard_verifies(
            secret_key(self.secret), headers["webhook-id"], timestamp, raw, headers["webhook-signature"]
        )

    def _hang_up(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def settings(self, channel: Channel, **changes: Any) -> GatewaySettings:
        values = {"channel": channel, "url": self.url, "secret": self.secret, "assurance": self.assurance}
        return GatewaySettings.model_validate(values | {"pauses": (0, 0)} | changes)

    def report(self, body: bytes, *, seconds_ago: int = 0) -> dict[str, str]:
        """Return the headers of a signed report."""
        timestamp = int(clock.wall().timestamp()) - seconds_ago
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_signature(secret_key(self.secret), "msg_1", timestamp, body),
        }


@asynccontextmanager
async def exchanging(assurance: Assurance = Assurance.NEITHER) -> AsyncIterator[Exchange]:
    """Run a gateway."""
    exchange = Exchange(assurance)
    app = web.Application()
    app.router.add_post("/send", exchange.take)
    app.router.add_get("/send/{key}", exchange.tell)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    exchange.url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
    try:
        yield exchange
    finally:
        await runner.cleanup()
