"""`getbill contact`: the switches of contact, of one workspace or of the whole installation."""

from typing import Annotated, Any

import typer

from getbill import access, companies
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.companies import Switches
from getbill.kit import clock, json
from getbill.kit.database import Database
from getbill.vault import Vault

contact = typer.Typer(no_args_is_help=True, help="Whether debtors are contacted at all.")

Kind = Annotated[str, typer.Option("--workspace", help="Kind, name or id.")]
Everywhere = Annotated[bool, typer.Option("--installation", help="Every workspace of every company.")]


@contact.command()
def stop(company: CompanyName = None, workspace: Kind = "live", installation: Everywhere = False) -> None:
    """Contact nobody from the next claim on."""
    _switch("stopped", company, workspace, installation=installation)


@contact.command()
def resume(company: CompanyName = None, workspace: Kind = "live", installation: Everywhere = False) -> None:
    """Contact debtors again; what was missed is dealt with as each scenario says."""
    _switch("on", company, workspace, installation=installation)


@contact.command("dry-run")
def dry_run(company: CompanyName = None, workspace: Kind = "live") -> None:
    """Plan and write every message, and send none."""
    _switch("dry_run", company, workspace, installation=False)


@contact.command()
def status(company: CompanyName = None, workspace: Kind = "live") -> None:
    """Say how contact is switched."""

    async def find(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.company(opened, company)
        return _shown(await companies.switches(opened, await selection.workspace(opened, owner, workspace)))

    selection.show(connection.run(find))


def _switch(mode: str, company: str | None, workspace: str, *, installation: bool) -> None:
    async def everywhere(opened: Database, _vault: Vault) -> dict[str, Any]:
        async with opened.transaction(clock.wall()) as tx:
            await (companies.stop_all(tx) if mode == "stopped" else companies.resume_all(tx))
            await access.forget_all(tx)
        return {"installation": mode}

    async def here(opened: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.company(opened, company)
        workspace_id = await selection.workspace(opened, owner, workspace)
        async with opened.transaction(clock.wall()) as tx:
            now = await companies.switch(tx, workspace_id, mode, None)
            await access.forget(tx, workspace_id)
        return _shown(now)

    selection.show(connection.run(everywhere if installation else here))


def _shown(now: Switches) -> dict[str, Any]:
    return {
        "contact": now.contact,
        "grace_hours": now.grace_hours,
        "installation_stopped_at": json.instant(now.stopped_at),
    }
