"""`getbill vault`: the master key that all personal data hangs on.

`status` says which key seals the database; `rotate` makes a new one and rewraps every key under it. A rotation that
is killed anywhere is finished by calling it again: until its end the file holds both keys.
"""

import asyncio

import typer

from getbill import reactions
from getbill import vault as vaults
from getbill.commands import database
from getbill.kit.db import open_database
from getbill.kit.stops import CannotRun
from getbill.settings import Settings
from getbill.vault import Key, Vault

vault = typer.Typer(no_args_is_help=True, help="The master key that seals personal data.")


class KeyIsInTheEnvironment(CannotRun):
    """The master key is not ours to write."""


@vault.command()
def status() -> None:
    """Say which master key seals the database."""
    settings = Settings()
    with database.reached(settings) as dsn:
        opened = asyncio.run(_unlock(settings, dsn))
    typer.echo(f"The database is sealed under the master key {opened.current.id.hex()}.")


@vault.command()
def rotate() -> None:
    """Make a new master key and rewrap every key under it. Stop the API and the worker first."""
    settings = Settings()
    if settings.master_key is not None:
        raise KeyIsInTheEnvironment(
            "The master key is in GETBILL_MASTER_KEY: put a new one in front of it, separated by a comma, and run "
            "`getbill vault rewrap`; then the old one can go."
        )
    with database.reached(settings) as dsn:
        old = asyncio.run(_unlock(settings, dsn))
        keys = vaults.read_master_keys(settings.key_file.read_text())
        if len(keys) == 1:
            vaults.write_master_keys(settings.key_file, [Key.new(), *keys])
        done = asyncio.run(_rewrap(settings, dsn))
        current = vaults.read_master_keys(settings.key_file.read_text())[0]
        vaults.write_master_keys(settings.key_file, [current])
    typer.echo(f"{done} keys moved from the master key {old.current.id.hex()} to {current.id.hex()}.")


@vault.command()
def rewrap() -> None:
    """Rewrap every key under the first master key given."""
    settings = Settings()
    with database.reached(settings) as dsn:
        done = asyncio.run(_rewrap(settings, dsn))
    typer.echo(f"{done} keys rewrapped under the first master key.")


async def _unlock(settings: Settings, dsn: str) -> Vault:
    opened = await open_database(dsn, reactions.edge, size=2)
    try:
        return await vaults.unlock(opened, settings.master_key_text, settings.key_file)
    finally:
        await opened.close()


async def _rewrap(settings: Settings, dsn: str) -> int:
    opened = await open_database(dsn, reactions.edge, size=2)
    try:
        found = await vaults.unlock(opened, settings.master_key_text, settings.key_file)
        return await vaults.rotate(opened, found)
    finally:
        await opened.close()
