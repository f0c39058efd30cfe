"""`getbill user`: the staff of a company."""

import secrets
from typing import Annotated, Any

import typer

from getbill import companies
from getbill.commands import choosing, database
from getbill.commands.choosing import CompanyName
from getbill.kit import ids
from getbill.kit.db import Database
from getbill.vault import Vault

user = typer.Typer(no_args_is_help=True, help="Members of staff.")


@user.callback()
def _noun() -> None:
    """Keep the verb in the command: Typer drops it where it is the only one."""


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
    typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if ask_password else None
    password = typed or secrets.token_urlsafe(12)

    async def hire(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await choosing.company(opened, company)
        new = companies.NewUser(email, password, role, first_name, last_name)
        user_id = await companies.create_user(opened, owner.id, new)
        return {"id": ids.show("user", user_id), "email": email, "role": role, "company": owner.name}

    made = database.run(hire)
    choosing.show(made if typed else {**made, "password": password})
    if not typed:
        choosing.say_once()
