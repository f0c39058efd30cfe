"""`getbill sandbox`: the time of a sandbox, from the command line."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from getbill import access
from getbill import sandbox as sandboxes
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.companies import Workspace
from getbill.kit import clock, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.vault import Vault

sandbox = typer.Typer(no_args_is_help=True, help="A sandbox's time.")

_LOOK_SECONDS: Final = 0.2
_SAY_SECONDS: Final = 3.0

WorkspaceName = Annotated[str, typer.Option("--workspace", help="Kind, name or id of a sandbox.")]


@sandbox.command()
def advance(
    days: Annotated[int, typer.Option(min=0, help="Days ahead.")] = 0,
    hours: Annotated[int, typer.Option(min=0, help="Hours ahead, beside the days.")] = 0,
    wait: Annotated[bool, typer.Option(help="Wait until everything on the way has happened.")] = True,
    company: CompanyName = None,
    workspace: WorkspaceName = "sandbox",
) -> None:
    """Move a sandbox's clock ahead; a running worker carries out what falls due on the way, in order."""
    if not 0 < 24 * days + hours <= 24 * sandboxes.ADVANCE_DAYS_MAX:
        raise CannotRun(f"Give --days or --hours: more than none, at most {sandboxes.ADVANCE_DAYS_MAX} days.")

    async def move(opened: Database, vault: Vault) -> dict[str, Any]:
        place = await selection.loaded(opened, vault, company, workspace)
        async with opened.transaction(place.now()) as tx:
            begun = await sandboxes.begin(tx, place, timedelta(days=days, hours=hours))
            await access.forget(tx, place.id)
        ended = await _ended(opened, place, begun) if wait else begun
        return sandboxes.advance_shown(ended)

    selection.show(connection.run(move))


@sandbox.command("clock")
def show_clock(company: CompanyName = None, workspace: WorkspaceName = "sandbox") -> None:
    """Say what time it is in a sandbox, and how far a move of its clock has come."""

    async def find(opened: Database, vault: Vault) -> dict[str, Any]:
        place = await selection.loaded(opened, vault, company, workspace)
        sandboxes.refuse_live(place)
        running = await sandboxes.running(opened, place.id)
        return sandboxes.clock_shown(await sandboxes.clock_of(opened, place.id), running)

    selection.show(connection.run(find))


async def _ended(opened: Database, place: Workspace, begun: sandboxes.Advance) -> sandboxes.Advance:
    """Return a move once it has ended; say every few seconds how far it is."""
    moving, said_at = begun, clock.monotonic()
    while moving.done_at is None:
        await asyncio.sleep(_LOOK_SECONDS)
        moving = await sandboxes.find_advance(opened, place, begun.id)
        if clock.monotonic() - said_at > _SAY_SECONDS:
            said_at = clock.monotonic()
            typer.echo(f"At {json.instant(moving.reached_at)}, {moving.contacts} contacts so far.", err=True)
            if moving.reached_at == begun.reached_at:
                typer.echo(
                    "Nothing moves yet: a worker has to run (`getbill serve` or `getbill worker`).", err=True
                )
    return moving
