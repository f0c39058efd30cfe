"""What a dead worker was sending, looked after by the next: asked again only where nobody may be harmed by it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from collecting import ACCEPTED, JEAN, Place, Provider, place_with
from getbill import compliance, contacts, debts
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Capabilities, Outgoing, SendOutcome, failed, unknown
from getbill.contacts import ledger
from getbill.contacts.sending import deliver
from getbill.contacts.sending.context import PreparedSend
from getbill.contacts.sending.decide import prepare_sends
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


async def send_and_die(place: Place) -> list[PreparedSend]:
    """Commit what is due as `sending`, as a worker that then dies before its provider has answered."""
    lease = clock.wall() + timedelta(seconds=60)
    claimed = await ledger.claim_live(place.database, clock.wall(), 100, lease, ())
    departing = await prepare_sends(place.desk, await place.workspace(), claimed)
    await expire(place)
    return departing


async def expire(place: Place) -> None:
    await place.database.pool.execute(
        "UPDATE contacts SET lease_until = $2 WHERE workspace_id = $1 AND lease_until IS NOT NULL",
        place.id,
        clock.wall() - timedelta(seconds=1),
    )


async def recover_later(place: Place) -> None:
    await expire(place)
    await contacts.recover(place.desk)


async def dead(
    database: Database, assurance: Assurance, outcome: SendOutcome = ACCEPTED
) -> tuple[Place, Provider]:
    """Return a workspace whose worker died on a Monday morning while it handed over an e-mail."""
    provider = Provider(Channel.EMAIL, assurance, outcome)
    place = await place_with(database, provider)
    await place.debt()
    await send_and_die(place)
    return place, provider


async def states(place: Place) -> list[tuple[str, str]]:
    rows = await place.database.pool.fetch(
        "SELECT step, state FROM contacts WHERE workspace_id = $1 ORDER BY due_at, attempt", place.id
    )
    return [tuple(row) for row in rows]


async def questions(place: Place) -> int:
    return await place.database.pool.fetchval(
        "SELECT count(*) FROM todos WHERE workspace_id = $1 AND decided_at IS NULL", place.id
    )


async def test_nobody_is_contacted_at_night_because_a_worker_died_in_the_evening(database: Database) -> None:
    place, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    await place.set_clock("2026-01-05 23:00")

    await contacts.recover(place.desk)

    assert provider.taken == []
    (row,) = await place.database.pool.fetch(
        "SELECT state, lease_until FROM contacts WHERE workspace_id = $1", place.id
    )
    # Eight o'clock in Paris is eight hours away.
    assert row["state"] == "sending"
    assert row["lease_until"] - clock.wall() > timedelta(hours=7, minutes=59)


async def test_in_the_morning_it_is_asked_and_the_scenario_goes_on(database: Database) -> None:
    place, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    await place.set_clock("2026-01-05 23:00")
    await contacts.recover(place.desk)
    await place.set_clock("2026-01-06 09:00")

    await recover_later(place)

    assert len(provider.taken) == 1
    assert await states(place) == [("wave_1_email", "accepted"), ("wave_1_sms", "planned")]


@pytest.mark.parametrize("contact", ["stopped", "dry_run"])
async def test_while_contact_is_stopped_it_is_not_asked_but_shown_to_a_person(
    database: Database, contact: str
) -> None:
    place, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    await place.switch(contact)

    await contacts.recover(place.desk)

    assert provider.taken == []
    assert (await states(place))[0] == ("wave_1_email", "unknown")
    assert await questions(place) == 1


async def test_whoever_asked_to_be_left_alone_since_then_is(database: Database) -> None:
    place, provider = await dead(database, Assurance.IDEMPOTENCY_KEY)
    workspace = await place.workspace()
    address, _ = debts.hashes_of(workspace, JEAN)
    async with database.transaction(workspace.now()) as tx:
        await compliance.suppress(tx, place.id, "email", address or b"", "stop")

    await contacts.recover(place.desk)

    assert provider.taken == []
    assert (await states(place))[0] == ("wave_1_email", "unknown")


@pytest.mark.parametrize("silence", [BUSY, unknown("it did not answer")])
async def test_a_provider_that_cannot_be_asked_now_is_asked_later(
    database: Database, silence: SendOutcome
) -> None:
    place, provider = await dead(database, Assurance.IDEMPOTENCY_KEY, silence)

    await contacts.recover(place.desk)
    before = await states(place)
    provider.outcome = ACCEPTED
    await recover_later(place)

    assert before == [("wave_1_email", "sending")]
    assert (await states(place))[0] == ("wave_1_email", "accepted")
    assert len({message.key for message in provider.taken}) == 1


async def test_one_that_never_answers_leaves_it_unknown_in_the_end(database: Database) -> None:
    place, provider = await dead(database, Assurance.IDEMPOTENCY_KEY, BUSY)
    place.desk = replace(place.desk, settings=replace(place.desk.settings, lookups_max=4))

    for _ in range(5):
        await recover_later(place)

    assert len(provider.taken) == 3
    assert (await states(place))[0] == ("wave_1_email", "unknown")
    assert await questions(place) == 1


@pytest.mark.parametrize("assurance", [Assurance.IDEMPOTENCY_KEY, Assurance.LOOK_UP])
async def test_a_provider_that_may_take_five_minutes_is_asked_and_left_to_nobody_else_meanwhile(
    database: Database, assurance: Assurance
) -> None:
    provider = SlowProvider(Channel.EMAIL, assurance, answer_seconds=300)
    place = await place_with(database, provider)
    await place.debt()
    (departed,) = await send_and_die(place)
    provider.known[departed.message.key] = ACCEPTED
    leases = []

    async def note_the_lease() -> None:
        leases.append(
            await database.pool.fetchval("SELECT lease_until FROM contacts WHERE workspace_id = $1", place.id)
        )

    provider.meanwhile = note_the_lease
    await contacts.recover(place.desk)

    assert [lease - clock.wall() > timedelta(seconds=500) for lease in leases] == [True]
    assert (await states(place))[0] == ("wave_1_email", "accepted")


async def test_the_providers_of_all_workspaces_are_asked_at_the_same_time(database: Database) -> None:
    both = asyncio.Barrier(2)
    places = []
    for _ in range(2):
        provider = SlowProvider(Channel.EMAIL, Assurance.IDEMPOTENCY_KEY, meanwhile=both.wait)
        place = await place_with(database, provider)
        await place.debt()
        await send_and_die(place)
        places.append(place)

    async with asyncio.timeout(5):
        await contacts.recover(places[0].desk)

    assert [(await states(place))[0] for place in places] == [("wave_1_email", "accepted")] * 2


async def test_whoever_looks_after_a_contact_learns_that_another_worker_has_it_by_now(
    database: Database,
) -> None:
    place, _ = await dead(database, Assurance.IDEMPOTENCY_KEY)
    wall = clock.wall()
    (slow,) = await ledger.claim_interrupted(database, wall, 1, wall - timedelta(seconds=1))
    (ours,) = await ledger.claim_interrupted(database, wall, 1, wall + timedelta(seconds=60))
    later = wall + timedelta(seconds=600)

    answers = [await ledger.extend_lease(database, one, later) for one in (slow, ours)]

    assert answers == [False, True]
    assert (slow.lease_until, ours.lease_until) == (wall - timedelta(seconds=1), later)
    assert (await place.first(ours.debt_id))["lease_until"] == later


async def test_a_refusal_for_good_is_believed(database: Database) -> None:
    place, _ = await dead(database, Assurance.IDEMPOTENCY_KEY, failed("no such number", permanent=True))

    await contacts.recover(place.desk)

    assert (await states(place))[0] == ("wave_1_email", "failed")


async def test_a_provider_that_cannot_be_looked_up_now_is_looked_up_later(database: Database) -> None:
    provider = Provider(Channel.EMAIL, Assurance.LOOK_UP)
    place = await place_with(database, provider)
    await place.debt()
    (departed,) = await send_and_die(place)
    provider.known[departed.message.key] = unknown("the gateway could not be asked")

    await contacts.recover(place.desk)
    before = await states(place)
    provider.known[departed.message.key] = ACCEPTED
    await recover_later(place)

    assert before == [("wave_1_email", "sending")]
    assert (await states(place))[0] == ("wave_1_email", "accepted")
    assert provider.taken == []


async def test_a_worker_that_slept_until_its_lease_was_nearly_over_sends_nothing(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    place = await place_with(database, provider)
    await place.debt()
    departing = await send_and_die(place)
    departing[0].contact.lease_until = clock.wall() + timedelta(seconds=80)

    (carried,) = await deliver.send_prepared(departing)

    assert provider.taken == []
    assert carried.outcome == failed("the worker exceeded the time to send it", permanent=False)


async def test_what_a_provider_said_is_written_down_once_the_database_is_back(database: Database) -> None:
    provider = SlowProvider(Channel.EMAIL)
    place = await place_with(database, provider)
    # One lane: another, claiming while the connections go, would say so.
    place.desk = replace(place.desk, settings=replace(place.desk.settings, concurrent_batches=1))
    debt = await place.debt()

    async def lose_every_connection() -> None:
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'getbill' AND datname = current_database() AND pid <> pg_backend_pid()"
        )

    provider.meanwhile = lose_every_connection
    await place.send_due_live()

    assert (await states(place))[0] == ("wave_1_email", "accepted")
    assert (await place.events(debt.id)).count("debt.contacted") == 1
    assert len(provider.taken) == 1
