"""`getbill company`: who collects with this installation."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from getbill import access, channels, companies, scenarios
from getbill.commands import connection, selection
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.kit.phones import Zone
from getbill.vault import Vault

company = typer.Typer(no_args_is_help=True, help="Companies that collect here.")


@company.command()
def create(
    name: Annotated[str, typer.Argument(help="As debtors read it.")],
    email: Annotated[str | None, typer.Option(help="Where debtors' answers go.")] = None,
    iban: Annotated[str | None, typer.Option(help="Where debtors pay to.")] = None,
    same_name: Annotated[
        bool, typer.Option("--same-name", help="Another company may have this name; ids tell them apart.")
    ] = False,
) -> None:
    """Create a company with a live workspace and a sandbox."""

    async def found(opened: Database, vault: Vault) -> dict[str, Any]:
        if not same_name:
            await _refuse_namesake(opened, name)
        made = await companies.create(opened, vault, name, email=email, iban=iban)
        return {
            "id": ids.show("company", made.company_id),
            "name": name,
            "live_workspace_id": ids.show("workspace", made.live_id),
            "sandbox_workspace_id": ids.show("workspace", made.sandbox_id),
        }

    selection.show(connection.run(found))


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
        company_id = (await selection.company(opened, name)).id
        await companies.set_letterhead(opened, company_id, address, imprint)
        found = await companies.company(opened, company_id)
        return {"name": found.name, "address": list(found.address), "imprint": found.imprint}

    selection.show(connection.run(say))


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
        found = await selection.company(opened, name)
        kept = await companies.set_logo(opened, found.id, image)
        return {"name": found.name, "media_type": kept.media_type, "bytes": len(kept.image)}

    selection.show(connection.run(put))


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
        found = await selection.company(opened, name)
        async with opened.transaction(clock.wall()) as tx:
            await companies.set_refused_zones(tx, found.id, refuse or ())
            await access.forget(tx, found.id)
        return {"name": found.name, "refused_zones": sorted(refuse or ())}

    selection.show(connection.run(put))


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

    selection.show(connection.run(find))


@company.command()
def rename(
    name: Annotated[str, typer.Argument(help="Which company, by name or id.")],
    new_name: Annotated[str, typer.Argument(help="As debtors will read it.")],
    same_name: Annotated[
        bool, typer.Option("--same-name", help="Another company may have this name; ids tell them apart.")
    ] = False,
) -> None:
    """Change a company's name in every message from now on."""

    async def change(opened: Database, vault: Vault) -> dict[str, Any]:
        current = await selection.company(opened, name)
        if not same_name:
            await _refuse_namesake(opened, new_name, but=current.id)
        return await _update(opened, vault, current, companies.CompanyChanges(name=new_name))

    selection.show(connection.run(change))


@company.command("set")
def set_fields(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Argument(help="Which company, by name or id.")],
    email: Annotated[str | None, typer.Option(help="Where debtors' answers go.")] = None,
    phone: Annotated[str | None, typer.Option(help="Where debtors may call.")] = None,
    iban: Annotated[str | None, typer.Option(help="Where debtors pay to.")] = None,
    country: Annotated[str | None, typer.Option(help="Its country, such as FR.")] = None,
    currency: Annotated[str | None, typer.Option(help="Of debts that name none, such as EUR.")] = None,
    language: Annotated[
        str | None, typer.Option(help=f"Of debtors who have none: {', '.join(channels.LANGUAGES)}.")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="Of debts that name none.")] = None,
) -> None:
    """Change how a company is reached and what its debts come with; what is not given stays."""
    changes = companies.CompanyChanges(
        None, email, phone, iban, _upper(country), _upper(currency), language, scenario
    )
    if changes == companies.CompanyChanges():
        raise CannotRun("Give at least one option; --help lists them.")
    if language is not None and language not in channels.LANGUAGES:
        raise CannotRun(f"--language is one of {', '.join(channels.LANGUAGES)}, not {language!r}.")

    async def change(opened: Database, vault: Vault) -> dict[str, Any]:
        return await _update(opened, vault, await selection.company(opened, name), changes)

    selection.show(connection.run(change))


@company.command()
def delete(
    name: Annotated[str, typer.Argument(help="Which company, by name or id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a company for good: its sandbox, credentials, webhooks, files and staff; refused while it has live debts."""

    async def find(opened: Database, _vault: Vault) -> companies.Company:
        return await selection.company(opened, name)

    doomed = connection.run(find)
    if not yes:
        typed = typer.prompt(
            f"Everything of {doomed.name} is deleted for good. Type its name to go on", err=True
        )
        if typed.strip() != doomed.name:
            raise CannotRun("That is not its name: nothing was deleted.")

    async def end(opened: Database, _vault: Vault) -> dict[str, Any]:
        async with opened.transaction(clock.wall()) as tx:
            rows = await companies.delete(tx, doomed.id)
            await access.forget(tx, doomed.id)
        return {"id": ids.show("company", doomed.id), "name": doomed.name, "deleted_rows": rows}

    selection.show(connection.run(end))


def _upper(code: str | None) -> str | None:
    return code.upper() if code else None


async def _refuse_namesake(opened: Database, name: str, but: UUID | None = None) -> None:
    """Raise where another company has this name already, whatever its capitals."""
    wanted = " ".join(name.split()).casefold()
    for other in await companies.companies(opened):
        if other.id != but and " ".join(other.name.split()).casefold() == wanted:
            shown = ids.show("company", other.id)
            raise CannotRun(
                f"There is a company named {other.name} already ({shown}). "
                "Use it, or give --same-name to have two of one name."
            )


async def _update(
    opened: Database, vault: Vault, current: companies.Company, changes: companies.CompanyChanges
) -> dict[str, Any]:
    live_id = await selection.workspace(opened, current, "live")
    live = await companies.workspace(opened, vault, live_id)
    known = scenarios.names(live)
    if changes.scenario is not None and changes.scenario not in known:
        raise CannotRun(f"There is no scenario {changes.scenario!r}. There are: {', '.join(known)}.")
    async with opened.transaction(clock.wall()) as tx:
        await companies.update(tx, current.id, changes)
        await access.forget(tx, current.id)
    after = await companies.company(opened, current.id)
    return {"id": ids.show("company", after.id)} | {
        one.name: getattr(after, one.name) for one in fields(changes)
    }
