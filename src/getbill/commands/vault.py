"""`getbill vault`: the master key that protects all personal data, and the residue of erasures.

A master key in our file is rotated by the worker while everything runs, and its replaced versions are
destroyed on schedule; these commands show its status, do the same at once, and prove it. A rotation that is
killed continues with the next call or the worker's next tick.
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
from getbill.vault import KeyFile, MasterKeyRotation, MasterKeyStatus, Residue, Vault

WAIT_SECONDS: Final = 90.0
POLL_SECONDS: Final = 0.2

vault = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Manage the master key that encrypts personal data."
)


class KeyIsInTheEnvironment(CannotRun):
    """The master key is in the environment, where we cannot write it."""


class KeyIsNotEverywhere(CannotRun):
    """Some running processes cannot unwrap keys under the next master key."""


@vault.command()
def status(*, as_json: AsJson = False) -> None:
    """Show the current master key, how old a backup may be, and whether a rotation is due."""

    async def load_status(settings: Settings, database: Database, unlocked_vault: Vault) -> MasterKeyStatus:
        return await vaults.master_key_status(database, unlocked_vault, settings.erasure_days)

    key_status = connection.run_with_settings(load_status)
    typer.echo(
        json.dumps(_serialize_status(key_status))
        if as_json
        else "\n".join(_status_lines(key_status, Settings()))
    )


@vault.command()
def rotate(*, as_json: AsJson = False) -> None:
    """Create a new master key and rewrap every key under it, while everything runs."""

    async def rotate_master_key(
        settings: Settings, database: Database, unlocked_vault: Vault
    ) -> MasterKeyStatus:
        rotation = _open_rotation(settings, database, unlocked_vault)
        await rotation.announce(at_once=True)
        await _wait_until_known(rotation)
        await _wait_until_settled(rotation)
        return await vaults.master_key_status(database, unlocked_vault, settings.erasure_days)

    key_status = connection.run_with_settings(rotate_master_key)
    lines = f"All keys are under the master key {key_status.key_id}.", *_replaced_key_lines(key_status)
    selection.print_result(_serialize_status(key_status), *lines, as_json=as_json)


@vault.command()
def rewrap(*, as_json: AsJson = False) -> None:
    """Rewrap every key under the first of the given master keys."""

    async def rewrap_keys(database: Database, unlocked_vault: Vault) -> int:
        return await vaults.rotate(database, unlocked_vault)

    number = connection.run(rewrap_keys)
    line = f"{number} keys rewrapped under the first master key."
    selection.print_result({"rewrapped": number}, line, as_json=as_json)


@vault.command()
def destroy(*, as_json: AsJson = False) -> None:
    """Destroy the replaced master keys now; backups made before the rotation can no longer be opened."""

    async def destroy_replaced(settings: Settings, database: Database, unlocked_vault: Vault) -> int:
        rotation = _open_rotation(settings, database, unlocked_vault)
        await _wait_until_settled(rotation)
        replaced_versions = KeyFile(settings.key_file).read().replaced
        if not replaced_versions:
            return 0
        destroyed_versions = await _wait_until_destroyed(
            rotation, max(version.replaced_at or clock.wall() for version in replaced_versions)
        )
        return len(destroyed_versions)

    number = connection.run_with_settings(destroy_replaced)
    selection.print_result({"destroyed": number}, f"{number} master keys destroyed.", as_json=as_json)


@vault.command()
def residue(
    keys: Annotated[
        Path | None, typer.Option(help="File with additional master keys to try, such as those of a backup.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Search table pages and the write-ahead log for destroyed keys, and count those that still open."""

    async def search(database: Database, unlocked_vault: Vault) -> Residue:
        extra_masters = vaults.read_master_keys(keys.read_text("utf-8")) if keys else []
        return await vaults.find_residue(database, [*unlocked_vault.masters, *extra_masters])

    report = connection.run(search)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "openable": len(report.openable),
                    "in_table": len(report.in_rows),
                    "in_log": len(report.in_log),
                    "unplaced": report.unmatched,
                    "master_keys": report.masters,
                    "bytes_read": report.bytes_read,
                }
            )
        )
        return
    typer.echo(
        f"Destroyed keys that can still be opened: {len(report.openable)} ({len(report.in_rows)} in the table's pages, "
        f"{len(report.in_log)} in the write-ahead log; {report.masters} master keys tried on "
        f"{report.bytes_read / 1_000_000:.0f} MB)."
    )
    if report.unmatched:
        typer.echo(f"{report.unmatched} wrapped keys have no identifiable subject and were not tried.")


def _open_rotation(settings: Settings, database: Database, unlocked_vault: Vault) -> MasterKeyRotation:
    if not isinstance(unlocked_vault.source, KeyFile) or not unlocked_vault.source.is_writable:
        raise KeyIsInTheEnvironment(
            "The master key is in GETBILL_MASTER_KEY or in a read-only file, which GetBill cannot"
            " change. docs/runbook.md describes its rotation without downtime, with `getbill vault"
            " rewrap`."
        )
    return MasterKeyRotation(database, unlocked_vault, unlocked_vault.source, settings.erasure_days)


async def _wait_until_known(rotation: MasterKeyRotation) -> None:
    deadline = clock.monotonic() + WAIT_SECONDS
    while lagging_processes := await rotation.promote():
        if clock.monotonic() > deadline:
            raise KeyIsNotEverywhere(
                f"{len(lagging_processes)} processes ({', '.join(sorted(set(lagging_processes)))}) do not have the new master key: set "
                "GETBILL_MASTER_KEY_FILE to the same file for all of them. The rotation then continues."
            )
        await asyncio.sleep(POLL_SECONDS)


async def _wait_until_settled(rotation: MasterKeyRotation) -> None:
    deadline = clock.monotonic() + WAIT_SECONDS
    while await rotation.rewrap() is None:
        if clock.monotonic() > deadline:
            raise KeyIsNotEverywhere(
                "Some processes still use the previous master key; the worker rewraps the remaining keys."
            )
        await asyncio.sleep(POLL_SECONDS)


async def _wait_until_destroyed(rotation: MasterKeyRotation, replaced_at: datetime) -> list[vaults.Version]:
    """Destroy the replaced versions as soon as no running change can have used them."""
    if clock.wall() < replaced_at + vaults.SETTLE_DELAY:
        typer.echo("Waiting for transactions that started before the rotation.", err=True)
    deadline = clock.monotonic() + WAIT_SECONDS
    while not (destroyed_versions := await rotation.destroy(at_once=True)):
        if clock.monotonic() > deadline:
            raise KeyIsNotEverywhere("Some processes still use a replaced master key; retry in a minute.")
        await asyncio.sleep(1)
    return destroyed_versions


def _status_lines(key_status: MasterKeyStatus, settings: Settings) -> list[str]:
    location = str(settings.key_file) if key_status.is_file else "GETBILL_MASTER_KEY"
    since = _format_instant(key_status.in_use_since)
    lines = [
        f"The database is encrypted under the master key {key_status.key_id}, in {location}, since {since}."
    ]
    if key_status.rotation_at is not None:
        lines.append(f"Next rotation: {_format_instant(key_status.rotation_at)}.")
    if key_status.next_id is not None:
        lines.append(f"The master key {key_status.next_id} is announced and will be used next.")
    if key_status.is_file:
        lines += _replaced_key_lines(key_status)
        lines.append(
            f"Erased data cannot be recovered from any backup after {settings.erasure_days} days "
            "(GETBILL_ERASURE_DAYS); older backups cannot be opened."
        )
    return lines + ([key_status.notice] if key_status.notice else [])


def _replaced_key_lines(key_status: MasterKeyStatus) -> list[str]:
    return [
        f"Backups made before {_format_instant(version.replaced_at)} can be opened with the master key {version.key_id} until it is destroyed "
        f"after {_format_instant(version.destroyed_after)}."
        for version in key_status.replaced_versions
    ] or ["No replaced master key is kept: only backups made under the current master key can be opened."]


def _serialize_status(key_status: MasterKeyStatus) -> dict[str, Any]:
    return {
        "key_id": key_status.key_id,
        "is_file": key_status.is_file,
        "in_use_since": _format_instant(key_status.in_use_since),
        "rotation_at": _format_instant(key_status.rotation_at),
        "next_key_id": key_status.next_id,
        "kept": [
            {
                "key_id": version.key_id,
                "replaced_at": _format_instant(version.replaced_at),
                "destroyed_after": _format_instant(version.destroyed_after),
            }
            for version in key_status.replaced_versions
        ],
        "due_since": _format_instant(key_status.due_since),
        "notice": key_status.notice,
    }


def _format_instant(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
