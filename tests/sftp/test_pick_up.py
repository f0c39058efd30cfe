"""From `incoming/` to `processed/`: what is picked up, when, by whom, and what is put back."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from calls import Site
from dropping import Client, Served
from getbill import imports, sftp
from getbill.imports.runs import tasks
from getbill.kit import clock, ids, work
from getbill.kit.database.transactions import Statement
from getbill.sftp import PickupWorker, SftpLimits, pickup, queries
from getbill.sftp.actions import Folders
from getbill.sftp.model import Folder, State
from getbill.sftp.model import parse_path as place
from getbill.sftp.pickup import ClaimedFile, FileLeaseLost
from getbill.sftp.result_files import ResultWriter
from installation import Installation
from make import Company

API = "/external-api/v1"
GOOD = "Référence;Nom;E-mail;Montant dû;Échéance\r\n" + "".join(
    f"F-2026-{number:03};Jean Dupont {number};jean.dupont{number}@example.com;{100 + number},50;31/01/2026\r\n"
    for number in range(1, 6)
)
BAD = GOOD.replace("F-2026-", "G-2026-").replace("102,50", "beaucoup")


_NEXT = Statement(
    "imports.test_next",
    "Take the next import of a workspace.",
    """
    UPDATE imports SET fence = fence + 1, lease_until = now() + interval '1 hour' WHERE workspace_id = $1 AND id =
        (SELECT id FROM imports WHERE workspace_id = $1 AND task IS NOT NULL LIMIT 1) RETURNING id, fence
    """,
)


_LEFT = Statement(
    "sftp.test_left",
    "Is a file left that somebody asked for?",
    """
    SELECT EXISTS (SELECT FROM sftp_files f JOIN sftp_logins l ON l.id = f.login_id AND l.revoked_at IS NULL
        WHERE f.workspace_id = $1 AND f.asked_at IS NOT NULL AND f.state = 'whole' AND f.is_finished
          AND f.folder IN ('', 'incoming'))
    """,
)
_COMES_BACK = 40


class Worker:
    """What a worker does for one workspace, done in this process and at once."""

    def __init__(self, installation: Installation, workspace_id: UUID) -> None:
        self.database, self.vault = installation.database, installation.vault
        self.workspace_id = workspace_id
        self.pick_up = PickupWorker(self.database, self.vault, 1_440, imports.BYTES_MAX)

    async def work(self) -> None:
        """Turn until nothing is left to do; a file that was asked for is come back for, as the worker does."""
        for _ in range(_COMES_BACK):
            while await self.pick_up.tick() or await self._import():
                pass
            if not await self.database.fetchval(_LEFT, self.workspace_id):
                return
            await asyncio.sleep(0.05)

    async def _import(self) -> bool:
        row = await self.database.fetchrow(_NEXT, self.workspace_id)
        if row is not None:
            await tasks.run(self.database, self.vault, self.workspace_id, row["id"], row["fence"])
        return row is not None


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


async def picked_up(sandbox: Site, worker: Worker) -> int:
    """Ask for a pick-up, have it done, and return how many files it took."""
    request = await sandbox.post(f"{API}/sftp/pick-up")
    assert request.status == 202
    await worker.work()
    return int(request.json()["files"])


async def confirmed(sandbox: Site, worker: Worker) -> dict[str, Any]:
    """Confirm the one mapping that waits for a person, and have the rest done."""
    (todo,) = (await sandbox.get(f"{API}/todos?state=open")).json()["data"]
    answered = await sandbox.post(f"{API}/imports/{todo['subject_id']}/mapping/confirm", {})
    assert answered.status in {200, 202}, answered.body
    await worker.work()
    return dict(todo)


def sftp_folders(served: Served, dropper: Client) -> Folders:
    return Folders(served.state.database, served.workspace, dropper.login.id, SftpLimits())


async def references(sandbox: Site) -> list[str]:
    return sorted(debt["reference"] for debt in (await sandbox.get(f"{API}/debts?limit=100")).json()["data"])


async def test_an_unknown_layout_waits_for_a_person_and_a_known_one_does_not(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    assert await picked_up(sandbox, worker) == 1
    before = await references(sandbox)
    waiting = await served.names(dropper.login)

    todo = await confirmed(sandbox, worker)
    dropper.file("more.csv", GOOD.replace("F-2026", "H-2026").encode())
    await dropper.run("put more.csv")
    await picked_up(sandbox, worker)

    assert (before, todo["type"]) == ([], "import_mapping")
    assert waiting["debts.csv"][1] == "taken"
    assert len(await references(sandbox)) == 10
    assert await served.names(dropper.login) == {}
    assert await served.names(dropper.login, "") == {}
    assert set(await served.names(dropper.login, "processed")) == {"debts.csv", "more.csv"}
    got = await dropper.run("get reports/more.csv.report.json", "get processed/more.csv same.csv")
    report = json.loads(dropper.got("more.csv.report.json"))
    assert got.status == 0, got.text
    assert (report["state"], report["counts"]["created"], report["source"]) == ("completed", 5, "sftp")
    assert dropper.got("same.csv") == dropper.got("more.csv")


async def test_refused_rows_come_back_and_go_in_once_corrected(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.csv", BAD.encode())
    await dropper.run("put debts.csv incoming/")
    await picked_up(sandbox, worker)
    await confirmed(sandbox, worker)

    await dropper.run("get reports/debts.csv.rejected.csv")
    rejected = dropper.got("debts.csv.rejected.csv").decode("utf-8-sig")
    dropper.file("corrected.csv", rejected.replace("beaucoup", "102,50", 1).encode())
    await dropper.run("put corrected.csv incoming/")
    await picked_up(sandbox, worker)

    assert rejected.count("\n") == 2
    assert await references(sandbox) == [f"G-2026-{number:03}" for number in range(1, 6)]


async def test_what_cannot_be_read_is_rejected_with_the_reason(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.xlsx", b"PK\x03\x04 this is no workbook at all")
    dropper.file("empty.csv", b"")
    await dropper.run("put debts.xlsx incoming/", "put empty.csv incoming/")

    await picked_up(sandbox, worker)

    assert set(await served.names(dropper.login, "rejected")) == {"debts.xlsx", "empty.csv"}
    await dropper.run("get reports/debts.xlsx.report.json a.json", "get reports/empty.csv.report.json b.json")
    unreadable, empty = json.loads(dropper.got("a.json")), json.loads(dropper.got("b.json"))
    assert unreadable["state"] == "failed"
    assert unreadable["error"]["message"] != ""
    assert empty["error"] == "file-empty"
    assert await references(sandbox) == []


async def test_a_file_larger_than_an_import_takes_is_rejected_with_the_reason(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    worker.pick_up = PickupWorker(worker.database, worker.vault, 1_440, len(GOOD.encode()) - 1)
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")

    await picked_up(sandbox, worker)

    assert set(await served.names(dropper.login, "rejected")) == {"debts.csv"}
    await dropper.run("get reports/debts.csv.report.json")
    assert json.loads(dropper.got("debts.csv.report.json"))["error"] == "file-too-large"
    assert (await sandbox.get(f"{API}/imports")).json()["data"] == []


async def test_only_what_is_complete_and_finished_is_picked_up(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/debts.csv.part", "put debts.csv incoming/.hidden.csv")
    folders = sftp_folders(served, dropper)
    unfinished = await folders.write(place(b"incoming/open.csv"))
    cut = await folders.write(place(b"incoming/cut.csv"))
    await cut.close(State.CUT)

    batch = await picked_up(sandbox, worker)
    await unfinished.close()

    assert batch == 0
    assert len(await served.names(dropper.login)) == 4


async def test_the_hour_takes_what_was_whole_a_minute_before_it(
    served: Served, dropper: Client, installation: Installation
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    now = clock.wall()
    database = installation.database

    early = await pickup.claim_due(database, served.workspace.id, now, now + timedelta(seconds=30))
    due = await pickup.claim_due(database, served.workspace.id, now, now + timedelta(seconds=90))
    twice = await pickup.claim_due(database, served.workspace.id, now, now + timedelta(seconds=90))

    assert due is not None
    assert (early, due.workspace_id, twice) == (None, served.workspace.id, None)


async def test_what_somebody_asked_for_is_taken_though_the_clock_went_back(
    served: Served, dropper: Client, installation: Installation
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    now = clock.wall()
    async with installation.database.transaction(now) as tx:
        await sftp.request_pickup(tx, served.workspace.id, now)

    before = now - timedelta(minutes=5)
    batch = await pickup.claim_due(installation.database, served.workspace.id, before, before)

    assert batch is not None


async def test_a_pick_up_that_was_killed_goes_on_with_the_same_import(
    served: Served, dropper: Client, installation: Installation, worker: Worker
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    async with installation.database.transaction(clock.wall()) as tx:
        await sftp.request_pickup(tx, served.workspace.id, clock.wall())
    now = clock.wall()
    # Taken by somebody who was killed before a byte was handed over.
    batch = await pickup.claim_due(installation.database, served.workspace.id, now, now)

    early = await pickup.claim_ended(installation.database, served.workspace.id, now)
    later = await pickup.claim_ended(installation.database, served.workspace.id, now + timedelta(minutes=3))
    assert batch is not None
    assert later is not None
    await worker.pick_up._process(later)
    await worker.pick_up._process(later)

    assert early is None
    assert later.import_id == batch.import_id
    result = await imports.find(installation.database, served.workspace, batch.import_id)
    assert result.size == len(GOOD.encode())
    count = await installation.database.pool.fetchval(
        "SELECT count(*) FROM imports WHERE workspace_id = $1", served.workspace.id
    )
    assert count == 1


async def test_a_file_that_is_being_imported_is_left_alone(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    await picked_up(sandbox, worker)

    output = [
        await dropper.run("rm incoming/debts.csv"),
        await dropper.run("rename incoming/debts.csv incoming/other.csv"),
        await dropper.run("reput debts.csv incoming/debts.csv"),
    ]

    assert [item.status for item in output] == [1, 1, 1]
    assert (await served.names(dropper.login))["debts.csv"][1] == "taken"


FIRST, SECOND = GOOD.encode(), GOOD.replace("F-2026", "H-2026").encode()
TWICE = [
    pytest.param(["put a.csv incoming/debts.csv", "put b.csv incoming/debts.csv"], id="put over it"),
    pytest.param(["put a.csv debts.csv", "put b.csv debts.csv"], id="put over it in the root"),
    pytest.param(
        [
            "put a.csv incoming/debts.csv.part",
            "rename incoming/debts.csv.part incoming/debts.csv",
            "put b.csv incoming/debts.csv.part",
            "rename incoming/debts.csv.part incoming/debts.csv",
        ],
        id="renamed over it",
    ),
    pytest.param(["put a.csv incoming/debts.csv", "put b.csv debts.csv"], id="in both folders"),
]


@pytest.mark.parametrize("commands", TWICE)
async def test_two_files_of_one_name_are_both_imported(
    served: Served, dropper: Client, sandbox: Site, worker: Worker, commands: list[str]
) -> None:
    await _known_layout(dropper, sandbox, worker)
    dropper.file("a.csv", FIRST.replace(b"F-2026", b"A-2026"))
    dropper.file("b.csv", SECOND.replace(b"H-2026", b"B-2026"))

    output = await dropper.run(*commands, "ls incoming")
    batch = await picked_up(sandbox, worker)

    result = {reference[0] for reference in await references(sandbox)}
    processed = await served.names(dropper.login, "processed")
    reports = await served.names(dropper.login, "reports")
    assert (output.status, batch, result) == (0, 2, {"F", "A", "B"})
    # The layout's own file came before: three of one name, each beside a report that bears its name.
    assert len(processed) == 3
    assert {f"{name}.report.json" for name in processed} == set(reports)


async def test_a_file_of_a_name_that_is_being_imported_waits_beside_it(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.csv", FIRST)
    dropper.file("later.csv", SECOND)
    await dropper.run("put debts.csv incoming/")
    await picked_up(sandbox, worker)

    output = await dropper.run("put later.csv incoming/debts.csv", "get incoming/debts.csv got.csv")
    lying = await served.names(dropper.login)
    await confirmed(sandbox, worker)
    await picked_up(sandbox, worker)

    assert output.status == 0, output.text
    assert sorted(state for _, state in lying.values()) == ["taken", "whole"]
    assert (lying["debts.csv"][1], dropper.got("got.csv")) == ("whole", SECOND)
    assert len(await references(sandbox)) == 10


async def test_files_of_a_layout_go_on_by_themselves_once_it_is_confirmed(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    for letter in "ABC":
        dropper.file(f"{letter}.csv", FIRST.replace(b"F-2026", f"{letter}-2026".encode()))
        await dropper.run(f"put {letter}.csv incoming/")
    await picked_up(sandbox, worker)
    todos = (await sandbox.get(f"{API}/todos?state=open")).json()["data"]

    confirmed = await sandbox.post(f"{API}/imports/{todos[0]['subject_id']}/mapping/confirm", {})
    await worker.work()

    assert confirmed.status == 202, confirmed.body
    assert {item["file"]["name"] for item in todos} == {"A.csv", "B.csv", "C.csv"}
    assert {item["file"]["sender"] for item in todos} == {ids.show("sftp", dropper.login.id)}
    assert len(await references(sandbox)) == 15
    assert await served.names(dropper.login) == {}
    assert (await sandbox.get(f"{API}/todos?state=open")).json()["data"] == []


@pytest.mark.parametrize(
    ("name", "first", "second", "left"),
    [
        pytest.param("debts.csv", b"", SECOND, 1, id="an empty file is replaced"),
        pytest.param("debts.csv.part", FIRST, SECOND, 1, id="a half-done file is replaced"),
        pytest.param("debts.csv", FIRST, FIRST, 2, id="the same bytes are two files"),
        pytest.param("debts.csv", FIRST, b"", 2, id="an empty file replaces none"),
        pytest.param("é" * 100, FIRST, SECOND, 2, id="a long name"),
    ],
)
async def test_what_a_second_file_of_a_name_replaces(
    served: Served, dropper: Client, name: str, first: bytes, second: bytes, left: int
) -> None:
    dropper.file("first.csv", first)
    dropper.file("second.csv", second)

    output = await dropper.run(f"put first.csv incoming/{name}", f"put second.csv incoming/{name}")
    lying = await served.names(dropper.login)
    removed = await dropper.run(*(f"rm incoming/{item}" for item in lying))

    assert output.status == 0, output.text
    assert len(lying) == left
    assert lying[name] == (len(second), "whole")
    assert sum(size for size, _ in lying.values()) == len(second) + (left - 1) * len(first)
    assert removed.status == 0, removed.text


async def test_a_second_file_that_breaks_off_leaves_the_first_to_be_imported(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    await _known_layout(dropper, sandbox, worker)
    dropper.file("debts.csv", SECOND)
    await dropper.run("put debts.csv incoming/")
    folders = sftp_folders(served, dropper)
    broken = await folders.write(place(b"incoming/debts.csv"))
    await broken.write(0, FIRST[:100])
    await broken.close(State.CUT)

    await picked_up(sandbox, worker)

    assert await served.names(dropper.login) == {"debts.csv": (100, "cut")}
    assert len(await references(sandbox)) == 10


async def test_of_two_sessions_that_put_a_name_at_once_both_files_are_there(
    served: Served, dropper: Client
) -> None:
    folders, debts = sftp_folders(served, dropper), place(b"incoming/debts.csv")
    for _ in range(2):
        resource = await asyncio.gather(*(folders.write(debts) for _ in range(2)), return_exceptions=True)
        for upload in resource:
            assert not isinstance(upload, BaseException)
            await upload.write(0, FIRST)
        closed = await asyncio.gather(*(item.close() for item in resource), return_exceptions=True)  # type: ignore[union-attr]
        # Whoever opened a file that is still open wrote in its place, and the other is told.
        assert sum(item is None for item in closed) >= 1

    names = await served.names(dropper.login)
    assert set(names.values()) == {(len(FIRST), "whole")}
    assert len(names) >= 2


async def test_an_erased_debt_takes_the_files_it_came_in_with_it(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    await picked_up(sandbox, worker)
    await confirmed(sandbox, worker)
    debt = (await sandbox.get(f"{API}/debts?limit=1")).json()["data"][0]

    await sandbox.call("DELETE", f"{API}/debts/{debt['id']}")

    assert await served.names(dropper.login, "processed") == {}
    assert await served.names(dropper.login, "reports") == {}


async def test_an_erased_person_takes_along_the_other_files_that_name_them(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    await _known_layout(dropper, sandbox, worker)
    # One row is refused; another file of another layout still waits for a person.
    dropper.file("refused.csv", BAD.encode())
    dropper.file("waiting.csv", GOOD.replace("F-2026", "W-2026").replace("Nom;", "Name;").encode())
    await dropper.run("put refused.csv incoming/", "put waiting.csv incoming/")
    await picked_up(sandbox, worker)
    before = [await served.names(dropper.login, folder) for folder in ("incoming", "processed", "reports")]
    debts = (await sandbox.get(f"{API}/debts?limit=100")).json()["data"]
    (theirs,) = [debt for debt in debts if debt["debtor"]["name"] == "Jean Dupont 2"]

    await sandbox.call("DELETE", f"{API}/debts/{theirs['id']}")
    after = [await served.names(dropper.login, folder) for folder in ("incoming", "processed", "reports")]
    await confirmed(sandbox, worker)

    assert [set(item) for item in before] == [
        {"waiting.csv"},
        {"debts.csv", "refused.csv"},
        {"debts.csv.report.json", "refused.csv.report.json", "refused.csv.rejected.csv"},
    ]
    assert [set(item) for item in after] == [{"waiting.csv"}, set(), set()]
    # The file that waited was imported, and only what is said of it is put back.
    assert await served.names(dropper.login) == await served.names(dropper.login, "processed") == {}
    assert set(await served.names(dropper.login, "reports")) == {"waiting.csv.report.json"}
    assert len(await references(sandbox)) == 5 + 4 - 1 + 5


async def test_what_lay_for_thirty_days_goes(served: Served, dropper: Client) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    database, now = served.state.database, clock.wall()

    await sftp.expire(database, now)
    kept = await served.names(dropper.login)
    await database.pool.execute(
        "UPDATE sftp_files SET written_at = written_at - interval '31 days' WHERE login_id = $1",
        dropper.login.id,
    )
    await sftp.expire(database, now)

    assert set(kept) == {"debts.csv"}
    assert await served.names(dropper.login) == {}
    left = await database.pool.fetchval(
        "SELECT count(*) FROM sftp_chunks WHERE workspace_id = $1", served.workspace.id
    )
    assert left == 0


async def test_a_file_whose_import_waited_in_vain_goes_with_what_the_import_kept(
    served: Served, dropper: Client, sandbox: Site, worker: Worker, installation: Installation
) -> None:
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    await picked_up(sandbox, worker)
    database, now = installation.database, clock.wall()
    await _age(served, "sftp_files", "written_at")

    # Its import may still be confirmed: it was taken some time after the file came.
    await sftp.expire(database, now)
    kept = await served.names(dropper.login)
    await _age(served, "imports", "drop_at")
    await imports.drop_expired(database, installation.vault)
    await sftp.expire(database, now)

    assert {name: state for name, (_, state) in kept.items()} == {"debts.csv": "taken"}
    assert await served.names(dropper.login) == {}
    assert await references(sandbox) == []


@pytest.mark.parametrize(
    ("is_imported", "folder", "expected"), [(True, "processed", "completed"), (False, "rejected", "failed")]
)
async def test_only_what_was_never_handed_over_is_given_up(
    served: Served, dropper: Client, sandbox: Site, worker: Worker, is_imported, folder: str, expected: str
) -> None:
    batch = await _taken(served, dropper, sandbox, worker)
    if is_imported:
        await worker.pick_up._process(batch)
        while await worker._import():
            pass

    await worker.database.pool.execute("UPDATE sftp_files SET crashes = 20 WHERE id = $1", batch.file_id)
    await worker.pick_up._process(replace(batch, crashes=20))

    assert set(await served.names(dropper.login)) == set()
    assert "more.csv" in await served.names(dropper.login, folder)
    await dropper.run("get reports/more.csv.report.json")
    assert json.loads(dropper.got("more.csv.report.json"))["state"] == expected
    assert len(await references(sandbox)) == (10 if is_imported else 5)


async def test_a_worker_that_lost_a_file_leaves_the_reports_and_the_file_to_the_other(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    slow = await _imported(served, dropper, sandbox, worker)
    box = await queries.find_by_id(worker.database, served.workspace, slow.file_id)
    assert box is not None
    rest: list[ClaimedFile | None] = []

    async def report():
        # The lease runs out while this is written, and another worker does it all.
        late = clock.wall() + timedelta(minutes=3)
        rest.append(await pickup.claim_ended(worker.database, worker.workspace_id, late))
        await worker.pick_up._process(rest[0])
        yield b"{}"

    with pytest.raises(FileLeaseLost):
        await ResultWriter(worker.database, served.workspace, slow, box).write(
            {"x": report()}, Folder.REJECTED
        )

    assert await served.names(dropper.login) == {}
    assert await served.names(dropper.login, "rejected") == {}
    assert set(await served.names(dropper.login, "processed")) == {"debts.csv", "more.csv"}
    assert set(await served.names(dropper.login, "reports")) == {
        "debts.csv.report.json",
        "more.csv.report.json",
    }


async def test_a_file_is_kept_for_as_long_as_putting_it_back_takes(
    served: Served, dropper: Client, sandbox: Site, worker: Worker
) -> None:
    batch = await _imported(served, dropper, sandbox, worker)

    async def lease() -> datetime:
        result: datetime = await worker.database.pool.fetchval(
            "SELECT lease_until FROM sftp_files WHERE id = $1", batch.file_id
        )
        return result

    before = await lease()
    async with pickup.renewing_lease(worker.database, batch, every=0.01), asyncio.timeout(10):
        while await lease() <= before:  # noqa: ASYNC110 - the row has no event
            await asyncio.sleep(0.01)
        renewed = await lease()

    assert renewed > before


async def _taken(served: Served, dropper: Client, sandbox: Site, worker: Worker) -> ClaimedFile:
    """Take a file of a layout that is known, before anything is done with it."""
    await _known_layout(dropper, sandbox, worker)
    dropper.file("more.csv", GOOD.replace("F-2026", "H-2026").encode())
    await dropper.run("put more.csv incoming/")
    async with served.state.database.transaction(clock.wall()) as tx:
        await sftp.request_pickup(tx, served.workspace.id, clock.wall())
    now = clock.wall()
    result = await pickup.claim_due(worker.database, served.workspace.id, now, now)
    assert result is not None
    return result


async def _imported(served: Served, dropper: Client, sandbox: Site, worker: Worker) -> ClaimedFile:
    """Take a file whose import is over."""
    first = await _taken(served, dropper, sandbox, worker)
    await worker.pick_up._process(first)
    while await worker._import():
        pass
    result = await pickup.claim_ended(worker.database, served.workspace.id, clock.wall())
    assert result is not None
    return result


async def _known_layout(dropper: Client, sandbox: Site, worker: Worker) -> None:
    """Have five debts imported, and their layout remembered."""
    dropper.file("debts.csv", GOOD.encode())
    await dropper.run("put debts.csv incoming/")
    await picked_up(sandbox, worker)
    await confirmed(sandbox, worker)


async def _age(served: Served, table: str, column: str) -> None:
    """Have a workspace's rows be thirty-one days older."""
    await served.state.database.pool.execute(
        f"UPDATE {table} SET {column} = {column} - interval '31 days' WHERE workspace_id = $1",
        served.workspace.id,
    )


_ENTRIES = "SELECT due_at FROM work WHERE workspace_id = $1 AND kind = 'files'"


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
