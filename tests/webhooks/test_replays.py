"""Sending again over HTTP: one delivery, a selection, a stretch of time, here or elsewhere; nothing twice."""

from datetime import timedelta
from typing import Any

import pytest

from debts.conftest import WorkspaceApi, read
from getbill.kit import clock, ids, json
from getbill.webhooks.replays import actions
from webhooks.conftest import Carrier, Receiver


async def again(workspace: WorkspaceApi, endpoint: dict[str, Any], body: Any) -> dict[str, Any]:
    answered = await workspace.post(f"/webhooks/{endpoint['id']}/replay", body)
    assert answered.status == 202, answered.body
    done: dict[str, Any] = read(answered)
    return done


async def logged(workspace: WorkspaceApi, endpoint: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    webhook: list[dict[str, Any]] = read(
        await workspace.get(f"/webhooks/{endpoint['id']}/deliveries{query}")
    )["data"]
    return webhook


def ago(**time: int) -> str:
    answer = json.instant(clock.wall() - timedelta(**time))
    assert answer is not None
    return answer


def came(receiver: Receiver) -> list[tuple[str, str | None]]:
    """What a receiver was sent: the event, and whether it was marked as a replay."""
    return [
        (message.told["webhook_id"], message.headers.get("X-GetBill-Replay")) for message in receiver.received
    ]


async def test_one_delivery_is_sent_again_under_the_same_id_and_marked(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, events=["debt.created", "debt.updated"], fields=["status"])
    debt = await workspace.debt()
    await workspace.put(f"/debts/{debt['id']}", {"reference": "changed"})
    await carrier.carry()
    second = (await logged(workspace, endpoint, "?event=debt.updated"))[0]
    await workspace.put(f"/webhooks/{endpoint['id']}", {"fields": None})

    answered = await workspace.post(f"/webhooks/{endpoint['id']}/deliveries/{second['id']}/replay", {})
    await carrier.carry()

    assert (answered.status, read(answered)) == (
        202,
        {"replayed": 1, "already_pending": 0, "to_webhook": endpoint["id"]},
    )
    plain, replayed = receiver.received[1:]
    assert came(receiver)[1:] == [(second["webhook_id"], None), (second["webhook_id"], "true")]
    assert plain.told["previous_sequence"] == 1
    assert replayed.body == plain.body
    (again_logged,) = [item for item in await logged(workspace, endpoint) if item["replay"]]
    assert (again_logged["webhook_id"], again_logged["status"]) == (second["webhook_id"], "delivered")


async def test_what_is_pending_still_is_not_owed_twice(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive(answering(500))
    endpoint = await carrier.open(receiver)
    await workspace.debt()
    await carrier.carry()
    (pending,) = await logged(workspace, endpoint)
    unread = await workspace.debt()

    path = f"/webhooks/{endpoint['id']}/deliveries/{pending['id']}/replay"
    item = read(await workspace.post(path))
    selected = await again(workspace, endpoint, {"webhook_ids": [pending["webhook_id"]]})
    ranged = await again(workspace, endpoint, {"from": ago(hours=1)})
    event_id = await event_of(workspace, unread)
    coming = await again(workspace, endpoint, {"webhook_ids": [event_id]})

    assert (item["replayed"], item["already_pending"]) == (0, 1)
    assert (selected["replayed"], selected["already_pending"]) == (0, 1)
    assert (ranged["replayed"], ranged["already_pending"]) == (0, 1)
    # Not in the stream yet: it comes by itself.
    assert (coming["replayed"], coming["already_pending"]) == (0, 1)
    assert len(await logged(workspace, endpoint)) == 1


async def event_of(workspace: WorkspaceApi, debt: dict[str, Any]) -> str:
    """The id of a debt's first event."""
    rows = await workspace.rows(
        "SELECT id FROM events WHERE workspace_id = $1 AND debt_id = $2 AND sequence = 1",
        workspace.workspace_id,
        ids.read("debt", debt["id"]),
    )
    return ids.show("wh", rows[0]["id"])


async def test_a_selection_is_sent_again_each_event_once(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)
    for _ in range(3):
        await workspace.debt()
    await carrier.carry()
    deliveries = await logged(workspace, endpoint)
    first = deliveries[0]
    await workspace.post(f"/webhooks/{endpoint['id']}/deliveries/{first['id']}/replay")
    await carrier.carry()
    (twin,) = [item for item in await logged(workspace, endpoint) if item not in deliveries]

    done = await again(workspace, endpoint, {"deliveries": [first["id"], twin["id"], deliveries[1]["id"]]})
    await carrier.carry()

    assert done["replayed"] == 2
    assert {item for item, mark in came(receiver)[4:] if mark} == {
        first["webhook_id"],
        deliveries[1]["webhook_id"],
    }
    assert len(receiver.received) == 6


async def test_a_stretch_of_time_is_sent_again_of_what_the_endpoint_asks_for(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    early = await workspace.debt()
    await carrier.carry()
    endpoint = await carrier.open(receiver)
    late = await workspace.debt()
    await workspace.put(f"/debts/{late['id']}", {"reference": "changed"})
    await carrier.carry()

    await again(workspace, endpoint, {"from": ago(hours=1)})
    await carrier.carry()
    nothing = await again(workspace, endpoint, {"from": ago(hours=2), "to": ago(hours=1)})
    other_kind = await again(workspace, endpoint, {"from": ago(hours=1), "events": ["debt.updated"]})

    report = [(message.told["event"], message.told["data"]["debt_id"]) for message in receiver.received[1:]]
    # What happened before it was opened too.
    assert sorted(report) == sorted([("debt.created", early["id"]), ("debt.created", late["id"])])
    assert (nothing["replayed"], other_kind["replayed"]) == (0, 1)


async def test_only_what_was_exhausted_is_sent_again_if_asked(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, answering: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, retry_schedule=[])
    await workspace.debt()
    await carrier.carry()
    receiver.answer = answering(500)
    lost = await workspace.debt()
    await carrier.carry()
    receiver.answer = answering(204)

    done = await again(workspace, endpoint, {"from": ago(hours=1), "status": ["exhausted"]})
    await carrier.pass_time()
    await carrier.carry()

    assert done["replayed"] == 1
    assert [message.told["data"]["debt_id"] for message in receiver.received[2:]] == [lost["id"]]
    assert came(receiver)[2][0] == came(receiver)[1][0]
    assert receiver.received[2].body == receiver.received[1].body


async def test_another_endpoint_is_sent_it_in_its_own_trimming_and_signed_by_its_own_secret(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver, spare = await receive(), await receive()
    endpoint = await carrier.open(receiver, events=["debt.created", "debt.updated"])
    other = await carrier.open(spare, events=["debt.deleted"], fields=["reference"])
    debt = await workspace.debt()
    await workspace.put(f"/debts/{debt['id']}", {"reference": "changed"})
    await carrier.carry()
    second = (await logged(workspace, endpoint, "?event=debt.updated"))[0]

    item = read(
        await workspace.post(
            f"/webhooks/{endpoint['id']}/deliveries/{second['id']}/replay", {"to_webhook": other["id"]}
        )
    )
    await carrier.carry()
    all_of_it = await again(workspace, endpoint, {"from": ago(hours=1), "to_webhook": other["id"]})

    assert item == {"replayed": 1, "already_pending": 0, "to_webhook": other["id"]}
    (sent,) = spare.received
    assert sent.told["webhook_id"] == second["webhook_id"]
    assert sent.told["data"] == {"debt_id": debt["id"], "reference": "changed"}
    assert (sent.told["sequence"], sent.told["previous_sequence"]) == (2, None)
    assert sent.headers["X-GetBill-Replay"] == "true"
    # Those the first asks for, whatever the other does.
    assert all_of_it["replayed"] == 2
    assert len(receiver.received) == 2


async def test_replays_keep_the_order_of_a_debts_events(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, events=["debt.created", "debt.updated"], concurrency=8)
    debt = await workspace.debt()
    for number in range(4):
        await workspace.put(f"/debts/{debt['id']}", {"reference": f"changed {number}"})
    await carrier.carry()

    await again(workspace, endpoint, {"from": ago(hours=1)})
    await carrier.carry()

    assert [message.told["sequence"] for message in receiver.received] == [1, 2, 3, 4, 5] * 2
    assert [message.told["previous_sequence"] for message in receiver.received] == [None, 1, 2, 3, 4] * 2


async def test_an_erased_debt_is_replayed_as_erased(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver, fields=["status"])
    debt = await workspace.debt()
    await carrier.carry()
    await workspace.call("DELETE", f"/debts/{debt['id']}")
    await carrier.carry()

    await again(workspace, endpoint, {"from": ago(hours=1)})
    await carrier.carry()

    assert receiver.received[1].told["data"] == {"debt_id": debt["id"], "erased": True}


async def test_a_disabled_endpoint_takes_no_replays(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive())
    await workspace.debt()
    await carrier.carry()
    await workspace.put(f"/webhooks/{endpoint['id']}", {"enabled": False})

    answered = await workspace.post(f"/webhooks/{endpoint['id']}/replay", {"from": ago(hours=1)})

    assert (answered.status, read(answered)["type"]) == (409, "/problems/webhook-disabled")
    assert await logged(workspace, endpoint, "?status=pending") == []


async def test_too_much_at_once_is_refused_with_the_way_out(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await carrier.open(await receive())
    for _ in range(3):
        await workspace.debt()
    await carrier.carry()
    monkeypatch.setattr(actions, "EVENTS_MAX", 2)

    answered = await workspace.post(f"/webhooks/{endpoint['id']}/replay", {"from": ago(hours=1)})

    refused = read(answered)
    assert (answered.status, refused["type"], refused["limit"]) == (422, "/problems/replay-too-large", 2)
    assert "Narrow" in refused["detail"]
    assert await logged(workspace, endpoint, "?status=pending") == []


async def test_a_replay_is_asked_for_once_with_one_key(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive())
    await workspace.debt()
    await carrier.carry()
    path, body = f"/webhooks/{endpoint['id']}/replay", {"from": ago(hours=1)}

    first = await workspace.post(path, body, Idempotency_Key="again")
    await carrier.carry()
    second = await workspace.post(path, body, Idempotency_Key="again")

    assert read(first) == read(second)
    assert second.headers["idempotent-replayed"] == "true"
    assert await logged(workspace, endpoint, "?status=pending") == []


STRANGER = ids.show("wh", ids.new())


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("", "missing")]),
        ({"to": "2024-01-02"}, [("", "missing")]),
        ({"webhook_ids": [STRANGER], "from": "2024-01-02"}, [("/from", "ambiguous")]),
        ({"webhook_ids": [STRANGER], "status": ["exhausted"]}, [("/status", "not-a-range")]),
        ({"webhook_ids": [STRANGER]}, [("/webhook_ids/0", "not-found")]),
        ({"webhook_ids": ["wh_x", STRANGER]}, [("/webhook_ids/0", "not-found")]),
        ({"webhook_ids": []}, [("/webhook_ids", "too-short")]),
        ({"webhook_ids": [STRANGER, STRANGER]}, [("/webhook_ids", "wrong-value")]),
        ({"deliveries": [ids.show("wd", ids.new())]}, [("/deliveries/0", "not-found")]),
        ({"from": "2024-01-02", "to": "2024-01-01"}, [("/to", "empty-range")]),
        ({"from": "2024-01-02", "status": ["pending"]}, [("/status/0", "not-one-of")]),
        ({"from": "2024-01-02", "events": ["debt.lost"]}, [("/events/0", "unknown-event")]),
        ({"from": "2024-01-02", "to_webhook": "we_x"}, [("/to_webhook", "not-found")]),
    ],
)
async def test_a_wrong_replay_is_refused_field_by_field(
    workspace: WorkspaceApi, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))

    answered = await workspace.post(f"/webhooks/{webhook['id']}/replay", body)

    assert answered.status == 422, answered.body
    assert [(error["pointer"], error["code"]) for error in read(answered)["errors"]] == wrong


async def test_another_companys_deliveries_events_and_endpoints_are_not_there(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    endpoint = await carrier.open(await receive())
    await workspace.debt()
    await carrier.carry()
    (theirs,) = await logged(workspace, endpoint)
    ours = read(await other_workspace.post("/webhooks", {"url": "https://example.com/"}))
    path = f"/webhooks/{ours['id']}"

    answers = [
        await other_workspace.post(f"{path}/deliveries/{theirs['id']}/replay"),
        await other_workspace.post(f"{path}/replay", {"webhook_ids": [theirs["webhook_id"]]}),
        await other_workspace.post(f"{path}/replay", {"deliveries": [theirs["id"]]}),
        await other_workspace.post(f"{path}/replay", {"from": ago(hours=1), "to_webhook": endpoint["id"]}),
        await other_workspace.post(f"/webhooks/{endpoint['id']}/replay", {"from": ago(hours=1)}),
    ]
    batch = read(await other_workspace.post(f"{path}/replay", {"from": ago(hours=1)}))

    assert [answered.status for answered in answers] == [404, 422, 422, 404, 404]
    assert batch["replayed"] == 0
    assert await logged(workspace, endpoint, "?status=pending") == []
