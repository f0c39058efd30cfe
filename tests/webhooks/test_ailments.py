"""An endpoint that is past it: disabled, a fact in the stream, and the admins told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.types import QueueExecutionMode

import streaming
from getbill import companies, events, vault
from getbill.channels.senders import Smtp
from getbill.companies import NewUser, Workspace
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Database
from getbill.process import background_jobs
from getbill.webhooks import NOTIFICATION_JOB, AdminNotifier, WebhookClient
from getbill.webhooks.deliveries.admin_notifications import NotificationFailed
from mailserver import Mailbox, serving
from webhooks.conftest import endpoint


@pytest.fixture
async def snapshot(database: Database, keys: vault.Vault) -> Workspace:
    """A live one, whose company has two admins, one of whom left, and somebody else."""
    founded = await companies.create(database, keys, "Électricité & Fils")
    for name, role in (("admin", "admin"), ("gone", "admin"), ("agent", "agent")):
        new = NewUser(f"{name}.{founded.company_id.hex}@example.com", "correct horse battery staple", role)
        await companies.create_user(database, founded.company_id, new)
    await database.pool.execute(
        "UPDATE users SET is_active = false WHERE company_id = $1 AND email LIKE 'gone.%'", founded.company_id
    )
    return await companies.workspace(database, keys, founded.live_id)


@pytest.fixture
async def sick(
    database: Database, snapshot: Workspace, subscribe: Any, receive: Any, answering: Any
) -> AsyncIterator[Any]:
    """Open an endpoint that answers with a status and has failed for some days."""

    async def make(status: int, days: float) -> Any:
        receiver = await receive(answering(status))
        await subscribe(
            receiver,
            "debt.created",
            failures=9,
            failing_since=clock.wall() - timedelta(days=days),
        )
        return receiver

    yield make
    await database.pool.execute("DELETE FROM pgqueuer")


@pytest.fixture
async def poster() -> AsyncIterator[Any]:
    # The loopback is no place for a live webhook, unless the operator lists it.
    async with WebhookClient((ip_network("127.0.0.0/8"),), timeout_seconds=0.3) as poster:
        yield poster


async def jobs(database: Database) -> list[Any]:
    rows = await database.pool.fetch(
        "SELECT payload FROM pgqueuer WHERE entrypoint = $1 ORDER BY id", NOTIFICATION_JOB
    )
    return [json.read(row["payload"]) for row in rows]


async def events_recorded(database: Database, snapshot: Workspace) -> list[dict[str, Any]]:
    """What `webhook.disabled` events of the workspace say."""
    while await streaming.sequence(database):
        pass
    rows = await database.pool.fetch(
        """
        SELECT e.id, e.debt_id, e.sequence, e.data, k.wrapped FROM events e
        JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
        WHERE e.workspace_id = $1 AND e.kind = 'webhook.disabled' ORDER BY e.position
        """,
        snapshot.id,
    )
    output = []
    for row in rows:
        key = snapshot.vault.unwrap(row["wrapped"], snapshot.id, row["debt_id"])
        data = events.read_data(row["data"], key, snapshot.id, row["id"], row["debt_id"])
        output.append({"sequence": row["sequence"], "subject": row["debt_id"], **data})
    return output


@pytest.mark.parametrize(("status", "days", "reason"), [(410, 0.1, "gone"), (500, 5.01, "failing")])
async def test_it_is_disabled_with_an_event_and_a_job_to_tell_each_admin(
    database: Database,
    snapshot: Workspace,
    sick: Any,
    open_debt: Any,
    deliver: Any,
    status: int,
    days: float,
    reason: str,
) -> None:
    receiver = await sick(status, days)
    since = (await endpoint(database, receiver.endpoint_id))["failing_since"]

    await open_debt()
    await deliver()
    await deliver()

    row = await endpoint(database, receiver.endpoint_id)
    assert (row["is_enabled"], row["disabled_reason"], row["failing_since"]) == (False, reason, since)
    assert row["disabled_at"] is not None
    assert len(receiver.received) == 1
    webhook = {
        "id": ids.show("we", receiver.endpoint_id),
        "url": receiver.url,
        "description": None,
        "reason": reason,
        "disabled_at": json.instant(row["disabled_at"]),
        "failing_since": json.instant(since),
    }
    assert await events_recorded(database, snapshot) == [
        {"sequence": 1, "subject": receiver.endpoint_id, "webhook": webhook}
    ]
    [admin] = await database.pool.fetch(
        "SELECT id FROM users WHERE company_id = $1 AND role = 'admin' AND is_active", snapshot.company.id
    )
    assert await jobs(database) == [
        {
            "workspace_id": str(snapshot.id),
            "endpoint_id": str(receiver.endpoint_id),
            "user_id": str(admin["id"]),
        }
    ]


async def test_failing_for_less_than_five_days_it_stays(
    database: Database, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    receiver = await sick(500, 4.99)

    await open_debt()
    await deliver()

    assert (await endpoint(database, receiver.endpoint_id))["is_enabled"] is True
    assert await events_recorded(database, snapshot) == []
    assert await jobs(database) == []


async def test_the_next_time_its_event_follows_the_first(
    database: Database, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    receiver = await sick(410, 0)
    for _ in range(2):
        await open_debt()
        await deliver()
        await database.pool.execute(
            "UPDATE webhook_endpoints SET is_enabled = true, down_until = NULL WHERE id = $1",
            receiver.endpoint_id,
        )
        await database.pool.execute("UPDATE webhook_deliveries SET next_try_at = now()")
    await deliver()

    assert [item["sequence"] for item in await events_recorded(database, snapshot)] == [1, 2, 3]


async def test_another_endpoint_is_told_of_it_in_a_lane_of_its_own(
    database: Database,
    snapshot: Workspace,
    sick: Any,
    subscribe: Any,
    receive: Any,
    open_debt: Any,
    deliver: Any,
) -> None:
    watching = await receive()
    await subscribe(watching, "webhook.disabled", fields=["nothing"])
    receiver = await sick(410, 0)

    await open_debt()
    await deliver()
    await deliver()

    [came] = watching.received
    assert came.told["event"] == "webhook.disabled"
    assert came.told["data"]["webhook"]["id"] == ids.show("we", receiver.endpoint_id)
    assert (came.told["sequence"], came.told["previous_sequence"], came.told["fields"]) == (
        1,
        None,
        ["nothing"],
    )


async def test_the_sample_of_the_catalogue_has_its_shape(
    database: Database, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    await sick(410, 1)
    await open_debt()
    await deliver()

    [item] = await events_recorded(database, snapshot)
    sample = next(entry.sample for entry in events.CATALOGUE if entry.kind == "webhook.disabled")
    assert item["webhook"].keys() == sample["data"]["webhook"].keys()


async def notice(database: Database, sick: Any, open_debt: Any, deliver: Any) -> tuple[UUID, bytes]:
    receiver = await sick(500, 6)
    await open_debt()
    await deliver()
    payload = await database.pool.fetchval(
        "SELECT payload FROM pgqueuer WHERE entrypoint = $1", NOTIFICATION_JOB
    )
    return receiver.endpoint_id, payload


@pytest.mark.parametrize(
    ("language", "written", "word"),
    [("fr", "fr", "désactivé"), ("en", "en", "disabled"), ("de", "en", "disabled")],
)
async def test_an_admin_reads_which_webhook_why_and_what_to_do(
    database: Database,
    keys: vault.Vault,
    snapshot: Workspace,
    sick: Any,
    open_debt: Any,
    deliver: Any,
    language: str,
    written: str,
    word: str,
) -> None:
    endpoint_id, payload = await notice(database, sick, open_debt, deliver)
    await database.pool.execute(
        "UPDATE companies SET language = $2 WHERE id = $1", snapshot.company.id, language
    )
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        await AdminNotifier(database, keys, mail).send(payload, 0)
        await mail.close()

    [read] = mailbox.received
    assert read["To"] == f"admin.{snapshot.company.id.hex}@example.com"
    assert word in read["Subject"]
    assert "Électricité & Fils" in read["Subject"]
    assert read["Content-Language"] == written
    text = read.get_content()
    assert ids.show("we", endpoint_id) in text
    assert '{"enabled": true, "send_missed": true}' in text


async def test_a_mail_that_could_not_leave_is_tried_again_and_held_after_the_last_time(
    database: Database, keys: vault.Vault, sick: Any, open_debt: Any, deliver: Any
) -> None:
    _, payload = await notice(database, sick, open_debt, deliver)
    mailbox = Mailbox(on_rcpt="451 later")

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        notices = AdminNotifier(database, keys, mail)
        with pytest.raises(RetryRequested) as first:
            await notices.send(payload, 0)
        with pytest.raises(RetryRequested) as last:
            await notices.send(payload, 5)
        with pytest.raises(NotificationFailed):
            await notices.send(payload, 6)
        mailbox.on_rcpt = "550 no such person"
        with pytest.raises(NotificationFailed):
            await notices.send(payload, 0)
        await mail.close()

    assert first.value.delay == timedelta(minutes=1)
    assert last.value.delay == timedelta(hours=20)


async def test_without_a_mail_server_or_once_it_is_enabled_again_nobody_is_told(
    database: Database, keys: vault.Vault, sick: Any, open_debt: Any, deliver: Any
) -> None:
    endpoint_id, payload = await notice(database, sick, open_debt, deliver)
    mailbox = Mailbox()

    await AdminNotifier(database, keys, None).send(payload, 0)
    await database.pool.execute("UPDATE webhook_endpoints SET is_enabled = true WHERE id = $1", endpoint_id)
    async with serving(mailbox) as settings:
        await AdminNotifier(database, keys, Smtp(settings)).send(payload, 0)

    assert mailbox.received == []


async def test_the_queue_counts_the_tries_and_holds_the_job(
    database: Database,
    keys: vault.Vault,
    sick: Any,
    open_debt: Any,
    deliver: Any,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("getbill.webhooks.deliveries.admin_notifications.RETRY_MINUTES", (0,) * 6)
    _, payload = await notice(database, sick, open_debt, deliver)
    mailbox = Mailbox(on_rcpt="451 later")

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        connection = await asyncpg.connect(dsn)
        manager = QueueManager(Queries(AsyncpgDriver(connection)))
        background_jobs.register(manager, AdminNotifier(database, keys, mail))
        await manager.run(
            mode=QueueExecutionMode.drain, batch_size=1, dequeue_timeout=timedelta(seconds=0.05)
        )
        await connection.close()
        await mail.close()

    row = await database.pool.fetchrow("SELECT status, attempts FROM pgqueuer WHERE payload = $1", payload)
    assert (row["status"], row["attempts"]) == ("failed", 6)


async def test_the_workers_errands_are_done_and_a_lost_connection_does_not_stop_the_worker(
    database: Database, keys: vault.Vault, dsn: str, sick: Any, open_debt: Any, deliver: Any
) -> None:
    mailbox = Mailbox()
    stop = asyncio.Event()
    await notice(database, sick, open_debt, deliver)

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        take = background_jobs.queue_tick(dsn, AdminNotifier(database, keys, mail), stop)
        lost = asyncio.create_task(take())
        async with asyncio.timeout(20):
            while await jobs(database):  # noqa: ASYNC110 - the queue tells nobody
                await asyncio.sleep(0.05)
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'getbill background jobs'"
            " AND datname = current_database()"
        )
        await database.pool.execute("SELECT pg_notify('ch_pgqueuer', '{}')")
        again = asyncio.create_task(take())
        await asyncio.sleep(0.2)
        assert not stop.is_set()
        stop.set()
        await asyncio.wait_for(again, 10)
        await asyncio.wait([lost], timeout=10)
        await mail.close()

    assert len(mailbox.received) == 1
    assert lost.done()
    assert lost.exception() is not None or lost.result() is False
