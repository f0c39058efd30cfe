"""Children of a worker: no more than it may have, and an import outlives a child that never started."""

from asyncio.subprocess import Process
from uuid import UUID

import pytest

from getbill.imports.runs.jobs import ImportSupervisor, child_starter
from imports.sender import Sender, by_crew, csv, row


@pytest.fixture(autouse=True)
async def no_other_tasks(sender: Sender) -> None:
    """Imports of other tests wait for nobody."""
    await sender.rows("UPDATE imports SET lease_until = 'infinity' WHERE task IS NOT NULL")


async def test_a_worker_runs_as_many_imports_at_a_time_as_it_may(sender: Sender) -> None:
    installation = sender.installation
    start = child_starter(installation.settings)
    supervisor = ImportSupervisor(installation.database, installation.vault, start, at_once=1)
    sent = [await sender.sent(csv([row(number)]), "?auto=true") for number in range(2)]

    claimed = [await supervisor.tick(), await supervisor.tick()]
    children = len(supervisor._tasks)
    await supervisor.close()

    assert (claimed, children) == ([True, False], 1)
    await sender.rows("UPDATE imports SET lease_until = NULL WHERE workspace_id = $1", sender.workspace_id)
    assert [(await by_crew(sender, import_id))["state"] for import_id in sent] == ["completed"] * 2


async def test_an_import_whose_child_cannot_be_started_is_done_when_its_lease_is_over(sender: Sender) -> None:
    async def start(workspace_id: UUID, import_id: UUID, fence: int) -> Process:
        raise BlockingIOError("no process is left")

    supervisor = ImportSupervisor(sender.installation.database, sender.installation.vault, start)
    import_id = await sender.sent(csv([row(1)]), "?auto=true")

    assert await supervisor.tick()
    await supervisor.close()
    leased = await supervisor.tick()
    await sender.rows(
        "UPDATE imports SET lease_until = lease_until - interval '30 seconds' WHERE workspace_id = $1",
        sender.workspace_id,
    )
    await sender.rows("UPDATE work SET due_at = now() WHERE kind = 'imports'")

    assert not leased
    done = await by_crew(sender, import_id)
    assert (done["state"], done["counts"]["created"]) == ("completed", 1)
