"""A contact that kills whatever worker takes it is set aside after a few deaths, and nobody else is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import Any
from uuid import UUID

import pytest

import collecting
from calls import Site
from collecting import LYON, ContactWorkspace, WorkspaceEngine
from getbill import health, sandbox
from getbill.channels import Channel
from getbill.channels.senders import Capabilities, Outgoing, Sender, Senders, SendOutcome
from getbill.channels.senders.fakes import Fake
from getbill.kit import clock, ids
from quarantine.conftest import Outlook, public_id

NEIGHBOURS = 30
DIED = "The worker processes terminated one after the other, without an error."


class Died(BaseException):
    """The worker is gone: no handler of errors sees it, and its transaction is lost."""


@dataclass
class Deadly(Fake):
    """A provider that answers inside the transaction, and kills its process over one address."""

    channel: Channel = Channel.EMAIL
    address: str = "killer@example.com"
    capabilities: Capabilities = field(default=Fake.capabilities)

    async def send(self, message: Outgoing) -> SendOutcome:
        if message.address == self.address:
            raise Died
        return await super().send(message)


class DeadlySenders(Senders):
    """Such a provider for e-mails, in sandboxes and live."""

    def for_channel(self, channel: Channel, *, is_live: bool) -> Sender | None:  # noqa: ARG002 the same everywhere
        return Deadly() if channel == Channel.EMAIL else Fake(channel)


async def lives_until_it_works(workspace: WorkspaceEngine, work: Callable[[], Awaitable[Any]]) -> int:
    """Have one worker after the other take up the work until one survives it; return how many died."""
    for deaths in range(20):
        try:
            while await work():
                pass
        except Died:
            await workspace.database.pool.execute(
                "UPDATE contacts SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL"
            )
            await workspace.database.pool.execute("UPDATE clock_advances SET lease_until = NULL")
            await workspace.recover()
        else:
            return deaths
    pytest.fail("every worker dies")


async def killer_among_others(workspace: ContactWorkspace) -> tuple[UUID, list[UUID]]:
    """Make debts that are all due, in the midst of them one whose contact kills."""
    engine = workspace.engine
    engine.context = replace(engine.context, senders=DeadlySenders({}))
    await engine.set_clock("2026-01-05 09:00")
    people = [
        replace(LYON, name=f"Jean Dupont {at}", email=f"jean{at}@example.com", phone=None)
        for at in range(NEIGHBOURS)
    ]
    people.insert(NEIGHBOURS // 2, replace(LYON, name="Eve Petit", email="killer@example.com", phone=None))
    debts = [(await engine.debt(who)).id for who in people]
    return debts.pop(NEIGHBOURS // 2), debts


async def assert_only_the_killer_stands_aside(
    workspace: ContactWorkspace, killer: UUID, others: list[UUID]
) -> None:
    engine = workspace.engine
    assert {(await engine.first(debt_id))["state"] for debt_id in others} <= {"accepted", "delivered"}
    row = await engine.first(killer)
    assert (row["state"], row["reason"]) == ("set_aside", DIED)
    await Outlook(workspace.site, workspace).tells("contact", DIED, public_id(killer))


async def test_a_live_contact_that_kills_is_found_among_all_of_its_round(site: Site) -> None:
    workspace = await collecting.open_live(site)
    engine = workspace.engine
    killer, rest = await killer_among_others(workspace)

    deaths = await lives_until_it_works(engine, engine.send_due_live)

    assert deaths == engine.context.settings.crashes_max
    await assert_only_the_killer_stands_aside(workspace, killer, rest)
    # Put back it is taken alone, and once is enough.
    await Outlook(site, workspace).decide("retry")
    assert await lives_until_it_works(engine, engine.send_due_live) == 1
    await assert_only_the_killer_stands_aside(workspace, killer, rest)


async def test_a_sandbox_contact_that_kills_leaves_its_trace_from_the_second_death_on(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine = workspace.engine
    killer, rest = await killer_among_others(workspace)

    with pytest.raises(Died):
        await engine.send_due()
    assert (await engine.first(killer))["state"] == "planned"
    engine.context = replace(engine.context, careful_until=inf)
    deaths = await lives_until_it_works(engine, engine.send_due)

    assert deaths == engine.context.settings.crashes_max
    await assert_only_the_killer_stands_aside(workspace, killer, rest)


async def test_a_clock_that_is_moved_over_a_contact_that_kills_arrives(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine = workspace.engine
    killer, rest = await killer_among_others(workspace)
    engine.context = replace(engine.context, careful_until=inf)
    snapshot = await engine.snapshot()
    async with engine.database.transaction(snapshot.now()) as tx:
        begun = await sandbox.start_advance(tx, snapshot, timedelta(days=1))

    async def has_not_arrived() -> bool:
        await sandbox.advance_clocks(engine.context, lambda: True)
        moved = await sandbox.find_advance(engine.database, await engine.snapshot(), begun.id)
        return moved.arrived_at is None

    deaths = await lives_until_it_works(engine, has_not_arrived)

    assert deaths == engine.context.settings.crashes_max
    await assert_only_the_killer_stands_aside(workspace, killer, rest)


async def test_a_contact_that_went_well_is_no_longer_under_suspicion(site: Site) -> None:
    workspace = await collecting.open_sandbox(site)
    engine = workspace.engine
    await engine.set_clock("2026-01-05 09:00")
    debt = await engine.debt(LYON)
    await engine.database.pool.execute("UPDATE contacts SET crashes = 2 WHERE debt_id = $1", debt.id)

    await engine.send_due()

    row = await engine.first(debt.id)
    assert (row["state"] in {"accepted", "delivered"}, row["crashes"]) == (True, 0)


async def test_a_worker_that_was_killed_left_its_sign_of_life(site: Site) -> None:
    database = site.app.state.database
    await database.pool.execute("TRUNCATE heartbeats")
    assert not await health.has_workers(database)

    await database.pool.execute("INSERT INTO heartbeats VALUES ($1, $2, $2)", ids.new(), clock.wall())

    assert await health.has_workers(database)
    await database.pool.execute("TRUNCATE heartbeats")
