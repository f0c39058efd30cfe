"""A child whose import another worker has claimed is ended, and the other's lease is left alone."""

import asyncio
from asyncio.subprocess import Process
from signal import SIGKILL
from uuid import UUID

import pytest

from getbill.imports.runs import jobs
from getbill.imports.runs.jobs import ImportSupervisor
from imports.sender import Sender, csv, row

_LEASE = "SELECT lease_until, fence FROM imports WHERE workspace_id = $1"
_CLAIM_ELSEWHERE = """
    UPDATE imports SET fence = fence + 1, lease_until = now() + interval '1 hour' WHERE workspace_id = $1
    """


async def test_a_child_whose_lease_is_lost_is_ended(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    await sender.rows("UPDATE imports SET lease_until = 'infinity' WHERE task IS NOT NULL")
    monkeypatch.setattr(jobs, "_RENEW_SECONDS", 0.05)
    started: asyncio.Queue[Process] = asyncio.Queue()

    async def start(workspace_id: UUID, import_id: UUID, fence: int) -> Process:
        process = await asyncio.create_subprocess_exec("sleep", "600")
        started.put_nowait(process)
        return process

    supervisor = ImportSupervisor(sender.installation.database, sender.installation.vault, start)
    await sender.sent(csv([row(1)]), "?auto=true")

    assert await supervisor.tick()
    process = await started.get()
    await asyncio.sleep(0.2)
    is_running = process.returncode is None
    await sender.rows(_CLAIM_ELSEWHERE, sender.workspace_id)
    (claimed,) = await sender.rows(_LEASE, sender.workspace_id)
    status = await asyncio.wait_for(process.wait(), 30)
    await supervisor.close()

    assert is_running
    assert status == -SIGKILL
    assert await sender.rows(_LEASE, sender.workspace_id) == [claimed]
