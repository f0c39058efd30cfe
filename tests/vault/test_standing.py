"""How the master key stands is told by `vault status` and, where a person has to do something, by `/readyz`."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import make
from cluster import Cluster
from getbill import health, vault
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database, Statement
from getbill.vault import Key, KeyFile, MasterKeyRotation, MasterKeyWrong, Vault, master_key_status
from installation import Installation, open_installation
from sealed import DAYS, SealedInstallation, pass_days, sealed

_ERASE = "INSERT INTO erasures VALUES ((SELECT workspace_id FROM workspaces LIMIT 1), $1, 'debt', $2)"


@pytest.fixture
async def own_installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[SealedInstallation]:
    async with sealed(postgres, tmp_path) as item:
        yield item


@pytest.fixture
async def database(own_installation: SealedInstallation) -> AsyncIterator[Database]:
    async with own_installation.opened() as resource:
        yield resource


@pytest.fixture
async def env_installation(postgres: Cluster, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation whose master key is in the environment, ready."""
    async with open_installation(postgres, "env_installation", tmp_path) as installation:
        await make.company(installation.database, installation.vault)
        beating = asyncio.create_task(health.beat(installation.database))
        while (await installation.site.get("/readyz")).status != 200:  # noqa: ASYNC110 - the beat is its own task
            await asyncio.sleep(0)
        yield installation
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def ready(installation: Installation) -> dict[str, dict[str, object]]:
    answered = await installation.site.get("/readyz")
    assert answered.status == 200
    parts: dict[str, dict[str, object]] = answered.json()["parts"]
    return parts


async def let_pass(database: Database, days: float) -> None:
    """Have the master key and every erasure be so many days older."""
    for table, column in (("vault_master", "created_at"), ("erasures", "erased_at")):
        await database.pool.execute(
            f"UPDATE {table} SET {column} = {column} - $1 * interval '1 day'", float(days)
        )


async def test_where_the_key_is_in_the_environment_a_rotation_is_due_after_the_first_erasure(
    env_installation: Installation,
) -> None:
    await let_pass(env_installation.database, 100)
    nobody_erased = await ready(env_installation)
    erased_at = clock.wall()
    await env_installation.database.pool.execute(_ERASE, ids.new(), erased_at)
    just_erased = await ready(env_installation)
    await let_pass(env_installation.database, 6)

    due = await ready(env_installation)

    assert "master_key" not in nobody_erased
    assert "master_key" not in just_erased
    now = await master_key_status(env_installation.database, env_installation.vault, DAYS)
    assert now.due_since is not None
    assert due["master_key"]["is_ready"] is True
    output = f"The rotation of the master key in GETBILL_MASTER_KEY has been due since {now.due_since:%Y-%m-%d %H:%M} UTC"
    assert str(due["master_key"]["way_out"]).startswith(output)


async def test_a_replaced_key_is_due_to_leave_the_environment(env_installation: Installation) -> None:
    await env_installation.database.pool.execute(_ERASE, ids.new(), clock.wall())
    await let_pass(env_installation.database, 40)
    both = Vault([Key.new(), env_installation.vault.current], await installation_key(env_installation))

    await vault.rotate(env_installation.database, both)
    rotated = await master_key_status(env_installation.database, both, DAYS)
    await let_pass(env_installation.database, 25)
    due = await master_key_status(env_installation.database, both, DAYS)

    assert (rotated.notice, rotated.due_since) == (None, None)
    assert due.notice is not None
    assert f"remove {env_installation.vault.current.id.hex()} from GETBILL_MASTER_KEY" in due.notice


async def test_a_key_that_is_to_come_is_not_taken_for_a_replaced_one(env_installation: Installation) -> None:
    coming = Vault([env_installation.vault.current, Key.new()], await installation_key(env_installation))
    await let_pass(env_installation.database, 60)

    assert (await master_key_status(env_installation.database, coming, DAYS)).notice is None


async def test_a_new_key_in_front_asks_for_the_rewrap(env_installation: Installation) -> None:
    new = Vault([Key.new(), env_installation.vault.current], await installation_key(env_installation))

    notice = (await master_key_status(env_installation.database, new, DAYS)).notice

    assert notice is not None
    assert notice.endswith("run `getbill vault rewrap`.")


async def installation_key(installation: Installation) -> Key:
    wrapped = await installation.database.pool.fetchval(
        "SELECT installation_key FROM vault_master WHERE is_current"
    )
    return installation.vault.unwrap_installation(wrapped)


async def test_a_process_that_does_not_see_the_next_key_is_named_once_the_rotation_is_late(
    own_installation: SealedInstallation, database: Database
) -> None:
    unlocked = await vault.unlock(database, None, own_installation.key_file)
    rotation = vault.MasterKeyRotation(database, unlocked, KeyFile(own_installation.key_file), DAYS)
    await rotation.run_due()
    pass_days(own_installation.key_file, 5.01)
    await database.pool.execute(
        "INSERT INTO vault_holders VALUES ($1, 'sftp', $2, $3, now())", ids.new(), ["0" * 16], "0" * 16
    )

    await rotation.run_due()
    now = await master_key_status(database, unlocked, DAYS)

    assert now.lacking == ("sftp",)
    assert now.notice is not None
    assert "1 processes (sftp) do not have the new key" in now.notice


async def test_status_says_which_backups_open_and_until_when(
    own_installation: SealedInstallation, database: Database
) -> None:
    rotation = vault.MasterKeyRotation(
        database,
        await vault.unlock(database, None, own_installation.key_file),
        KeyFile(own_installation.key_file),
        DAYS,
    )
    await rotation.announce(at_once=True)
    await rotation.promote()
    await rotation.rewrap()
    versions = KeyFile(own_installation.key_file).read()

    plain = await own_installation.command("vault", "status")
    members = json.loads(await own_installation.command("vault", "status", "--json"))

    assert (
        f"encrypted under the master key {versions.current.hex_id}, in {own_installation.key_file}" in plain
    )
    assert (
        f"can be opened with the master key {versions.replaced[0].hex_id} until it is destroyed after"
        in plain
    )
    assert (
        "cannot be recovered from any backup after 30 days (GETBILL_ERASURE_DAYS); older backups cannot be opened."
        in plain
    )
    assert members["key_id"] == versions.current.hex_id
    assert [item["key_id"] for item in members["kept"]] == [versions.replaced[0].hex_id]
    assert base64.b64encode(versions.current.key.secret).decode() not in plain


async def test_two_databases_do_not_share_a_key_file(
    postgres: Cluster, own_installation: SealedInstallation, database: Database, tmp_path: Path
) -> None:
    unlocked = await vault.unlock(database, None, own_installation.key_file)
    await MasterKeyRotation(database, unlocked, KeyFile(own_installation.key_file), DAYS).run_due()
    batch = own_installation.key_file.read_bytes()
    async with sealed(postgres, tmp_path / "other") as other, other.opened() as resource:
        await resource.execute(
            Statement("test.new", "As before its first start.", "DELETE FROM vault_master")
        )
        with pytest.raises(MasterKeyWrong, match="belongs to another database"):
            await vault.unlock(resource, None, own_installation.key_file, may_make=True)
        mine = await vault.unlock(resource, None, other.key_file)
        rotation = MasterKeyRotation(resource, mine, KeyFile(other.key_file), DAYS)
        await rotation.run_due()
        own = other.key_file.read_bytes()

        # As where both name one file while they run.
        other.key_file.write_bytes(batch)
        pass_days(other.key_file, 5.01)
        shared = other.key_file.read_bytes()
        await rotation.run_due()
        notice = (await master_key_status(resource, mine, DAYS)).notice
        with pytest.raises(MasterKeyWrong, match="belongs to another database"):
            await rotation.announce(at_once=True)
        with pytest.raises(MasterKeyWrong, match="belongs to another database"):
            await vault.unlock(resource, None, other.key_file)

        assert own != batch
        assert other.key_file.read_bytes() == shared
        assert notice is not None
        assert "belongs to another database" in notice
        # The way out: a copy without the line.
        other.key_file.write_text(shared.decode().replace("# installation", "# was of"))
        await vault.unlock(resource, None, other.key_file)
    # Its own database goes on.
    assert (
        await vault.unlock(database, None, own_installation.key_file)
    ).installation_id == unlocked.installation_id
