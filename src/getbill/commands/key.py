"""`getbill key`: static API keys of sandboxes."""

from typing import Annotated, Any

import typer

from getbill import access
from getbill.commands import connection, selection
from getbill.commands.credential import Preview, WithCreated, revoke_one
from getbill.commands.selection import AsJson, CompanyName, CreatorEmail
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.vault import Vault

key = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Manage sandbox keys: Bearer tokens with every scope."
)

Limit = Annotated[int | None, typer.Option(min=1, help="Requests per minute, instead of the sandbox's.")]


@key.command()
def create(
    name: Annotated[str, typer.Option(help="Display name.")] = "Sandbox key",
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id of the sandbox.")] = "sandbox",
    limit_per_minute: Limit = None,
    created_by: CreatorEmail = None,
) -> None:
    """Create a key and print it."""

    async def create_key(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        sandbox_id = await selection.find_workspace_id(database, owner, workspace)
        creator = await selection.find_creator(database, owner, created_by)
        new_key = access.NewKey(sandbox_id, name, limit_per_minute, creator)
        api_key, secret = await access.create_key(database, new_key, clock.wall())
        return {"key": secret, **_serialize_key(api_key)}

    selection.print_json(connection.run(create_key))
    selection.remind_to_keep_secret()


@key.command("list")
def list_keys(company: CompanyName = None) -> None:
    """List the keys by their last characters, including revoked ones."""

    async def find_keys(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        keys = await access.keys(database, await selection.find_company_id(database, company))
        return [_serialize_key(api_key) for api_key in keys]

    selection.print_json(connection.run(find_keys))


@key.command()
def revoke(
    key_id: str, with_created: WithCreated = False, preview: Preview = False, as_json: AsJson = False
) -> None:
    """Revoke a key within a second. Lists what it created."""
    ids.read("key", key_id)
    revoke_one(key_id, with_created=with_created, is_preview=preview, as_json=as_json)


def _serialize_key(api_key: access.ApiKey) -> dict[str, Any]:
    return {
        "id": ids.show("key", api_key.id),
        "name": api_key.name,
        "hint": api_key.hint,
        "workspace_id": ids.show("workspace", api_key.workspace_id),
        "limit_per_minute": api_key.limit_per_minute,
        "created_at": json.instant(api_key.created_at),
        "revoked_at": json.instant(api_key.revoked_at),
        "created_by": api_key.creator.public_id if api_key.creator else None,
    }
