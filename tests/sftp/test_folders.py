"""The folders as a session uses them: who writes to a file, what a name change says, and how much room there is."""

from datetime import timedelta
from uuid import UUID

import pytest

from dropping import Client, Served
from getbill import sftp
from getbill.kit import clock
from getbill.sftp import Limits
from getbill.sftp.actions import Folders, Upload
from getbill.sftp.model import DESERTED, State, TakenOver
from getbill.sftp.model import place_of as place

DEBTS = place(b"incoming/debts.csv")
PART = place(b"incoming/debts.csv.part")


@pytest.fixture
async def client(served: Served) -> Client:
    return await served.let_in(key=True)


def folders_of(served: Served, client: Client, **limits: int) -> Folders:
    return Folders(served.house.database, served.workspace, client.login.id, Limits(**limits))


async def deserted(served: Served, folders: Folders, content: bytes) -> Upload:
    """Begin a file in a process that dies: nobody closes it."""
    upload = await folders.write(PART)
    await upload.write(0, content)
    await upload.flush()
    await served.house.database.pool.execute(
        "UPDATE sftp_files SET written_at = written_at - $2::interval WHERE login_id = $1",
        folders.login_id,
        DESERTED + timedelta(seconds=1),
    )
    return upload


async def writer_of(served: Served, folders: Folders) -> UUID | None:
    found: UUID | None = await served.house.database.pool.fetchval(
        "SELECT writer FROM sftp_files WHERE login_id = $1", folders.login_id
    )
    return found


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

    await sftp.cut_deserted(served.house.database, clock.wall())

    assert await served.names(client.login) == {"debts.csv.part": (17, "cut"), "debts.csv": (0, "open")}
    await written.close(State.CUT)
