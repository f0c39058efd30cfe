"""`getbill client`: OAuth 2.0 clients of a company."""

from typing import Annotated, Any

import typer

from getbill import access
from getbill.commands import connection, selection
from getbill.commands.credential import Preview, WithCreated, revoke_one
from getbill.commands.selection import AsJson, CompanyName, CreatorEmail
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.vault import Vault

client = typer.Typer(add_completion=False, no_args_is_help=True, help="Manage OAuth clients.")

Scopes = Annotated[
    list[str] | None,
    typer.Option(
        help="One or more scopes, separated by spaces. Defaults to all scopes except sftp:* and credentials:*."
    ),
]
Grants = Annotated[
    list[str] | None,
    typer.Option(help=f"Grant, one of {', '.join(access.GRANTS)}; defaults to the first two."),
]
Uris = Annotated[list[str] | None, typer.Option(help="Redirect URI of the grant authorization_code.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Requests per minute, instead of the default.")]


@client.command()
def create(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Option(help="Display name.")] = "API client",
    grant: Grants = None,
    scope: Scopes = None,
    redirect_uri: Uris = None,
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id of the workspace.")] = "live",
    limit_per_minute: Limit = None,
    created_by: CreatorEmail = None,
) -> None:
    """Create an OAuth client and print its id and secret."""

    async def create_client(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        new_client, secret = await access.create_client(
            database,
            access.NewClient(
                await selection.find_workspace_id(database, owner, workspace),
                name,
                tuple(grant or access.GRANTS[:2]),
                tuple(" ".join(scope).split()) if scope else access.DEFAULT_SCOPES,
                tuple(redirect_uri or ()),
                limit_per_minute,
                await selection.find_creator(database, owner, created_by),
            ),
            clock.wall(),
        )
        return {"client_id": new_client.public_id, "client_secret": secret, **_serialize_client(new_client)}

    selection.print_json(connection.run(create_client))
    selection.remind_to_keep_secret()


@client.command("list")
def list_clients(company: CompanyName = None) -> None:
    """List the clients, including revoked ones."""

    async def find_clients(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        clients = await access.clients(database, await selection.find_company_id(database, company))
        return [{"client_id": client.public_id, **_serialize_client(client)} for client in clients]

    selection.print_json(connection.run(find_clients))


@client.command()
def revoke(
    client_id: str, with_created: WithCreated = False, preview: Preview = False, as_json: AsJson = False
) -> None:
    """Revoke a client; its tokens stop working within a second. Lists what it created."""
    ids.read("client", client_id)
    revoke_one(client_id, with_created=with_created, is_preview=preview, as_json=as_json)


def _serialize_client(client: access.Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "workspace_id": ids.show("workspace", client.workspace_id),
        "is_live": client.is_live,
        "grants": list(client.grants),
        "scopes": list(client.scopes),
        "redirect_uris": list(client.redirect_uris),
        "limit_per_minute": client.limit_per_minute,
        "created_at": json.instant(client.created_at),
        "revoked_at": json.instant(client.revoked_at),
        "created_by": client.creator.public_id if client.creator else None,
    }
