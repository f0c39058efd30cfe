"""`getbill signing-key`: the signing keys of access tokens."""

from typing import Annotated

import typer

from getbill import access
from getbill.commands import connection, selection
from getbill.commands.selection import AsJson
from getbill.kit import clock
from getbill.kit.database import Database
from getbill.vault import Vault

signing_key = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Rotate the key that signs access tokens."
)


@signing_key.callback()
def _keep_verb() -> None:
    """Keep the verb in the command: Typer drops the only one."""


@signing_key.command()
def rotate(
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once", help="The old key is compromised: refuse the tokens it signed from now on."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign with a new key; tokens signed with the old one stay valid until they expire."""

    async def rotate_key(database: Database, vault: Vault) -> None:
        await access.rotate_signing_key(database, vault, clock.wall(), by=access.OPERATOR, at_once=at_once)

    connection.run(rotate_key)
    done = {"rotated": True, "at_once": at_once}
    selection.print_result(done, "Access tokens are now signed with a new key.", as_json=as_json)
