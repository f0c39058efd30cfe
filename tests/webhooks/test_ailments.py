"""An endpoint that is past it: disabled, a fact in the stream, and the admins told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest

import streaming
from getbill import companies, events, quarantine, vault
from getbill.channels.senders import Smtp
from getbill.companies import NewUser, Workspace
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Database
from getbill.webhooks import AdminNotifier, WebhookClient
from getbill.webhooks.deliveries import notification_queue
from getbill.webhooks.deliveries.admin_notifications import NotificationFailed
from getbill.webhooks.deliveries.notification_queue import Notification
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
    await database.pool.execute("DELETE FROM admin_notifications")


@pytest.fixture
async def poster() -> AsyncIterator[Any]:
    # The loopback is no place for a live webhook, unless the operator lists it.
    async with WebhookClient((ip_network("127.0.0.0/8"),), timeout_seconds=0.3) as poster:
        yield poster


async def queued(database: Database) -> list[dict[str, UUID]]:
    rows = await database.pool.fetch(
        "SELECT workspace_id, endpoint_id, user_id FROM admin_notifications WHERE held_at IS NULL ORDER BY id"
    )
    return [dict(row) for row in rows]


async def hurry(database: Database) -> None:
    """Let every retry be due, and every lease be over."""
    await database.pool.execute("UPDATE admin_notifications SET due_at = now()")


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
    assert await queued(database) == [
        {"workspace_id": snapshot.id, "endpoint_id": receiver.endpoint_id, "user_id": admin["id"]}
    ]


async def test_failing_for_less_than_five_days_it_stays(
    database: Database, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    receiver = await sick(500, 4.99)

    await open_debt()
    await deliver()

    assert (await endpoint(database, receiver.endpoint_id))["is_enabled"] is True
    assert await events_recorded(database, snapshot) == []
    assert await queued(database) == []


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


async def notice(
    database: Database, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> Notification:
    """The claimed notification of the one admin."""
    await sick(500, 6)
    await open_debt()
    await deliver()
    notification = await notification_queue.claim(database, snapshot.id)
    assert notification is not None
    return notification


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
    notification = await notice(database, snapshot, sick, open_debt, deliver)
    await database.pool.execute(
        "UPDATE companies SET language = $2 WHERE id = $1", snapshot.company.id, language
    )
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        assert await AdminNotifier(database, keys, mail).send(notification) is None
        await mail.close()

    [read] = mailbox.received
    assert read["To"] == f"admin.{snapshot.company.id.hex}@example.com"
    assert word in read["Subject"]
    assert "Électricité & Fils" in read["Subject"]
    assert read["Content-Language"] == written
    text = read.get_content()
    assert ids.show("we", notification.endpoint_id) in text
    assert '{"enabled": true, "send_missed": true}' in text


async def test_a_mail_that_could_not_leave_is_tried_again_and_held_after_the_last_time(
    database: Database, keys: vault.Vault, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    notification = await notice(database, snapshot, sick, open_debt, deliver)
    mailbox = Mailbox(on_rcpt="451 later")

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        notifier = AdminNotifier(database, keys, mail)
        first = await notifier.send(replace(notification, attempts=1))
        last = await notifier.send(replace(notification, attempts=6))
        with pytest.raises(NotificationFailed):
            await notifier.send(replace(notification, attempts=7))
        mailbox.on_rcpt = "550 no such person"
        with pytest.raises(NotificationFailed):
            await notifier.send(notification)
        await mail.close()

    assert notification.attempts == 1
    assert first == timedelta(minutes=1)
    assert last == timedelta(hours=20)


async def test_without_a_mail_server_or_once_it_is_enabled_again_nobody_is_told(
    database: Database, keys: vault.Vault, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    notification = await notice(database, snapshot, sick, open_debt, deliver)
    mailbox = Mailbox()

    await AdminNotifier(database, keys, None).send(notification)
    await database.pool.execute(
        "UPDATE webhook_endpoints SET is_enabled = true WHERE id = $1", notification.endpoint_id
    )
    async with serving(mailbox) as settings:
        await AdminNotifier(database, keys, Smtp(settings)).send(notification)

    assert mailbox.received == []


async def test_the_queue_counts_the_tries_and_holds_the_mail(
    database: Database, keys: vault.Vault, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    await notice(database, snapshot, sick, open_debt, deliver)
    await hurry(database)
    delays = []

    async with serving(Mailbox(on_rcpt="451 later")) as settings:
        mail = Smtp(settings)
        notifier = AdminNotifier(database, keys, mail)
        while await notifier.send_due():
            delays.append(await database.pool.fetchval("SELECT due_at - now() FROM admin_notifications"))
            await hurry(database)
        await mail.close()

    row = await database.pool.fetchrow("SELECT attempts, held_at FROM admin_notifications")
    assert row["attempts"] == 7
    assert row["held_at"] is not None
    # The claim of `notice` was the first attempt.
    expected = [timedelta(minutes=minutes) for minutes in (10, 60, 300, 720, 1200)]
    assert all(
        abs(delay - hoped) < timedelta(minutes=1) for delay, hoped in zip(delays, expected, strict=False)
    )
    assert len(delays) == 6
    entries = await quarantine.list_entries(database)
    assert [entry.kind for entry in entries if entry.workspace_id == snapshot.id] == ["job"]
    await database.pool.execute("DELETE FROM quarantine WHERE workspace_id = $1", snapshot.id)


async def test_a_mail_is_sent_once_and_its_row_is_gone(
    database: Database, keys: vault.Vault, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    await notice(database, snapshot, sick, open_debt, deliver)
    mailbox = Mailbox()

    async with serving(mailbox) as settings:
        mail = Smtp(settings)
        notifier = AdminNotifier(database, keys, mail)
        # What another worker has claimed is its own.
        assert not await notifier.send_due()
        await hurry(database)
        # That worker was killed, and its lease is over.
        assert await notifier.send_due()
        assert not await notifier.send_due()
        await mail.close()

    assert len(mailbox.received) == 1
    assert await queued(database) == []


async def test_a_worker_whose_lease_is_over_decides_nothing_any_more(
    database: Database, snapshot: Workspace, sick: Any, open_debt: Any, deliver: Any
) -> None:
    stale = await notice(database, snapshot, sick, open_debt, deliver)
    await hurry(database)
    current = await notification_queue.claim(database, snapshot.id)
    assert current is not None

    await notification_queue.hold(database, stale)
    await notification_queue.settle(database, stale, timedelta(0))
    await notification_queue.settle(database, stale, None)

    row = await database.pool.fetchrow("SELECT due_at, held_at, attempts FROM admin_notifications")
    assert (row["due_at"], row["held_at"], row["attempts"]) == (current.lease_end, None, 2)
    await notification_queue.settle(database, current, None)
    assert await queued(database) == []
