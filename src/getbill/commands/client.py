"""`getbill client`: the programs a company lets in by OAuth 2.0."""

from typing import Annotated, Any

import typer

from getbill import access
from getbill.commands import connection, selection
from getbill.commands.credential import Preview, WithCreated, revoke_one
from getbill.commands.selection import AsJson, CompanyName, CreatorEmail
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.vault import Vault

client = typer.Typer(no_args_is_help=True, help="OAuth clients: programs that call the API.")

Scopes = Annotated[
    list[str] | None,
    typer.Option(
        help="A scope, or several separated by spaces; by default all but sftp:* and credentials:*, which are named."
    ),
]
Grants = Annotated[
    list[str] | None,
    typer.Option(help=f"One of {', '.join(access.GRANTS)}; the first two by default."),
]
Uris = Annotated[list[str] | None, typer.Option(help="Where authorization_code may send people back to.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Requests a minute, instead of the usual.")]


@client.command()
def create(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Option(help="What people call it.")] = "API client",
    grant: Grants = None,
    scope: Scopes = None,
    redirect_uri: Uris = None,
    company: CompanyName = None,
    workspace: Annotated[str, typer.Option(help="Kind, name or id.")] = "live",
    limit_per_minute: Limit = None,
    created_by: CreatorEmail = None,
) -> None:
    """Let a program in and print its id and secret."""

    async def make(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.company(opened, company)
        made, secret = await access.create_client(
            opened,
            access.NewClient(
                await selection.workspace(opened, owner, workspace),
                name,
                tuple(grant or access.GRANTS[:2]),
                tuple(" ".join(scope).split()) if scope else access.USUAL_SCOPES,
                tuple(redirect_uri or ()),
                limit_per_minute,
                await selection.creator(opened, owner, created_by),
            ),
            clock.wall(),
        )
        return {"client_id": made.shown_id, "client_secret": secret, **_shown(made)}

    selection.show(connection.run(make))
    selection.say_once()


@client.command("list")
def list_all(company: CompanyName = None) -> None:
    """List the clients, revoked ones too."""

    async def find(opened: Database, _vault: Vault) -> list[dict[str, Any]]:
        found = await access.clients(opened, await selection.company_id(opened, company))
        return [{"client_id": one.shown_id, **_shown(one)} for one in found]

    selection.show(connection.run(find))


@client.command()
def revoke(
    client_id: str, with_created: WithCreated = False, preview: Preview = False, as_json: AsJson = False
) -> None:
    """Let a program in no longer; its tokens stop working within a second. Lists what it created."""
    ids.read("client", client_id)
    revoke_one(client_id, with_created=with_created, is_preview=preview, as_json=as_json)


def _shown(one: access.Client) -> dict[str, Any]:
    return {
        "name": one.name,
        "workspace_id": ids.show("workspace", one.workspace_id),
        "is_live": one.is_live,
        "grants": list(one.grants),
        "scopes": list(one.scopes),
        "redirect_uris": list(one.redirect_uris),
        "limit_per_minute": one.limit_per_minute,
        "created_at": json.instant(one.created_at),
        "revoked_at": json.instant(one.revoked_at),
        "created_by": one.creator.shown if one.creator else None,
    }
