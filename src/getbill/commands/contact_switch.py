"""`getbill contact`: the contact switches of a workspace or of the whole installation."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from getbill import access, companies
from getbill.commands import connection, selection
from getbill.commands.selection import CompanyName
from getbill.companies import ContactChanges, ContactSwitches
from getbill.kit import clock, json
from getbill.kit.database import Database
from getbill.kit.errors import WrongValue
from getbill.kit.exit_errors import CannotRun
from getbill.scenarios import Grouping
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


@contact.command("set")
def set_values(
    company: CompanyName = None,
    workspace: WorkspaceName = "live",
    contacts_per_day: Annotated[
        int | None,
        typer.Option(
            min=0, max=20, help="Contacts with one person on one day over all debts; 0 for any number."
        ),
    ] = None,
    grouping: Annotated[
        Grouping | None, typer.Option(help="Whether debts of one debtor and creditor share a message.")
    ] = None,
) -> None:
    """Set how often a person is contacted over all debts, and whether their debts are contacted together."""
    if contacts_per_day is None and grouping is None:
        raise CannotRun("Give at least one option; --help lists them.")
    changes = companies.ContactChanges(contacts_per_day=contacts_per_day, grouping=grouping)
    selection.print_json(_change(changes, company, workspace))


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
    selection.print_json(_change(changes, company, workspace))


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

    if installation:
        selection.print_json(connection.run(switch_installation))
    else:
        selection.print_json(_change(companies.ContactChanges(mode), company, workspace))


def _change(changes: ContactChanges, company: str | None, workspace: str) -> dict[str, Any]:
    async def change_workspace(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, company)
        workspace_id = await selection.find_workspace_id(database, owner, workspace)
        async with database.transaction(clock.wall()) as tx:
            switches = await companies.switch(tx, workspace_id, changes)
            await access.invalidate(tx, workspace_id)
        return _serialize_switches(switches)

    return connection.run(change_workspace)


def _serialize_switches(switches: ContactSwitches) -> dict[str, Any]:
    return {
        "contact": switches.contact,
        "grace_hours": switches.grace_hours,
        "contacts_per_day": switches.contacts_per_day,
        "grouping": switches.grouping,
        "minimum_balance": switches.minimum_balance,
        "write_off_small_balances": switches.writes_off_small_balances,
        "installation_stopped_at": json.instant(switches.stopped_at),
    }
