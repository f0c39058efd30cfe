"""The door every request comes through: ids, sizes, TLS, and crashes that still look like answers."""

import asyncio
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from starlette.responses import StreamingResponse
from starlette.types import Message

from calls import Site
from getbill.access import Policy

THINGS = "/external-api/v1/test/things"
BODIES = "/external-api/v1/test/bodies"
CRASH = "/external-api/v1/test/crash"


async def test_a_request_keeps_the_id_it_came_with(site: Site, workspace: Any) -> None:
    caller = site.with_token(await workspace.key())

    answer = await caller.get(THINGS, X_Request_Id="order-42.a:b_c")

    assert answer.headers["x-request-id"] == "order-42.a:b_c"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, 'a"b', "a\u00e9b", "<script>"])
async def test_an_id_that_would_spoil_a_log_is_replaced(site: Site, sent: str) -> None:
    answer = await site.get(THINGS, X_Request_Id=sent)

    assert answer.headers["x-request-id"] not in {"", sent}
    assert len(answer.headers["x-request-id"]) == 36


@pytest.mark.parametrize("path", [THINGS, "/nowhere", "/token", "/.well-known/jwks.json", CRASH])
async def test_every_answer_has_an_id_of_its_own(site: Site, workspace: Any, path: str) -> None:
    caller = site.with_token(await workspace.key())

    answers = [await caller.get(path), await caller.get(path)]

    assert len({answer.headers["x-request-id"] for answer in answers}) == 2


async def test_a_log_line_of_a_request_carries_its_id(site: Site, workspace: Any, bench: Any) -> None:
    seen: list[Any] = []

    async def look(_change: Any, _tx: Any) -> Any:
        seen.append(structlog.contextvars.get_contextvars()["request_id"])
        raise RuntimeError("a defect")

    bench.work = look
    await site.with_token(await workspace.key()).post(THINGS, {}, X_Request_Id="mine")

    assert seen == ["mine"]


async def test_a_crash_is_a_problem_that_tells_nothing_but_its_id(site: Site, workspace: Any) -> None:
    answer = await site.with_token(await workspace.key()).get(CRASH)

    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/internal"
    assert b"a defect" not in answer.body
    assert "x-ratelimit-remaining" in answer.headers


async def test_a_crash_after_the_answer_began_is_raised_on(site: Site) -> None:
    app = site.app

    @app.get("/half")
    async def half() -> Any:
        async def pieces() -> Any:
            yield b"half"
            raise RuntimeError("a defect")

        return StreamingResponse(pieces())

    with pytest.raises(RuntimeError):
        await site.get("/half")


async def test_a_client_that_leaves_is_no_crash(site: Site, workspace: Any) -> None:
    caller = site.with_token(await workspace.key())
    before = counted("499")

    answer = await caller.call("POST", BODIES, chunks=[])

    assert answer.status == 0
    assert counted("499") == before + 1
    assert counted("500") == 0


def counted(status: str, route: str = BODIES, method: str = "POST") -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("getbill_http_requests_total", labels) or 0.0


async def test_requests_are_counted_by_template_and_strange_ones_together(site: Site, workspace: Any) -> None:
    caller = site.with_token(await workspace.key())
    before = counted("200", THINGS, "GET"), counted("404", "unmatched", "OTHER")

    await caller.get(THINGS)
    await caller.call("BREW", "/external-api/v1/coffee/1")
    await caller.call("STEEP", "/external-api/v1/coffee/2")

    assert counted("200", THINGS, "GET") == before[0] + 1
    assert counted("404", "unmatched", "OTHER") == before[1] + 2


@pytest.mark.parametrize(
    ("size", "declared", "status"), [(100, True, 200), (101, True, 413), (100, False, 200), (101, False, 413)]
)
async def test_a_body_too_large_is_refused_declared_or_not(
    make_site: Any, workspace: Any, size: int, declared: bool, status: int
) -> None:
    site = await make_site(Policy(body_bytes_max=100))
    caller = site.with_token(await workspace.key())
    body = b"x" * size

    if declared:
        answer = await caller.call("POST", BODIES, body=body)
    else:
        answer = await caller.call("POST", BODIES, chunks=[body[:50], body[50:]])

    assert answer.status == status
    if status == 413:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["bytes_max"] == 100
        assert "x-ratelimit-limit" in answer.headers


async def test_some_paths_take_larger_bodies(make_site: Any, workspace: Any) -> None:
    site = await make_site(Policy(body_bytes_max=100, larger_bodies={BODIES: 1000}))

    answer = await site.with_token(await workspace.key()).call("POST", BODIES, body=b"x" * 1000)

    assert (answer.status, answer.json()) == (200, {"bytes": 1000})


LIVE_WAYS = [
    ("127.0.0.1", "http", {}, 200),
    ("127.8.9.1", "http", {}, 200),
    ("::1", "http", {}, 200),
    ("::ffff:127.0.0.1", "http", {}, 200),
    ("203.0.113.9", "https", {}, 200),
    ("203.0.113.9", "http", {}, 403),
    ("10.0.0.1", "http", {}, 403),
    ("unknown", "http", {}, 403),
    # A proxy on this machine that nobody declared speaks for who knows whom.
    ("127.0.0.1", "http", {"X_Forwarded_For": "203.0.113.9"}, 403),
    ("127.0.0.1", "http", {"X_Forwarded_Proto": "https"}, 403),
    ("127.0.0.1", "http", {"Forwarded": "for=203.0.113.9"}, 403),
]


@pytest.mark.parametrize(("address", "scheme", "headers", "status"), LIVE_WAYS)
async def test_a_live_credential_needs_tls_or_this_machine(
    site: Site, workspace: Any, address: str, scheme: str, headers: dict[str, str], status: int
) -> None:
    caller = site.with_token(await workspace.token(site)).from_address(address, scheme)

    answer = await caller.get(THINGS, **headers)

    assert answer.status == status
    if status == 403:
        assert answer.json()["type"] == "/problems/tls-required"


async def test_a_sandbox_key_may_come_over_any_connection(site: Site, workspace: Any) -> None:
    caller = site.with_token(await workspace.key()).from_address("203.0.113.9")

    assert (await caller.get(THINGS)).status == 200


async def test_a_unix_socket_is_this_machine(site: Site, workspace: Any) -> None:
    caller = site.with_token(await workspace.token(site))
    caller.client = None

    assert (await caller.get(THINGS)).status == 200


async def test_what_is_no_request_passes_by(site: Site) -> None:
    news: list[Message] = []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Message) -> None:
        news.append(message)

    await asyncio.wait_for(site.app({"type": "lifespan", "asgi": {}}, receive, send), 5)

    assert [message["type"] for message in news] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
