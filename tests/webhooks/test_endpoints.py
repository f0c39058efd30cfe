"""What an endpoint can be told over HTTP: headers, trimming, its own schedule, rate and concurrency."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from debts.conftest import WorkspaceApi, read
from getbill import companies
from getbill.kit import ids
from getbill.webhooks.endpoints import queries

URL = "https://example.com/hooks"


@pytest.fixture(autouse=True)
async def _nothing_is_left(workspace: WorkspaceApi) -> AsyncIterator[None]:
    """Leave nothing owed to the couriers of other tests."""
    yield
    await workspace.rows("DELETE FROM webhook_deliveries WHERE workspace_id = $1", workspace.workspace_id)


async def open_webhook(workspace: WorkspaceApi, **fields: Any) -> dict[str, Any]:
    answered = await workspace.post("/webhooks", {"url": URL} | fields)
    assert answered.status == 201, answered.body
    answer: dict[str, Any] = read(answered)
    return answer


async def headers_of(workspace: WorkspaceApi, answer: dict[str, Any]) -> dict[str, str]:
    """What is really stored of an endpoint's own headers."""
    state = workspace.app.state
    snapshot = await companies.workspace(state.database, state.vault, workspace.workspace_id)
    return dict((await queries.find(state.database, snapshot, ids.read("we", answer["id"]))).headers)


async def row_of(workspace: WorkspaceApi, answer: dict[str, Any]) -> Any:
    (row,) = await workspace.rows("SELECT * FROM webhook_endpoints WHERE id = $1", UUID(int=_int(answer)))
    return row


def _int(answer: dict[str, Any]) -> int:
    return ids.read("we", answer["id"]).int


async def move_stream(workspace: WorkspaceApi, position: int, reacted: int) -> None:
    await workspace.rows(
        "UPDATE streams SET position = $2, reacted = $3 WHERE workspace_id = $1",
        workspace.workspace_id,
        position,
        reacted,
    )


async def owe_one(workspace: WorkspaceApi, answer: dict[str, Any]) -> None:
    """Have one delivery wait for the endpoint."""
    await workspace.rows(
        """
        INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
            attempts, next_try_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 'debt.created', 1, 1, 2, now(), now())
        """,
        workspace.workspace_id,
        ids.new(),
        ids.read("we", answer["id"]),
        ids.new(),
        ids.new(),
    )


async def test_by_default_everything_is_sent_as_the_product_does(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace)

    assert (answer["headers"], answer["fields"]) == ([], None)
    assert answer["retry_schedule"] == [60, 600, 3600, 18000, 64800]
    assert (answer["rate_per_second"], answer["concurrency"]) == (None, 16)
    assert (answer["disabled_at"], answer["disabled_reason"], answer["failing_since"]) == (None, None, None)
    assert (answer["catching_up"], answer["rotation"]) == (False, None)


async def test_an_endpoint_has_its_own_headers_trimming_schedule_rate_and_concurrency(
    workspace: WorkspaceApi,
) -> None:
    report = {
        "fields": ["debt_id", "status"],
        "retry_schedule": [5, 60],
        "rate_per_second": 20,
        "concurrency": 1,
    }

    answer = await open_webhook(
        workspace, **report, headers={"Authorization": "Bearer s3cr3t", "X-Tenant": "7"}
    )

    assert {name: answer[name] for name in report} == report
    assert answer["headers"] == ["Authorization", "X-Tenant"]
    assert await headers_of(workspace, answer) == {"Authorization": "Bearer s3cr3t", "X-Tenant": "7"}
    assert b"s3cr3t" not in (await row_of(workspace, answer))["headers"]
    listed = await workspace.get("/webhooks")
    assert b"s3cr3t" not in listed.body
    assert read(listed)["data"] == [{name: value for name, value in answer.items() if name != "secret"}]


async def test_headers_are_set_and_taken_away_by_name_whatever_its_case(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace, headers={"X-One": "1", "X-Two": "2", "X-Three": "3"})

    answered = await workspace.put(f"/webhooks/{answer['id']}", {"headers": {"x-one": "new", "X-Two": None}})

    assert read(answered)["headers"] == ["X-Three", "x-one"]
    assert await headers_of(workspace, answer) == {"X-Three": "3", "x-one": "new"}
    cleared = await workspace.put(f"/webhooks/{answer['id']}", {"headers": None})
    assert read(cleared)["headers"] == []
    assert (await row_of(workspace, answer))["headers"] is None


async def test_null_goes_back_to_the_usual(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(
        workspace, fields=["status"], retry_schedule=[], rate_per_second=1, concurrency=2
    )

    answered = await workspace.put(
        f"/webhooks/{answer['id']}",
        {"fields": None, "retry_schedule": None, "rate_per_second": None, "concurrency": None},
    )

    changed = read(answered)
    assert (changed["fields"], changed["rate_per_second"], changed["concurrency"]) == (None, None, 16)
    assert changed["retry_schedule"] == [60, 600, 3600, 18000, 64800]


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ({"headers": {"Host": "a"}}, [("/headers/Host", "reserved")]),
        ({"headers": {"connection": "close"}}, [("/headers/connection", "reserved")]),
        ({"headers": {"Proxy-Authorization": "x"}}, [("/headers/Proxy-Authorization", "reserved")]),
        ({"headers": {"Transfer-Encoding": "chunked"}}, [("/headers/Transfer-Encoding", "reserved")]),
        ({"headers": {"Webhook-Signature": "v1,"}}, [("/headers/Webhook-Signature", "reserved")]),
        ({"headers": {"X-GetBill-Signature": "0"}}, [("/headers/X-GetBill-Signature", "reserved")]),
        ({"headers": {"Content-Type": "text/plain"}}, [("/headers/Content-Type", "reserved")]),
        ({"headers": {"X Y": "1", "é": "1"}}, [("/headers/X Y", "bad-name"), ("/headers/é", "bad-name")]),
        ({"headers": {"X-A": "one\r\nX-B: two"}}, [("/headers/X-A", "bad-value")]),
        ({"headers": {"X-A": ""}}, [("/headers/X-A", "bad-value")]),
        ({"headers": {"X-A": " padded"}}, [("/headers/X-A", "bad-value")]),
        ({"headers": {"X-A": "é"}}, [("/headers/X-A", "bad-value")]),
        ({"headers": {"X-A": 1}}, [("/headers/X-A", "not-a-text")]),
        ({"headers": {"X-A": "1", "x-a": "2"}}, [("/headers/x-a", "twice")]),
        ({"headers": {f"X-{number}": "1" for number in range(21)}}, [("/headers", "too-many")]),
        ({"headers": {"X-A": "a" * 4096}}, [("/headers", "too-large")]),
        ({"fields": []}, [("/fields", "too-short")]),
        ({"fields": ["status", "iban"]}, [("/fields/1", "unknown-key")]),
        ({"fields": ["status", "status"]}, [("/fields", "wrong-value")]),
        ({"retry_schedule": [0]}, [("/retry_schedule/0", "out-of-range")]),
        ({"retry_schedule": [86_401]}, [("/retry_schedule/0", "out-of-range")]),
        ({"retry_schedule": [1] * 13}, [("/retry_schedule", "too-long")]),
        ({"retry_schedule": [86_400] * 6}, [("/retry_schedule", "wrong-value")]),
        ({"retry_schedule": ["60"]}, [("/retry_schedule/0", "not-a-whole-number")]),
        ({"rate_per_second": 0}, [("/rate_per_second", "out-of-range")]),
        ({"rate_per_second": 1001}, [("/rate_per_second", "out-of-range")]),
        ({"concurrency": 65}, [("/concurrency", "out-of-range")]),
        ({"concurrency": True}, [("/concurrency", "not-a-whole-number")]),
    ],
)
async def test_what_receivers_cannot_bear_is_refused_field_by_field(
    workspace: WorkspaceApi, message: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    answer = await open_webhook(workspace)

    answers = [
        await workspace.post("/webhooks", {"url": URL} | message),
        await workspace.put(f"/webhooks/{answer['id']}", message),
    ]

    for answered in answers:
        assert answered.status == 422, answered.body
        assert [(error["pointer"], error["code"]) for error in read(answered)["errors"]] == wrong
    kept = {name: value for name, value in answer.items() if name != "secret"}
    assert read(await workspace.get("/webhooks"))["data"] == [kept]


async def test_a_change_may_not_leave_too_many_headers_behind(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace, headers={f"X-{number}": "1" for number in range(20)})

    refused = await workspace.put(f"/webhooks/{answer['id']}", {"headers": {"X-20": "1"}})
    swapped = await workspace.put(f"/webhooks/{answer['id']}", {"headers": {"X-20": "1", "X-0": None}})

    assert (refused.status, read(refused)["errors"][0]["code"]) == (422, "too-many")
    assert (swapped.status, len(read(swapped)["headers"])) == (200, 20)


async def test_a_disabled_endpoint_remembers_since_when_and_from_where(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace)
    await move_stream(workspace, 9, 7)

    answered = await workspace.put(f"/webhooks/{answer['id']}", {"enabled": False})

    disabled = read(answered)
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "asked")
    assert disabled["disabled_at"] is not None
    assert (await row_of(workspace, answer))["missed_from"] == 7
    again = await workspace.put(f"/webhooks/{answer['id']}", {"enabled": False})
    assert read(again)["disabled_at"] == disabled["disabled_at"]


async def test_enabled_again_it_catches_up_from_where_it_stopped(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace)
    await move_stream(workspace, 7, 7)
    await workspace.put(f"/webhooks/{answer['id']}", {"enabled": False})
    await owe_one(workspace, answer)
    await move_stream(workspace, 12, 10)

    answered = await workspace.put(f"/webhooks/{answer['id']}", {"enabled": True})

    enabled = read(answered)
    assert (enabled["enabled"], enabled["disabled_at"], enabled["disabled_reason"]) == (True, None, None)
    assert enabled["catching_up"] is True
    row = await row_of(workspace, answer)
    assert (row["catching_up_from"], row["missed_from"]) == (7, None)
    assert len(await workspace.rows("SELECT FROM webhook_deliveries WHERE endpoint_id = $1", row["id"])) == 1
    # Disabled before it was done, it goes on from there the next time.
    await workspace.put(f"/webhooks/{answer['id']}", {"enabled": False})
    assert (await row_of(workspace, answer))["missed_from"] == 7


async def test_who_missed_nothing_has_nothing_to_catch_up(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace)
    await workspace.put(f"/webhooks/{answer['id']}", {"enabled": False})

    answered = await workspace.put(f"/webhooks/{answer['id']}", {"enabled": True, "send_missed": True})

    assert read(answered)["catching_up"] is False


async def test_what_was_missed_may_be_left_out_and_the_log_says_so(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace)
    await workspace.put(f"/webhooks/{answer['id']}", {"enabled": False})
    await owe_one(workspace, answer)
    await move_stream(workspace, 12, 10)

    answered = await workspace.put(f"/webhooks/{answer['id']}", {"enabled": True, "send_missed": False})

    assert (answered.status, read(answered)["catching_up"]) == (200, False)
    row = await row_of(workspace, answer)
    assert (row["catching_up_from"], row["missed_from"]) == (None, None)
    assert await workspace.rows("SELECT FROM webhook_deliveries WHERE endpoint_id = $1", row["id"]) == []
    (logged,) = await workspace.rows("SELECT * FROM webhook_log WHERE endpoint_id = $1", row["id"])
    assert (logged["state"], logged["attempts"], logged["kind"]) == ("cancelled", 2, "debt.created")


async def test_one_opened_disabled_is_sent_what_happens_until_it_is_enabled(workspace: WorkspaceApi) -> None:
    await move_stream(workspace, 5, 4)
    answer = await open_webhook(workspace, enabled=False)

    row = await row_of(workspace, answer)
    assert (answer["enabled"], answer["disabled_reason"], row["from_position"]) == (False, "asked", 5)
    assert row["missed_from"] == 4


@pytest.mark.parametrize("message", [{}, {"enabled": False}])
async def test_send_missed_goes_with_enabling_only(workspace: WorkspaceApi, message: dict[str, Any]) -> None:
    answer = await open_webhook(workspace)

    answered = await workspace.put(f"/webhooks/{answer['id']}", message | {"send_missed": True})

    assert answered.status == 422
    assert [error["code"] for error in read(answered)["errors"]] == ["not-enabling"]
    assert read(await workspace.get(f"/webhooks/{answer['id']}"))["enabled"] is True


async def test_a_deleted_endpoints_deliveries_are_cancelled_in_the_log(workspace: WorkspaceApi) -> None:
    answer = await open_webhook(workspace)
    await owe_one(workspace, answer)

    await workspace.call("DELETE", f"/webhooks/{answer['id']}")

    endpoint_id = ids.read("we", answer["id"])
    assert await workspace.rows("SELECT FROM webhook_deliveries WHERE endpoint_id = $1", endpoint_id) == []
    rows = await workspace.rows("SELECT state FROM webhook_log WHERE endpoint_id = $1", endpoint_id)
    assert [row["state"] for row in rows] == ["cancelled"]
