"""The master key's life, on a real database."""

import pytest

from getbill import companies, vault
from getbill.kit import ids
from getbill.kit.database.transactions import open_database
from getbill.migrations.actions import migrate


async def no_edge(_tx) -> None:
    """Nothing follows from what these tests write."""


@pytest.fixture
async def database(empty_dsn):
    await migrate(empty_dsn)
    database = await open_database(empty_dsn, no_edge, size=2)
    yield database
    await database.close()


async def test_the_first_start_makes_a_key_and_the_second_finds_it(database, tmp_path) -> None:
    path = tmp_path / "master.key"

    first = await vault.unlock(database, None, path, may_make=True)
    second = await vault.unlock(database, None, path)

    assert first.current.id == second.current.id
    assert second.open(first.seal(b"secret", b"place"), b"place") == b"secret"


async def test_a_start_without_any_key_is_refused(database, tmp_path) -> None:
    with pytest.raises(vault.MasterKeyMissing, match="There is no master key"):
        await vault.unlock(database, None, tmp_path / "master.key")

    assert not (tmp_path / "master.key").exists()


async def test_a_lost_key_is_not_replaced_by_a_new_one(database, tmp_path) -> None:
    path = tmp_path / "master.key"
    await vault.unlock(database, None, path, may_make=True)
    path.unlink()

    with pytest.raises(vault.MasterKeyMissing, match="which is missing"):
        await vault.unlock(database, None, path, may_make=True)

    assert not path.exists()


async def test_a_start_with_another_key_is_refused(database, tmp_path) -> None:
    await vault.unlock(database, None, tmp_path / "master.key", may_make=True)
    vault.write_master_keys(tmp_path / "other.key", [vault.Key.new()])

    with pytest.raises(vault.MasterKeyWrong, match="Provide the right key"):
        await vault.unlock(database, None, tmp_path / "other.key")


async def test_a_rotation_rewraps_every_key_and_the_old_one_can_go(database, tmp_path) -> None:
    path = tmp_path / "master.key"
    old = await vault.unlock(database, None, path, may_make=True)
    founded = await companies.create(database, old, "Acme")
    subject_id = ids.new()
    async with database.transaction(
        old_now := (await companies.workspace(database, old, founded.live_id)).now()
    ) as tx:
        key = vault.make_key(tx, old, founded.live_id, subject_id)
    assert old_now.tzinfo is not None

    new = vault.Key.new()
    vault.write_master_keys(path, [new, old.current])
    rewrapped = await vault.rotate(database, await vault.unlock(database, None, path))
    vault.write_master_keys(path, [new])

    reopened = await vault.unlock(database, None, path)
    row = await database.pool.fetchrow("SELECT wrapped FROM vault_keys WHERE subject_id = $1", subject_id)
    assert rewrapped == 1
    assert reopened.current.id == new.id
    assert reopened.unwrap(row["wrapped"], founded.live_id, subject_id).secret == key.secret
    # What the installation sealed for itself opens too: the company's look-up key.
    assert (await companies.workspace(database, reopened, founded.live_id)).company.name == "Acme"
