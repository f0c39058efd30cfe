"""`getbill vault`: the master key that all personal data hangs on, and what erasing left behind.

A master key in our file is rotated by the worker while everything runs, and its replaced versions are destroyed in
time; these commands tell how it stands, do the same at once, and prove it. A rotation that is killed anywhere goes on
with the next call or the worker's next round.
"""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from getbill import vault as vaults
from getbill.commands import connection, selection
from getbill.commands.selection import AsJson
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.settings import Settings
from getbill.vault import KeyFile, Residue, Rotation, Standing, Vault

PATIENCE_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 0.2

vault = typer.Typer(no_args_is_help=True, help="The master key that seals personal data.")


class KeyIsInTheEnvironment(CannotRun):
    """The master key is not ours to write."""


class KeyIsNotEverywhere(CannotRun):
    """Some processes at work cannot open what the next master key would wrap."""


@vault.command()
def status(*, as_json: AsJson = False) -> None:
    """Say which master key is in use, which backups open, and whether a rotation is due."""

    async def ask(settings: Settings, opened: Database, unlocked: Vault) -> Standing:
        return await vaults.standing(opened, unlocked, settings.erasure_days)

    standing = connection.run_knowing(ask)
    typer.echo(json.dumps(_members(standing)) if as_json else "\n".join(_lines(standing, Settings())))


@vault.command()
def rotate(*, as_json: AsJson = False) -> None:
    """Make a new master key and rewrap every key under it, while everything runs."""

    async def change(settings: Settings, opened: Database, unlocked: Vault) -> Standing:
        rotation = _rotation(settings, opened, unlocked)
        await rotation.announce(at_once=True)
        await _until_known(rotation)
        await _until_settled(rotation)
        return await vaults.standing(opened, unlocked, settings.erasure_days)

    standing = connection.run_knowing(change)
    lines = f"All keys are under the master key {standing.key_id}.", *_kept_lines(standing)
    selection.tell(_members(standing), *lines, as_json=as_json)


@vault.command()
def rewrap(*, as_json: AsJson = False) -> None:
    """Rewrap every key under the first master key given."""

    async def change(opened: Database, unlocked: Vault) -> int:
        return await vaults.rotate(opened, unlocked)

    number = connection.run(change)
    line = f"{number} keys rewrapped under the first master key."
    selection.tell({"rewrapped": number}, line, as_json=as_json)


@vault.command()
def destroy(*, as_json: AsJson = False) -> None:
    """Destroy the replaced master keys now, before their time: backups made before the rotation open no more."""

    async def change(settings: Settings, opened: Database, unlocked: Vault) -> int:
        rotation = _rotation(settings, opened, unlocked)
        await _until_settled(rotation)
        replaced = KeyFile(settings.key_file).read().replaced
        if not replaced:
            return 0
        destroyed = await _until_destroyed(
            rotation, max(version.replaced_at or clock.wall() for version in replaced)
        )
        return len(destroyed)

    number = connection.run_knowing(change)
    selection.tell({"destroyed": number}, f"{number} master keys destroyed.", as_json=as_json)


@vault.command()
def residue(
    keys: Annotated[
        Path | None, typer.Option(help="File with further master keys to try, of a backup for example.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read the table's pages and the write-ahead log for destroyed keys, and count those that still open."""

    async def search(opened: Database, unlocked: Vault) -> Residue:
        more = vaults.read_master_keys(keys.read_text("utf-8")) if keys else []
        return await vaults.look(opened, [*unlocked.masters, *more])

    result = connection.run(search)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "openable": len(result.openable),
                    "in_table": len(result.in_rows),
                    "in_log": len(result.in_log),
                    "unplaced": result.unplaced,
                    "master_keys": result.masters,
                    "bytes_read": result.bytes_read,
                }
            )
        )
        return
    typer.echo(
        f"Destroyed keys that could be opened: {len(result.openable)} ({len(result.in_rows)} in the table's pages, "
        f"{len(result.in_log)} in the write-ahead log; {result.masters} master keys tried on "
        f"{result.bytes_read / 1_000_000:.0f} MB)."
    )
    if result.unplaced:
        typer.echo(f"{result.unplaced} wrapped keys stand without their subject and were not tried.")


def _rotation(settings: Settings, opened: Database, unlocked: Vault) -> Rotation:
    if not isinstance(unlocked.source, KeyFile) or not unlocked.source.is_writable:
        raise KeyIsInTheEnvironment(
            "The master key is in GETBILL_MASTER_KEY or in a file that is read-only, which only you can change: "
            "docs/runbook.md says how it is rotated while everything runs, with `getbill vault rewrap`."
        )
    return Rotation(opened, unlocked, unlocked.source, settings.erasure_days)


async def _until_known(rotation: Rotation) -> None:
    until = clock.monotonic() + PATIENCE_SECONDS
    while lacking := await rotation.promote():
        if clock.monotonic() > until:
            raise KeyIsNotEverywhere(
                f"{len(lacking)} processes ({', '.join(sorted(set(lacking)))}) do not see the new master key: let "
                "GETBILL_MASTER_KEY_FILE name one file for all of them. The rotation goes on once they do."
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _until_settled(rotation: Rotation) -> None:
    until = clock.monotonic() + PATIENCE_SECONDS
    while await rotation.settle() is None:
        if clock.monotonic() > until:
            raise KeyIsNotEverywhere(
                "Some processes still use the former master key; the worker moves the last keys."
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _until_destroyed(rotation: Rotation, replaced_at: datetime) -> list[vaults.Version]:
    """Destroy the replaced versions as soon as no change under way can have used them."""
    if clock.wall() < replaced_at + vaults.SETTLED:
        typer.echo("Waiting for changes that began before the rotation.", err=True)
    until = clock.monotonic() + PATIENCE_SECONDS
    while not (destroyed := await rotation.destroy(at_once=True)):
        if clock.monotonic() > until:
            raise KeyIsNotEverywhere("Some processes still use a replaced master key; try again in a minute.")
        await asyncio.sleep(1)
    return destroyed


def _lines(standing: Standing, settings: Settings) -> list[str]:
    place = str(settings.key_file) if standing.is_file else "GETBILL_MASTER_KEY"
    since = _at(standing.in_use_since)
    lines = [f"The database is sealed under the master key {standing.key_id}, in {place}, since {since}."]
    if standing.rotation_at is not None:
        lines.append(f"Next rotation: {_at(standing.rotation_at)}.")
    if standing.next_id is not None:
        lines.append(f"The master key {standing.next_id} is announced and comes into use next.")
    if standing.is_file:
        lines += _kept_lines(standing)
        lines.append(
            f"What is erased cannot be opened from any backup after {settings.erasure_days} days "
            "(GETBILL_ERASURE_DAYS), nor can older backups."
        )
    return lines + ([standing.notice] if standing.notice else [])


def _kept_lines(standing: Standing) -> list[str]:
    return [
        f"Backups made before {_at(kept.replaced_at)} open with the master key {kept.key_id} until it is destroyed "
        f"after {_at(kept.destroyed_after)}."
        for kept in standing.kept
    ] or ["No replaced master key is kept: only backups made under the one in use open."]


def _members(standing: Standing) -> dict[str, Any]:
    return {
        "key_id": standing.key_id,
        "is_file": standing.is_file,
        "in_use_since": _at(standing.in_use_since),
        "rotation_at": _at(standing.rotation_at),
        "next_key_id": standing.next_id,
        "kept": [
            {
                "key_id": kept.key_id,
                "replaced_at": _at(kept.replaced_at),
                "destroyed_after": _at(kept.destroyed_after),
            }
            for kept in standing.kept
        ],
        "due_since": _at(standing.due_since),
        "notice": standing.notice,
    }


def _at(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
