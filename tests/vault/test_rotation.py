"""The master key is rotated while everything runs, and what was erased cannot be opened once its time is over."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import make
from calls import Site
from cluster import Cluster
from getbill import vault
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Database
from getbill.vault import Key, KeyFile, MasterKeyRotation, MasterKeyWrong, Vault, Version, Versions
from sealed import API, DAYS, SealedInstallation, pass_days, sealed

_HOLDER = "INSERT INTO vault_holders VALUES ($1, $2, $3, $4, now())"


@pytest.fixture
async def own_installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[SealedInstallation]:
    async with sealed(postgres, tmp_path) as item:
        yield item


@pytest.fixture
async def database(own_installation: SealedInstallation) -> AsyncIterator[Database]:
    async with own_installation.opened() as resource:
        yield resource


@pytest.fixture
async def unlocked(own_installation: SealedInstallation, database: Database) -> Vault:
    return await vault.unlock(database, None, own_installation.key_file)


@pytest.fixture
def rotation(own_installation: SealedInstallation, database: Database, unlocked: Vault) -> MasterKeyRotation:
    return MasterKeyRotation(database, unlocked, KeyFile(own_installation.key_file), DAYS)


async def open_debts(site: Site, number: int) -> list[str]:
    answers = [await site.post(f"{API}/debts", make.debt()) for _ in range(number)]
    assert {answered.status for answered in answers} == {201}
    return [json.read(answered.body)["id"] for answered in answers]


async def fill(database: Database, own_installation: SealedInstallation, number: int) -> None:
    """Have many keys, of subjects that nobody asks for."""
    unlocked = await vault.unlock(database, None, own_installation.key_file)
    workspace_id = await database.pool.fetchval("SELECT workspace_id FROM workspaces LIMIT 1")
    subjects = [ids.new() for _ in range(number)]
    rows = [(workspace_id, item, unlocked.wrap(Key.new(), workspace_id, item)) for item in subjects]
    await database.pool.copy_records_to_table("vault_keys", records=rows)


async def wrapped_by(database: Database) -> set[str]:
    rows = await database.pool.fetch(
        "SELECT DISTINCT encode(substr(wrapped, 2, 8), 'hex') AS id FROM vault_keys"
    )
    return {row["id"] for row in rows}


async def test_a_master_key_is_rotated_when_it_is_due_and_its_former_version_destroyed_when_that_is(
    own_installation: SealedInstallation, database: Database, rotation: MasterKeyRotation
) -> None:
    async with own_installation.served() as site:
        debts = await open_debts(site, 3)
    first = KeyFile(own_installation.key_file).read().current

    await rotation.run_due()
    pass_days(own_installation.key_file, 5.01)
    await rotation.run_due()
    second = KeyFile(own_installation.key_file).read()
    pass_days(own_installation.key_file, 24.9)
    await rotation.run_due()
    third = KeyFile(own_installation.key_file).read()
    pass_days(own_installation.key_file, 0.2)
    await rotation.run_due()
    fourth = KeyFile(own_installation.key_file).read()

    assert [item.key.id for item in second.replaced] == [first.key.id]
    # In use for five days each: another one came meanwhile.
    assert [item.key.id for item in third.replaced] == [second.current.key.id, first.key.id]
    assert [item.key.id for item in fourth.replaced] == [second.current.key.id]
    assert [item.hex_id for item in fourth.destroyed] == [first.hex_id]
    assert await wrapped_by(database) == {fourth.current.hex_id}
    async with own_installation.served() as site:
        assert {(await site.get(f"{API}/debts/{debt}")).status for debt in debts} == {200}


async def test_a_new_version_wraps_nothing_before_every_process_can_open_it(
    own_installation: SealedInstallation, database: Database, rotation: MasterKeyRotation
) -> None:
    first = KeyFile(own_installation.key_file).read().current.hex_id
    process_id = ids.new()
    await database.pool.execute(_HOLDER, process_id, "api", [first], first)

    await rotation.announce(at_once=True)
    waiting = await rotation.promote()
    announced = KeyFile(own_installation.key_file).read()
    assert announced.next is not None
    await database.pool.execute(
        "UPDATE vault_holders SET key_ids = key_ids || $1::text", announced.next.hex_id
    )
    done = await rotation.promote()

    assert (waiting, done) == (["api"], [])
    assert announced.current.hex_id == first
    assert KeyFile(own_installation.key_file).read().current.hex_id == announced.next.hex_id


async def test_a_version_is_not_destroyed_while_a_process_still_wraps_with_it(
    own_installation: SealedInstallation, database: Database, rotation: MasterKeyRotation
) -> None:
    first = KeyFile(own_installation.key_file).read().current.hex_id
    await rotation.announce(at_once=True)
    await rotation.promote()
    await rotation.rewrap()
    pass_days(own_installation.key_file, 26)
    second = KeyFile(own_installation.key_file).read().current.hex_id
    await database.pool.execute(_HOLDER, ids.new(), "api", [first, second], first)

    kept = await rotation.destroy()
    await database.pool.execute("UPDATE vault_holders SET current_id = $1", second)
    gone = await rotation.destroy()

    assert kept == []
    assert [item.hex_id for item in gone] == [first]


async def test_what_a_slow_change_wrapped_with_the_former_version_is_rewrapped_before_that_is_destroyed(
    own_installation: SealedInstallation, database: Database, rotation: MasterKeyRotation
) -> None:
    async with own_installation.served() as site:
        await open_debts(site, 1)
    before = await database.pool.fetchrow("SELECT * FROM vault_keys LIMIT 1")
    await rotation.announce(at_once=True)
    await rotation.promote()
    await rotation.rewrap()
    await database.pool.execute(
        "UPDATE vault_keys SET wrapped = $1 WHERE subject_id = $2", before["wrapped"], before["subject_id"]
    )
    pass_days(own_installation.key_file, 26)

    gone = await rotation.destroy()

    assert len(gone) == 1
    assert await wrapped_by(database) == {KeyFile(own_installation.key_file).read().current.hex_id}


async def test_a_key_that_nothing_opens_holds_up_neither_rotation_nor_destruction(
    own_installation: SealedInstallation, database: Database, rotation: MasterKeyRotation
) -> None:
    async with own_installation.served() as site:
        (debt_id,) = await open_debts(site, 1)
    await database.pool.execute(
        "UPDATE vault_keys SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE subject_id = $1",
        ids.read("debt", debt_id),
    )

    await rotation.announce(at_once=True)
    await rotation.promote()
    moved = await rotation.rewrap()
    pass_days(own_installation.key_file, 26)
    gone = await rotation.destroy()

    assert (moved, len(gone)) == (1, 1)


async def test_keys_that_somebody_holds_are_rewrapped_in_the_next_round(
    own_installation: SealedInstallation, database: Database, rotation: MasterKeyRotation
) -> None:
    async with own_installation.served() as site:
        (debt_id,) = await open_debts(site, 1)
    await rotation.announce(at_once=True)
    await rotation.promote()

    async with database.pool.acquire() as other, other.transaction():
        await other.execute(
            "SELECT FROM vault_keys WHERE subject_id = $1 FOR UPDATE", ids.read("debt", debt_id)
        )
        waiting = await rotation.rewrap()
        between = len(await wrapped_by(database))
    second = await rotation.rewrap()

    assert (waiting, between, second) == (None, 2, 1)
    assert len(await wrapped_by(database)) == 1


def test_the_destroyed_version_is_overwritten_where_it_lay(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "master.key")
    old, new = Version(Key.new()), Version(Key.new())
    file.write(Versions(new, None, (old,)))
    with file.path.open("rb") as resource:
        file.destroy(file.read().without([old], clock.wall()))
        resource.seek(0)
        lay = resource.read()

    assert set(lay) == {0}
    assert file.keys()[0].secret == new.key.secret
    assert len(file.keys()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "point",
    ["vault.announced", "vault.promoted", "vault.rewrapped:2", "vault.registered"],
)
async def test_a_rotation_that_is_killed_anywhere_goes_on_with_the_next_call(
    own_installation: SealedInstallation, database: Database, point: str
) -> None:
    async with own_installation.served() as site:
        debts = await open_debts(site, 2)
    first = KeyFile(own_installation.key_file).read().current.hex_id
    await fill(database, own_installation, 600)

    with own_installation.process(
        "vault", "rotate", GETBILL_CRASH_AT=point, GETBILL_TEST_CRASHES="1"
    ) as killed:
        assert await asyncio.to_thread(killed.wait, 60) == -signal.SIGKILL
    async with own_installation.served() as site:
        assert {(await site.get(f"{API}/debts/{debt}")).status for debt in debts} == {200}
    await own_installation.command("vault", "rotate")

    versions = KeyFile(own_installation.key_file).read()
    assert await wrapped_by(database) == {versions.current.hex_id}
    assert first in {item.hex_id for item in versions.replaced}
    assert versions.next is None
    async with own_installation.served() as site:
        assert {(await site.get(f"{API}/debts/{debt}")).status for debt in debts} == {200}


async def test_a_destruction_that_is_killed_half_way_is_finished(
    own_installation: SealedInstallation, database: Database
) -> None:
    rotation = MasterKeyRotation(
        database,
        await vault.unlock(database, None, own_installation.key_file),
        KeyFile(own_installation.key_file),
        DAYS,
    )
    await rotation.announce(at_once=True)
    await rotation.promote()
    await rotation.rewrap()
    pass_days(own_installation.key_file, 1)
    old = KeyFile(own_installation.key_file).read().replaced[0]

    crash = {"GETBILL_CRASH_AT": "vault.destroying", "GETBILL_TEST_CRASHES": "1"}
    with own_installation.process("vault", "destroy", **crash) as killed:
        assert await asyncio.to_thread(killed.wait, 60) == -signal.SIGKILL
    left = own_installation.folder / "master.key.old"
    assert left.exists()
    await rotation.run_due()

    assert not left.exists()
    assert old.hex_id not in {item.hex_id for item in KeyFile(own_installation.key_file).read().openable}


async def test_a_backup_younger_than_the_days_restores_across_a_rotation_and_an_older_one_does_not(
    own_installation: SealedInstallation,
) -> None:
    async with own_installation.served() as site:
        gone, stays = await open_debts(site, 2)
    await own_installation.back_up()
    async with own_installation.opened() as database:
        rotation = MasterKeyRotation(
            database,
            await vault.unlock(database, None, own_installation.key_file),
            KeyFile(own_installation.key_file),
            DAYS,
        )
        await rotation.announce(at_once=True)
        await rotation.promote()
        await rotation.rewrap()
    async with own_installation.served() as site:
        assert (await site.call("DELETE", f"{API}/debts/{gone}")).status == 200

    await own_installation.restore()
    async with own_installation.served() as site:
        assert (await site.get(f"{API}/debts/{gone}")).status == 404
        assert (await site.get(f"{API}/debts/{stays}")).status == 200
        (new,) = await open_debts(site, 1)
    async with own_installation.opened() as database:
        rotation = MasterKeyRotation(
            database,
            await vault.unlock(database, None, own_installation.key_file),
            KeyFile(own_installation.key_file),
            DAYS,
        )
        await rotation.run_due()
        assert len(await wrapped_by(database)) == 1
        pass_days(own_installation.key_file, 26)
        await rotation.run_due()
    async with own_installation.served() as site:
        assert {(await site.get(f"{API}/debts/{item}")).status for item in (stays, new)} == {200}

    await own_installation.restore()
    with pytest.raises(MasterKeyWrong, match=r"was destroyed on .* restore a newer backup"):
        async with own_installation.served():
            pass


async def test_readers_and_writers_do_not_notice_a_rotation(own_installation: SealedInstallation) -> None:
    async with own_installation.served() as site:
        await open_debts(site, 1)
    async with own_installation.opened() as database:
        await fill(database, own_installation, 2_000)
    with own_installation.process("api") as api:
        await own_installation.answers(api)
        statuses: list[int] = []
        debts: list[str] = []
        rotated = asyncio.Event()

        async def work() -> None:
            rounds_after = 0
            while rounds_after < 5:
                rounds_after += rotated.is_set()
                debt = await own_installation.call("POST", "/debts", json=make.debt())
                debts.append(debt.json().get("id"))
                read = await own_installation.call("GET", f"/debts/{debts[len(debts) // 2]}")
                statuses.extend((debt.status_code, read.status_code))

        workers = [asyncio.create_task(work()) for _ in range(3)]
        await own_installation.command("vault", "rotate")
        rotated.set()
        await asyncio.gather(*workers)

    assert set(statuses) == {200, 201}
    async with own_installation.opened() as database:
        assert await wrapped_by(database) == {KeyFile(own_installation.key_file).read().current.hex_id}


async def test_a_worker_rotates_by_itself_and_an_api_follows(
    own_installation: SealedInstallation, database: Database
) -> None:
    async with own_installation.served() as site:
        (debt_id,) = await open_debts(site, 1)
    versions = KeyFile(own_installation.key_file).read().dated(clock.wall() - timedelta(days=6))
    KeyFile(own_installation.key_file).write(versions)

    with own_installation.process("api") as api, own_installation.process("worker"):
        await own_installation.answers(api)
        async with asyncio.timeout(60):
            while await wrapped_by(database) == {versions.current.hex_id}:  # noqa: ASYNC110 - processes tell nobody
                await asyncio.sleep(0.05)
        read = await own_installation.call("GET", f"/debts/{debt_id}")
        debt = await own_installation.call("POST", "/debts", json=make.debt())

    assert (read.status_code, debt.status_code) == (200, 201)
    assert KeyFile(own_installation.key_file).read().replaced[0].key.id == versions.current.key.id


async def test_upkeep_vacuums_what_was_destroyed_however_little_it_is(
    own_installation: SealedInstallation, database: Database
) -> None:
    async with own_installation.served() as site:
        (debt_id,) = await open_debts(site, 1)
        assert (await site.call("DELETE", f"{API}/debts/{debt_id}")).status == 200
    before = await table_bytes(database)

    await vault.vacuum_keys(database)

    after = await table_bytes(database)
    assert before > after == 0


async def table_bytes(database: Database) -> int:
    """Return the size of the table of keys; a vacuumed one without rows has no pages."""
    size: int = await database.pool.fetchval("SELECT pg_relation_size('vault_keys')")
    return size


async def test_key_tables_are_vacuumed_after_a_few_dead_rows_by_the_partition_too(database: Database) -> None:
    rows: list[Any] = await database.pool.fetch(
        """
        SELECT c.relname, c.reloptions FROM pg_class c WHERE c.relkind = 'r' AND c.oid IN (
            SELECT relid FROM pg_partition_tree('vault_keys')
            UNION ALL SELECT relid FROM pg_partition_tree('vault_master') UNION ALL SELECT 'vault_keys'::regclass
            UNION ALL SELECT 'vault_master'::regclass)
        """
    )

    assert {row["relname"] for row in rows} >= {"vault_keys", "vault_master"}
    for row in rows:
        options = dict(item.split("=") for item in row["reloptions"] or ())
        assert float(options["autovacuum_vacuum_scale_factor"]) == 0, row["relname"]
        assert int(options["autovacuum_vacuum_threshold"]) <= 50, row["relname"]


async def test_a_kept_answer_is_replayed_across_a_rotation_and_never_carried_out_again_after_it(
    own_installation: SealedInstallation,
) -> None:
    body, once = make.debt(), {"Idempotency_Key": "once"}
    async with own_installation.served() as site:
        debt = await site.post(f"{API}/debts", body, **once)
        rotation = MasterKeyRotation(
            site.app.state.database, site.app.state.vault, KeyFile(own_installation.key_file), DAYS
        )
        await rotation.announce(at_once=True)
        site.app.state.vault.refresh()
        await site.app.state.database.pool.execute("DELETE FROM vault_holders")
        await rotation.promote()
        await rotation.rewrap()

        replayed = await site.post(f"{API}/debts", body, **once)
        pass_days(own_installation.key_file, 26)
        await rotation.destroy()
    async with own_installation.served() as site:
        gone = await site.post(f"{API}/debts", body, **once)

    assert (replayed.status, replayed.body) == (201, debt.body)
    assert (gone.status, gone.json()["type"]) == (409, "/problems/idempotency-answer-gone")
