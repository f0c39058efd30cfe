"""Whoever was told that a debt is erased finds it erased, whatever dies then and whichever backup comes back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import requests

import make
from calls import Site
from cluster import Cluster
from getbill.kit import ids, json
from getbill.kit.database.transactions import Database
from sealed import API, SealedInstallation, sealed


@pytest.fixture
async def own_installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[SealedInstallation]:
    async with sealed(postgres, tmp_path) as item:
        yield item


async def open_debt(site: Site) -> str:
    answered = await site.post(f"{API}/debts", make.debt())
    assert answered.status == 201, answered.body
    debt_id: str = json.read(answered.body)["id"]
    return debt_id


async def test_an_erasure_is_in_the_journal_when_it_is_answered(own_installation: SealedInstallation) -> None:
    async with own_installation.served() as site:
        debt_id = await open_debt(site)

        answered = await site.call("DELETE", f"{API}/debts/{debt_id}")

    assert answered.status == 200
    assert [json.read(line.encode())["debt_id"] for line in own_installation.lines()] == [
        str(ids.read("debt", debt_id))
    ]
    assert own_installation.journal.stat().st_mode & 0o777 == 0o600


async def test_file_and_folder_are_synced_before_the_answer(
    own_installation: SealedInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_ino)

    async with own_installation.served() as site:
        debt_id = await open_debt(site)
        monkeypatch.setattr(os, "fsync", record)
        await site.call("DELETE", f"{API}/debts/{debt_id}")
        monkeypatch.undo()

    assert synced == [own_installation.journal.stat().st_ino, own_installation.folder.stat().st_ino]


async def test_nothing_in_the_database_says_the_reference_of_an_erased_debt(
    own_installation: SealedInstallation,
) -> None:
    reference, once = "F-PLAIN-4711", {"Idempotency_Key": "once"}
    async with own_installation.served() as site:
        debt = await site.post(f"{API}/debts", make.debt(reference=reference), **once)
        debt_id = json.read(debt.body)["id"]
        await site.post(f"{API}/debts", make.debt(reference=reference, amount=7), Idempotency_Key="other")
        for path in (f"debts?reference={reference}", f"debts/{reference}", f"{reference}/debts"):
            await site.get(f"{API}/{path}")
        await site.call("PUT", f"{API}/debts/{debt_id}", body=json.write({"reference": f"{reference}-B"}))
        await site.call("PUT", f"{API}/debts/{debt_id}", body=json.write({"reference": reference}))

        assert (await site.call("DELETE", f"{API}/debts/{debt_id}")).status == 200
        again = await site.post(f"{API}/debts", make.debt(reference="another"))
        await site.app.state.auth.log.flush()

        output = await everything(site.app.state.database)
    assert again.status == 201
    assert "another" in output
    assert reference not in output


async def everything(database: Database) -> str:
    """Return what stands in every row of every table."""
    tables = await database.pool.fetch(
        "SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    rows = [
        row["row"]
        for table in tables
        for row in await database.pool.fetch(f"SELECT t::text AS row FROM {table['name']} t")
    ]
    return " ".join(rows)


async def test_erasures_at_the_same_moment_are_all_in_the_journal(
    own_installation: SealedInstallation,
) -> None:
    async with own_installation.served() as site:
        debts = [await open_debt(site) for _ in range(8)]

        answers = await asyncio.gather(*(site.call("DELETE", f"{API}/debts/{debt}") for debt in debts))

    assert [answered.status for answered in answers] == [200] * 8
    assert len(own_installation.lines()) == 8


async def test_what_was_refused_is_not_in_the_journal(own_installation: SealedInstallation) -> None:
    async with own_installation.served() as site:
        debt_id = await open_debt(site)

        older = await site.call("DELETE", f"{API}/debts/{debt_id}", headers={"If-Match": '"1-older"'})
        unknown = await site.call("DELETE", f"{API}/debts/{ids.show('debt', ids.new())}")

    assert (older.status, unknown.status) == (412, 404)
    assert own_installation.lines() == []


async def test_a_backup_from_before_an_erasure_brings_nobody_back_to_an_api_without_a_worker(
    own_installation: SealedInstallation,
) -> None:
    async with own_installation.served() as site:
        gone, stays = await open_debt(site), await open_debt(site)
    await own_installation.back_up()
    async with own_installation.served() as site:
        assert (await site.call("DELETE", f"{API}/debts/{gone}")).status == 200

    await own_installation.restore()

    async with own_installation.served() as site:
        assert (await site.get(f"{API}/debts/{gone}")).status == 404
        assert (await site.get(f"{API}/debts/{stays}")).status == 200


@pytest.mark.parametrize(
    ("point", "lines_left"), [("debts.erased", 0), ("debts.journaled", 1)], ids=["before", "after"]
)
async def test_an_api_that_dies_at_an_erasure_leaves_it_to_the_next_start(
    own_installation: SealedInstallation, point: str, lines_left: int
) -> None:
    async with own_installation.served() as site:
        debt_id = await open_debt(site)

    with own_installation.process("api", GETBILL_CRASH_AT=point, GETBILL_TEST_CRASHES="1") as api:
        await own_installation.answers(api)
        with pytest.raises(requests.ConnectionError):
            await own_installation.call("DELETE", f"/debts/{debt_id}")
        assert api.wait(20) == -signal.SIGKILL
    assert len(own_installation.lines()) == lines_left

    async with own_installation.served() as site:
        assert len(own_installation.lines()) == 1
        assert (await site.get(f"{API}/debts/{debt_id}")).status == 404


async def test_a_journal_that_cannot_be_written_is_a_503_and_the_repeated_request_writes_it(
    own_installation: SealedInstallation,
) -> None:
    async with own_installation.served() as site:
        debt_id = await open_debt(site)
        own_installation.journal.unlink(missing_ok=True)
        own_installation.journal.mkdir()

        refused = await site.call("DELETE", f"{API}/debts/{debt_id}")
        own_installation.journal.rmdir()
        repeated = await site.call("DELETE", f"{API}/debts/{debt_id}")

    assert (refused.status, refused.json()["type"]) == (503, "/problems/erasure-not-journaled")
    assert repeated.status == 404
    assert len(own_installation.lines()) == 1
