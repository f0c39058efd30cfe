"""Deliveries of many workspaces: each is found by its due work, and none keeps another waiting."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

import streaming
from getbill import companies, debts, vault, webhooks
from getbill.access import OPERATOR
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Debt, Details, NewDebt
from getbill.kit import clock, work
from getbill.kit.database.transactions import Database
from getbill.kit.money import Money
from getbill.webhooks import DispatchSettings, WebhookClient, WebhookDispatcher
from getbill.webhooks.deliveries import claims
from getbill.webhooks.deliveries.claims import ClaimRequest
from getbill.webhooks.due import postpone_deliveries
from waiting import until
from webhooks.conftest import Receiver

# Deliveries that can be sent before the index says so: none, at any instant. What became due just now, because its
# endpoint is up again or its claim was released, was due for longer than its entry says.
FORGOTTEN = """
SELECT count(*) FROM webhook_deliveries d
JOIN webhook_endpoints w ON w.workspace_id = d.workspace_id AND w.id = d.endpoint_id AND w.is_enabled
WHERE d.workspace_id = ANY ($1) AND d.next_try_at < 'infinity' AND NOT EXISTS (
    SELECT FROM work entry WHERE entry.workspace_id = d.workspace_id AND entry.kind = 'deliveries'
        AND entry.due_at <= greatest(d.next_try_at, w.down_until, now()))
"""
# Whatever is wrong with the rows of one workspace.
FAILING = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
CREATE TRIGGER failing BEFORE UPDATE ON webhook_deliveries
    FOR EACH ROW WHEN (OLD.workspace_id = '{workspace_id}') EXECUTE FUNCTION fail()
"""
Subscriber = Callable[[Receiver, int], Awaitable[Workspace]]


@pytest.fixture
async def company(database: Database, keys: vault.Vault) -> Any:
    """Make a workspace with an endpoint and so many debts, whose events it is owed."""
    made: list[tuple[Workspace, UUID]] = []

    async def make(receiver: Receiver, debts_count: int, **columns: Any) -> Workspace:
        founded = await companies.create(database, keys, "Acme")
        workspace = await companies.workspace(database, keys, founded.sandbox_id)
        async with database.transaction(workspace.now()) as tx:
            new = webhooks.NewEndpoint(receiver.url, ("debt.created", "debt.updated"), **columns)
            endpoint = (await webhooks.create(tx, workspace, new, OPERATOR)).endpoint
        made.append((workspace, endpoint.id))
        for number in range(debts_count):
            await _debt(database, workspace, number)
        return workspace

    yield make
    for workspace, endpoint_id in made:
        async with database.transaction(workspace.now()) as tx:
            await webhooks.delete(tx, workspace, endpoint_id)


async def _debt(database: Database, workspace: Workspace, number: int) -> Debt:
    person = Identity(name=f"Jean Dupont {number}", email=f"jean{number}@example.com")
    new = NewDebt(person, Money(234000, "EUR"), f"F-{number}", "standard_3_waves", Details())
    async with database.transaction(workspace.now()) as tx:
        return (await debts.create(tx, workspace, new)).debt


async def fan_out(database: Database) -> None:
    while await streaming.sequence(database):
        pass
    while await streaming.enqueue_deliveries(database):
        pass


async def test_every_workspace_gets_its_share_of_a_tick(
    database: Database, keys: vault.Vault, receive: Any, company: Any, hanging: Any, poster: WebhookClient
) -> None:
    busy, other = await receive(hanging), await receive()
    await company(busy, 30, concurrency=64)
    await company(other, 2)
    await fan_out(database)
    courier = WebhookDispatcher(database, keys, poster, DispatchSettings(claims_max=16))

    await courier.tick()
    await until(lambda: len(other.received) == 2 and len(busy.received) > 0)
    await asyncio.sleep(0.05)

    assert len(busy.received) <= 8
    await courier.drain()


async def test_claims_in_one_workspace_wait_for_none_in_another(
    database: Database, receive: Any, company: Any
) -> None:
    receiver = await receive()
    locked, free = await company(receiver, 1), await company(receiver, 1)
    await fan_out(database)
    request = ClaimRequest(10, 0.1, lambda _target, _in_hand: 10)

    async with database.transaction(clock.wall()) as tx:
        await claims.lock_claims(tx, locked.id)
        async with asyncio.timeout(3):
            claimed = await claims.claim(database, free.id, request)
        waiting = asyncio.create_task(claims.claim(database, locked.id, request))
        await asyncio.sleep(0.05)
        assert not waiting.done()

    assert len(claimed.deliveries) == len((await waiting).deliveries) == 1


async def test_a_slow_database_does_not_keep_a_tick_from_visiting_any_workspace(
    database: Database, keys: vault.Vault, receive: Any, company: Any, poster: WebhookClient
) -> None:
    receiver = await receive()
    await company(receiver, 1)
    await fan_out(database)
    dispatcher = WebhookDispatcher(database, keys, poster, DispatchSettings(visit_seconds=0.0))

    # Each tick visits one workspace, those of other tests too.
    async with asyncio.timeout(10):
        while not await dispatcher.tick():
            pass
    await dispatcher.drain()

    assert len(receiver.received) == 1


async def test_a_workspace_whose_claims_hang_keeps_no_other_waiting(
    database: Database, keys: vault.Vault, receive: Any, company: Any, poster: WebhookClient
) -> None:
    receiver = await receive()
    locked = await company(receiver, 1)
    await company(receiver, 1)
    await fan_out(database)
    dispatcher = WebhookDispatcher(database, keys, poster, DispatchSettings(set_aside_seconds=0.2))

    async with database.transaction(clock.wall()) as tx:
        await claims.lock_claims(tx, locked.id)
        async with asyncio.timeout(2):
            claimed_count = await dispatcher.tick()
        await dispatcher.drain()
    await asyncio.sleep(0.2)

    assert claimed_count == 1
    assert await dispatcher.tick() == 1
    await dispatcher.drain()


async def test_a_workspace_whose_claims_fail_keeps_no_other_waiting(
    database: Database, keys: vault.Vault, receive: Any, company: Any, poster: WebhookClient
) -> None:
    receiver = await receive()
    failing = await company(receiver, 1)
    await company(receiver, 1)
    await fan_out(database)
    dispatcher = WebhookDispatcher(database, keys, poster, DispatchSettings(set_aside_seconds=0.2))

    await database.pool.execute(FAILING.format(workspace_id=failing.id))
    try:
        claimed_count = await dispatcher.tick()
        await dispatcher.drain()
    finally:
        await database.pool.execute("DROP TRIGGER failing ON webhook_deliveries; DROP FUNCTION fail")
    await asyncio.sleep(0.2)

    assert claimed_count == 1
    assert await dispatcher.tick() == 1
    await dispatcher.drain()


async def test_a_workspace_without_due_deliveries_is_not_visited(
    database: Database, keys: vault.Vault, receive: Any, company: Any, poster: WebhookClient
) -> None:
    receiver = await receive()
    workspace = await company(receiver, 3)
    await fan_out(database)
    courier = WebhookDispatcher(database, keys, poster, DispatchSettings())
    while await courier.tick():
        await courier.drain()
    due = [found async for found in work.due_workspaces(database, "deliveries", clock.wall())]
    # Its leases would have ended; nothing is left by then, nor any entry.
    async with database.transaction(clock.wall()) as tx:
        is_postponed = await postpone_deliveries(tx, workspace.id, clock.wall())
    entry = "SELECT due_at FROM work WHERE workspace_id = $1 AND kind = 'deliveries'"

    assert len(receiver.received) == 3
    assert workspace.id not in due
    assert is_postponed
    assert await database.pool.fetch(entry, workspace.id) == []


async def test_no_delivery_is_ever_due_before_the_index_says_so(
    database: Database, keys: vault.Vault, receive: Any, company: Any
) -> None:
    chance = random.Random(11)  # noqa: S311 - the same walk every time

    async def answer(_received: Any) -> web.Response:
        await asyncio.sleep(chance.random() / 100)
        return web.Response(status=chance.choice([200, 200, 500]))

    receiver = await receive(answer)
    workspaces = [await company(receiver, 6, retry_seconds=(1, 1, 1)) for _ in range(3)]
    workspace_ids = [workspace.id for workspace in workspaces]
    stopping = asyncio.Event()
    forgotten: list[int] = []

    async def look() -> None:
        while not stopping.is_set():
            forgotten.append(await database.pool.fetchval(FORGOTTEN, workspace_ids))

    async with WebhookClient() as poster, asyncio.TaskGroup() as group:
        group.create_task(look())
        plan = DispatchSettings(poll_seconds=0.02, lease_seconds=0.4, wait_seconds=0.05)
        running = [
            group.create_task(WebhookDispatcher(database, keys, poster, plan).run(stopping)) for _ in range(2)
        ]
        for number in range(6, 12):
            for workspace in workspaces:
                await _debt(database, workspace, number)
            await fan_out(database)
            await asyncio.sleep(0.05)
        # One is gone, with what it holds.
        running[0].cancel()
        async with asyncio.timeout(20):
            while await database.pool.fetchval(  # noqa: ASYNC110 - the dispatchers tell nobody
                "SELECT EXISTS (SELECT FROM webhook_deliveries WHERE workspace_id = ANY ($1))", workspace_ids
            ):
                await asyncio.sleep(0.05)
        stopping.set()

    assert len(forgotten) > 10
    assert set(forgotten) == {0}
