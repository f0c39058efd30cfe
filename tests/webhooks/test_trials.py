"""Trying a receiver: a marked sample, sent at once over a real socket, that leaves no trace."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from debts.conftest import WorkspaceApi, read
from getbill.events import KINDS
from getbill.webhooks import EndpointTester, WebhookClient
from getbill.webhooks.replays import test_sends
from webhooks.conftest import Carrier, Received


async def fire(workspace: WorkspaceApi, endpoint: dict[str, Any], body: Any = None) -> dict[str, Any]:
    answered = await workspace.post(f"/webhooks/{endpoint['id']}/test", body)
    assert answered.status == 200, answered.body
    answer: dict[str, Any] = read(answered)
    return answer


@asynccontextmanager
async def posting(workspace: WorkspaceApi, poster: WebhookClient) -> AsyncIterator[None]:
    """Have tests leave by this poster."""
    state = workspace.app.state
    usual, state.trials = state.trials, EndpointTester(poster)
    async with poster:
        yield
    state.trials = usual


async def test_a_sample_is_sent_at_once_marked_and_signed(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    async def thank(_received: Received) -> web.StreamResponse:
        return web.Response(text="Thank you.")

    receiver = await receive(thank)
    endpoint = await carrier.open(receiver, headers={"X-Tenant": "7"}, fields=["status"])

    attempt = await fire(workspace, endpoint, {"event": "debt.resolved"})

    (came,) = receiver.received
    assert (attempt["status"], attempt["error"]) == ("delivered", None)
    assert attempt["response"] == {"status": 200, "body": "Thank you."}
    assert attempt["request"]["body"] == came.body.decode()
    assert attempt["request"]["url"] == receiver.url
    assert attempt["request"]["headers"]["X-GetBill-Signature"] == came.headers["X-GetBill-Signature"]
    assert attempt["request"]["headers"]["X-Tenant"] is None
    assert came.headers["X-Tenant"] == "7"
    assert came.headers["X-GetBill-Test"] == "true"
    assert (came.told["event"], came.told["test"], came.told["fields"]) == ("debt.resolved", True, ["status"])
    assert sorted(came.told["data"]) == ["debt_id", "status"]
    ours = hmac.new(receiver.secret.encode(), came.body, hashlib.sha256).hexdigest()
    assert came.headers["X-GetBill-Signature"] == ours
    Webhook(receiver.secret).verify(came.body, came.headers)


async def test_it_stands_in_no_stream_log_or_statistics(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive())

    await fire(workspace, endpoint)
    await carrier.carry()

    assert read(await workspace.get(f"/webhooks/{endpoint['id']}/deliveries"))["data"] == []
    assert read(await workspace.get("/webhooks/stats"))["total"]["attempts"] == 0
    assert await workspace.rows("SELECT FROM events WHERE workspace_id = $1", workspace.workspace_id) == []
    assert read(await workspace.get(f"/webhooks/{endpoint['id']}"))["failing_since"] is None


async def test_a_disabled_endpoint_is_tried_too_and_a_failure_does_it_no_harm(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive(answering(500))
    endpoint = await carrier.open(receiver, enabled=False)

    attempt = await fire(workspace, endpoint)

    assert (attempt["status"], attempt["response"]) == ("failed", {"status": 500, "body": ""})
    webhook = read(await workspace.get(f"/webhooks/{endpoint['id']}"))
    assert (webhook["enabled"], webhook["disabled_reason"], webhook["failing_since"]) == (
        False,
        "asked",
        None,
    )


async def test_where_no_answer_comes_it_says_why(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "http://127.0.0.1:9/hooks"}))

    attempt = await fire(workspace, webhook)

    assert (attempt["status"], attempt["response"]) == ("failed", None)
    assert attempt["error"] == "The connection was refused or timed out."


async def test_a_name_that_leads_inside_is_refused_before_any_connection(
    workspace: WorkspaceApi, receive: Any
) -> None:
    receiver = await receive()
    port = receiver.url.split(":")[2].split("/")[0]
    webhook = read(await workspace.post("/webhooks", {"url": f"https://hooks.example.com:{port}/hooks"}))

    async def look_up(_host: str) -> list[str]:
        return ["10.0.0.1"]

    async with posting(workspace, WebhookClient(lookup=look_up)):
        attempt = await fire(workspace, webhook)

    assert attempt["error"] == "Webhooks may not be sent to this address."
    assert receiver.received == []


async def test_the_next_secret_is_tried_alone_before_the_cut_over(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)
    rotated = read(await workspace.post(f"/webhooks/{endpoint['id']}/rotate-secret"))

    await fire(workspace, endpoint, {"secret": "next"})
    await fire(workspace, endpoint, {"secret": "current"})

    alone, both = receiver.received
    Webhook(rotated["secret"]).verify(alone.body, alone.headers)
    assert " " not in alone.headers["webhook-signature"]
    assert "X-GetBill-Signature-Next" not in alone.headers
    signed = hmac.new(rotated["secret"].encode(), alone.body, hashlib.sha256).hexdigest()
    assert alone.headers["X-GetBill-Signature"] == signed
    Webhook(rotated["secret"]).verify(both.body, both.headers)
    Webhook(receiver.secret).verify(both.body, both.headers)


async def test_without_a_rotation_there_is_no_next_secret_to_try(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)

    answered = await workspace.post(f"/webhooks/{endpoint['id']}/test", {"secret": "next"})

    assert (answered.status, read(answered)["type"]) == (409, "/problems/no-rotation")
    assert receiver.received == []


async def test_one_key_is_one_test(workspace: WorkspaceApi, carrier: Carrier, receive: Any) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)

    answers = [
        await workspace.post(f"/webhooks/{endpoint['id']}/test", {}, Idempotency_Key="try") for _ in range(2)
    ]

    assert len(receiver.received) == 1
    assert answers[0].body == answers[1].body
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_with_a_key_a_refusal_stays_the_answer(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)
    path, body = f"/webhooks/{endpoint['id']}/test", {"secret": "next"}
    first = await workspace.post(path, body, Idempotency_Key="early")
    await workspace.post(f"/webhooks/{endpoint['id']}/rotate-secret")

    again = await workspace.post(path, body, Idempotency_Key="early")
    other = await workspace.post(path, {"event": "debt.created"}, Idempotency_Key="early")

    assert (first.status, again.status, again.body) == (409, 409, first.body)
    assert (other.status, read(other)["type"]) == (422, "/problems/idempotency-key-reused")
    assert receiver.received == []


async def test_a_few_at_a_time_are_under_way_for_a_workspace(
    workspace: WorkspaceApi,
    other_workspace: WorkspaceApi,
    carrier: Carrier,
    receive: Any,
    hanging: Any,
) -> None:
    receiver = await receive(hanging)
    endpoint = await carrier.open(receiver)
    other = read(await other_workspace.post("/webhooks", {"url": receiver.url}))
    async with posting(workspace, WebhookClient(timeout_seconds=0.5)):
        crowd = [
            workspace.post(f"/webhooks/{endpoint['id']}/test") for _ in range(test_sends.WORKSPACE_MAX + 1)
        ]
        *answers, rest = await asyncio.gather(*crowd, other_workspace.post(f"/webhooks/{other['id']}/test"))
        afterwards = await workspace.post(f"/webhooks/{endpoint['id']}/test")

    statuses = sorted(answered.status for answered in answers)
    assert statuses == [200] * test_sends.WORKSPACE_MAX + [429]
    (refused,) = [answered for answered in answers if answered.status == 429]
    assert read(refused)["type"] == "/problems/tests-under-way"
    assert refused.headers["retry-after"] == "1"
    assert read(rest)["error"] == "No answer within 0.5 seconds."
    assert afterwards.status == 200


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"event": "debt.lost"}, [("/event", "unknown-event")]),
        ({"secret": "old"}, [("/secret", "not-one-of")]),
        ({"data": {}}, [("/data", "unknown-field")]),
    ],
)
async def test_a_wrong_test_is_refused_field_by_field(
    workspace: WorkspaceApi, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "http://127.0.0.1:9/hooks"}))

    answered = await workspace.post(f"/webhooks/{webhook['id']}/test", body)

    assert answered.status == 422
    assert [(error["pointer"], error["code"]) for error in read(answered)["errors"]] == wrong


async def test_every_event_has_a_sample(workspace: WorkspaceApi, carrier: Carrier, receive: Any) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)

    for kind in KINDS:
        await fire(workspace, endpoint, {"event": kind})

    assert [message.told["event"] for message in receiver.received] == list(KINDS)
    assert len({message.told["webhook_id"] for message in receiver.received}) == len(receiver.received)
