"""The log of deliveries over HTTP: what waits, what was settled, every attempt, and how it all went."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from debts.conftest import WorkspaceApi, read
from getbill import access
from getbill.kit import clock, json
from webhooks.conftest import Carrier, Received


def says(words: bytes, status: int = 200) -> Any:
    """Have a receiver answer with some words."""

    async def answer(_received: Received) -> web.StreamResponse:
        return web.Response(body=words, status=status)

    return answer


async def log_of(workspace: WorkspaceApi, endpoint: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answered = await workspace.get(f"/webhooks/{endpoint['id']}/deliveries{query}")
    assert answered.status == 200, answered.body
    answer: list[dict[str, Any]] = read(answered)["data"]
    return answer


async def one_of(workspace: WorkspaceApi, delivery: dict[str, Any]) -> dict[str, Any]:
    answered = await workspace.get(f"/webhooks/{delivery['endpoint_id']}/deliveries/{delivery['id']}")
    assert answered.status == 200, answered.body
    answer: dict[str, Any] = read(answered)
    return answer


async def test_a_delivery_is_logged_with_what_was_sent_and_what_came_back(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive(answering(200))
    endpoint = await carrier.open(receiver, headers={"Authorization": "Bearer s3cr3t"})
    debt = await workspace.debt()
    await carrier.carry()

    (logged,) = await log_of(workspace, endpoint)

    (came,) = receiver.received
    assert logged["id"].startswith("wd_")
    assert (logged["endpoint_id"], logged["webhook_id"]) == (endpoint["id"], came.told["webhook_id"])
    assert (logged["event"], logged["debt_id"], logged["erased"]) == ("debt.created", debt["id"], False)
    assert (logged["sequence"], logged["previous_sequence"], logged["fields"]) == (1, None, None)
    assert (logged["status"], logged["attempts"], logged["replay"]) == ("delivered", 1, False)
    assert logged["settled_at"] is not None
    assert logged["next_try_at"] is None
    assert (logged["last_attempt"]["status"], logged["last_attempt"]["error"]) == (200, None)
    answer = await one_of(workspace, logged)
    assert {name: answer[name] for name in logged} == logged
    assert answer["body"] == came.body.decode()
    (result,) = answer["attempts_made"]
    assert result["request"]["method"] == "POST"
    assert result["request"]["url"] == receiver.url
    assert result["request"]["headers"]["webhook-id"] == came.headers["webhook-id"]
    assert result["request"]["headers"]["Authorization"] is None
    assert set(result["request"]["headers"]) <= {*came.headers, "X-GetBill-Signature"}
    assert (result["attempt"], result["response"], result["error"]) == (
        1,
        {"status": 200, "body": None},
        None,
    )
    assert 0 <= result["duration_ms"] < 300


async def test_every_attempt_is_shown_in_order_with_its_response(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive(answering(503))
    endpoint = await carrier.open(receiver, retry_schedule=[60])
    await workspace.debt()
    await carrier.carry()
    (waiting,) = await log_of(workspace, endpoint)
    receiver.answer = says(b"no such tenant", 404)
    await carrier.pass_time()
    await carrier.carry()

    (log,) = await log_of(workspace, endpoint)

    assert (waiting["status"], waiting["attempts"]) == ("pending", 1)
    assert waiting["last_attempt"]["status"] == 503
    assert waiting["next_try_at"] is not None
    assert (log["status"], log["attempts"]) == ("exhausted", 2)
    first, second = (await one_of(workspace, log))["attempts_made"]
    assert (first["attempt"], first["response"]) == (1, {"status": 503, "body": None})
    assert (second["attempt"], second["response"]) == (2, {"status": 404, "body": "no such tenant"})


async def test_what_waits_comes_first_then_what_is_settled_the_newest_first(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, retry_schedule=[3600])
    settlement = []
    for _ in range(3):
        settlement.append((await workspace.debt())["id"])
        await carrier.carry()
    receiver.answer = answering(500)
    waiting = []
    for _ in range(2):
        waiting.append((await workspace.debt())["id"])
        await carrier.carry()

    whole = await log_of(workspace, endpoint)
    paged: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = read(await workspace.get(f"/webhooks/{endpoint['id']}/deliveries?limit=2{cursor}"))
        paged += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert [item["status"] for item in whole] == ["pending", "pending", "delivered", "delivered", "delivered"]
    assert [item["debt_id"] for item in whole[2:]] == settlement[::-1]
    assert {item["debt_id"] for item in whole[:2]} == set(waiting)
    assert whole[0]["next_try_at"] <= whole[1]["next_try_at"]
    assert paged == whole


async def test_the_log_is_filtered_by_status_event_debt_and_time(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, events=["debt.created", "debt.updated"], retry_schedule=[])
    first, second = await workspace.debt(), await workspace.debt()
    await carrier.carry()
    receiver.answer = answering(500)
    await workspace.put(f"/debts/{first['id']}", {"reference": "changed"})
    await carrier.carry()
    yesterday = json.instant(clock.wall() - timedelta(days=1))
    tomorrow = json.instant(clock.wall() + timedelta(days=1))

    async def found(query: str) -> list[tuple[str, str]]:
        return [(log["event"], log["debt_id"]) for log in await log_of(workspace, endpoint, query)]

    created = [("debt.created", second["id"]), ("debt.created", first["id"])]
    assert await found("?status=exhausted") == [("debt.updated", first["id"])]
    assert sorted(await found("?status=delivered&status=pending")) == sorted(created)
    assert await found("?event=debt.updated") == [("debt.updated", first["id"])]
    assert await found(f"?debt_id={second['id']}") == [("debt.created", second["id"])]
    assert len(await found(f"?from={yesterday}&to={tomorrow}")) == 3
    assert await found(f"?to={yesterday}") == []
    assert await found(f"?from={tomorrow}") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?status=lost", 400),
        ("?event=debt.lost", 400),
        ("?colour=red", 400),
        ("?limit=101", 400),
        ("?cursor=abc", 400),
        ("?from=yesterday", 400),
        ("?debt_id=debt_x", 404),
    ],
)
async def test_a_wrong_question_to_the_log_is_refused(
    workspace: WorkspaceApi, query: str, status: int
) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))

    answered = await workspace.get(f"/webhooks/{webhook['id']}/deliveries{query}")

    assert answered.status == status


async def test_a_delivery_of_another_endpoint_or_company_is_not_there(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive())
    other = await carrier.open(await receive(), events=["debt.deleted"])
    await workspace.debt()
    await carrier.carry()
    (logged,) = await log_of(workspace, endpoint)
    path = f"/deliveries/{logged['id']}"

    assert (await workspace.get(f"/webhooks/{other['id']}{path}")).status == 404
    assert (await other_workspace.get(f"/webhooks/{endpoint['id']}{path}")).status == 404
    assert (await other_workspace.get(f"/webhooks/{endpoint['id']}/deliveries")).status == 404


async def test_an_erased_debts_deliveries_say_only_that_it_was_erased(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive(says(b"thank you, Jean Dupont"))
    endpoint = await carrier.open(receiver)
    debt = await workspace.debt()
    await carrier.carry()
    (logged,) = await log_of(workspace, endpoint)
    before = await one_of(workspace, logged)

    await workspace.call("DELETE", f"/debts/{debt['id']}")

    assert before["attempts_made"][0]["response"]["body"] == "thank you, Jean Dupont"
    (listed,) = await log_of(workspace, endpoint)
    answer = await one_of(workspace, logged)
    assert (listed["erased"], answer["erased"], answer["status"]) == (True, True, "delivered")
    assert read_body(answer)["data"] == {"debt_id": debt["id"], "erased": True}
    assert answer["attempts_made"][0]["response"] == {"status": 200, "body": None}


def read_body(answer: dict[str, Any]) -> Any:
    return json.read(answer["body"].encode())


async def test_a_trimmed_delivery_is_logged_as_it_was_sent(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, fields=["status"])
    debt = await workspace.debt()
    await carrier.carry()
    await workspace.put(f"/webhooks/{endpoint['id']}", {"fields": None})

    (logged,) = await log_of(workspace, endpoint)

    assert logged["fields"] == ["status"]
    assert (await one_of(workspace, logged))["body"] == receiver.received[0].body.decode()
    assert receiver.received[0].told["data"] == {"debt_id": debt["id"], "status": "pending"}


async def test_an_event_about_an_endpoint_is_logged_without_a_debt(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    watching = await carrier.open(await receive(), events=["webhook.disabled"], fields=["status"])
    gone = await carrier.open(await receive(answering(410)))
    await workspace.debt()
    await carrier.carry()
    await carrier.carry()

    (logged,) = await log_of(workspace, watching)

    assert (logged["event"], logged["debt_id"], logged["erased"]) == ("webhook.disabled", None, False)
    data = read_body(await one_of(workspace, logged))["data"]
    assert (data["webhook"]["id"], data["webhook"]["reason"]) == (gone["id"], "gone")
    assert read(await workspace.get(f"/webhooks/{gone['id']}"))["disabled_reason"] == "gone"


async def test_what_debts_say_is_shown_only_to_who_may_read_debts(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive(says(b"thank you, Jean Dupont")))
    await workspace.debt()
    await carrier.carry()
    (logged,) = await log_of(workspace, endpoint)
    state = workspace.app.state
    new = access.NewClient(workspace.workspace_id, "Watcher", scopes=("webhooks:read",))
    client, secret = await access.create_client(state.database, new, clock.wall())
    form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
    token = (await workspace.site.form("/token", form)).json()["access_token"]
    watcher = WorkspaceApi(workspace.site.with_token(token), workspace.workspace_id, workspace.app)

    answer = await one_of(watcher, logged)

    assert answer["body"] is None
    assert answer["attempts_made"][0]["response"] == {"status": 200, "body": None}
    assert (answer["status"], answer["event"]) == ("delivered", "debt.created")


async def test_statistics_tell_how_deliveries_went_by_endpoint_and_by_event(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    good = await carrier.open(await receive())
    bad = await carrier.open(await receive(answering(500)), events=["debt.created"], retry_schedule=[])
    slow = await carrier.open(await receive(answering(503)), events=["debt.created"], retry_schedule=[60])
    for _ in range(3):
        await workspace.debt()
    await carrier.carry()

    stats = read(await workspace.get("/webhooks/stats"))

    total = stats["total"]
    assert (total["delivered"], total["exhausted"], total["cancelled"]) == (3, 3, 0)
    assert total["success_rate"] == json.read(b"0.5")
    by_endpoint = {item["endpoint_id"]: item for item in stats["by_endpoint"]}
    assert by_endpoint.keys() == {good["id"], bad["id"], slow["id"]}
    assert (by_endpoint[good["id"]]["success_rate"], by_endpoint[bad["id"]]["success_rate"]) == (1, 0)
    assert by_endpoint[slow["id"]]["success_rate"] is None
    assert by_endpoint[slow["id"]]["pending"] == total["pending"] == 3
    assert by_endpoint[slow["id"]]["oldest_pending_at"] == total["oldest_pending_at"] is not None
    latency = by_endpoint[good["id"]]["latency_ms"]
    assert 0 <= latency["p50"] <= latency["p95"] <= latency["p99"] < 300
    (by_event,) = stats["by_event"]
    assert by_event["event"] == "debt.created"
    assert (by_event["attempts"], by_event["attempts_succeeded"]) == (total["attempts"], 3)


async def test_statistics_of_nothing_are_nothing(workspace: WorkspaceApi) -> None:
    stats = read(await workspace.get("/webhooks/stats?from=2024-01-01&to=2024-01-02"))

    assert stats["period"] == {"from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}
    assert (stats["total"]["attempts"], stats["total"]["success_rate"]) == (0, None)
    assert stats["total"]["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert (stats["by_endpoint"], stats["by_event"]) == ([], [])


@pytest.mark.parametrize(
    "query", ["?from=2024-01-02&to=2024-01-01", "?from=2024-01-01&to=2024-02-02", "?to=0001-01-01", "?days=3"]
)
async def test_statistics_have_a_period_of_a_month_at_most(workspace: WorkspaceApi, query: str) -> None:
    assert (await workspace.get(f"/webhooks/stats{query}")).status == 400
