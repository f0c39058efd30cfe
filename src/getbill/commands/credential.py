"""`getbill credential`: credentials created by a client, a key or a member of staff, and their revocation."""

from typing import Annotated, Any

import typer

from getbill import companies, credentials
from getbill.access import Actor
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.credentials import RevocationRequest, Scope
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message
from getbill.vault import Vault

credential = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="List the credentials that a client, key or user created, and revoke them.",
)

WithCreated = Annotated[
    bool,
    typer.Option("--with-created", help="Also revoke the credentials that they created and only they use."),
]
Preview = Annotated[bool, typer.Option("--preview", help="Show the result without changing anything.")]
CredentialArgument = Annotated[
    str, typer.Argument(metavar="CREDENTIAL", help="Id of a client, key or user, or a user's e-mail address.")
]


@credential.command()
def created(selector: CredentialArgument, company: CompanyName = None) -> None:
    """List what a client, a key or a member of staff created, and whether it would be revoked with them."""

    async def find_created(database: Database, _vault: Vault) -> dict[str, Any]:
        scope, subject = await _find_subject(database, company, selector)
        now = clock.wall()
        async with database.transaction(now) as tx:
            return credentials.serialize_revocation(await credentials.preview(tx, scope, subject, now), now)

    selection.print_json(connection.run(find_created))


@credential.command()
def revoke(
    selector: CredentialArgument,
    with_created: WithCreated = False,
    preview: Preview = False,
    company: CompanyName = None,
) -> None:
    """Revoke a client or a key, or deactivate a member of staff; print what was revoked and what was kept."""

    async def revoke_credential(database: Database, _vault: Vault) -> dict[str, Any]:
        scope, subject = await _find_subject(database, company, selector)
        return await _revoke_subject(database, scope, RevocationRequest(subject, with_created, preview))

    selection.print_json(connection.run(revoke_credential))


def revoke_one(public_id: str, *, with_created: bool, is_preview: bool, as_json: bool) -> None:
    """Revoke a client or a key of any company, and print what was revoked with it and what was kept."""

    async def revoke_subject(database: Database, _vault: Vault) -> dict[str, Any]:
        scope = Scope(None, await companies.workspace_ids(database))
        request = RevocationRequest(credentials.subject_of(public_id), with_created, is_preview)
        return await _revoke_subject(database, scope, request)

    revocation = connection.run(revoke_subject)
    lines = [f"{public_id} {'would be' if is_preview else 'is'} revoked."]
    lines += [f"Also: {credential['id']} ({credential['name']})." for credential in revocation["revoked"]]
    for credential in revocation["left"]:
        users = f", used by {', '.join(credential['used_by'])}" if credential["used_by"] else ""
        lines.append(f"Kept: {credential['id']} ({credential['name']}{users}).")
    selection.print_result(revocation, *lines, as_json=as_json)


async def _revoke_subject(database: Database, scope: Scope, request: RevocationRequest) -> dict[str, Any]:
    now = clock.wall()
    async with database.transaction(now) as tx:
        revocation = await credentials.revoke(tx, scope, request, now)
    return credentials.serialize_revocation_result(revocation, now, is_preview=request.is_preview)


async def _find_subject(database: Database, company: str | None, selector: str) -> tuple[Scope, Actor]:
    owner = await selection.find_company(database, company)
    workspaces = await companies.workspaces_of(database, owner.id)
    scope = Scope(owner.id, [workspace_id for workspace_id, _, _ in workspaces])
    if "@" not in selector:
        return scope, credentials.subject_of(selector)
    for member in await companies.users(database, owner.id):
        if member.email.lower() == selector.strip().lower():
            return scope, Actor("user", member.id)
    raise NotFound(message("{company} has no user {email}.", company=owner.name, email=excerpt(selector)))
