"""Selection of the company and workspace of a command, and output of its results."""

from typing import Annotated, Any
from uuid import UUID

import typer

from getbill import companies
from getbill.access import OPERATOR, Actor
from getbill.companies import Company, Workspace
from getbill.kit import ids, json
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.kit.exit_errors import CannotRun
from getbill.kit.messages import excerpt, message
from getbill.vault import Vault

CompanyName = Annotated[
    str | None, typer.Option("--company", help="Name or id of the company; optional if there is only one.")
]

CreatorEmail = Annotated[
    str | None,
    typer.Option("--created-by", help="E-mail address of the member of staff recorded as its creator."),
]


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class CompanyNotCertain(CannotRun):
    """No company matches, or more than one."""


async def find_company(database: Database, selector: str | None) -> Company:
    """Return the company with a name or id, or the only one there is."""
    if selector is not None and selector.startswith("company_"):
        return await companies.company(database, ids.read("company", selector))
    matches = await companies.companies(database, selector)
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise CompanyNotCertain(
            f"There is no company named {selector!r}." if selector else "No company exists yet."
        )
    choices = ", ".join(
        f"{candidate.name} ({ids.show('company', candidate.id)})" for candidate in matches[:20]
    )
    raise CompanyNotCertain(f"There are several companies. Give --company with one of: {choices}.")


async def find_company_id(database: Database, selector: str | None) -> UUID | None:
    """Return the id of a named company; None, for all companies, without a name."""
    return None if selector is None else (await find_company(database, selector)).id


async def find_workspace_id(database: Database, owner: Company, selector: str) -> UUID:
    """Return the id of a company's workspace by its kind, name or id."""
    for workspace_id, kind, name in await companies.workspaces_of(database, owner.id):
        if selector in {kind, name, ids.show("workspace", workspace_id)}:
            return workspace_id
    raise NotFound(message("{name} has no workspace '{named}'.", name=owner.name, named=excerpt(selector)))


async def load_workspace(
    database: Database, vault: Vault, company_selector: str | None, workspace_selector: str
) -> Workspace:
    """Return a loaded workspace by its kind, name or id, of a named company or the only one there is."""
    owner = await find_company(database, company_selector)
    return await companies.workspace(
        database, vault, await find_workspace_id(database, owner, workspace_selector)
    )


async def find_workspace_ids(database: Database, owner: Company, selector: str | None) -> list[UUID]:
    """Return the id of a company's workspace by its kind, name or id; without a selector, all ids."""
    if selector is not None:
        return [await find_workspace_id(database, owner, selector)]
    return [workspace_id for workspace_id, _, _ in await companies.workspaces_of(database, owner.id)]


async def find_creator(database: Database, owner: Company, email: str | None) -> Actor:
    """Return the member of staff who creates something, or the operator without an e-mail address."""
    if email is None:
        return OPERATOR
    for member in await companies.users(database, owner.id):
        if member.email.lower() == email.strip().lower():
            return Actor("user", member.id)
    raise NotFound(message("{company} has no user {email}.", company=owner.name, email=excerpt(email)))


def print_json(value: Any) -> None:
    """Print a result as JSON, for people and programs alike."""
    typer.echo(json.pretty(value), nl=False)


def print_result(value: Any, *lines: str, as_json: bool) -> None:
    """Print the result of a command: as lines for people, or as JSON for programs."""
    if as_json:
        print_json(value)
    else:
        typer.echo("\n".join(lines))


def remind_to_keep_secret() -> None:
    """Print a reminder that a secret is shown only now."""
    typer.echo("Store the secret now: it is not shown again.", err=True)
