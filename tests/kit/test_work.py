"""The index of due work: nothing that is planned is ever without an entry, and nobody waits for anybody."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from getbill import companies, vault
from getbill.kit import work
from getbill.kit.database.transactions import Database, Statement, Transaction, open_database

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PLAN = Statement("test.plan", "Plan.", "INSERT INTO planned_by_test (workspace_id, due_at) VALUES ($1, $2)")
TAKE = Statement(
    "test.take", "Take.", "DELETE FROM planned_by_test WHERE workspace_id = $1 AND due_at <= $2 RETURNING 1"
)
NEXT = Statement("test.next", "Next.", "SELECT min(due_at) FROM planned_by_test WHERE workspace_id = $1")
ENTRIES = Statement(
    "test.entries", "Entries.", "SELECT due_at FROM work WHERE workspace_id = $1 AND kind = 'contacts'"
)
FORGOTTEN = Statement(
    "test.forgotten",
    "What is planned without an entry.",
    """
    SELECT count(*) FROM planned_by_test p WHERE NOT EXISTS (SELECT FROM work w
        WHERE w.workspace_id = p.workspace_id AND w.kind = 'contacts' AND w.due_at <= p.due_at)
    """,
)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    async def before_commit(_tx: Transaction) -> None:
        return None

    resource = await open_database(dsn, before_commit, size=45)
    await resource.pool.execute("CREATE TABLE planned_by_test (workspace_id uuid, due_at timestamptz)")
    await resource.pool.execute("DELETE FROM work")
    yield resource
    await resource.pool.execute("DROP TABLE planned_by_test; DELETE FROM work")
    await resource.close()


async def new_workspace(database: Database) -> UUID:
    founded = await companies.create(database, vault.Vault([vault.Key.new()]), "Acme")
    return founded.sandbox_id


@pytest.fixture
async def workspace_id(database: Database) -> UUID:
    return await new_workspace(database)


def plan(tx: Transaction, workspace_id: UUID, due_at: datetime) -> None:
    tx.defer(PLAN, workspace_id, due_at)
    work.note(tx, workspace_id, "contacts", due_at)


async def plan_and_commit(database: Database, workspace_id: UUID, *instants: datetime) -> None:
    async with database.transaction(NOW) as tx:
        for due_at in instants:
            plan(tx, workspace_id, due_at)


async def postpone(database: Database, workspace_id: UUID, now: datetime = NOW) -> bool:
    async with database.transaction(now) as tx:
        return await work.postpone(tx, workspace_id, "contacts", now, NEXT, workspace_id)


async def due(database: Database, now: datetime = NOW) -> list[UUID]:
    return [workspace_id async for workspace_id in work.due_workspaces(database, "contacts", now)]


async def entries(database: Database, workspace_id: UUID) -> list[datetime]:
    return sorted(row["due_at"] for row in await database.fetch(ENTRIES, workspace_id))


async def test_a_workspace_is_due_from_the_instant_of_its_work(database, workspace_id) -> None:
    await plan_and_commit(database, workspace_id, LATER)

    assert await due(database, LATER - timedelta(seconds=1)) == []
    assert await due(database, LATER) == [workspace_id]


async def test_a_transaction_notes_its_earliest_instant_once_and_in_its_one_statement(
    database, workspace_id
) -> None:
    async with database.transaction(NOW) as tx:
        for days in (3, 1, 2):
            plan(tx, workspace_id, NOW + timedelta(days=days))

        assert tx._connection is None

    assert await entries(database, workspace_id) == [LATER]


async def test_what_a_transaction_plans_after_it_sent_its_rows_is_noted_too(database, workspace_id) -> None:
    async with database.transaction(NOW) as tx:
        plan(tx, workspace_id, LATER)
        await tx.connection()
        await tx.send()
        plan(tx, workspace_id, NOW)

    assert await due(database) == [workspace_id]


async def test_an_earlier_entry_is_enough(database, workspace_id) -> None:
    await plan_and_commit(database, workspace_id, NOW)
    await plan_and_commit(database, workspace_id, LATER)
    await plan_and_commit(database, workspace_id, NOW)

    assert await entries(database, workspace_id) == [NOW]


async def test_a_change_that_fails_leaves_no_entry(database, workspace_id) -> None:
    async def plan_and_fail() -> None:
        async with database.transaction(NOW) as tx:
            plan(tx, workspace_id, NOW)
            await tx.connection()
            await tx.send()
            raise Cancelled

    with pytest.raises(Cancelled):
        await plan_and_fail()

    assert await due(database) == []


async def test_work_that_is_done_is_postponed_to_what_comes_next(database, workspace_id) -> None:
    await plan_and_commit(database, workspace_id, NOW)
    await plan_and_commit(database, workspace_id, NOW - timedelta(days=1))
    await plan_and_commit(database, workspace_id, LATER)
    await database.fetch(TAKE, workspace_id, NOW)

    assert await postpone(database, workspace_id)
    assert await entries(database, workspace_id) == [LATER]

    await database.fetch(TAKE, workspace_id, LATER)

    assert await postpone(database, workspace_id, LATER)
    assert await entries(database, workspace_id) == []


async def test_work_that_is_due_is_not_postponed(database, workspace_id) -> None:
    await plan_and_commit(database, workspace_id, NOW)

    assert not await postpone(database, workspace_id)
    assert await due(database) == [workspace_id]


async def test_an_entry_on_which_a_change_under_way_relies_is_not_postponed(database, workspace_id) -> None:
    await plan_and_commit(database, workspace_id, NOW)
    await database.fetch(TAKE, workspace_id, NOW)

    async with database.transaction(NOW) as tx:
        plan(tx, workspace_id, NOW)
        await tx.connection()
        await tx.send()

        assert not await postpone(database, workspace_id)

    assert await due(database) == [workspace_id]
    assert await database.fetchval(FORGOTTEN) == 0


async def test_work_planned_while_its_workspace_is_being_postponed_waits_for_nobody_and_is_found(
    database, workspace_id
) -> None:
    await plan_and_commit(database, workspace_id, NOW)
    await database.fetch(TAKE, workspace_id, NOW)

    async with database.transaction(NOW) as postponing:
        assert await work.postpone(postponing, workspace_id, "contacts", NOW, NEXT, workspace_id)
        async with asyncio.timeout(2):
            await plan_and_commit(database, workspace_id, NOW)

    assert await due(database) == [workspace_id]
    assert await database.fetchval(FORGOTTEN) == 0


async def test_work_committed_after_a_postponement_began_is_seen_by_it(database, workspace_id) -> None:
    """The instant is looked for after the lock: what a change held until just before is due still."""
    await plan_and_commit(database, workspace_id, NOW)
    await database.fetch(TAKE, workspace_id, NOW)
    async with database.transaction(NOW) as postponing:
        # Its snapshot, if it had one only, would be of before the other change.
        await postponing.fetchval(NEXT, workspace_id)
        await plan_and_commit(database, workspace_id, NOW)

        assert not await work.postpone(postponing, workspace_id, "contacts", NOW, NEXT, workspace_id)

    assert await due(database) == [workspace_id]


async def test_changes_of_one_workspace_do_not_wait_for_each_other(database, workspace_id) -> None:
    """All are open at once before any commits: if one waited for another, none would ever get there."""
    together = asyncio.Barrier(40)

    async def change(number: int) -> None:
        async with database.transaction(NOW) as tx:
            plan(tx, workspace_id, NOW - timedelta(seconds=number))
            await tx.connection()
            await tx.send()
            await together.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(*map(change, range(40)))
        # The same once there is an entry, which all of them then share.
        await asyncio.gather(*map(change, range(40)))

    assert await due(database) == [workspace_id]


class Cancelled(Exception):
    """A change that is taken back."""


@dataclass
class Company:
    """Planners and workers of some workspaces, each with its own pace."""

    database: Database
    chance: random.Random
    workspace_ids: list[UUID]
    is_over: asyncio.Event

    async def plan_often(self) -> None:
        for _ in range(40):
            with suppress(Cancelled):
                await self._plan_or_cancel(self.chance.choice(self.workspace_ids))

    async def _plan_or_cancel(self, workspace_id: UUID) -> None:
        async with self.database.transaction(NOW) as tx:
            plan(tx, workspace_id, NOW + timedelta(seconds=self.chance.randint(-5, 5)))
            if self.chance.random() < 0.7:
                await tx.connection()
                await tx.send()
                await asyncio.sleep(self.chance.random() / 100)
            if self.chance.random() < 0.2:
                raise Cancelled

    async def work(self) -> None:
        while not self.is_over.is_set():
            for workspace_id in await due(self.database):
                await self.work_off(workspace_id)
            await asyncio.sleep(0)

    async def work_off(self, workspace_id: UUID) -> None:
        await self.database.fetch(TAKE, workspace_id, NOW)
        await postpone(self.database, workspace_id)

    async def check(self) -> int:
        checks = 0
        while not self.is_over.is_set():
            assert await self.database.fetchval(FORGOTTEN) == 0
            checks += 1
        return checks


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_planned_is_ever_without_an_entry(database, seed) -> None:
    workspace_ids = [await new_workspace(database) for _ in range(3)]
    chance = random.Random(seed)  # noqa: S311 a test that can be repeated
    company = Company(database, chance, workspace_ids, asyncio.Event())

    others = [
        asyncio.create_task(task)
        for task in (company.work(), company.work(), company.work(), company.check())
    ]
    await asyncio.gather(*(company.plan_often() for _ in range(12)))
    company.is_over.set()
    checks = (await asyncio.gather(*others))[-1]

    assert checks is not None
    assert checks > 20
    assert await database.fetchval(FORGOTTEN) == 0
    # What is left over is worked off, and the index then names only what is planned for later.
    for workspace_id in workspace_ids:
        await company.work_off(workspace_id)
    assert await due(database) == []


async def test_every_due_workspace_is_listed_once_however_many_entries_there_are(database) -> None:
    workspace_ids = [await new_workspace(database) for _ in range(3)]
    await database.pool.execute(
        """
        INSERT INTO work (workspace_id, kind, id, due_at)
        SELECT workspace_id, 'contacts', gen_random_uuid(), $2::timestamptz - number * interval '1 s'
        FROM unnest($1::uuid[]) AS workspace_id, generate_series(0, 600) AS number
        """,
        workspace_ids,
        NOW,
    )

    result = await due(database)

    assert len(result) == 3
    assert set(result) == set(workspace_ids)


async def test_a_workspace_can_be_visited_anew_for_every_kind(database, workspace_id) -> None:
    async with database.transaction(NOW) as tx:
        await work.note_every_kind(tx, workspace_id)

    for kind in work.KINDS:
        assert [found async for found in work.due_workspaces(database, kind, NOW)] == [workspace_id]


async def ids_of(*workspace_ids: UUID) -> AsyncIterator[UUID]:
    for workspace_id in workspace_ids:
        yield workspace_id


async def test_visits_run_concurrently_and_each_workspace_is_visited_once() -> None:
    ids = [UUID(int=number) for number in range(1, 8)]
    visited, together = [], asyncio.Barrier(3)

    async def visit(workspace_id: UUID) -> int:
        visited.append(workspace_id)
        if workspace_id in ids[:3]:
            await together.wait()
        return 2

    async with asyncio.timeout(2):
        assert await work.visit_all(ids_of(*ids), visit, 3, lambda: True) == 14
    assert sorted(visited) == ids


async def test_a_visit_that_fails_does_not_keep_out_the_others() -> None:
    ids = [UUID(int=number) for number in range(1, 8)]
    visited = []

    async def visit(workspace_id: UUID) -> int:
        visited.append(workspace_id)
        if workspace_id == ids[0]:
            raise ConnectionError
        return 1

    with pytest.raises(ConnectionError):
        await work.visit_all(ids_of(*ids), visit, 2, lambda: True)
    assert sorted(visited) == ids


async def test_visits_end_when_the_worker_is_to_stop() -> None:
    visited: list[UUID] = []

    async def visit(workspace_id: UUID) -> int:
        visited.append(workspace_id)
        return 1

    await work.visit_all(ids_of(*(UUID(int=n) for n in range(1, 8))), visit, 2, lambda: len(visited) < 3)

    assert len(visited) == 3
