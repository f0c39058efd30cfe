"""`getbill contact`: the contact switches of a workspace or of the whole installation."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from getbill import access, companies
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.companies import ContactSwitches
from getbill.kit import clock, json
from getbill.kit.database import Database
from getbill.kit.errors import WrongValue
from getbill.kit.exit_errors import CannotRun
from getbill.vault import Vault

contact = typer.Typer(add_completion=False, no_args_is_help=True, help="Stop or resume contact with debtors.")

WorkspaceName = Annotated[str, typer.Option("--workspace", help="Kind, name or id of the workspace.")]
WholeInstallation = Annotated[
    bool, typer.Option("--installation", help="Apply to every workspace of every company.")
]


@contact.command()
def stop(
    company: CompanyName = None, workspace: WorkspaceName = "live", installation: WholeInstallation = False
) -> None:
    """Stop contacting debtors, from the next claim on."""
    _switch("stopped", company, workspace, installation=installation)


@contact.command()
def resume(
    company: CompanyName = None, workspace: WorkspaceName = "live", installation: WholeInstallation = False
) -> None:
    """Resume contacting debtors; missed contacts are handled as each scenario defines."""
    _switch("on", company, workspace, installation=installation)


@contact.command("dry-run")
def dry_run(company: CompanyName = None, workspace: WorkspaceName = "live") -> None:
    """Schedule and render every message, but send none."""
    _switch("dry_run", company, workspace, installation=False)


@contact.command()
def status(company: CompanyName = None, workspace: WorkspaceName = "live") -> None:
    """Show the contact switches."""

    async def find_switches(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        return _serialize_switches(
            await companies.switches(database, await selection.find_workspace_id(database, owner, workspace))
        )

    selection.print_json(connection.run(find_switches))


@contact.command("minimum-balance")
def minimum_balance(
    amount: Annotated[
        str,
        typer.Argument(
            help="Balance from which debtors are contacted, in units of each debt's currency; 0 for none."
        ),
    ],
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
    write_off: Annotated[
        bool | None,
        typer.Option("--write-off/--ask", help="Write smaller balances off, or ask a person about each."),
    ] = None,
) -> None:
    """Set the balance below which nobody is contacted."""
    changes = companies.ContactChanges(minimum_balance=_minimum(amount), writes_off_small_balances=write_off)

    async def set_minimum(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        workspace_id = await selection.find_workspace_id(database, owner, workspace)
        async with database.transaction(clock.wall()) as tx:
            switches = await companies.switch(tx, workspace_id, changes)
            await access.invalidate(tx, workspace_id)
        return _serialize_switches(switches)

    selection.print_json(connection.run(set_minimum))


def _minimum(text: str) -> Decimal:
    try:
        return companies.check_minimum(Decimal(text))
    except (InvalidOperation, WrongValue):
        raise CannotRun(
            f"{text!r} is not an amount from 0 on, with at most 3 decimals, such as 1.00."
        ) from None


def _switch(mode: str, company: str | None, workspace: str, *, installation: bool) -> None:
    async def switch_installation(database: Database, _vault: Vault) -> dict[str, Any]:
        async with database.transaction(clock.wall()) as tx:
            await (companies.stop_all(tx) if mode == "stopped" else companies.resume_all(tx))
            await access.invalidate_all(tx)
        return {"installation": mode}

    async def switch_workspace(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        workspace_id = await selection.find_workspace_id(database, owner, workspace)
        async with database.transaction(clock.wall()) as tx:
            switches = await companies.switch(tx, workspace_id, companies.ContactChanges(mode))
            await access.invalidate(tx, workspace_id)
        return _serialize_switches(switches)

    selection.print_json(connection.run(switch_installation if installation else switch_workspace))


def _serialize_switches(switches: ContactSwitches) -> dict[str, Any]:
    return {
        "contact": switches.contact,
        "grace_hours": switches.grace_hours,
        "minimum_balance": switches.minimum_balance,
        "write_off_small_balances": switches.writes_off_small_balances,
        "installation_stopped_at": json.instant(switches.stopped_at),
    }
