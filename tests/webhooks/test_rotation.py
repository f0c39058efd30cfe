"""Replacing a secret over HTTP, and a receiver over a real socket that changes over at every moment of the overlap."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from debts.conftest import WorkspaceApi, read
from getbill import webhooks
from getbill.kit import clock, ids, json
from webhooks.conftest import Carrier, Received


def standard(received: Received, *values: str) -> bool:
    """Whether a receiver of Standard Webhooks that knows these secrets takes it."""
    for secret in values:
        try:
            Webhook(secret).verify(received.body, received.headers)
        except WebhookVerificationError:
            continue
        return True
    return False


def plain(received: Received, secret: str, header: str = "X-GetBill-Signature") -> bool:
    """Whether a receiver that looks at one header of ours takes it."""
    expected = hmac.new(secret.encode(), received.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(received.headers.get(header, ""), expected)


async def rotate(workspace: WorkspaceApi, endpoint: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answered = await workspace.post(f"/webhooks/{endpoint['id']}/rotate-secret", fields or None)
    assert answered.status == 200, answered.body
    answer: dict[str, Any] = read(answered)
    return answer


async def cut_over(workspace: WorkspaceApi, endpoint: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answered = await workspace.post(f"/webhooks/{endpoint['id']}/cut-over", fields or None)
    assert answered.status == 200, answered.body
    answer: dict[str, Any] = read(answered)
    return answer


async def let_the_overlap_end(workspace: WorkspaceApi, endpoint: dict[str, Any]) -> None:
    await workspace.rows(
        "UPDATE webhook_endpoints SET rotation_ends_at = $2 WHERE id = $1",
        ids.read("we", endpoint["id"]),
        clock.wall() - timedelta(seconds=1),
    )


async def next_delivery(workspace: WorkspaceApi, carrier: Carrier, receiver: Any) -> Received:
    """Have something happen and return what was sent of it."""
    before = len(receiver.received)
    await workspace.debt()
    await carrier.carry()
    (came,) = receiver.received[before:]
    result: Received = came
    return result


async def test_the_new_secret_is_shown_once_and_the_overlap_is_told(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))

    rotated = await rotate(workspace, webhook)

    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != webhook["secret"]
    running = rotated["rotation"]
    assert (running["cut_over_at"], running["signature_by"]) == (None, "old")
    day = json.instant(clock.wall() + timedelta(hours=24))
    assert day is not None
    assert abs(int(running["overlap_ends_at"][17:19]) - int(day[17:19])) in {0, 1, 59}
    assert running["overlap_ends_at"][:16] == day[:16] or running["overlap_ends_at"] < day
    answer = read(await workspace.get(f"/webhooks/{webhook['id']}"))
    assert answer == {name: value for name, value in rotated.items() if name != "secret"}
    rows = await workspace.rows(
        "SELECT secret, next_secret FROM webhook_endpoints WHERE id = $1", ids.read("we", webhook["id"])
    )
    assert rotated["secret"].encode() not in rows[0]["secret"] + rows[0]["next_secret"]


@pytest.mark.parametrize("switches_at", range(5))
@pytest.mark.parametrize("cuts_over", [False, True])
async def test_a_receiver_verifies_everything_whenever_it_changes_over(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any, switches_at: int, *, cuts_over: bool
) -> None:
    """One receiver of each kind, with one secret at a time; the moments of a rotation in their order.

    0 before it, 1 begun, 2 after the cut-over if there is one, 3 just before the end, 4 after the end.
    """
    receiver = await receive()
    endpoint = await carrier.open(receiver)
    old = endpoint["secret"]
    came = [await next_delivery(workspace, carrier, receiver)]
    new = (await rotate(workspace, endpoint))["secret"]
    came.append(await next_delivery(workspace, carrier, receiver))
    if cuts_over:
        await cut_over(workspace, endpoint)
    came.append(await next_delivery(workspace, carrier, receiver))
    came.append(await next_delivery(workspace, carrier, receiver))
    await let_the_overlap_end(workspace, endpoint)
    came.append(await next_delivery(workspace, carrier, receiver))

    for moment, received in enumerate(came):
        # Standard Webhooks: may switch at any moment after the rotation has begun and before its end.
        base = old if moment < min(max(switches_at, 1), 4) else new
        assert standard(received, base), moment
        assert standard(received, old, new), moment
        # The plain header: switches at the cut-over, by hand or at the end.
        is_cut_over = moment == 4 or (cuts_over and moment >= 2)
        assert plain(received, new if is_cut_over else old), moment
        assert not plain(received, old if is_cut_over else new), moment
        if 1 <= moment <= 3:
            assert plain(received, old if is_cut_over else new, "X-GetBill-Signature-Next"), moment
        else:
            assert "X-GetBill-Signature-Next" not in received.headers
    assert not standard(came[4], old)


async def test_a_second_rotation_waits_for_the_first_and_is_told_the_way_out(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))
    first = await rotate(workspace, webhook, overlap_hours=1)

    refused = await workspace.post(f"/webhooks/{webhook['id']}/rotate-secret")

    problem = read(refused)
    assert (refused.status, problem["type"]) == (409, "/problems/rotation-under-way")
    assert problem["overlap_ends_at"] == first["rotation"]["overlap_ends_at"]
    # The way out.
    ended = await cut_over(workspace, webhook, end_overlap=True)
    assert ended["rotation"] is None
    assert (await rotate(workspace, webhook))["secret"] != first["secret"]


async def test_a_rotation_whose_time_is_over_makes_way_for_the_next(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)
    second = (await rotate(workspace, endpoint))["secret"]
    await let_the_overlap_end(workspace, endpoint)

    third = (await rotate(workspace, endpoint))["secret"]
    received = await next_delivery(workspace, carrier, receiver)

    assert standard(received, second)
    assert standard(received, third)
    assert not standard(received, endpoint["secret"])
    assert plain(received, second)


async def test_without_an_overlap_the_secret_is_replaced_at_once(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint = await carrier.open(receiver)

    rotated = await rotate(workspace, endpoint, overlap_hours=0)
    received = await next_delivery(workspace, carrier, receiver)

    assert rotated["rotation"] is None
    assert plain(received, rotated["secret"])
    assert not standard(received, endpoint["secret"])


async def test_the_cut_over_is_told_and_happens_once(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))
    await rotate(workspace, webhook)

    first = await cut_over(workspace, webhook)
    second = await cut_over(workspace, webhook)

    assert first["rotation"]["signature_by"] == "new"
    assert first["rotation"]["cut_over_at"] is not None
    assert second["rotation"] == first["rotation"]


async def test_where_nothing_is_replaced_there_is_no_cut_over(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))

    answered = await workspace.post(f"/webhooks/{webhook['id']}/cut-over")

    assert (answered.status, read(answered)["type"]) == (409, "/problems/no-rotation")


async def test_one_key_is_one_rotation_and_shows_the_same_secret(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))
    path = f"/webhooks/{webhook['id']}/rotate-secret"

    first, second = [await workspace.post(path, {}, Idempotency_Key="turn") for _ in range(2)]

    assert first.status == second.status == 200
    assert read(first)["secret"] == read(second)["secret"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"overlap_hours": -1}, "out-of-range"),
        ({"overlap_hours": 169}, "out-of-range"),
        ({"overlap_hours": "1"}, "not-a-whole-number"),
        ({"overlap_days": 1}, "unknown-field"),
    ],
)
async def test_an_overlap_is_a_week_at_most(workspace: WorkspaceApi, body: dict[str, Any], code: str) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": "https://example.com/"}))

    answered = await workspace.post(f"/webhooks/{webhook['id']}/rotate-secret", body)

    assert (answered.status, read(answered)["errors"][0]["code"]) == (422, code)
    assert read(await workspace.get(f"/webhooks/{webhook['id']}"))["rotation"] is None


async def test_upkeep_forgets_an_old_secret_whose_time_is_over(
    workspace: WorkspaceApi, carrier: Carrier, receive: Any
) -> None:
    receiver = await receive()
    endpoint, running = await carrier.open(receiver), await carrier.open(await receive())
    new = (await rotate(workspace, endpoint))["secret"]
    await rotate(workspace, running)
    await let_the_overlap_end(workspace, endpoint)

    await webhooks.end_rotations(workspace.app.state.database, clock.wall())

    (row,) = await workspace.rows("SELECT * FROM webhook_endpoints WHERE id = $1", receiver.endpoint_id)
    assert (row["next_secret"], row["rotation_ends_at"], row["cut_over_at"]) == (None, None, None)
    assert plain(await next_delivery(workspace, carrier, receiver), new)
    assert read(await workspace.get(f"/webhooks/{running['id']}"))["rotation"] is not None
