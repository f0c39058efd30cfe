"""Order, fairness and leases: many deliveries, several couriers, receivers that fail or hang."""

import asyncio
import random
from typing import Any

from aiohttp import web

import streaming
from getbill import webhooks
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database
from getbill.vault import Vault
from getbill.webhooks import DispatchSettings, WebhookClient, WebhookDispatcher
from webhooks.conftest import PASS_WORK, attempts, deliveries, endpoint


async def test_one_debts_events_come_one_after_the_other_in_order(
    receive: Any, subscribe: Any, open_debt: Any, record: Any, deliver: Any
) -> None:
    receiver = await receive()
    await subscribe(receiver, "debt.created", "debt.updated")
    resource = [await open_debt() for _ in range(5)]
    for _ in range(3):
        for debt in resource:
            await record(debt, "debt.updated")

    await deliver()

    for debt in resource:
        answer = ids.show("debt", debt.id)
        sequences = [message.place[1] for message in receiver.received if message.place[0] == answer]
        assert sequences == [1, 2, 3, 4]


async def test_what_waits_behind_a_failed_delivery_goes_out_after_it_and_other_debts_go_on(
    receive: Any, subscribe: Any, open_debt: Any, record: Any, deliver: Any, pass_time: Any
) -> None:
    refused = []

    async def answer(received: Any) -> web.Response:
        if received.place == (ids.show("debt", failing.id), 1) and not refused:
            refused.append(received)
            return web.Response(status=500)
        return web.Response(status=200)

    receiver = await receive(answer)
    await subscribe(receiver, "debt.created", "debt.updated")
    failing, other = await open_debt(), await open_debt()
    await record(failing, "debt.updated")
    await record(other, "debt.updated")

    await deliver()

    assert [
        message.place for message in receiver.received if message.place[0] != ids.show("debt", other.id)
    ] == [(ids.show("debt", failing.id), 1)]
    assert len(receiver.received) == 3
    await pass_time()
    await deliver()
    later = [message.place[1] for message in receiver.received[3:]]
    assert later == [1, 2]


async def test_five_retries_then_given_up_and_the_next_goes_on(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    pass_time: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(503))
    endpoint_id = await subscribe(receiver, "debt.created", "debt.updated")
    await record(await open_debt(), "debt.updated")

    waits = []
    for _ in range(6):
        await deliver()
        row = (await deliveries(database, endpoint_id))[0]
        waits.append((row["next_try_at"] - clock.wall()).total_seconds())
        await pass_time()

    for waited, planned in zip(waits[:5], webhooks.RETRY_SECONDS, strict=True):
        assert planned * 0.9 - 5 < waited < planned * 1.1
    first, second = await deliveries(database, endpoint_id)
    assert (first["state"], first["attempts"]) == ("exhausted", 6)
    assert second["state"] == "pending"
    assert [message.place[1] for message in receiver.received] == [1] * 6
    receiver.answer = answering(200)
    await deliver()
    assert receiver.received[-1].place[1] == 2
    assert (await endpoint(database, endpoint_id))["failures"] == 0


async def test_a_hanging_endpoint_delays_no_other(
    database: Database, keys: Vault, receive: Any, subscribe: Any, open_debt: Any, hanging: Any
) -> None:
    everything = asyncio.Event()

    async def count(_received: Any) -> web.Response:
        if len(quick.received) == 40:
            everything.set()
        return web.Response(status=204)

    stuck, quick = await receive(hanging), await receive(count)
    await subscribe(stuck)
    await subscribe(quick)
    for _ in range(40):
        await open_debt()
    await streaming.sequence(database)
    await streaming.enqueue_deliveries(database)
    stopping = asyncio.Event()

    async with WebhookClient(timeout_seconds=60) as poster:
        courier = WebhookDispatcher(database, keys, poster, DispatchSettings(stop_seconds=0.05))
        running = asyncio.create_task(courier.run(stopping))
        await asyncio.wait_for(everything.wait(), 10)
        stopping.set()
        await running

    # Nothing came back from the stuck one, and it never had more at a time than it may.
    assert await attempts(database, stuck.endpoint_id) == []
    assert stuck.most_under_way == 16


async def test_an_endpoint_that_is_down_gets_one_probe_and_the_rest_keep_their_tries(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    deliver: Any,
    pass_time: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    endpoint_id = await subscribe(receiver)
    for _ in range(3):
        await open_debt()
        await deliver()
    for _ in range(10):
        await open_debt()
    await pass_time()

    await deliver()

    assert len(receiver.received) == 4
    rows = await deliveries(database, endpoint_id)
    assert sum(row["attempts"] for row in rows) == 4
    receiver.answer = answering(200)
    await pass_time()
    await deliver()
    assert {row["state"] for row in await deliveries(database, endpoint_id)} == {"delivered"}
    row = await endpoint(database, endpoint_id)
    assert (row["failures"], row["failing_since"], row["down_until"]) == (0, None, None)


async def test_what_a_killed_courier_had_in_hand_is_sent_by_another_once_its_lease_is_over(
    database: Database,
    keys: Vault,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    poster: WebhookClient,
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver, "debt.created", "debt.updated")
    await record(await open_debt(), "debt.updated")
    while await streaming.sequence(database):
        pass
    await streaming.enqueue_deliveries(database)
    killed = WebhookDispatcher(database, keys, poster, DispatchSettings())
    await killed.tick()
    for lease in killed._leases.values():
        lease.task.cancel()
    await asyncio.wait([locked.task for locked in killed._leases.values()])

    await deliver()
    assert receiver.received == []
    await database.pool.execute(
        "UPDATE webhook_deliveries SET lease_until = now(), next_try_at = now() "
        "WHERE endpoint_id = $1 AND lease_until IS NOT NULL",
        endpoint_id,
    )
    await database.pool.execute(PASS_WORK)
    await deliver()

    assert [message.place[1] for message in receiver.received] == [1, 2]


async def test_couriers_side_by_side_send_each_delivery_once_and_in_order(
    database: Database,
    keys: Vault,
    poster: WebhookClient,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
) -> None:
    receiver = await receive()
    await subscribe(receiver, "debt.created", "debt.updated")
    resource = [await open_debt() for _ in range(12)]
    for debt in resource:
        await record(debt, "debt.updated", "debt.updated")
    couriers = [WebhookDispatcher(database, keys, poster, DispatchSettings()) for _ in range(3)]

    await asyncio.gather(*(deliver(courier) for courier in couriers))
    await deliver()

    places = [message.place for message in receiver.received]
    assert len(places) == len(set(places)) == 36
    for debt in resource:
        answer = ids.show("debt", debt.id)
        assert [sequence for debt_id, sequence in places if debt_id == answer] == [1, 2, 3]


async def test_whatever_fails_nothing_of_a_debt_starts_before_what_came_earlier_is_settled(
    database: Database, keys: Vault, receive: Any, subscribe: Any, open_debt: Any, record: Any
) -> None:
    chance = random.Random(7)  # noqa: S311 - the same walk every time
    under_way: set[str] = set()

    async def answer(received: Any) -> web.Response:
        debt_id, _ = received.place
        assert debt_id not in under_way
        under_way.add(debt_id)
        await asyncio.sleep(chance.random() / 100)
        under_way.discard(debt_id)
        return web.Response(status=chance.choice([200, 200, 500]))

    receiver = await receive(answer)
    at_once = [0] * 5
    endpoint_id = await subscribe(receiver, "debt.created", "debt.updated", retry_seconds=at_once)
    resource = [await open_debt() for _ in range(10)]
    for debt in resource:
        await record(debt, *["debt.updated"] * 4)
    while await streaming.sequence(database):
        pass
    await streaming.enqueue_deliveries(database)
    plan = DispatchSettings(poll_seconds=0.01)
    stopping = asyncio.Event()
    async with WebhookClient() as poster, asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(WebhookDispatcher(database, keys, poster, plan).run(stopping))
        async with asyncio.timeout(20):
            while any(row["state"] == "pending" for row in await deliveries(database, endpoint_id)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stopping.set()

    rows = await deliveries(database, endpoint_id)
    assert {row["state"] for row in rows} <= {"delivered", "exhausted"}
    for debt in resource:
        body = ids.show("debt", debt.id)
        started = [
            sequence
            for debt_id, sequence in (message.place for message in receiver.received)
            if debt_id == body
        ]
        assert started == sorted(started)
        assert sorted(set(started)) == [1, 2, 3, 4, 5]
    assert sum(row["attempts"] for row in rows) == len(receiver.received)


async def test_a_stopped_courier_gives_back_what_no_receiver_answered(
    database: Database, keys: Vault, receive: Any, subscribe: Any, open_debt: Any, hanging: Any
) -> None:
    arrived = asyncio.Event()

    async def hang(received: Any) -> web.StreamResponse:
        arrived.set()
        return await hanging(received)

    receiver = await receive(hang)
    endpoint_id = await subscribe(receiver)
    await open_debt()
    await streaming.sequence(database)
    await streaming.enqueue_deliveries(database)
    stopping = asyncio.Event()
    async with WebhookClient(timeout_seconds=5) as poster:
        courier = WebhookDispatcher(database, keys, poster, DispatchSettings(stop_seconds=0.05))
        running = asyncio.create_task(courier.run(stopping))
        await asyncio.wait_for(arrived.wait(), 5)

        stopping.set()
        await asyncio.wait_for(running, 2)

    row = (await deliveries(database, endpoint_id))[0]
    assert (row["state"], row["attempts"], row["lease_until"]) == ("pending", 0, None)
