"""What a dead worker was sending, looked after by the next: asked again only where nobody may be harmed by it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from collecting import ACCEPTED, JEAN, Provider, WorkspaceEngine, live_engine
from getbill import compliance, debts
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Capabilities, Outgoing, SendOutcome, failed, unknown
from getbill.contacts import claims
from getbill.contacts.sending import deliver
from getbill.contacts.sending.context import PreparedSend
from getbill.contacts.sending.prepare import prepare_sends
from getbill.kit import clock
from getbill.kit.database.transactions import Database

BUSY = failed("503", permanent=False)


@pytest.fixture(autouse=True)
async def nothing_is_left(database: Database) -> AsyncIterator[None]:
    """Leave nothing that a worker of another test would find lost, or due."""
    yield
    await database.pool.execute(
        "UPDATE contacts SET state = 'stopped', lease_until = NULL"
        " WHERE is_live AND state IN ('planned', 'claimed', 'sending')"
    )


@dataclass
class SlowProvider(Provider):
    """A provider that takes its time, in which something else happens."""

    meanwhile: Callable[[], Awaitable[Any]] | None = field(default=None)
    answer_seconds: float = 90.0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.assurance, self.gives_receipt, answer_seconds=self.answer_seconds)

    async def send(self, message: Outgoing) -> SendOutcome:
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super().send(message)

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super().look_up(message)


async def send_and_die(workspace: WorkspaceEngine) -> list[PreparedSend]:
    """Commit what is due as `sending`, as a worker that then dies before its provider has answered."""
    claim = await workspace.claim()
    departing = await prepare_sends(workspace.context, await workspace.snapshot(), claim)
    await expire(workspace)
    return departing


async def expire(workspace: WorkspaceEngine) -> None:
    await workspace.database.pool.execute(
        "UPDATE contacts SET lease_until = $2 WHERE workspace_id = $1 AND lease_until IS NOT NULL",
        workspace.id,
        clock.wall() - timedelta(seconds=1),
    )


async def recover_later(workspace: WorkspaceEngine) -> None:
    await expire(workspace)
    await workspace.recover()


async def dead(
    database: Database, assurance: Assurance, outcome: SendOutcome = ACCEPTED
) -> tuple[WorkspaceEngine, Provider]:
    """Return a workspace whose worker died on a Monday morning while it handed over an e-mail."""
    provider = Provider(Channel.EMAIL, assurance, outcome)
    workspace = await live_engine(database, provider)
    await workspace.debt()
    await send_and_die(workspace)
    return workspace, provider


async def states(workspace: WorkspaceEngine) -> list[tuple[str, str]]:
    rows = await workspace.database.pool.fetch(
        "SELECT step, state FROM contacts WHERE workspace_id = $1 ORDER BY due_at, attempt", workspace.id
    )
    return [tuple(row) for row in rows]


async def questions(workspace: WorkspaceEngine) -> int:
    return await workspace.database.pool.fetchval(
        "SELECT count(*) FROM todos WHERE workspace_id = $1 AND decided_at IS NULL", workspace.id
    )


async def test_nobody_is_contacted_at_night_because_a_worker_died_in_the_evening(database: Database) -> None:
    workspace, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    await workspace.set_clock("2026-01-05 23:00")

    await workspace.recover()

    assert provider.taken == []
    (row,) = await workspace.database.pool.fetch(
        "SELECT state, lease_until FROM contacts WHERE workspace_id = $1", workspace.id
    )
    # Eight o'clock in Paris is eight hours away.
    assert row["state"] == "sending"
    assert row["lease_until"] - clock.wall() > timedelta(hours=7, minutes=59)


async def test_in_the_morning_it_is_asked_and_the_scenario_goes_on(database: Database) -> None:
    workspace, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    await workspace.set_clock("2026-01-05 23:00")
    await workspace.recover()
    await workspace.set_clock("2026-01-06 09:00")

    await recover_later(workspace)

    assert len(provider.taken) == 1
    assert await states(workspace) == [("wave_1_email", "accepted"), ("wave_1_sms", "planned")]


@pytest.mark.parametrize("contact", ["stopped", "dry_run"])
async def test_while_contact_is_stopped_it_is_not_asked_but_shown_to_a_person(
    database: Database, contact: str
) -> None:
    workspace, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    await workspace.switch(contact)

    await workspace.recover()

    assert provider.taken == []
    assert (await states(workspace))[0] == ("wave_1_email", "unknown")
    assert await questions(workspace) == 1


async def test_whoever_asked_to_be_left_alone_since_then_is(database: Database) -> None:
    workspace, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    snapshot = await workspace.snapshot()
    address, _ = debts.hashes_of(snapshot, JEAN)
    async with database.transaction(snapshot.now()) as tx:
        await compliance.suppress(tx, workspace.id, "email", address or b"", "stop")

    await workspace.recover()

    assert provider.taken == []
    assert (await states(workspace))[0] == ("wave_1_email", "unknown")


@pytest.mark.parametrize("silence", [BUSY, unknown("it did not answer")])
async def test_a_provider_that_cannot_be_asked_now_is_asked_later(
    database: Database, silence: SendOutcome
) -> None:
    workspace, provider = await dead(database, Assurance.IDEMPOTENCY_KEY, silence)

    await workspace.recover()
    before = await states(workspace)
    provider.outcome = ACCEPTED
    await recover_later(workspace)

    assert before == [("wave_1_email", "sending")]
    assert (await states(workspace))[0] == ("wave_1_email", "accepted")
    assert len({message.key for message in provider.taken}) == 1


async def test_one_that_never_answers_leaves_it_unknown_in_the_end(database: Database) -> None:
    workspace, provider = await dead(database, Assurance.IDEMPOTENCY_KEY, BUSY)
    workspace.context = replace(
        workspace.context, settings=replace(workspace.context.settings, lookups_max=4)
    )

    for _ in range(5):
        await recover_later(workspace)

    assert len(provider.taken) == 3
    assert (await states(workspace))[0] == ("wave_1_email", "unknown")
    assert await questions(workspace) == 1


@pytest.mark.parametrize("assurance", [Assurance.IDEMPOTENCY_KEY, Assurance.LOOK_UP])
async def test_a_provider_that_may_take_five_minutes_is_asked_and_left_to_nobody_else_meanwhile(
    database: Database, assurance: Assurance
) -> None:
    provider = SlowProvider(Channel.EMAIL, assurance, answer_seconds=300)
    workspace = await live_engine(database, provider)
    await workspace.debt()
    (departed,) = await send_and_die(workspace)
    provider.known[departed.message.key] = ACCEPTED
    leases = []

    async def note_the_lease() -> None:
        leases.append(
            await database.pool.fetchval(
                "SELECT lease_until FROM contacts WHERE workspace_id = $1", workspace.id
            )
        )

    provider.meanwhile = note_the_lease
    await workspace.recover()

    assert [lease - clock.wall() > timedelta(seconds=500) for lease in leases] == [True]
    assert (await states(workspace))[0] == ("wave_1_email", "accepted")


async def test_the_providers_of_all_workspaces_are_asked_at_the_same_time(database: Database) -> None:
    both = asyncio.Barrier(2)
    places = []
    for _ in range(2):
        provider = SlowProvider(Channel.EMAIL, Assurance.IDEMPOTENCY_KEY, meanwhile=both.wait)
        workspace = await live_engine(database, provider)
        await workspace.debt()
        await send_and_die(workspace)
        places.append(workspace)

    async with asyncio.timeout(5):
        await asyncio.gather(*(place.recover() for place in places))

    assert [(await states(workspace))[0] for workspace in places] == [("wave_1_email", "accepted")] * 2


async def test_whoever_looks_after_a_contact_learns_that_another_worker_has_it_by_now(
    database: Database,
) -> None:
    workspace, _ = await dead(database, Assurance.IDEMPOTENCY_KEY)
    wall = clock.wall()
    (slow,) = await claims.claim_interrupted(database, workspace.id, wall, 1, wall - timedelta(seconds=1))
    (ours,) = await claims.claim_interrupted(database, workspace.id, wall, 1, wall + timedelta(seconds=60))
    later = wall + timedelta(seconds=600)

    answers = [await claims.extend_leases(database, [item], later) for item in (slow, ours)]

    assert answers == [False, True]
    assert (slow.lease_until, ours.lease_until) == (wall - timedelta(seconds=1), later)
    assert (await workspace.first(ours.debt_id))["lease_until"] == later


async def test_a_refusal_for_good_is_believed(database: Database) -> None:
    workspace, _ = await dead(database, Assurance.IDEMPOTENCY_KEY, failed("no such number", permanent=True))

    await workspace.recover()

    assert (await states(workspace))[0] == ("wave_1_email", "failed")


async def test_a_provider_that_cannot_be_looked_up_now_is_looked_up_later(database: Database) -> None:
    provider = Provider(Channel.EMAIL, Assurance.LOOK_UP)
    workspace = await live_engine(database, provider)
    await workspace.debt()
    (departed,) = await send_and_die(workspace)
    provider.known[departed.message.key] = unknown("the gateway could not be asked")

    await workspace.recover()
    before = await states(workspace)
    provider.known[departed.message.key] = ACCEPTED
    await recover_later(workspace)

    assert before == [("wave_1_email", "sending")]
    assert (await states(workspace))[0] == ("wave_1_email", "accepted")
    assert provider.taken == []


async def test_a_worker_that_slept_until_its_lease_was_nearly_over_sends_nothing(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    await workspace.debt()
    departing = await send_and_die(workspace)
    departing[0].contact.lease_until = clock.wall() + timedelta(seconds=80)

    (sends,) = await deliver.send_prepared(departing)

    assert provider.taken == []
    assert sends.outcome == failed("the worker exceeded the time to send it", permanent=False)


async def test_what_a_provider_said_is_written_down_once_the_database_is_back(database: Database) -> None:
    provider = SlowProvider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    # One lane: another, claiming while the connections go, would say so.
    workspace.context = replace(
        workspace.context, settings=replace(workspace.context.settings, concurrent_batches=1)
    )
    debt = await workspace.debt()

    async def lose_every_connection() -> None:
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'getbill' AND datname = current_database() AND pid <> pg_backend_pid()"
        )

    provider.meanwhile = lose_every_connection
    await workspace.send_due_live()

    assert (await states(workspace))[0] == ("wave_1_email", "accepted")
    assert (await workspace.events(debt.id)).count("debt.contacted") == 1
    assert len(provider.taken) == 1
