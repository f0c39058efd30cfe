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

user = typer.Typer(no_args_is_help=True, help="Members of staff.")


@user.command()
def create(
    email: str,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(companies.ROLES)}.")] = "admin",
    first_name: str | None = None,
    last_name: str | None = None,
    company: CompanyName = None,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Type it instead of having one made.")
    ] = False,
) -> None:
    """Add a member of staff, with a password made up for them unless it is asked for."""
    typed = _typed() if ask_password else None
    password = typed or secrets.token_urlsafe(12)

    async def hire(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.company(opened, company)
        new = companies.NewUser(email, password, role, first_name, last_name)
        user_id = await companies.create_user(opened, owner.id, new)
        return {"id": ids.show("user", user_id), "email": email, "role": role, "company": owner.name}

    made = connection.run(hire)
    selection.show(made if typed else {**made, "password": password})
    if not typed:
        selection.say_once()


@user.command("list")
def list_all(company: CompanyName = None) -> None:
    """List the staff of a company, those who are let in no longer too."""

    async def find(opened: Database, _vault: Vault) -> list[dict[str, Any]]:
        owner = await selection.company(opened, company)
        return [_shown(one) for one in await companies.users(opened, owner.id)]

    selection.show(connection.run(find))


@user.command()
def reset(
    email: str,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Type it instead of having one made.")
    ] = False,
) -> None:
    """Give a member of staff another password."""
    typed = _typed() if ask_password else None
    password = typed or secrets.token_urlsafe(12)

    async def change(opened: Database, _vault: Vault) -> dict[str, Any]:
        await companies.set_password(opened, email, password)
        return _shown(await companies.user(opened, email))

    changed = connection.run(change)
    selection.show(changed if typed else {**changed, "password": password})
    if not typed:
        selection.say_once()


@user.command()
def deactivate(email: str) -> None:
    """Let a member of staff in no longer; what they did stays under their name."""
    _change(email, companies.deactivate_user)


@user.command()
def activate(email: str) -> None:
    """Let a member of staff in again."""
    _change(email, companies.activate_user)


def _change(email: str, action: Callable[[Transaction, UUID], Awaitable[None]]) -> None:
    async def change(opened: Database, _vault: Vault) -> dict[str, Any]:
        person = await companies.user(opened, email)
        async with opened.transaction(clock.wall()) as tx:
            await action(tx, person.id)
        return _shown(await companies.user(opened, email))

    selection.show(connection.run(change))


def _typed() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _shown(one: companies.User) -> dict[str, Any]:
    return {
        "id": ids.show("user", one.id),
        "email": one.email,
        "first_name": one.first_name,
        "last_name": one.last_name,
        "role": one.role,
        "is_active": one.is_active,
        "created_at": json.instant(one.created_at),
        "last_seen_at": json.instant(one.last_seen_at),
    }
