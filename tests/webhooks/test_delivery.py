import asyncio
import hashlib
import hmac
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from getbill import debts, events, payments, webhooks
from getbill.companies import Workspace
from getbill.kit import clock, ids, json
from getbill.kit.db import Database
from getbill.kit.money import Money
from getbill.payments import NewEntry
from getbill.vault import Vault
from getbill.webhooks import Courier, Plan, Poster


async def deliveries(database: Database, endpoint_id: UUID) -> list[asyncpg.Record]:
    return await database.pool.fetch(
        "SELECT * FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY position", endpoint_id
    )


async def attempts(database: Database, endpoint_id: UUID) -> list[asyncpg.Record]:
    return await database.pool.fetch(
        "SELECT * FROM webhook_attempts WHERE endpoint_id = $1 ORDER BY started_at, attempt", endpoint_id
    )


async def endpoint(database: Database, endpoint_id: UUID) -> asyncpg.Record:
    row = await database.pool.fetchrow("SELECT * FROM webhook_endpoints WHERE id = $1", endpoint_id)
    assert row is not None
    return row


async def test_an_event_arrives_within_a_second_of_its_commit(
    database: Database, courier: Courier, receive: Any, subscribe: Any, open_debt: Any
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
    await events.sequence(database)
    await webhooks.owe(database)
    courier.wake()

    assert await asyncio.wait_for(arrived, 5) - committed < 1
    stopping.set()
    await asyncio.wait_for(running, 5)
    assert [row["state"] for row in await deliveries(database, receiver.endpoint_id)] == ["delivered"]


async def test_a_delivery_says_what_happened_and_both_signatures_verify(
    database: Database, workspace: Workspace, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    receiver = await receive()
    await subscribe(receiver)
    debt = await open_debt()
    async with database.transaction(workspace.now()) as tx:
        locked = await debts.lock(tx, workspace, debt.id)
        new = NewEntry("payment", Money(234000, "EUR"), "card", provider="stripe", provider_id="pi_3Ox")
        await payments.enter(tx, locked, new)

    await deliver()

    assert receiver.kinds == ["debt.created", "debt.payment_received", "debt.resolved"]
    paid = receiver.received[1]
    assert sorted(paid.told) == ["data", "event", "sequence", "timestamp", "webhook_id"]
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
    workspace: Workspace,
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
    async with database.transaction(workspace.now()) as tx:
        await debts.erase(tx, workspace, await debts.lock(tx, workspace, debt.id))
    receiver.answer = answering(204)

    await pass_time()
    await deliver()

    erased = {"debt_id": ids.show("debt", debt.id), "erased": True}
    assert [received.told["data"] for received in receiver.received[1:]] == [erased, erased]
    assert [received.told["sequence"] for received in receiver.received[1:]] == [1, 2]
    assert receiver.received[1].told["webhook_id"] == receiver.received[0].told["webhook_id"]


async def test_one_debts_events_come_one_after_the_other_in_order(
    receive: Any, subscribe: Any, open_debt: Any, record: Any, deliver: Any
) -> None:
    receiver = await receive()
    await subscribe(receiver, "debt.created", "debt.updated")
    opened = [await open_debt() for _ in range(5)]
    for _ in range(3):
        for debt in opened:
            await record(debt, "debt.updated")

    await deliver()

    for debt in opened:
        shown = ids.show("debt", debt.id)
        sequences = [one.place[1] for one in receiver.received if one.place[0] == shown]
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

    assert [one.place for one in receiver.received if one.place[0] != ids.show("debt", other.id)] == [
        (ids.show("debt", failing.id), 1)
    ]
    assert len(receiver.received) == 3
    await pass_time()
    await deliver()
    later = [one.place[1] for one in receiver.received[3:]]
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
    assert [one.place[1] for one in receiver.received] == [1] * 6
    receiver.answer = answering(200)
    await deliver()
    assert receiver.received[-1].place[1] == 2
    assert (await endpoint(database, endpoint_id))["failures"] == 0


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


@pytest.mark.parametrize("asked", ["7200", "date"])
async def test_retry_after_is_honoured_for_the_endpoint_and_all_it_waits_for(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any, answering: Any, asked: str
) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    value = later.strftime("%a, %d %b %Y %H:%M:%S GMT") if asked == "date" else asked
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


async def test_a_redirect_is_a_failure_and_is_not_followed(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any, answering: Any
) -> None:
    elsewhere = await receive()
    receiver = await receive(answering(302, Location=elsewhere.url))
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    assert elsewhere.received == []
    row = (await attempts(database, endpoint_id))[0]
    assert (row["status"], row["error"]) == (302, "Redirects are not followed.")
    assert (await deliveries(database, endpoint_id))[0]["state"] == "pending"


async def test_no_answer_in_time_is_a_failure(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any, hanging: Any
) -> None:
    receiver = await receive(hanging)
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    row = (await attempts(database, endpoint_id))[0]
    assert (row["status"], row["error"]) == (None, "No answer within 0.3 seconds.")
    assert row["duration_ms"] >= 290


async def test_an_endless_answer_counts_by_its_status_and_4_kb_of_it_are_kept_sealed(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    async def endless(received: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        while True:
            await response.write(b"x" * 1000)

    receiver = await receive(endless)
    endpoint_id = await subscribe(receiver)
    debt = await open_debt()

    await deliver()

    row = (await attempts(database, endpoint_id))[0]
    context = b"response" + row["workspace_id"].bytes + endpoint_id.bytes + row["event_id"].bytes
    assert row["status"] == 200
    assert debt.key.open(row["response"], context) == b"x" * 4096
    assert (await deliveries(database, endpoint_id))[0]["state"] == "delivered"


async def test_an_answer_whose_body_crawls_counts_by_its_status(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    async def crawling(received: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(received.request)
        await response.write(b"a")
        await asyncio.Event().wait()
        return response

    receiver = await receive(crawling)
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    assert (await deliveries(database, endpoint_id))[0]["state"] == "delivered"


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
    await events.sequence(database)
    await webhooks.owe(database)
    stopping = asyncio.Event()

    async with Poster(timeout_seconds=60) as poster:
        courier = Courier(database, keys, poster, Plan(lease_seconds=90, stop_seconds=0.05))
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
    poster: Poster,
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver, "debt.created", "debt.updated")
    await record(await open_debt(), "debt.updated")
    while await events.sequence(database):
        pass
    await webhooks.owe(database)
    killed = Courier(database, keys, poster, Plan(lease_seconds=10))
    await killed.turn()
    for task in killed._tasks:
        task.cancel()
    await asyncio.wait(killed._tasks)

    await deliver()
    assert receiver.received == []
    await database.pool.execute(
        "UPDATE webhook_deliveries SET lease_until = now() WHERE endpoint_id = $1 AND lease_until IS NOT NULL",
        endpoint_id,
    )
    await deliver()

    assert [one.place[1] for one in receiver.received] == [1, 2]


async def test_couriers_side_by_side_send_each_delivery_once_and_in_order(
    database: Database,
    keys: Vault,
    poster: Poster,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
) -> None:
    receiver = await receive()
    await subscribe(receiver, "debt.created", "debt.updated")
    opened = [await open_debt() for _ in range(12)]
    for debt in opened:
        await record(debt, "debt.updated", "debt.updated")
    couriers = [Courier(database, keys, poster, Plan(lease_seconds=10)) for _ in range(3)]

    await asyncio.gather(*(deliver(courier) for courier in couriers))
    await deliver()

    places = [one.place for one in receiver.received]
    assert len(places) == len(set(places)) == 36
    for debt in opened:
        shown = ids.show("debt", debt.id)
        assert [sequence for debt_id, sequence in places if debt_id == shown] == [1, 2, 3]


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
    endpoint_id = await subscribe(receiver, "debt.created", "debt.updated")
    opened = [await open_debt() for _ in range(10)]
    for debt in opened:
        await record(debt, *["debt.updated"] * 4)
    while await events.sequence(database):
        pass
    await webhooks.owe(database)
    plan = Plan(retry_seconds=(0.01,) * 5, poll_seconds=0.01)
    stopping = asyncio.Event()
    async with Poster() as poster, asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(Courier(database, keys, poster, plan).run(stopping))
        async with asyncio.timeout(20):
            while any(row["state"] == "pending" for row in await deliveries(database, endpoint_id)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stopping.set()

    rows = await deliveries(database, endpoint_id)
    assert {row["state"] for row in rows} <= {"delivered", "exhausted"}
    for debt in opened:
        shown = ids.show("debt", debt.id)
        started = [
            sequence for debt_id, sequence in (one.place for one in receiver.received) if debt_id == shown
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
    await events.sequence(database)
    await webhooks.owe(database)
    stopping = asyncio.Event()
    async with Poster(timeout_seconds=5) as poster:
        courier = Courier(database, keys, poster, Plan(stop_seconds=0.05))
        running = asyncio.create_task(courier.run(stopping))
        await asyncio.wait_for(arrived.wait(), 5)

        stopping.set()
        await asyncio.wait_for(running, 2)

    row = (await deliveries(database, endpoint_id))[0]
    assert (row["state"], row["attempts"], row["lease_until"]) == ("pending", 0, None)


async def test_a_deleted_endpoint_is_owed_nothing(
    database: Database,
    workspace: Workspace,
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

    async with database.transaction(workspace.now()) as tx:
        await webhooks.delete(tx, workspace, endpoint_id)
    await open_debt()
    await pass_time()
    await deliver()

    assert len(receiver.received) == 1
    assert [row["state"] for row in await deliveries(database, endpoint_id)] == ["cancelled"]
    # So that the fixture finds something to close.
    await database.pool.execute("UPDATE webhook_endpoints SET deleted_at = NULL WHERE id = $1", endpoint_id)


async def test_a_connection_closed_while_idle_is_no_failed_attempt(
    database: Database, subscribe: Any, open_debt: Any, deliver: Any, receive: Any
) -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if len(connections) == 1 and _ == 1:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver = await receive()
    endpoint_id = await subscribe(receiver, url=f"http://127.0.0.1:{port}/hooks")
    for _ in range(2):
        await open_debt()
        await deliver()
    server.close()

    assert len(connections) == 2
    assert [(row["attempt"], row["status"]) for row in await attempts(database, endpoint_id)] == [
        (1, 200)
    ] * 2


async def test_a_forbidden_address_is_refused_before_any_connection_is_tried(receive: Any) -> None:
    receiver = await receive()
    asked = []

    async def look_up(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    port = receiver.url.split(":")[2]
    async with Poster(lookup=look_up) as poster:
        named = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=True)
        numbered = await poster.post(receiver.url, {}, b"{}", is_live=True)
        allowed = await poster.post(f"http://example.com:{port}", {}, b"{}", is_live=False)

    assert asked == ["example.com", "example.com"]
    refusal = "The address is one that webhooks may not be sent to."
    assert [(one.status, one.error) for one in (named, numbered)] == [(None, refusal)] * 2
    assert allowed.error is None


async def test_a_live_webhook_never_goes_over_a_connection_a_sandbox_opened(receive: Any) -> None:
    receiver = await receive()

    async def look_up(_host: str) -> list[str]:
        return ["127.0.0.1"]

    url = receiver.url.replace("127.0.0.1", "example.com")
    async with Poster(lookup=look_up) as poster:
        first = await poster.post(url, {}, b"{}", is_live=False)
        second = await poster.post(url, {}, b"{}", is_live=True)

    assert (first.status, second.status) == (204, None)
    assert len(receiver.received) == 1


async def test_a_certificate_nobody_vouches_for_is_a_failure_and_an_own_authority_is_trusted(
    receive: Any, certificate: Any
) -> None:
    server_side, client_side = certificate
    receiver = await receive(tls=server_side)

    async with Poster() as strangers, Poster(tls=client_side) as friends:
        refused = await strangers.post(receiver.url, {}, b"{}", is_live=False)
        trusted = await friends.post(receiver.url, {}, b"{}", is_live=False)

    assert (refused.status, refused.error) == (None, "The certificate is not valid for this host.")
    assert trusted.status == 204
    assert len(receiver.received) == 1


async def test_a_name_that_is_not_found_and_a_closed_port_are_failures_in_words() -> None:
    async def look_up(host: str) -> list[str]:
        if host == "nowhere.example":
            raise OSError("Name or service not known")
        return ["127.0.0.1"]

    async with Poster(lookup=look_up) as poster:
        unknown = await poster.post("http://nowhere.example/", {}, b"{}", is_live=False)
        closed = await poster.post("http://somewhere.example:1/", {}, b"{}", is_live=False)

    assert unknown.error == "The host name was not found."
    assert closed.error == "The connection was refused or timed out."


def test_the_body_is_written_by_our_own_writer() -> None:
    assert json.write({"data": json.written(b'{"amount":2340.00}')}) == b'{"data":{"amount":2340.00}}'
