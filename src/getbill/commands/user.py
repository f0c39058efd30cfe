"""`getbill user`: the staff of a company."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer

from getbill import companies
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.kit import clock, ids, json
from getbill.kit.database import Database, Transaction
from getbill.vault import Vault

user = typer.Typer(add_completion=False, no_args_is_help=True, help="Manage members of staff.")


@user.command()
def create(
    email: str,
    role: Annotated[str, typer.Option(help=f"Role, one of {', '.join(companies.ROLES)}.")] = "admin",
    first_name: str | None = None,
    last_name: str | None = None,
    company: CompanyName = None,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Prompt for the password instead of generating one.")
    ] = False,
) -> None:
    """Add a member of staff, with a generated password unless `--ask-password` is given."""
    typed_password = _prompt_password() if ask_password else None
    password = typed_password or secrets.token_urlsafe(12)

    async def create_user(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        new_user = companies.NewUser(email, password, role, first_name, last_name)
        user_id = await companies.create_user(database, owner.id, new_user)
        return {"id": ids.show("user", user_id), "email": email, "role": role, "company": owner.name}

    output = connection.run(create_user)
    selection.print_json(output if typed_password else {**output, "password": password})
    if not typed_password:
        selection.remind_to_keep_secret()


@user.command("list")
def list_users(company: CompanyName = None) -> None:
    """List the staff of a company, including deactivated members."""

    async def find_users(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        owner = await selection.find_company(database, company)
        return [_serialize_user(member) for member in await companies.users(database, owner.id)]

    selection.print_json(connection.run(find_users))


@user.command()
def reset(
    email: str,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Prompt for the password instead of generating one.")
    ] = False,
) -> None:
    """Set a new password for a member of staff."""
    typed_password = _prompt_password() if ask_password else None
    password = typed_password or secrets.token_urlsafe(12)

    async def reset_password(database: Database, _vault: Vault) -> dict[str, Any]:
        await companies.set_password(database, email, password)
        return _serialize_user(await companies.user(database, email))

    output = connection.run(reset_password)
    selection.print_json(output if typed_password else {**output, "password": password})
    if not typed_password:
        selection.remind_to_keep_secret()


@user.command()
def deactivate(email: str) -> None:
    """Deactivate a member of staff; what they did stays under their name."""
    _apply_to_user(email, companies.deactivate_user)


@user.command()
def activate(email: str) -> None:
    """Reactivate a member of staff."""
    _apply_to_user(email, companies.activate_user)


def _apply_to_user(email: str, action: Callable[[Transaction, UUID], Awaitable[None]]) -> None:
    async def apply_action(database: Database, _vault: Vault) -> dict[str, Any]:
        member = await companies.user(database, email)
        async with database.transaction(clock.wall()) as tx:
            await action(tx, member.id)
        return _serialize_user(await companies.user(database, email))

    selection.print_json(connection.run(apply_action))


def _prompt_password() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _serialize_user(member: companies.User) -> dict[str, Any]:
    return {
        "id": ids.show("user", member.id),
        "email": member.email,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "role": member.role,
        "is_active": member.is_active,
        "created_at": json.instant(member.created_at),
        "last_seen_at": json.instant(member.last_seen_at),
    }
