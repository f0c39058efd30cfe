"""`getbill company`: who collects with this installation."""

from pathlib import Path
from typing import Annotated, Any

import typer

from getbill import access, companies
from getbill.commands import choosing, database
from getbill.kit import clock, ids, json
from getbill.kit.db import Database
from getbill.kit.destinations import Zone
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


@company.command()
def letterhead(
    name: Annotated[str, typer.Argument(help="Which company.")],
    address: Annotated[list[str], typer.Option(help="A line of its address; give the option once for each.")],
    imprint: Annotated[
        str | None,
        typer.Option(help="What the law wants on a letter: form, capital, register, number."),
    ] = None,
) -> None:
    """Say what a company's letters carry."""

    async def say(opened: Database, _vault: Vault) -> dict[str, Any]:
        company_id = (await choosing.company(opened, name)).id
        await companies.set_letterhead(opened, company_id, address, imprint)
        found = await companies.company(opened, company_id)
        return {"name": found.name, "address": list(found.address), "imprint": found.imprint}

    choosing.show(database.run(say))


@company.command()
def logo(
    name: Annotated[str, typer.Argument(help="Which company.")],
    file: Annotated[
        Path, typer.Argument(help="A PNG or JPEG of at most 200 kB.", exists=True, dir_okay=False)
    ],
) -> None:
    """Put a logo at the head of a company's e-mails."""
    image = file.read_bytes()

    async def put(opened: Database, _vault: Vault) -> dict[str, Any]:
        found = await choosing.company(opened, name)
        kept = await companies.set_logo(opened, found.id, image)
        return {"name": found.name, "media_type": kept.media_type, "bytes": len(kept.image)}

    choosing.show(database.run(put))


@company.command()
def zones(
    name: Annotated[str, typer.Argument(help="Which company.")],
    refuse: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(Zone)}; give the option once for each, none to accept all."),
    ] = None,
) -> None:
    """Say whose phone numbers are refused unless a debt accepts expensive destinations."""

    async def put(opened: Database, _vault: Vault) -> dict[str, Any]:
        found = await choosing.company(opened, name)
        async with opened.transaction(clock.wall()) as tx:
            await companies.set_refused_zones(tx, found.id, refuse or ())
            await access.forget(tx, found.id)
        return {"name": found.name, "refused_zones": sorted(refuse or ())}

    choosing.show(database.run(put))


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
