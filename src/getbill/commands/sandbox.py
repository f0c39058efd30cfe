"""`getbill sandbox`: the clock of a sandbox."""

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

sandbox = typer.Typer(add_completion=False, no_args_is_help=True, help="Show and advance a sandbox's clock.")

_POLL_SECONDS: Final = 0.2
_REPORT_SECONDS: Final = 3.0

WorkspaceName = Annotated[str, typer.Option("--workspace", help="Kind, name or id of the sandbox.")]


@sandbox.command()
def advance(
    days: Annotated[int, typer.Option(min=0, help="Days ahead.")] = 0,
    hours: Annotated[int, typer.Option(min=0, help="Hours to add to the days.")] = 0,
    wait: Annotated[
        bool, typer.Option(help="Wait until everything that falls due has been processed.")
    ] = True,
    company: CompanyName = None,
    workspace: WorkspaceName = "sandbox",
) -> None:
    """Advance a sandbox's clock; a running worker carries out what falls due on the way, in order."""
    if not 0 < 24 * days + hours <= 24 * sandboxes.ADVANCE_DAYS_MAX:
        raise CannotRun(
            f"Give --days or --hours: more than zero, and at most {sandboxes.ADVANCE_DAYS_MAX} days."
        )

    async def advance_clock(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        async with database.transaction(target.now()) as tx:
            advance_run = await sandboxes.start_advance(tx, target, timedelta(days=days, hours=hours))
            await access.invalidate(tx, target.id)
        final_run = await _wait_for_advance(database, target, advance_run) if wait else advance_run
        return sandboxes.advance_document(final_run)

    selection.print_json(connection.run(advance_clock))


@sandbox.command("clock")
def show_clock(company: CompanyName = None, workspace: WorkspaceName = "sandbox") -> None:
    """Show the time in a sandbox, and the progress of an advance of its clock."""

    async def find_clock(database: Database, vault: Vault) -> dict[str, Any]:
        target = await selection.load_workspace(database, vault, company, workspace)
        sandboxes.refuse_live(target)
        advance_run = await sandboxes.running_advance(database, target.id)
        return sandboxes.clock_document(await sandboxes.clock_of(database, target.id), advance_run)

    selection.print_json(connection.run(find_clock))


async def _wait_for_advance(
    database: Database, target: Workspace, advance_run: sandboxes.Advance
) -> sandboxes.Advance:
    """Return an advance once it has ended; print its progress every few seconds."""
    progress, reported_at = advance_run, clock.monotonic()
    while progress.done_at is None:
        await asyncio.sleep(_POLL_SECONDS)
        progress = await sandboxes.find_advance(database, target, advance_run.id)
        if clock.monotonic() - reported_at > _REPORT_SECONDS:
            reported_at = clock.monotonic()
            typer.echo(
                f"At {json.instant(progress.reached_at)}, {progress.contacts} contacts so far.", err=True
            )
            if progress.reached_at == advance_run.reached_at:
                typer.echo(
                    "The clock is not moving: start a worker (`getbill serve` or `getbill worker`).", err=True
                )
    return progress
