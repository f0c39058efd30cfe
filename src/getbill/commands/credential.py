"""`getbill credential`: what a client, a key or a member of staff created, and revoking them."""

from typing import Annotated, Any

import typer

from getbill import companies, credentials
from getbill.access import Actor
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.credentials import Scope, Wish
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message
from getbill.vault import Vault

credential = typer.Typer(
    no_args_is_help=True, help="Clients, keys and people: what they created, and revoking them."
)

WithCreated = Annotated[
    bool, typer.Option("--with-created", help="Also revoke what they created and nobody else uses.")
]
Preview = Annotated[bool, typer.Option("--preview", help="Change nothing, show what would be.")]
Which = Annotated[
    str, typer.Argument(metavar="CREDENTIAL", help="A client's, key's or user's id, or an e-mail.")
]


@credential.command()
def created(which: Which, company: CompanyName = None) -> None:
    """List what a client, a key or a member of staff created, and whether it would be revoked with them."""

    async def find(opened: Database, _vault: Vault) -> dict[str, Any]:
        scope, subject = await _place(opened, company, which)
        now = clock.wall()
        async with opened.transaction(now) as tx:
            return credentials.listed(await credentials.preview(tx, scope, subject, now), now)

    selection.show(connection.run(find))


@credential.command()
def revoke(
    which: Which,
    with_created: WithCreated = False,
    preview: Preview = False,
    company: CompanyName = None,
) -> None:
    """Revoke a client or a key, or deactivate a member of staff; print what was revoked and what was left."""

    async def end(opened: Database, _vault: Vault) -> dict[str, Any]:
        scope, subject = await _place(opened, company, which)
        return await _revoke(opened, scope, Wish(subject, with_created, preview))

    selection.show(connection.run(end))


def revoke_one(shown_id: str, *, with_created: bool, is_preview: bool, as_json: bool) -> None:
    """Revoke a client or a key of whichever company, and say what went with it and what was left."""

    async def end(opened: Database, _vault: Vault) -> dict[str, Any]:
        scope = Scope(None, await companies.workspace_ids(opened))
        wish = Wish(credentials.subject_of(shown_id), with_created, is_preview)
        return await _revoke(opened, scope, wish)

    done = connection.run(end)
    lines = [f"{shown_id} {'would be' if is_preview else 'is'} revoked."]
    lines += [f"With it: {one['id']} ({one['name']})." for one in done["revoked"]]
    for one in done["left"]:
        users = f", used by {', '.join(one['used_by'])}" if one["used_by"] else ""
        lines.append(f"It created and leaves: {one['id']} ({one['name']}{users}).")
    selection.tell(done, *lines, as_json=as_json)


async def _revoke(opened: Database, scope: Scope, wish: Wish) -> dict[str, Any]:
    now = clock.wall()
    async with opened.transaction(now) as tx:
        done = await credentials.revoke(tx, scope, wish, now)
    return credentials.revoked(done, now, is_preview=wish.is_preview)


async def _place(opened: Database, company: str | None, which: str) -> tuple[Scope, Actor]:
    owner = await selection.company(opened, company)
    spaces = await companies.workspaces_of(opened, owner.id)
    scope = Scope(owner.id, [space_id for space_id, _, _ in spaces])
    if "@" not in which:
        return scope, credentials.subject_of(which)
    for member in await companies.users(opened, owner.id):
        if member.email.lower() == which.strip().lower():
            return scope, Actor("user", member.id)
    raise NotFound(message("{company} has no user {email}.", company=owner.name, email=excerpt(which)))
