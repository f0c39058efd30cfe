"""`getbill sftp-login`: who may drop files over SFTP, into which workspace."""

from pathlib import Path
from typing import Annotated, Any

import typer

from getbill import sftp
from getbill.commands import connection, selection
from getbill.commands.selection import AsJson, CompanyName, CreatorEmail
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.vault import Vault

sftp_login = typer.Typer(no_args_is_help=True, help="SFTP logins: folders that files are dropped into.")

Keys = Annotated[
    list[Path] | None,
    typer.Option(
        "--public-key", exists=True, dir_okay=False, help="File of public keys, as ~/.ssh/id_ed25519.pub."
    ),
]
Which = Annotated[str, typer.Argument(metavar="LOGIN", help="Its id or user name.")]


@sftp_login.command()
def create(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Option(help="What people call it.")] = "SFTP login",
    username: Annotated[str | None, typer.Option(help="Made up unless given.")] = None,
    public_key: Keys = None,
    password: Annotated[
        bool | None,
        typer.Option(
            "--password/--no-password", help="Whether a password opens it; by default where no key does."
        ),
    ] = None,
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id.")] = "live",
    created_by: CreatorEmail = None,
) -> None:
    """Let somebody drop files, and print how they get in."""
    keys = _read(public_key) or ()

    async def make(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.company(opened, company)
        workspace_id = await selection.workspace(opened, owner, workspace)
        by = await selection.creator(opened, owner, created_by)
        new = sftp.NewLogin(workspace_id, name, username, keys, password, by)
        async with opened.transaction(clock.wall()) as tx:
            made, secret = await sftp.create_login(tx, new, clock.wall())
        return _opened(made, secret)

    _show(connection.run(make))


@sftp_login.command()
def rotate(login: Which, public_key: Keys = None) -> None:
    """Replace the password, or the keys by those given; the old ones open no more."""
    keys = _read(public_key)

    async def change(opened: Database, _vault: Vault) -> dict[str, Any]:
        found = await sftp.named(opened, login)
        async with opened.transaction(clock.wall()) as tx:
            made, secret = await sftp.rotate_login(tx, found, clock.wall(), keys)
        return _opened(made, secret)

    _show(connection.run(change))


@sftp_login.command()
def revoke(login: Which, as_json: AsJson = False) -> None:
    """Let somebody in no longer; what they dropped stays, and is imported no more."""

    async def end(opened: Database, _vault: Vault) -> sftp.Login:
        found = await sftp.named(opened, login)
        async with opened.transaction(clock.wall()) as tx:
            await sftp.revoke_login(tx, found, clock.wall())
        return await sftp.named(opened, login)

    selection.tell(_shown(connection.run(end)), f"{login} is revoked.", as_json=as_json)


@sftp_login.command("list")
def list_all(
    company: CompanyName = None,
    workspace: Annotated[str | None, typer.Option(help="Kind, name or id; all of the company's.")] = None,
) -> None:
    """List the logins of a company, revoked ones too."""

    async def find(opened: Database, _vault: Vault) -> list[dict[str, Any]]:
        owner = await selection.company(opened, company)
        found = await selection.workspaces(opened, owner, workspace)
        return [_shown(one) for each in found for one in await sftp.logins(opened, each)]

    selection.show(connection.run(find))


def _read(files: list[Path] | None) -> tuple[str, ...] | None:
    if files is None:
        return None
    lines = [line.strip() for file in files for line in file.read_text("utf-8", "replace").splitlines()]
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if files and not found:
        raise CannotRun("There is no public key in that file.")
    return found


def _show(told: dict[str, Any]) -> None:
    selection.show(told)
    if "password" in told:
        selection.say_once()


def _opened(login: sftp.Login, password: str | None) -> dict[str, Any]:
    return _shown(login) | ({"password": password} if password else {})


def _shown(login: sftp.Login) -> dict[str, Any]:
    return {
        "id": ids.show(sftp.PREFIX, login.id),
        "username": login.username,
        "name": login.name,
        "workspace_id": ids.show("workspace", login.workspace_id),
        "has_password": login.has_password,
        "fingerprints": list(login.fingerprints),
        "created_at": json.instant(login.created_at),
        "rotated_at": json.instant(login.rotated_at),
        "used_at": json.instant(login.used_at),
        "revoked_at": json.instant(login.revoked_at),
        "created_by": login.creator.shown if login.creator else None,
        "data_withheld": not login.may_read,
    }
