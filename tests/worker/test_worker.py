"""The worker as a process: it does what is due, shrugs off what fails, and leaves nothing half-done when killed."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import collecting
from calls import Site
from collecting import JEAN, ContactWorkspace, WorkspaceEngine, at
from getbill.kit import clock
from getbill.process import maintenance, worker
from getbill.process.worker import WorkerLoop
from getbill.sandbox import actions, jobs, queries
from getbill.settings import Settings, SmtpTls
from waiting import until

MONDAY = "2026-01-05 09:00"


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("worker")) as site:
        yield site


@pytest.fixture
async def workspace(site: Site) -> ContactWorkspace:
    return await collecting.open_sandbox(site)


async def test_contacts_that_the_index_does_not_name_are_found_once_it_is_computed_anew(
    workspace: ContactWorkspace,
) -> None:
    engine = workspace.engine
    await engine.set_clock(MONDAY)
    debt = await engine.debt()
    await engine.database.pool.execute("DELETE FROM work WHERE workspace_id = $1", engine.id)

    await jobs.send_due(engine.context, lambda: True)
    before = await engine.ledger(debt.id)
    await maintenance.compute_work_anew(engine.database)
    await jobs.send_due(engine.context, lambda: True)

    assert before == [("wave_1_email", "planned")]
    assert (await engine.ledger(debt.id))[0] == ("wave_1_email", "delivered")


@asynccontextmanager
async def a_process(dsn: str, folder: Path) -> AsyncIterator[Process]:
    """Run `getbill worker` and kill it at the end, if it still lives."""
    environment = os.environ | {
        "DATABASE_URL": dsn,
        "GETBILL_MASTER_KEY": collecting.MASTER_KEY,
        "GETBILL_DATA_DIR": str(folder),
        "PYTHONPATH": "src",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "getbill", "worker"), env=environment, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_worker_does_what_is_due_and_stops_when_told(
    workspace: ContactWorkspace, dsn: str, tmp_path: Path
) -> None:
    await workspace.engine.set_clock(MONDAY)
    settings = Settings(data_dir=tmp_path, master_key=collecting.MASTER_KEY, database_connections=8).with_dsn(
        dsn
    )
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(settings, stop))
    pool = workspace.engine.database.pool
    await until(lambda: pool.fetchval("SELECT count(*) FROM heartbeats"), seconds=60)

    debt = await workspace.engine.debt()
    await until(lambda: pool.fetchval("SELECT contacted_at FROM debts WHERE id = $1", debt.id), seconds=60)
    await until(lambda: queries.is_quiet(workspace.engine.database, workspace.engine.id), seconds=60)
    nightly = "SELECT due_at FROM maintenance WHERE due_at > now()"
    await until(lambda: pool.fetchval(nightly), seconds=60)
    before = clock.monotonic()
    stop.set()
    await running

    assert clock.monotonic() - before < 5
    assert await workspace.engine.ledger(debt.id) == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "planned"),
    ]
    assert await pool.fetchval("SELECT count(*) FROM heartbeats") == 0
    for table in ("access_log", "anonymous_log"):
        assert await pool.fetchval(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = $1::text::regclass", table
        )
    assert f"{await pool.fetchval(nightly):%H:%M}" == "02:17"


async def test_a_clock_whose_worker_was_killed_goes_on_under_the_next_and_nobody_is_contacted_twice(
    workspace: ContactWorkspace, dsn: str, tmp_path: Path
) -> None:
    engine = workspace.engine
    await engine.set_clock(MONDAY)
    debts = [await engine.debt(person(number)) for number in range(40)]
    snapshot = await engine.snapshot()
    async with engine.database.transaction(snapshot.now()) as tx:
        begun = await actions.start_advance(tx, snapshot, timedelta(days=31))

    async with a_process(dsn, tmp_path) as first:
        await until(lambda: has_contacted(engine, 60), seconds=60)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    await hurry(engine)
    async with a_process(dsn, tmp_path) as second:
        done = await until(lambda: is_done(engine, begun.id), seconds=40)
        second.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(second.wait(), 10)

    assert status == 0
    assert done.reached_at == done.target_at == at("2026-02-05 09:00")
    for debt in debts:
        assert await engine.ledger(debt.id) == [
            ("wave_1_email", "delivered"),
            ("wave_1_sms", "delivered"),
            ("wave_2_call", "answered"),
            ("wave_2_email", "delivered"),
            ("wave_3_letter", "skipped"),
            ("wave_3_call", "answered"),
            ("end", "accepted"),
        ]
        assert len(await engine.followups(debt.id)) == 5
        assert (await engine.events(debt.id)).count("debt.contacted") == 5


def person(number: int) -> Any:
    return replace(
        JEAN, name=f"Debtor {number}", email=f"debtor{number}@example.com", phone=f"+3363998{number:04}"
    )


async def has_contacted(workspace: WorkspaceEngine, many: int) -> bool:
    result = "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND sent_at IS NOT NULL"
    return bool(await workspace.database.pool.fetchval(result, workspace.id) >= many)


async def is_done(workspace: WorkspaceEngine, advance_id: Any) -> Any:
    clock_advance = await queries.find_clock_advance(
        workspace.database, await workspace.snapshot(), advance_id
    )
    return clock_advance if clock_advance.done_at else None


async def hurry(workspace: WorkspaceEngine) -> None:
    """Let the leases of the dead run out now, which they would by themselves within seconds."""
    gone = clock.wall() - timedelta(seconds=1)
    for table in ("contacts", "clock_advances"):
        await workspace.database.pool.execute(
            f"UPDATE {table} SET lease_until = $2 WHERE workspace_id = $1 AND lease_until IS NOT NULL",
            workspace.id,
            gone,
        )


class PanicException(BaseException):
    """As libraries written in Rust raise where they meet a defect of their own: no Exception."""


@pytest.mark.parametrize("failure", [RuntimeError, PanicException])
async def test_a_loop_that_fails_is_taken_up_again(
    monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.01)
    stop, turns = asyncio.Event(), 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        if turns < 3:
            raise failure("out of luck")
        stop.set()
        return False

    await asyncio.wait_for(WorkerLoop("unlucky", turn, stop).run(), 5)

    assert turns == 3


async def test_a_loop_looks_at_once_when_it_is_woken_and_goes_on_while_there_is_more() -> None:
    stop, turns = asyncio.Event(), 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        return turns < 3

    loop = WorkerLoop("busy", turn, stop)
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(0.05)
    before = turns
    loop.wake()
    await asyncio.sleep(0.05)
    stop.set()
    loop.wake()
    await asyncio.wait_for(running, 5)

    assert before == 3
    assert turns >= 4


async def test_a_burst_of_news_is_a_reason_for_one_look_at_once_and_the_next_one_after_a_while() -> None:
    stop, first, turns = asyncio.Event(), asyncio.Event(), 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        first.set()
        return False

    loop = WorkerLoop("burst", turn, stop, min_interval_seconds=3600)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(first.wait(), 5)
    for _ in range(100):
        loop.wake()
        await asyncio.sleep(0)
    during = turns
    stop.set()
    await asyncio.wait_for(running, 5)

    assert (during, turns) == (1, 1)


def test_mail_leaves_only_where_server_and_sender_are_set() -> None:
    complete = Settings(
        smtp_host="mail.example.com",
        smtp_port=465,
        smtp_user="acme",
        smtp_password="secret",
        smtp_tls=SmtpTls.TLS,
        smtp_from="billing@acme.example",
    )

    result = worker.smtp_of(complete)

    assert result is not None
    assert (result.host, result.port, result.security) == ("mail.example.com", 465, "tls")
    assert (result.username, result.password, result.sender) == ("acme", "secret", "billing@acme.example")
    assert worker.smtp_of(complete.model_copy(update={"smtp_host": None})) is None
    assert worker.smtp_of(complete.model_copy(update={"smtp_from": None})) is None
