"""The folders as a session uses them: who writes to a file, what a name change says, and how much room there is."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest

from dropping import Client, Served
from getbill import sftp
from getbill.kit import clock, ids
from getbill.sftp import SftpLimits, queries
from getbill.sftp.actions import Folders, SftpUpload
from getbill.sftp.model import ABANDONED_AFTER, CHUNK_BYTES, Folder, NameTaken, NoRoom, State, TakenOver
from getbill.sftp.model import parse_path as place

DEBTS = place(b"incoming/debts.csv")
PART = place(b"incoming/debts.csv.part")
WAITING = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""
T = TypeVar("T")


@pytest.fixture
async def client(served: Served) -> Client:
    return await served.let_in(key=True)


def folders_of(served: Served, client: Client, **limits: int) -> Folders:
    return Folders(served.state.database, served.workspace, client.login.id, SftpLimits(**limits))


async def deserted(served: Served, folders: Folders, content: bytes) -> SftpUpload:
    """Begin a file in a process that dies: nobody closes it."""
    upload = await folders.write(PART)
    await upload.write(0, content)
    await upload.flush()
    await served.state.database.pool.execute(
        "UPDATE sftp_files SET written_at = written_at - $2::interval WHERE login_id = $1",
        folders.login_id,
        ABANDONED_AFTER + timedelta(seconds=1),
    )
    return upload


async def writer_of(served: Served, folders: Folders) -> UUID | None:
    result: UUID | None = await served.state.database.pool.fetchval(
        "SELECT writer FROM sftp_files WHERE login_id = $1", folders.login_id
    )
    return result


async def test_a_file_whose_process_died_is_whole_once_somebody_renames_it(
    served: Served, client: Client
) -> None:
    folders = folders_of(served, client)
    lost = await deserted(served, folders, b"reference;amount\n")

    await folders.rename(PART, DEBTS, replaces=False)
    await lost.write(lost.size, b"late")
    with pytest.raises(TakenOver):
        await lost.close()

    assert await served.names(client.login) == {"debts.csv": (17, "whole")}
    assert await writer_of(served, folders) is None


async def test_a_file_that_is_being_written_to_keeps_its_writer_when_it_is_renamed(
    served: Served, client: Client
) -> None:
    folders = folders_of(served, client)
    upload = await folders.write(PART)
    await upload.write(0, b"reference;")

    await folders.rename(PART, DEBTS, replaces=False)
    between = await served.names(client.login)
    await upload.write(upload.size, b"amount\n")
    await upload.close()

    assert between["debts.csv"][1] == "open"
    assert await served.names(client.login) == {"debts.csv": (17, "whole")}


async def test_upkeep_cuts_off_what_was_open_when_its_process_died(served: Served, client: Client) -> None:
    folders = folders_of(served, client)
    await deserted(served, folders, b"reference;amount\n")
    written = await folders.write(DEBTS)

    await sftp.cut_abandoned(served.state.database, clock.wall())

    assert await served.names(client.login) == {"debts.csv.part": (17, "cut"), "debts.csv": (0, "open")}
    await written.close(State.CUT)


async def blocked(served: Served, change: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin a change and return once it waits for a transaction that is open."""
    task = asyncio.create_task(change)
    async with asyncio.timeout(10):
        while not await served.state.database.pool.fetchval(WAITING):  # noqa: ASYNC110 - locks have no event
            await asyncio.sleep(0.01)
    return task


async def dropped(folders: Folders, name: bytes, content: bytes) -> None:
    upload = await folders.write(place(name))
    await upload.write(0, content)
    await upload.close()


@pytest.mark.parametrize("replaces", [True, False])
async def test_of_two_that_take_a_name_at_once_the_later_finds_it_taken(
    served: Served, client: Client, replaces
) -> None:
    folders = folders_of(served, client)
    await dropped(folders, b"incoming/a.csv", b"a")
    await dropped(folders, b"incoming/b.csv", b"bb")
    async with served.state.database.transaction(clock.wall()) as tx:
        first = await queries.find_locked(tx, served.workspace, client.login.id, place(b"incoming/a.csv"))
        assert first is not None
        await folders.move(tx, first, DEBTS, State.WHOLE)
        rename = folders.rename(place(b"incoming/b.csv"), DEBTS, replaces=replaces)
        later = await blocked(served, rename)
    if replaces:
        await later
    else:
        with pytest.raises(NameTaken):
            await later

    names = await served.names(client.login)
    assert len(names) == 2
    assert names["debts.csv"] == ((2, "whole") if replaces else (1, "whole"))
    assert ("b.csv" in names) is not replaces


async def test_of_two_reports_written_at_once_each_gets_a_name(served: Served, client: Client) -> None:
    folders, report = folders_of(served, client), place(b"reports/debts.csv.report.json")
    async with served.state.database.transaction(clock.wall()) as tx:
        await folders.insert(tx, report, import_id=ids.new())
        later = await blocked(served, folders.create_report(report, ids.new()))
    await (await later).close(State.KEPT)

    names = await served.names(client.login, "reports")
    assert len(names) == 2
    assert "debts.csv.report.json" in names


async def begun(folders: Folders, name: bytes, size: int) -> SftpUpload:
    upload = await folders.write(place(name))
    await upload.write(0, bytes(size))
    return upload


async def room_of(served: Served, client: Client) -> int:
    result: int = await served.state.database.pool.fetchval(
        "SELECT sum(room)::bigint FROM sftp_files WHERE login_id = $1", client.login.id
    )
    return result


async def test_two_sessions_that_fill_the_folders_at_once_do_not_pass_the_limit(
    served: Served, client: Client
) -> None:
    first = await begun(folders_of(served, client, quota_bytes=250_000), b"incoming/a.csv", 200_000)
    second = await begun(folders_of(served, client, quota_bytes=250_000), b"incoming/b.csv", 100_000)

    async with served.state.database.transaction(clock.wall()) as tx:
        await first._reserve_space(tx)
        later = await blocked(served, second.flush())
    with pytest.raises(NoRoom):
        await later
    await first.close()
    with pytest.raises(NoRoom):
        await second.close()

    assert await served.names(client.login) == {"a.csv": (200_000, "whole"), "b.csv": (0, "cut")}


async def test_an_upload_takes_room_ahead_and_gives_back_what_it_did_not_need(
    served: Served, client: Client
) -> None:
    folders = folders_of(served, client)
    upload = await begun(folders, b"incoming/a.csv", 300_000)

    ahead = await room_of(served, client)
    await upload.close()
    after = await room_of(served, client)
    again = await folders.write(place(b"incoming/a.csv"), truncates=False)
    await again.write(again.size, b"more")
    await again.close()

    assert ahead == CHUNK_BYTES + 16 * 1024 * 1024
    assert (after, await room_of(served, client)) == (300_000, 300_004)


async def test_a_file_that_is_emptied_leaves_its_room_to_others(served: Served, client: Client) -> None:
    folders = folders_of(served, client, quota_bytes=250_000)
    await (await begun(folders, b"incoming/a.csv", 200_000)).close(State.CUT)

    emptied = await folders.write(place(b"incoming/a.csv"))
    await (await begun(folders, b"incoming/b.csv", 200_000)).close()
    await emptied.write(0, bytes(100_000))
    with pytest.raises(NoRoom):
        await emptied.close()

    assert await served.names(client.login) == {"a.csv": (0, "cut"), "b.csv": (200_000, "whole")}


async def test_of_more_files_than_are_shown_the_newest_are(served: Served, client: Client) -> None:
    folders = folders_of(served, client)
    for name in ("old", "newer", "newest"):
        await (await folders.create_report(place(f"reports/{name}.csv".encode()), ids.new())).close(
            State.KEPT
        )

    answer = await queries.list_files(
        served.state.database, served.workspace, client.login.id, Folder.REPORTS, limit=2
    )

    assert [item.path.name for item in answer] == ["newest.csv", "newer.csv"]


async def test_a_file_that_somebody_goes_on_with_as_it_would_expire_stays(
    served: Served, client: Client
) -> None:
    folders, database = folders_of(served, client), served.state.database
    await dropped(folders, b"incoming/debts.csv", b"old")
    await database.pool.execute(
        "UPDATE sftp_files SET written_at = written_at - interval '31 days' WHERE login_id = $1",
        client.login.id,
    )

    async with asyncio.timeout(10), database.transaction(clock.wall()) as tx:
        upload = await folders._open_file(tx, DEBTS, creates=False, truncates=False, is_new=False)
        await sftp.expire(database, clock.wall())
    await sftp.expire(database, clock.wall())
    await upload.write(3, b"er")
    await upload.close()

    assert await served.names(client.login) == {"debts.csv": (5, "whole")}
