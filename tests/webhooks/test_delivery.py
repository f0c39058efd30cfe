"""What a delivery says, who gets it, and what becomes of one that fails."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

import streaming
from getbill import debts, payments, webhooks
from getbill.companies import Workspace
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Database
from getbill.kit.money import Money
from getbill.payments import NewEntry
from getbill.webhooks import WebhookDispatcher
from webhooks.conftest import deliveries, endpoint


async def test_an_event_arrives_within_a_second_of_its_commit(
    database: Database, courier: WebhookDispatcher, receive: Any, subscribe: Any, open_debt: Any
) -> None:
    arrived: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def answer(_received: Any) -> web.Response:
        arrived.set_result(clock.monotonic())
        return web.Response(status=204)

    receiver = await receive(answer)
    await subscribe(receiver)
    stopping = asyncio.Event()
    running = asyncio.create_task(courier.run(stopping))

    await open_debt()
    committed = clock.monotonic()
    await streaming.sequence(database)
    await streaming.enqueue_deliveries(database)
    courier.wake()

    assert await asyncio.wait_for(arrived, 5) - committed < 1
    stopping.set()
    await asyncio.wait_for(running, 5)
    assert [row["state"] for row in await deliveries(database, receiver.endpoint_id)] == ["delivered"]


async def test_a_delivery_says_what_happened_and_both_signatures_verify(
    database: Database, snapshot: Workspace, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    receiver = await receive()
    await subscribe(receiver)
    debt = await open_debt()
    async with database.transaction(snapshot.now()) as tx:
        locked = await debts.lock(tx, snapshot, debt.id)
        new = NewEntry("payment", Money(234000, "EUR"), "card", provider="stripe", provider_id="pi_3Ox")
        await payments.enter(tx, locked, new)

    await deliver()

    assert receiver.kinds == ["debt.created", "debt.payment_received", "debt.resolved"]
    paid = receiver.received[1]
    assert sorted(paid.told) == [
        "data",
        "event",
        "previous_sequence",
        "sequence",
        "timestamp",
        "webhook_id",
    ]
    data = paid.told["data"]
    assert data["debt_id"] == ids.show("debt", debt.id)
    assert data["payment"]["stripe_payment_id"] == "pi_3Ox"
    assert (data["status"], data["debtor"]["email"]) == ("resolved", "jean1@example.com")
    assert b'"amount":2340.00' in paid.body
    assert paid.told["timestamp"] == data["resolved_at"]
    assert len(paid.told["timestamp"]) == len("2024-03-15T14:32:07Z")
    assert paid.told["webhook_id"] == paid.headers["webhook-id"]
    ours = hmac.new(receiver.secret.encode(), paid.body, hashlib.sha256).hexdigest()
    assert paid.headers["X-GetBill-Signature"] == ours
    Webhook(receiver.secret).verify(paid.body, paid.headers)


async def test_every_endpoint_and_every_attempt_gets_the_same_bytes(
    receive: Any, subscribe: Any, open_debt: Any, deliver: Any, pass_time: Any, answering: Any
) -> None:
    first, second = await receive(), await receive(answering(500))
    await subscribe(first)
    await subscribe(second)
    await open_debt()

    await deliver()
    await pass_time()
    await deliver()

    bodies = {received.body for received in first.received + second.received}
    assert (len(first.received), len(second.received), len(bodies)) == (1, 2, 1)
    assert first.received[0].headers["webhook-id"] == second.received[1].headers["webhook-id"]
    assert first.secret != second.secret


async def test_an_endpoint_gets_only_what_it_asked_for_from_now_on(
    receive: Any, subscribe: Any, open_debt: Any, record: Any, deliver: Any
) -> None:
    receiver = await receive()
    debt = await open_debt()
    await deliver()
    await subscribe(receiver, "debt.updated")

    await record(debt, "debt.contacted", "debt.updated")
    await deliver()

    assert receiver.kinds == ["debt.updated"]
    assert receiver.received[0].told["sequence"] == 3


async def test_an_erased_debts_pending_deliveries_say_only_that_it_was_erased(
    database: Database,
    snapshot: Workspace,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    deliver: Any,
    pass_time: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    await subscribe(receiver, "debt.created", "debt.deleted")
    debt = await open_debt()
    await deliver()
    async with database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, debt.id))
    receiver.answer = answering(204)

    await pass_time()
    await deliver()

    erased = {"debt_id": ids.show("debt", debt.id), "erased": True}
    assert [received.told["data"] for received in receiver.received[1:]] == [erased, erased]
    assert [received.told["sequence"] for received in receiver.received[1:]] == [1, 2]
    assert receiver.received[1].told["webhook_id"] == receiver.received[0].told["webhook_id"]


async def test_410_disables_the_endpoint_and_nothing_more_is_sent(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    deliver: Any,
    pass_time: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(410))
    endpoint_id = await subscribe(receiver)
    await open_debt()
    await deliver()

    await open_debt()
    await pass_time()
    await deliver()

    assert len(receiver.received) == 1
    assert (await endpoint(database, endpoint_id))["is_enabled"] is False


@pytest.mark.parametrize("raw_value", ["7200", "date"])
async def test_retry_after_is_honoured_for_the_endpoint_and_all_it_waits_for(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    deliver: Any,
    answering: Any,
    raw_value: str,
) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    value = later.strftime("%a, %d %b %Y %H:%M:%S GMT") if raw_value == "date" else raw_value
    receiver = await receive(answering(429, Retry_After=value))
    endpoint_id = await subscribe(receiver)
    await open_debt()
    await deliver()

    await open_debt()
    await deliver()

    assert len(receiver.received) == 1
    first, second = await deliveries(database, endpoint_id)
    assert first["next_try_at"] - clock.wall() > timedelta(seconds=7100)
    assert second["attempts"] == 0
    assert (await endpoint(database, endpoint_id))["down_until"] - clock.wall() > timedelta(seconds=7100)


async def test_a_deleted_endpoint_is_owed_nothing(
    database: Database,
    snapshot: Workspace,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    deliver: Any,
    pass_time: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    endpoint_id = await subscribe(receiver)
    await open_debt()
    await deliver()

    async with database.transaction(snapshot.now()) as tx:
        await webhooks.delete(tx, snapshot, endpoint_id)
    await open_debt()
    await pass_time()
    await deliver()

    assert len(receiver.received) == 1
    assert [row["state"] for row in await deliveries(database, endpoint_id)] == ["cancelled"]
    # So that the fixture finds something to close.
    await database.pool.execute("UPDATE webhook_endpoints SET deleted_at = NULL WHERE id = $1", endpoint_id)


def test_the_body_is_written_by_our_own_writer() -> None:
    assert json.write({"data": json.raw_json(b'{"amount":2340.00}')}) == b'{"data":{"amount":2340.00}}'
