"""An endpoint that is disabled and comes back: what it missed, in order, or not at all."""

from typing import Any
from uuid import UUID

import pytest

import streaming
from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.database.transactions import Database
from getbill.webhooks.endpoints import disabling
from webhooks.conftest import deliveries, endpoint

KINDS = ("debt.created", "debt.updated")


@pytest.fixture
def switch(database: Database, snapshot: Workspace) -> Any:
    """Enable an endpoint, or disable it."""

    async def to(endpoint_id: UUID, *, on: bool, send_missed: bool = True) -> None:
        async with database.transaction(snapshot.now()) as tx:
            await disabling.lock_stream(tx, snapshot.id)
            if on:
                await disabling.enable(tx, snapshot.id, endpoint_id, send_missed=send_missed)
            else:
                await disabling.disable(tx, snapshot.id, endpoint_id, "asked")

    return to


@pytest.fixture
def catch_up(database: Database, deliver: Any) -> Any:
    """Owe what was missed, in batches of a few events, and deliver all there is."""

    async def until_quiet(batch: int = 1000) -> int:
        rounds = 0
        while await streaming.catch_up(database, batch):
            rounds += 1
        await deliver()
        return rounds

    return until_quiet


async def test_what_was_pending_and_what_was_missed_comes_in_order_per_debt(
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    switch: Any,
    catch_up: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    endpoint_id = await subscribe(receiver, *KINDS)
    debt, other = await open_debt(), await open_debt()
    await deliver()
    attempt = len(receiver.received)
    await switch(endpoint_id, on=False)
    for _ in range(3):
        await record(debt, "debt.updated")
        await record(other, "debt.updated", "debt.contacted")
    await deliver()
    assert len(receiver.received) == attempt == 2

    receiver.answer = answering(204)
    await switch(endpoint_id, on=True)
    rounds = await catch_up(batch=4)

    assert rounds >= 1
    came = [message.place for message in receiver.received[attempt:]]
    assert [sequence for debt_id, sequence in came if debt_id == ids.show("debt", debt.id)] == [1, 2, 3, 4]
    assert [sequence for debt_id, sequence in came if debt_id == ids.show("debt", other.id)] == [1, 2, 4, 6]
    previous = [
        message.told["previous_sequence"]
        for message in receiver.received[attempt:]
        if message.place[0] == ids.show("debt", other.id)
    ]
    assert previous == [None, 1, 2, 4]


async def test_what_happens_while_it_catches_up_comes_after_what_it_missed(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    switch: Any,
    catch_up: Any,
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver, *KINDS)
    debt = await open_debt()
    await deliver()
    await switch(endpoint_id, on=False)
    for _ in range(4):
        await record(debt, "debt.updated")
    await deliver()
    await switch(endpoint_id, on=True)

    assert await streaming.catch_up(database, 2) == 1
    await record(debt, "debt.updated")
    await deliver()
    assert [message.place[1] for message in receiver.received] == [1, 2, 3]
    await catch_up(batch=2)

    assert [message.place[1] for message in receiver.received] == [1, 2, 3, 4, 5, 6]
    row = await endpoint(database, endpoint_id)
    assert (row["is_enabled"], row["missed_from"], row["catching_up_from"]) == (True, None, None)


async def test_disabled_again_while_it_catches_up_it_misses_nothing(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    switch: Any,
    catch_up: Any,
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver, *KINDS)
    debt = await open_debt()
    await deliver()
    await switch(endpoint_id, on=False)
    for _ in range(4):
        await record(debt, "debt.updated")
    await deliver()
    await switch(endpoint_id, on=True)
    await streaming.catch_up(database, 2)
    await switch(endpoint_id, on=False)
    await record(debt, "debt.updated")
    await deliver()

    await switch(endpoint_id, on=True)
    await catch_up()

    assert [message.place[1] for message in receiver.received] == [1, 2, 3, 4, 5, 6]


async def test_not_asked_for_what_it_missed_it_gets_what_comes_from_now_on(
    database: Database,
    receive: Any,
    subscribe: Any,
    open_debt: Any,
    record: Any,
    deliver: Any,
    switch: Any,
    catch_up: Any,
    answering: Any,
) -> None:
    receiver = await receive(answering(500))
    endpoint_id = await subscribe(receiver, *KINDS)
    debt = await open_debt()
    await deliver()
    await switch(endpoint_id, on=False)
    await record(debt, "debt.updated")
    await deliver()
    receiver.answer = answering(204)

    await switch(endpoint_id, on=True, send_missed=False)
    await catch_up()
    await record(debt, "debt.updated")
    await deliver()

    assert [message.place[1] for message in receiver.received] == [1, 3]
    rows = await deliveries(database, endpoint_id)
    assert [(row["sequence"], row["state"], row["attempts"]) for row in rows] == [
        (1, "cancelled", 1),
        (3, "delivered", 1),
    ]


async def test_an_event_is_owed_or_missed_and_never_both(
    database: Database, receive: Any, subscribe: Any, open_debt: Any, switch: Any, catch_up: Any
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver)
    for _ in range(5):
        await open_debt()
    while await streaming.sequence(database):
        pass
    await streaming.enqueue_deliveries(database, 2)
    await switch(endpoint_id, on=False)
    while await streaming.enqueue_deliveries(database, 2):
        pass

    await switch(endpoint_id, on=True)
    await catch_up()

    assert len(receiver.received) == 5
    assert {row["state"] for row in await deliveries(database, endpoint_id)} == {"delivered"}
