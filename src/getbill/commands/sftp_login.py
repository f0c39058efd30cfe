"""`getbill sftp-login`: SFTP logins of a workspace."""

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

PublicKeyFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--public-key", exists=True, dir_okay=False, help="File of public keys, as ~/.ssh/id_ed25519.pub."
    ),
]
LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="Its id or user name.")]


@sftp_login.command()
def create(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Option(help="What people call it.")] = "SFTP login",
    username: Annotated[str | None, typer.Option(help="Made up unless given.")] = None,
    public_key: PublicKeyFiles = None,
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
    """Create an SFTP login and print its credentials."""
    keys = _read_public_keys(public_key) or ()

    async def create_login(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        workspace_id = await selection.find_workspace_id(database, owner, workspace)
        creator = await selection.find_creator(database, owner, created_by)
        request = sftp.NewLogin(workspace_id, name, username, keys, password, creator)
        async with database.transaction(clock.wall()) as tx:
            new_login, secret = await sftp.create_login(tx, request, clock.wall())
        return _serialize_with_password(new_login, secret)

    _print_login(connection.run(create_login))


@sftp_login.command()
def rotate(login: LoginArgument, public_key: PublicKeyFiles = None) -> None:
    """Replace the password, or the keys by the given ones; the old ones stop working."""
    keys = _read_public_keys(public_key)

    async def rotate_login(database: Database, _vault: Vault) -> dict[str, Any]:
        target_login = await sftp.find_login_by_name(database, login)
        async with database.transaction(clock.wall()) as tx:
            rotated_login, secret = await sftp.rotate_login(tx, target_login, clock.wall(), keys)
        return _serialize_with_password(rotated_login, secret)

    _print_login(connection.run(rotate_login))


@sftp_login.command()
def revoke(login: LoginArgument, as_json: AsJson = False) -> None:
    """Revoke an SFTP login; its uploaded files are kept but no longer imported."""

    async def revoke_login(database: Database, _vault: Vault) -> sftp.Login:
        target_login = await sftp.find_login_by_name(database, login)
        async with database.transaction(clock.wall()) as tx:
            await sftp.revoke_login(tx, target_login, clock.wall())
        return await sftp.find_login_by_name(database, login)

    selection.print_result(
        _serialize_login(connection.run(revoke_login)), f"{login} is revoked.", as_json=as_json
    )


@sftp_login.command("list")
def list_logins(
    company: CompanyName = None,
    workspace: Annotated[str | None, typer.Option(help="Kind, name or id; all of the company's.")] = None,
) -> None:
    """List the logins of a company, including revoked ones."""

    async def find_logins(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        owner = await selection.find_company(database, company)
        workspace_ids = await selection.find_workspace_ids(database, owner, workspace)
        return [
            _serialize_login(login)
            for workspace_id in workspace_ids
            for login in await sftp.list_logins(database, workspace_id)
        ]

    selection.print_json(connection.run(find_logins))


def _read_public_keys(files: list[Path] | None) -> tuple[str, ...] | None:
    if files is None:
        return None
    lines = [line.strip() for file in files for line in file.read_text("utf-8", "replace").splitlines()]
    public_keys = tuple(line for line in lines if line and not line.startswith("#"))
    if files and not public_keys:
        raise CannotRun("There is no public key in that file.")
    return public_keys


def _print_login(output: dict[str, Any]) -> None:
    selection.print_json(output)
    if "password" in output:
        selection.remind_to_keep_secret()


def _serialize_with_password(login: sftp.Login, password: str | None) -> dict[str, Any]:
    return _serialize_login(login) | ({"password": password} if password else {})


def _serialize_login(login: sftp.Login) -> dict[str, Any]:
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
        "created_by": login.creator.public_id if login.creator else None,
        "data_withheld": not login.may_read,
    }
