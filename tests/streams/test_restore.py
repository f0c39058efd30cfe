"""A restored backup takes events back that integrators have read: their cursors are told so, once, and lose nothing."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

import collecting
import make
import streaming
from cluster import TEMPLATE, Cluster
from collecting import ContactWorkspace
from getbill import access, events
from getbill.events import HighWaterMarks
from getbill.kit import clock, json


class Installation:
    """A database of one test with its data folder, and an API that is started on it and stopped."""

    def __init__(self, postgres: Cluster, admin: asyncpg.Connection, folder: Path) -> None:
        self.name = f"restore_{uuid4().hex}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        self.dsn = postgres.dsn(self.name)
        self.marks_file = folder / "streams.jsonl"
        self._admin = admin
        self._folder = folder
        self._key = ""
        self._place: Any = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ContactWorkspace]:
        """Start the API; the company is founded the first time."""
        async with collecting.site_on(self.dsn, self._folder) as site:
            database = site.app.state.database
            if not self._key:
                self._place = await collecting.new_engine(database, site.app.state.vault)
                new = access.NewKey(self._place.id, "Test key")
                _, self._key = await access.create_key(database, new, clock.wall())
            self._place.database = database
            yield ContactWorkspace(site.with_token(self._key), self._place)

    async def copy(self, source: str, name: str) -> None:
        await self._admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')

    async def drop(self, name: str) -> None:
        await self._admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def back_up(self) -> None:
        await self.copy(self.name, f"{self.name}_backup")

    async def restore(self) -> None:
        await self.drop(self.name)
        await self.copy(f"{self.name}_backup", self.name)


@pytest.fixture
async def installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    result = Installation(postgres, admin, tmp_path)
    await result.copy(TEMPLATE, result.name)
    yield result
    await result.drop(result.name)
    await result.drop(f"{result.name}_backup")
    await admin.close()


async def happen(workspace: ContactWorkspace, marks: HighWaterMarks) -> str:
    """Open a debt, have its event placed, and the worker write down how far the stream has come."""
    debt = await workspace.post("/debts", make.debt())
    assert debt.status == 201
    while await streaming.sequence(workspace.engine.database, marks=marks):
        pass
    await marks.save(workspace.engine.database)
    debt_id: str = json.read(debt.body)["id"]
    return debt_id


async def pull(workspace: ContactWorkspace, after: str | None = None) -> tuple[list[str], Any]:
    answered = await workspace.get(f"/events?after={after}" if after else "/events")
    assert answered.status == 200
    page = json.read(answered.body)
    return [event["data"]["debt_id"] for event in page["data"]], page


async def test_an_integrator_reads_on_through_a_restore_and_misses_nothing(
    installation: Installation,
) -> None:
    async with installation.running() as workspace:
        marks = HighWaterMarks(installation.marks_file)
        kept = [await happen(workspace, marks), await happen(workspace, marks)]
    await installation.back_up()
    async with installation.running() as workspace:
        lost = await happen(workspace, marks)
        result, before = await pull(workspace)
        assert result == [*kept, lost]

    await installation.restore()

    async with installation.running() as workspace:
        marks = HighWaterMarks(installation.marks_file)
        assert await marks.save(workspace.engine.database) == 1
        # As many as were lost, and one more: the place of the old cursor exists again.
        new = [await happen(workspace, marks) for _ in range(2)]
        result, page = await pull(workspace, before["next_cursor"])
        again, end = await pull(workspace, page["next_cursor"])
    assert (result, page["epoch"], page["epoch_changed"]) == ([*kept, *new], 2, True)
    assert (again, end["epoch"], end["epoch_changed"]) == ([], 2, False)

    # Another start of the same database is no restore.
    async with installation.running() as workspace:
        await HighWaterMarks(installation.marks_file).save(workspace.engine.database)
        assert (await pull(workspace, page["next_cursor"]))[1]["epoch"] == 2


async def test_an_older_backup_than_the_last_restore_begins_one_more_epoch(
    installation: Installation,
) -> None:
    async with installation.running() as workspace:
        marks = HighWaterMarks(installation.marks_file)
        kept = await happen(workspace, marks)
    await installation.back_up()
    cursors = []
    for _ in range(2):
        async with installation.running() as workspace:
            marks = HighWaterMarks(installation.marks_file)
            await marks.save(workspace.engine.database)
            await happen(workspace, marks)
            cursors.append((await pull(workspace))[1]["next_cursor"])
        await installation.restore()

    async with installation.running() as workspace:
        pages = [await pull(workspace, cursor) for cursor in cursors]

    assert [(result, page["epoch"], page["epoch_changed"]) for result, page in pages] == [
        ([kept], 3, True)
    ] * 2


@pytest.fixture
async def live_stream(installation: Installation) -> AsyncIterator[ContactWorkspace]:
    async with installation.running() as workspace:
        yield workspace


async def take_back(workspace: ContactWorkspace, events_lost: int) -> None:
    """Leave the database as a copy that lagged behind by some events."""
    pool = workspace.engine.database.pool
    end = await pool.fetchval("SELECT position FROM streams WHERE workspace_id = $1", workspace.engine.id)
    await pool.execute(
        "DELETE FROM events WHERE workspace_id = $1 AND position > $2", workspace.engine.id, end - events_lost
    )
    await pool.execute(
        "UPDATE streams SET position = $2, reacted = $2 WHERE workspace_id = $1",
        workspace.engine.id,
        end - events_lost,
    )


async def test_a_worker_that_lives_through_a_failover_notices_before_it_goes_on(
    live_stream: ContactWorkspace, installation: Installation
) -> None:
    marks = HighWaterMarks(installation.marks_file)
    for _ in range(3):
        await happen(live_stream, marks)
    _, before = await pull(live_stream)
    await take_back(live_stream, 2)

    # More at once than were lost: the old place is within the stream again in the same commit.
    for _ in range(3):
        await live_stream.post("/debts", make.debt())
    await streaming.sequence(live_stream.engine.database, marks=marks)

    result, page = await pull(live_stream, before["next_cursor"])
    assert (len(result), page["epoch"], page["epoch_changed"]) == (4, 2, True)


async def test_what_another_worker_placed_is_known_to_this_one(
    live_stream: ContactWorkspace, installation: Installation
) -> None:
    marks = HighWaterMarks(installation.marks_file)
    await happen(live_stream, HighWaterMarks(installation.marks_file.with_name("elsewhere.jsonl")))
    marks.on_notification(f"{live_stream.engine.id} 1 1")
    await take_back(live_stream, 1)

    begun = await marks.check(live_stream.engine.database)

    assert begun == 1


async def test_many_processes_that_start_at_once_begin_one_epoch(
    live_stream: ContactWorkspace, installation: Installation
) -> None:
    marks = HighWaterMarks(installation.marks_file)
    await happen(live_stream, marks)
    await happen(live_stream, marks)
    await take_back(live_stream, 1)

    database = live_stream.engine.database
    begun = await asyncio.gather(*(HighWaterMarks(installation.marks_file).check(database) for _ in range(4)))

    assert sorted(begun) == [0, 0, 0, 1]
    assert (await events.stream(database, live_stream.engine.id)).epoch == 2


async def test_a_file_that_grew_long_is_written_anew_and_says_the_same(
    live_stream: ContactWorkspace, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.events.high_water_marks._LINES_EACH_MAX", 2)
    marks = HighWaterMarks(installation.marks_file)
    for _ in range(6):
        await happen(live_stream, marks)
    with installation.marks_file.open("ab") as file:
        file.write(b'\n{"workspace_id":"' + str(live_stream.engine.id).encode())

    HighWaterMarks(installation.marks_file)

    lines = [line for line in installation.marks_file.read_bytes().splitlines() if line]
    assert [json.read(line) for line in lines] == [
        {"workspace_id": str(live_stream.engine.id), "epoch": 1, "position": 6}
    ]
    assert installation.marks_file.stat().st_mode & 0o777 == 0o600


async def test_a_workspace_younger_than_the_backup_is_nobodys_stream(
    live_stream: ContactWorkspace, installation: Installation
) -> None:
    marks = HighWaterMarks(installation.marks_file)
    marks.raise_mark(uuid4(), (1, 7))

    begun = await marks.check(live_stream.engine.database)

    assert begun == 0
