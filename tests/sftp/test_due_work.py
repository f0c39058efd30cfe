"""Files in the index of due work: due at the next pick-up, when asked for, and when their import has ended."""

from datetime import timedelta

import pytest

from dropping import Client, Served
from getbill import sftp
from getbill.kit import clock, work
from getbill.sftp import pickup
from installation import Installation
from make import Company
from sftp.test_pick_up import GOOD, Worker

_ENTRIES = "SELECT due_at FROM work WHERE workspace_id = $1 AND kind = 'files'"


@pytest.fixture(autouse=True)
async def nothing_left(installation: Installation) -> None:
    """What earlier tests put there waits for nobody."""
    await installation.database.pool.execute("TRUNCATE sftp_files CASCADE")


@pytest.fixture
def worker(installation: Installation, company: Company) -> Worker:
    return Worker(installation, company.sandbox.id)


@pytest.fixture
async def dropper(served: Served) -> Client:
    return await served.let_in(key=True)


async def dropped(dropper: Client) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")


async def is_due(worker: Worker, after: timedelta = timedelta()) -> bool:
    now = clock.wall() + after
    return worker.workspace_id in [
        found async for found in work.due_workspaces(worker.database, "files", now)
    ]


async def test_a_file_is_due_at_the_next_pick_up(dropper: Client, worker: Worker) -> None:
    await dropped(dropper)

    soon = await is_due(worker, pickup.QUIET + timedelta(seconds=5))
    now = clock.wall()
    await pickup.postpone_files(worker.database, worker.workspace_id, now, 1_440)
    entries = await worker.database.pool.fetch(_ENTRIES, worker.workspace_id)

    assert soon
    assert [entry["due_at"] for entry in entries] == [pickup.next_due(now, 1_440)]


async def test_a_file_that_is_asked_for_is_due_at_once(dropper: Client, worker: Worker) -> None:
    await dropped(dropper)
    before = await is_due(worker)

    async with worker.database.transaction(clock.wall()) as tx:
        await sftp.request_pickup(tx, worker.workspace_id, clock.wall())

    assert (before, await is_due(worker)) == (False, True)


async def test_a_file_is_due_again_when_its_import_has_ended(dropper: Client, worker: Worker) -> None:
    await dropped(dropper)
    async with worker.database.transaction(clock.wall()) as tx:
        await sftp.request_pickup(tx, worker.workspace_id, clock.wall())
    assert await worker.pick_up.tick()
    while await worker.pick_up.tick():
        pass
    is_importing = not await is_due(worker)

    while await worker._import():
        pass

    assert is_importing
    assert await is_due(worker)


async def test_what_a_dead_worker_left_is_due_when_its_lease_ends(dropper: Client, worker: Worker) -> None:
    await dropped(dropper)
    async with worker.database.transaction(clock.wall()) as tx:
        await sftp.request_pickup(tx, worker.workspace_id, clock.wall())
    now = clock.wall()
    assert await pickup.claim_due(worker.database, worker.workspace_id, now, now) is not None

    assert not await worker.pick_up.tick()

    entries = await worker.database.pool.fetch(_ENTRIES, worker.workspace_id)
    assert [entry["due_at"] for entry in entries] == [now + pickup.LEASE_TIME]
