"""How much at a time and how fast: concurrency, rates, probes and turns, by one courier and by several."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

import streaming
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Database
from getbill.vault import Vault
from getbill.webhooks import DispatchSettings, WebhookClient, WebhookDispatcher
from getbill.webhooks.deliveries import ledger
from getbill.webhooks.model import select_keys
from waiting import until
from webhooks.conftest import attempts, deliveries, endpoint


@pytest.fixture
async def owe(database: Database) -> Any:
    """Write down what is owed for all that has happened."""

    async def all_of_it() -> None:
        while await streaming.sequence(database):
            pass
        while await streaming.enqueue_deliveries(database):
            pass

    return all_of_it


@pytest.fixture
async def couriers(database: Database, keys: Vault) -> AsyncIterator[Any]:
    """Run so many couriers beside each other until the test says that it has seen enough."""
    stopping = asyncio.Event()
    running: list[asyncio.Task[None]] = []
    posters: list[WebhookClient] = []

    async def start(many: int, timeout_seconds: float = 5.0, **plan: float) -> list[WebhookDispatcher]:
        started = []
        for _ in range(many):
            posters.append(WebhookClient(timeout_seconds=timeout_seconds))
            courier = WebhookDispatcher(
                database,
                keys,
                posters[-1],
                DispatchSettings(**({"poll_seconds": 0.02, "stop_seconds": 0.05} | plan)),
            )
            started.append(courier)
            running.append(asyncio.create_task(courier.run(stopping)))
        return started

    yield start
    stopping.set()
    await asyncio.gather(*running)
    for poster in posters:
        await poster.close()


async def test_all_couriers_together_keep_to_an_endpoints_concurrency(
    receive: Any, subscribe: Any, open_debt: Any, owe: Any, couriers: Any
) -> None:
    async def slow(_received: Any) -> web.Response:
        await asyncio.sleep(0.01)
        return web.Response(status=204)

    receiver = await receive(slow)
    await subscribe(receiver, "debt.created", concurrency=3)
    for _ in range(40):
        await open_debt()
    await owe()

    await couriers(3)
    await until(lambda: len(receiver.received) == 40)

    assert receiver.most_under_way == 3
    assert len({message.place for message in receiver.received}) == 40


async def test_an_endpoint_gets_no_more_a_second_than_it_asked_for_whoever_delivers(
    receive: Any, subscribe: Any, open_debt: Any, owe: Any, couriers: Any
) -> None:
    arrived: list[float] = []

    async def note(_received: Any) -> web.Response:
        arrived.append(clock.monotonic())
        return web.Response(status=204)

    receiver = await receive(note)
    await subscribe(receiver, "debt.created", rate_per_second=20)
    for _ in range(25):
        await open_debt()
    await owe()

    await couriers(2, rate_poll_seconds=0.02)
    await until(lambda: len(arrived) == 25)

    # A quarter of a second ahead at most: six at once, the others twenty a second.
    assert 0.85 < arrived[-1] - arrived[0] < 2.5
    for first, later in zip(arrived, arrived[12:], strict=False):
        assert later - first > 0.2


async def test_while_an_endpoint_is_down_one_probe_is_out_however_many_couriers_there_are(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, owe: Any, couriers: Any, hanging: Any
) -> None:
    receiver = await receive(hanging)
    endpoint_id = await subscribe(receiver, "debt.created", failures=3)
    for _ in range(12):
        await open_debt()
    await owe()

    await couriers(3, timeout_seconds=0.3)
    await until(lambda: len(receiver.received) == 1)
    await asyncio.sleep(0.6)

    assert (len(receiver.received), receiver.most_under_way) == (1, 1)
    rows = await deliveries(database, endpoint_id)
    assert sum(row["attempts"] for row in rows) == 1
    assert (await endpoint(database, endpoint_id))["down_until"] > clock.wall() + timedelta(seconds=50)


async def test_an_endpoint_that_begins_to_hang_keeps_only_what_is_on_the_wire(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    owe: Any,
    couriers: Any,
    hanging: Any,
    answering: Any,
) -> None:
    async def hang_from_the_twentieth_on(received: Any) -> Any:
        return await (answering(204) if len(receiver.received) < 20 else hanging)(received)

    receiver = await receive(hang_from_the_twentieth_on)
    endpoint_id = await subscribe(receiver, "debt.created", concurrency=4)
    for _ in range(60):
        await open_debt()
    await owe()
    [courier] = await couriers(1, wait_seconds=0.1)
    await until(lambda: receiver.under_way == 4 and len(receiver.received) >= 20)
    locked = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = $1 AND lease_until IS NOT NULL"
    async with asyncio.timeout(5):
        while await database.pool.fetchval(locked, endpoint_id) != 4:  # noqa: ASYNC110 - the courier's own turns
            await asyncio.sleep(0.02)

    assert len(courier._leases) == 4
    receiver.answer = answering(204)


async def test_a_lease_is_renewed_while_its_delivery_is_under_way(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, owe: Any, couriers: Any
) -> None:
    release = asyncio.Event()

    async def wait(_received: Any) -> web.Response:
        await release.wait()
        return web.Response(status=204)

    receiver = await receive(wait)
    endpoint_id = await subscribe(receiver, "debt.created")
    await open_debt()
    await owe()

    await couriers(2, lease_seconds=0.3)
    await until(lambda: len(receiver.received) == 1)
    await asyncio.sleep(0.8)
    release.set()
    async with asyncio.timeout(5):
        while [row["state"] for row in await deliveries(database, endpoint_id)] != ["delivered"]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)

    assert len(receiver.received) == 1


async def test_whoever_lost_its_lease_stops_posting_and_takes_nothing_from_the_next(
    database: Database,
    keys: Vault,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    owe: Any,
    hanging: Any,
    poster: WebhookClient,
) -> None:
    receiver = await receive(hanging)
    endpoint_id = await subscribe(receiver, "debt.created")
    await open_debt()
    await owe()
    async with WebhookClient(timeout_seconds=30) as patient:
        slow = WebhookDispatcher(
            database, keys, patient, DispatchSettings(lease_seconds=0.2, poll_seconds=0.02)
        )
        assert await slow.tick() == 1
        await until(lambda: receiver.under_way == 1)
        await asyncio.sleep(0.25)
        other = WebhookDispatcher(database, keys, poster, DispatchSettings())
        assert await other.tick() == 1
        watching = asyncio.create_task(slow._watch_leases())
        await until(lambda: not slow._leases)
        watching.cancel()
        await slow.drain()

        row = await database.pool.fetchrow(
            "SELECT * FROM webhook_deliveries WHERE endpoint_id = $1", endpoint_id
        )
        assert row["lease_until"] is not None
        await other.drain()

    assert [row["attempt"] for row in await attempts(database, endpoint_id)] == [1]


async def test_a_replay_waits_until_what_is_in_hand_of_its_debt_is_settled(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, record: Any, owe: Any, couriers: Any
) -> None:
    release = asyncio.Event()

    async def wait(_received: Any) -> web.Response:
        await release.wait()
        return web.Response(status=204)

    receiver = await receive(wait)
    endpoint_id = await subscribe(receiver, "debt.updated")
    debt = await open_debt()
    await record(debt, "debt.updated")
    await owe()
    await couriers(2)
    await until(lambda: len(receiver.received) == 1)

    await database.pool.execute(
        """
        INSERT INTO webhook_deliveries (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence,
            is_replay, next_try_at, created_at)
        SELECT workspace_id, $2, $1, id, debt_id, kind, position, sequence, true, now(), now() FROM events
        WHERE debt_id = $3 AND sequence = 1
        """,
        *(endpoint_id, ids.new(), debt.id),
    )
    await asyncio.sleep(0.2)
    assert receiver.most_under_way == len(receiver.received) == 1
    release.set()
    await until(lambda: len(receiver.received) == 2)

    first, replayed = receiver.received
    assert (first.told["sequence"], "X-GetBill-Replay" in first.headers) == (2, False)
    assert (replayed.told["sequence"], replayed.headers["X-GetBill-Replay"]) == (1, "true")
    assert replayed.told["previous_sequence"] is None


async def test_a_long_lane_hides_no_other_debt_of_its_endpoint(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    endpoint_id = await subscribe(receiver, "debt.created", "debt.updated")
    long, other = await open_debt(), None
    await deliver()
    for _ in range(4):
        await record(long, *["debt.updated"] * 50)
    receiver.answer = answering(204)
    other = await open_debt()

    await deliver()

    assert receiver.received[-1].place == (ids.show("debt", other.id), 1)
    rows = await deliveries(database, endpoint_id)
    assert [row["state"] for row in rows].count("delivered") == 1


async def test_what_came_before_is_told_for_each_endpoint_by_its_own_filter(
    receive: Any, subscribe: Any, open_debt: Any, record: Any, deliver: Any
) -> None:
    everything, some = await receive(), await receive()
    await subscribe(everything, "debt.created", "debt.updated", "debt.contacted")
    await subscribe(some, "debt.created", "debt.contacted")
    debt = await open_debt()
    await deliver()
    await record(debt, "debt.updated", "debt.updated", "debt.contacted")
    await deliver()
    await record(debt, "debt.contacted")
    await deliver()

    def said(receiver: Any) -> list[tuple[int, int | None]]:
        return [
            (message.told["sequence"], message.told["previous_sequence"]) for message in receiver.received
        ]

    assert said(everything) == [(1, None), (2, 1), (3, 2), (4, 3), (5, 4)]
    assert said(some) == [(1, None), (4, 1), (5, 4)]


async def test_a_trimmed_body_says_which_fields_it_has_and_stays_as_it_was_owed(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    deliver: Any,
    pass_time: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    endpoint_id = await subscribe(receiver, "debt.created", fields=["amount", "status"])
    debt = await open_debt()
    await deliver()
    await database.pool.execute("UPDATE webhook_endpoints SET fields = NULL WHERE id = $1", endpoint_id)
    receiver.answer = answering(204)
    await pass_time()

    await deliver()

    first, second = receiver.received
    assert first.body == second.body
    assert first.told["fields"] == ["amount", "status"]
    assert sorted(first.told["data"]) == ["amount", "debt_id", "status"]
    assert first.told["data"]["debt_id"] == ids.show("debt", debt.id)
    assert b'"amount":2340.00' in first.body


@given(
    data=st.dictionaries(
        st.sampled_from(["debt_id", "erased", "amount", "status", "debtor"]), st.integers(0, 9)
    ),
    fields=st.lists(st.sampled_from(["amount", "status", "nothing"]), unique=True),
)
def test_trimming_keeps_what_was_asked_for_and_whom_it_is_about(
    data: dict[str, int], fields: list[str]
) -> None:
    kept = json.read(select_keys(json.write(data), fields))

    assert kept == {
        name: value for name, value in data.items() if name in {*fields, "debt_id", "erased", "webhook"}
    }


async def test_a_day_without_partitions_gets_them_when_something_is_settled(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, deliver: Any
) -> None:
    today = f"{clock.wall():%Y%m%d}"
    for table in ("webhook_log", "webhook_attempts"):
        await database.pool.execute(f"DROP TABLE IF EXISTS {table}_{today}")
    receiver = await receive()
    endpoint_id = await subscribe(receiver)
    await open_debt()

    await deliver()

    assert [row["state"] for row in await deliveries(database, endpoint_id)] == ["delivered"]
    assert len(await attempts(database, endpoint_id)) == 1


async def test_the_log_is_kept_ninety_days(database: Database) -> None:
    now = clock.wall() + timedelta(days=400)
    await ledger.keep_partitions(database, now)
    await ledger.keep_partitions(database, now + timedelta(days=90))
    names = await database.pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'webhook_log'::regclass"
    )
    kept = {row["name"] for row in names}

    assert f"webhook_log_{now:%Y%m%d}" in kept
    await ledger.keep_partitions(database, now + timedelta(days=91))
    names = await database.pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'webhook_log'::regclass"
    )
    assert f"webhook_log_{now:%Y%m%d}" not in {row["name"] for row in names}
    await ledger.keep_partitions(database, clock.wall())
