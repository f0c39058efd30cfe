"""`getbill key`: static keys of sandboxes."""

from typing import Annotated, Any

import typer

from getbill import access
from getbill.commands import connection, selection
from getbill.commands.credential import Preview, WithCreated, revoke_one
from getbill.commands.selection import AsJson, CompanyName, CreatorEmail
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.vault import Vault

key = typer.Typer(no_args_is_help=True, help="Sandbox keys: sent as Bearer, holding every scope.")

Limit = Annotated[int | None, typer.Option(min=1, help="Requests a minute, instead of the sandbox's.")]


@key.command()
def create(
    name: Annotated[str, typer.Option(help="What people call it.")] = "Sandbox key",
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id of a sandbox.")] = "sandbox",
    limit_per_minute: Limit = None,
    created_by: CreatorEmail = None,
) -> None:
    """Cut a key and print it."""

    async def cut(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.company(opened, company)
        sandbox_id = await selection.workspace(opened, owner, workspace)
        by = await selection.creator(opened, owner, created_by)
        new = access.NewKey(sandbox_id, name, limit_per_minute, by)
        made, text = await access.create_key(opened, new, clock.wall())
        return {"key": text, **_shown(made)}

    selection.show(connection.run(cut))
    selection.say_once()


@key.command("list")
def list_all(company: CompanyName = None) -> None:
    """List the keys by what is left to tell them apart, revoked ones too."""

    async def find(opened: Database, _vault: Vault) -> list[dict[str, Any]]:
        found = await access.keys(opened, await selection.company_id(opened, company))
        return [_shown(one) for one in found]

    selection.show(connection.run(find))


@key.command()
def revoke(
    key_id: str, with_created: WithCreated = False, preview: Preview = False, as_json: AsJson = False
) -> None:
    """Have a key open no longer, within a second. Lists what it created."""
    ids.read("key", key_id)
    revoke_one(key_id, with_created=with_created, is_preview=preview, as_json=as_json)


def _shown(one: access.ApiKey) -> dict[str, Any]:
    return {
        "id": ids.show("key", one.id),
        "name": one.name,
        "hint": one.hint,
        "workspace_id": ids.show("workspace", one.workspace_id),
        "limit_per_minute": one.limit_per_minute,
        "created_at": json.instant(one.created_at),
        "revoked_at": json.instant(one.revoked_at),
        "created_by": one.creator.shown if one.creator else None,
    }
