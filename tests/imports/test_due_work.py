"""Imports in the index of due work: a worker finds each without a search, also what a dead one left."""

from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cluster import Cluster
from getbill.imports import due
from getbill.imports.runs.jobs import ImportSupervisor
from getbill.kit import clock, work
from imports.sender import Sender, csv, row
from installation import Installation, open_installation

_ENTRIES = "SELECT due_at FROM work WHERE workspace_id = $1 AND kind = 'imports'"
_LEASE = "SELECT lease_until, crashes FROM imports WHERE workspace_id = $1"


@pytest.fixture
async def installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation of each test's own: that of the others may have a running worker, which visits every workspace."""
    async with open_installation(postgres, "due_imports", tmp_path) as resource:
        yield resource


@pytest.fixture
def supervisor(sender: Sender) -> ImportSupervisor:
    """A worker that dies with each import that it claims."""

    async def start(workspace_id: UUID, import_id: UUID, fence: int) -> Process:
        raise BlockingIOError("the worker is gone")

    return ImportSupervisor(sender.installation.database, sender.installation.vault, start)


async def is_due(sender: Sender, after: timedelta = timedelta()) -> bool:
    database, now = sender.installation.database, clock.wall() + after
    return sender.workspace_id in [found async for found in work.due_workspaces(database, due.KIND, now)]


async def postponed(sender: Sender, supervisor: ImportSupervisor) -> list[Any]:
    """Have a worker find nothing, and return the entries that are left."""
    assert not await supervisor.tick()
    return [entry["due_at"] for entry in await sender.rows(_ENTRIES, sender.workspace_id)]


async def test_what_is_sent_is_due_and_what_a_dead_worker_left_is_due_when_its_lease_ends(
    sender: Sender, supervisor: ImportSupervisor
) -> None:
    await sender.sent(csv([row(1)]), "?auto=true")
    was_due = await is_due(sender)

    assert await supervisor.tick()
    await supervisor.close()
    entries = await postponed(sender, supervisor)

    (lease,) = await sender.rows(_LEASE, sender.workspace_id)
    assert was_due
    assert entries == [lease["lease_until"]]
    assert (await is_due(sender), await is_due(sender, timedelta(minutes=1))) == (False, True)


async def test_an_import_that_waits_for_a_person_is_due_to_no_worker(
    sender: Sender, supervisor: ImportSupervisor
) -> None:
    import_id = await sender.sent(csv([row(1)]))
    await sender.work(import_id)

    assert await postponed(sender, supervisor) == []
    await sender.call("POST", f"/imports/{import_id}/mapping/confirm", {})
    assert await is_due(sender)


async def test_an_expired_lease_counts_as_a_crash_and_needs_no_other_note(
    sender: Sender, supervisor: ImportSupervisor
) -> None:
    await sender.sent(csv([row(1)]), "?auto=true")
    for _ in range(3):
        assert await supervisor.tick()
        await supervisor.close()
        await sender.rows(
            "UPDATE imports SET lease_until = now() - interval '1 s' WHERE workspace_id = $1",
            sender.workspace_id,
        )

    assert [entry["crashes"] for entry in await sender.rows(_LEASE, sender.workspace_id)] == [2]
