"""One stream, event, delivery or endpoint that fails is set aside, and all others are placed, owed and delivered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.types import QueueExecutionMode

import streaming
from collecting import new_debt
from getbill import companies, debts, quarantine, todo_decisions, vault
from getbill.channels.senders import Smtp
from getbill.companies import Workspace
from getbill.kit import clock, ids, work
from getbill.kit.database.transactions import Database
from getbill.process import background_jobs
from getbill.webhooks import NOTIFICATION_JOB, AdminNotifier
from mailserver import Mailbox, serving
from webhooks.conftest import deliveries, endpoint, status


@pytest.fixture(autouse=True)
async def empty(database: Database) -> AsyncIterator[None]:
    """Nothing stands aside from an earlier test, nor does a later one find anything."""
    await database.pool.execute("TRUNCATE quarantine")
    yield
    await database.pool.execute("TRUNCATE quarantine")


@asynccontextmanager
async def refused(database: Database, table: str, condition: str) -> AsyncIterator[None]:
    """Have the database refuse every row of a table of which a condition is true."""
    await database.pool.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT test_refused CHECK (NOT ({condition})) NOT VALID"
    )
    try:
        yield
    finally:
        await database.pool.execute(f"ALTER TABLE {table} DROP CONSTRAINT test_refused")


async def spoil(database: Database, table: str, column: str, row_id: UUID) -> None:
    """Turn the last bit of a sealed value; once more, and it is whole again."""
    last = f"octet_length({column}) - 1"
    await database.pool.execute(
        f"UPDATE {table} SET {column} = set_byte({column}, {last}, get_byte({column}, {last}) # 1) WHERE id = $1",
        row_id,
    )


async def aside(database: Database) -> list[tuple[str, UUID]]:
    return [(entry.kind, entry.subject_id) for entry in await quarantine.list_entries(database)]


async def todos(database: Database, workspace_id: UUID) -> list[str]:
    rows = await database.pool.fetch(
        "SELECT reason FROM todos WHERE workspace_id = $1 AND type = 'set_aside' AND decided_at IS NULL",
        workspace_id,
    )
    return [row["reason"] for row in rows]


async def event_of(database: Database, debt_id: UUID) -> UUID:
    result: UUID = await database.pool.fetchval("SELECT id FROM events WHERE debt_id = $1", debt_id)
    return result


async def put_back(database: Database, keys: vault.Vault) -> None:
    for entry in await quarantine.list_entries(database):
        assert await todo_decisions.retry(database, keys, entry)


async def elsewhere(database: Database, keys: vault.Vault) -> Workspace:
    """Return another company's sandbox."""
    founded = await companies.create(database, keys, "Elsewhere")
    return await companies.workspace(database, keys, founded.sandbox_id)


async def event_in(database: Database, keys: vault.Vault, snapshot: Workspace) -> UUID:
    async with database.transaction(snapshot.now()) as tx:
        return (await debts.create(tx, snapshot, new_debt())).debt.id


async def unplaced(database: Database, workspace_id: UUID) -> int:
    result: int = await database.pool.fetchval(
        "SELECT count(*) FROM events WHERE workspace_id = $1 AND position IS NULL", workspace_id
    )
    return result


async def test_a_stream_that_stands_wrong_holds_up_no_other_and_is_mended(
    database: Database, keys: vault.Vault, snapshot: Workspace, open_debt: Any
) -> None:
    await open_debt()
    assert await streaming.sequence_events(database)
    # As after a restore that took back the stream and not its events: the next place is taken.
    await database.pool.execute(
        "UPDATE streams SET position = 0, reacted = 0 WHERE workspace_id = $1", snapshot.id
    )
    await open_debt()
    other = await elsewhere(database, keys)
    await event_in(database, keys, other)

    await streaming.sequence_events(database)

    assert (await unplaced(database, other.id), await unplaced(database, snapshot.id)) == (0, 1)
    assert await aside(database) == [("stream", snapshot.id)]
    (reason,) = await todos(database, snapshot.id)
    assert "it violates events_stream (SQLSTATE 23505)" in reason
    # It is not looked at while it stands aside.
    await event_in(database, keys, other)
    assert await streaming.sequence_events(database) == 1

    await put_back(database, keys)
    assert await streaming.sequence_events(database) == 1
    assert await unplaced(database, snapshot.id) == 0


async def test_a_stream_that_is_missing_is_set_aside_and_made_anew(
    database: Database, keys: vault.Vault, snapshot: Workspace, open_debt: Any
) -> None:
    await open_debt()
    await database.pool.execute("DELETE FROM streams WHERE workspace_id = $1", snapshot.id)
    await streaming.sequence_events(database)

    await todo_decisions.retry_due(database, keys)

    assert await aside(database) == [("stream", snapshot.id)]
    await put_back(database, keys)
    await streaming.sequence_events(database)
    assert await unplaced(database, snapshot.id) == 0


async def test_an_event_that_cannot_be_owed_holds_up_no_other(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    open_debt: Any,
    receive: Any,
    subscribe: Any,
    deliver: Any,
) -> None:
    receiver = await receive()
    await subscribe(receiver)
    result = [await open_debt() for _ in range(5)]
    broken = await event_of(database, result[2].id)

    async with refused(database, "webhook_deliveries", f"event_id = '{broken}'"):
        await deliver()

    report = [message.told["webhook_id"] for message in receiver.received]
    assert len(report) == 4
    assert ids.show("wh", broken) not in report
    assert await aside(database) == [("event", broken)]
    (reason,) = await todos(database, snapshot.id)
    assert reason.startswith(f"event {ids.show('wh', broken)}: The database refused the write: it violates ")

    await put_back(database, keys)
    await deliver()
    assert receiver.received[-1].told["webhook_id"] == ids.show("wh", broken)


async def test_a_delivery_that_does_not_open_is_given_up_and_its_endpoint_is_well(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    open_debt: Any,
    receive: Any,
    subscribe: Any,
    deliver: Any,
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver)
    result = [await open_debt() for _ in range(5)]
    broken = await event_of(database, result[2].id)
    await spoil(database, "events", "data", broken)

    await deliver()

    assert len(receiver.received) == 4
    assert (await endpoint(database, endpoint_id))["failing_since"] is None
    (lost,) = [
        delivery for delivery in await deliveries(database, endpoint_id) if delivery["event_id"] == broken
    ]
    assert lost["state"] == "exhausted"
    assert await aside(database) == [("delivery", lost["id"])]
    (reason,) = await todos(database, snapshot.id)
    assert "Encrypted data cannot be decrypted" in reason
    # It does not heal by itself, and is not tried by itself.
    await todo_decisions.retry_due(database, keys)
    assert len(await quarantine.list_entries(database)) == 1

    await spoil(database, "events", "data", broken)
    await put_back(database, keys)
    await deliver()
    assert receiver.received[-1].told["webhook_id"] == ids.show("wh", broken)


async def test_an_endpoint_whose_secret_does_not_open_holds_up_no_other(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    open_debt: Any,
    receive: Any,
    subscribe: Any,
    deliver: Any,
) -> None:
    broken, well = await receive(), await receive()
    broken_id = await subscribe(broken)
    await subscribe(well)
    await spoil(database, "webhook_endpoints", "secret", broken_id)
    for _ in range(3):
        await open_debt()

    await deliver()

    assert (len(broken.received), len(well.received)) == (0, 3)
    assert {kind for kind, _ in await aside(database)} == {"delivery"}


async def test_a_delivery_that_cannot_be_logged_is_not_sent_again_and_others_are_settled(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    open_debt: Any,
    receive: Any,
    subscribe: Any,
    deliver: Any,
) -> None:
    receiver = await receive()
    endpoint_id = await subscribe(receiver)
    result = [await open_debt() for _ in range(5)]
    broken = await event_of(database, result[2].id)

    async with refused(database, "webhook_log", f"event_id = '{broken}'"):
        await deliver()
        await deliver()

        states = {
            delivery["event_id"]: delivery["state"] for delivery in await deliveries(database, endpoint_id)
        }
        assert states.pop(broken) == "pending"
        assert set(states.values()) == {"delivered"}
    assert len(receiver.received) == 5
    ((kind, _),) = await aside(database)
    assert kind == "delivery"
    (reason,) = await todos(database, snapshot.id)
    assert "it violates test_refused (SQLSTATE 23514)" in reason

    await put_back(database, keys)
    await deliver()
    assert {delivery["state"] for delivery in await deliveries(database, endpoint_id)} == {"delivered"}


async def test_an_endpoint_that_cannot_be_disabled_keeps_no_other_from_it(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    open_debt: Any,
    receive: Any,
    subscribe: Any,
    deliver: Any,
) -> None:
    gone, also_gone = await receive(status(410)), await receive(status(410))
    broken_id, other_id = await subscribe(gone), await subscribe(also_gone)
    await open_debt()

    async with refused(database, "webhook_endpoints", f"id = '{broken_id}' AND NOT is_enabled"):
        await deliver()

    assert not (await endpoint(database, other_id))["is_enabled"]
    assert (await endpoint(database, broken_id))["is_enabled"]
    assert ("endpoint", broken_id) in await aside(database)


async def test_an_endpoint_that_cannot_catch_up_keeps_no_other_from_it(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    open_debt: Any,
    receive: Any,
    subscribe: Any,
    deliver: Any,
) -> None:
    broken, well = await receive(), await receive()
    broken_id, well_id = await subscribe(broken), await subscribe(well)
    for endpoint_id in (broken_id, well_id):
        await database.pool.execute(
            "UPDATE webhook_endpoints SET catching_up_from = 0 WHERE id = $1", endpoint_id
        )
    async with database.transaction(clock.wall()) as tx:
        work.note(tx, snapshot.id, "stream", clock.wall())
    await open_debt()
    await streaming.sequence_events(database)
    await streaming.enqueue_deliveries(database)

    async with refused(database, "webhook_deliveries", f"endpoint_id = '{broken_id}'"):
        while await streaming.catch_up(database):
            pass
        await deliver()

    assert len(well.received) == 1
    assert await aside(database) == [("endpoint", broken_id)]
    assert len(await todos(database, snapshot.id)) == 1
    await put_back(database, keys)
    await streaming.catch_up(database)
    await deliver()
    assert len(broken.received) == 1


async def test_a_mail_to_staff_that_cannot_be_read_is_held_and_others_are_sent(
    database: Database, keys: vault.Vault, dsn: str
) -> None:
    await database.pool.execute("DELETE FROM pgqueuer")
    mailbox = Mailbox()
    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        connection = await asyncpg.connect(dsn)
        queries = Queries(AsyncpgDriver(connection))
        await queries.enqueue([NOTIFICATION_JOB, NOTIFICATION_JOB], [b"{not json", b"\xff"], [0, 0])
        manager = QueueManager(queries)
        background_jobs.register(manager, AdminNotifier(database, keys, mail))
        await manager.run(
            mode=QueueExecutionMode.drain, batch_size=1, dequeue_timeout=timedelta(seconds=0.05)
        )
        await connection.close()
        await mail.close()

    rows = await database.pool.fetch("SELECT status FROM pgqueuer")
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert [entry.kind for entry in await quarantine.list_entries(database)] == ["job"]
    await put_back(database, keys)
    rows = await database.pool.fetch("SELECT status FROM pgqueuer")
    assert [row["status"] for row in rows] == ["queued", "queued"]
    await database.pool.execute("DELETE FROM pgqueuer")
