"""One dropped file that fails is set aside, and all others are picked up."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from calls import Site
from dropping import Client, Served
from getbill import quarantine, todo_decisions
from getbill.sftp import jobs
from installation import Installation
from make import Company
from sftp.test_pick_up import GOOD, Worker, picked_up


@pytest.fixture(autouse=True)
async def empty(installation: Installation) -> AsyncIterator[None]:
    """Nothing lies in a folder or stands aside from an earlier test, nor does a later one find anything."""
    await installation.database.pool.execute("TRUNCATE quarantine, sftp_files CASCADE")
    yield
    await installation.database.pool.execute("TRUNCATE quarantine")


@pytest.fixture
def worker(installation: Installation, company: Company) -> Worker:
    return Worker(installation, company.sandbox.id)


async def test_a_file_that_does_not_open_keeps_no_other_waiting(
    served: Served, sandbox: Site, worker: Worker
) -> None:
    dropper: Client = await served.let_in(key=True)
    pool = worker.database.pool
    dropper.file("broken.csv", GOOD.encode())
    dropper.file("other.csv", GOOD.replace("F-2026", "H-2026").encode())
    await dropper.run("put broken.csv incoming/")
    broken: UUID = await pool.fetchval("SELECT id FROM sftp_files")
    await dropper.run("put other.csv incoming/")
    spoil = "UPDATE sftp_files SET name = set_byte(name, 20, get_byte(name, 20) # 1) WHERE id = $1"
    await pool.execute(spoil, broken)

    await picked_up(sandbox, worker)

    # It is tried a few times, each a lease apart, before a person is asked; the other one is imported meanwhile.
    states = [row["state"] for row in await pool.fetch("SELECT state FROM sftp_files")]
    assert states == ["taken", "taken"]
    assert await quarantine.list_entries(worker.database) == []
    for _ in range(jobs._FAILURES_MAX):
        await pool.execute(
            "UPDATE sftp_files SET lease_until = now() - interval '1 s' WHERE id = $1 AND lease_until < 'infinity'",
            broken,
        )
        await pool.execute("UPDATE work SET due_at = now() WHERE kind = 'files'")
        await worker.pick_up.tick()
    assert [(entry.kind, entry.subject_id) for entry in await quarantine.list_entries(worker.database)] == [
        ("file", broken)
    ]
    (todo,) = (await sandbox.get("/external-api/v1/todos?type=set_aside&state=open")).json()["data"]
    assert "Encrypted data cannot be decrypted" in todo["reason"]
    waiting = await pool.fetchval(
        "SELECT count(*) FROM imports WHERE workspace_id = $1 AND state <> 'failed'", worker.workspace_id
    )
    assert waiting == 1

    await pool.execute(spoil, broken)
    (aside,) = await quarantine.list_entries(worker.database)
    assert await todo_decisions.retry(worker.database, worker.vault, aside)
    await worker.work()
    batch = await pool.fetchval("SELECT count(*) FROM imports WHERE workspace_id = $1", worker.workspace_id)
    assert batch == 2
