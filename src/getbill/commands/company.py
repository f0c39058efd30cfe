"""`getbill company`: who collects with this installation."""

from typing import Annotated, Any

import typer

from getbill import companies
from getbill.commands import choosing, database
from getbill.kit import ids, json
from getbill.kit.db import Database
from getbill.vault import Vault

company = typer.Typer(no_args_is_help=True, help="Companies that collect here.")


@company.command()
def create(
    name: Annotated[str, typer.Argument(help="As debtors read it.")],
    email: Annotated[str | None, typer.Option(help="Where debtors' answers go.")] = None,
    iban: Annotated[str | None, typer.Option(help="Where debtors pay to.")] = None,
) -> None:
    """Found a company with a live workspace and a sandbox."""

    async def found(opened: Database, vault: Vault) -> dict[str, Any]:
        made = await companies.create(opened, vault, name, email=email, iban=iban)
        return {
            "id": ids.show("company", made.company_id),
            "name": name,
            "live_workspace_id": ids.show("workspace", made.live_id),
            "sandbox_workspace_id": ids.show("workspace", made.sandbox_id),
        }

    choosing.show(database.run(found))


@company.command("list")
def list_all() -> None:
    """List the companies."""

    async def find(opened: Database, _vault: Vault) -> list[dict[str, Any]]:
        return [
            {
                "id": ids.show("company", one.id),
                "name": one.name,
                "email": one.email,
                "created_at": json.instant(one.created_at),
            }
            for one in await companies.companies(opened)
        ]

    choosing.show(database.run(find))
