"""Destroyed keys are found in the server's own files until the master key they were wrapped under is destroyed."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import make
from getbill import vault
from getbill.kit import ids
from getbill.kit.database.transactions import Database
from getbill.vault import Key, KeyFile, MasterKeyRotation, Vault
from sealed import API, DAYS, SealedInstallation, pass_days, sealed_apart


@pytest.fixture
async def own_installation() -> AsyncIterator[SealedInstallation]:
    folder = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    async with sealed_apart(folder) as item:
        yield item
    shutil.rmtree(folder)


@pytest.fixture
async def database(own_installation: SealedInstallation) -> AsyncIterator[Database]:
    async with own_installation.opened() as resource:
        yield resource


async def erased(own_installation: SealedInstallation, number: int) -> list[str]:
    """Open debts and erase them, each with its debtor; return them."""
    debts = []
    async with own_installation.served() as site:
        for count in range(number):
            debtor = {"name": f"Jean Dupont {count}", "email": f"jean{count}@example.com"}
            debt = await site.post(f"{API}/debts", make.debt(debtor=debtor))
            assert debt.status == 201, debt.body
            debts.append(debt.json()["id"])
            assert (await site.call("DELETE", f"{API}/debts/{debts[-1]}")).status == 200
        await site.post(f"{API}/debts", make.debt())
    return debts


async def unlock(own_installation: SealedInstallation, database: Database) -> Vault:
    return await vault.unlock(database, None, own_installation.key_file)


async def rotate(own_installation: SealedInstallation, database: Database) -> None:
    rotation = MasterKeyRotation(
        database, await unlock(own_installation, database), KeyFile(own_installation.key_file), DAYS
    )
    await rotation.announce(at_once=True)
    assert await rotation.promote() == []
    assert await rotation.rewrap() is not None


async def test_destroyed_keys_open_until_their_master_key_is_destroyed(
    own_installation: SealedInstallation, database: Database
) -> None:
    debts = await erased(own_installation, 3)

    before = await vault.find_residue(database, (await unlock(own_installation, database)).masters)
    await rotate(own_installation, database)
    between = await vault.find_residue(database, (await unlock(own_installation, database)).masters)
    pass_days(own_installation.key_file, 26)
    await MasterKeyRotation(
        database, await unlock(own_installation, database), KeyFile(own_installation.key_file), DAYS
    ).run_due()
    after = await vault.find_residue(database, (await unlock(own_installation, database)).masters)

    subjects = {subject_id for _, subject_id in before.openable}
    assert subjects >= {ids.read("debt", debt) for debt in debts}
    # Each debt's key and its debtor's; not those of the debt that stands.
    assert len(before.openable) == len(between.openable) == 6
    assert len(before.in_log) == 6
    assert len(before.in_rows) > 0
    assert (len(after.openable), after.unmatched, after.masters) == (0, 0, 2)


async def test_a_key_that_was_rewrapped_before_it_was_destroyed_is_found_in_the_log(
    own_installation: SealedInstallation, database: Database
) -> None:
    async with own_installation.served() as site:
        debt = await site.post(f"{API}/debts", make.debt())
    await rotate(own_installation, database)
    async with own_installation.served() as site:
        await site.call("DELETE", f"{API}/debts/{debt.json()['id']}")
    newest = KeyFile(own_installation.key_file).read().current.key

    residue = await vault.find_residue(database, [newest])

    # What the log of an update leaves out is found again by whom it belongs to.
    assert len(residue.in_log) == 2


async def test_nothing_opens_with_a_master_key_that_wrapped_nothing(
    own_installation: SealedInstallation, database: Database
) -> None:
    await erased(own_installation, 1)

    residue = await vault.find_residue(database, [Key.new()])

    assert len(residue.openable) == 0
    assert residue.bytes_read > 1_000_000


async def test_the_command_counts_them_and_tries_the_keys_of_a_backup_too(
    own_installation: SealedInstallation,
) -> None:
    await erased(own_installation, 1)
    kept = own_installation.folder / "kept.key"
    kept.write_bytes(own_installation.key_file.read_bytes())
    async with own_installation.opened() as database:
        await rotate(own_installation, database)
    pass_days(own_installation.key_file, 26)

    first = await own_installation.command("vault", "residue")
    destroyed = await own_installation.command("vault", "destroy")
    second = await own_installation.command("vault", "residue")
    with_backup = json.loads(
        await own_installation.command("vault", "residue", "--json", "--keys", str(kept))
    )

    assert first.startswith("Destroyed keys that can still be opened: 2 (")
    assert destroyed == "1 master keys destroyed.\n"
    assert second.startswith("Destroyed keys that can still be opened: 0 (0 in")
    assert (with_backup["openable"], with_backup["master_keys"]) == (2, 2)


async def test_a_role_that_may_not_read_the_servers_files_is_told_so(
    own_installation: SealedInstallation, database: Database
) -> None:
    role = f"reader_{ids.new().hex}"
    await database.pool.execute(f"CREATE ROLE {role}")
    await database.pool.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        async with own_installation.opened(role=role) as other:
            with pytest.raises(vault.ServerFilesClosed, match="pg_read_server_files"):
                await vault.find_residue(other, [Key.new()])
    finally:
        await database.pool.execute(f"DROP OWNED BY {role}")
        await database.pool.execute(f"DROP ROLE {role}")
