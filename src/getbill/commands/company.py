"""`getbill company`: the companies of this installation."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from getbill import access, channels, companies, creditors, scenarios
from getbill.commands import connection, selection
from getbill.kit import clock, ids, json
from getbill.kit.database import Database
from getbill.kit.exit_errors import CannotRun
from getbill.kit.phones import Zone
from getbill.vault import Vault

company = typer.Typer(add_completion=False, no_args_is_help=True, help="Manage companies.")


@company.command()
def create(
    name: Annotated[str, typer.Argument(help="Name shown to debtors.")],
    email: Annotated[str | None, typer.Option(help="E-mail address for debtors' replies.")] = None,
    iban: Annotated[str | None, typer.Option(help="IBAN to which debtors pay.")] = None,
    same_name: Annotated[
        bool, typer.Option("--same-name", help="Allow a name that another company already has.")
    ] = False,
) -> None:
    """Create a company with a live workspace and a sandbox."""

    async def create_company(database: Database, vault: Vault) -> dict[str, Any]:
        if not same_name:
            await _refuse_namesake(database, name)
        new_company = await companies.create(database, vault, name, email=email, iban=iban)
        return {
            "id": ids.show("company", new_company.company_id),
            "name": name,
            "live_workspace_id": ids.show("workspace", new_company.live_id),
            "sandbox_workspace_id": ids.show("workspace", new_company.sandbox_id),
        }

    selection.print_json(connection.run(create_company))


@company.command()
def letterhead(
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    address: Annotated[list[str], typer.Option(help="Line of the address; repeatable.")],
    imprint: Annotated[
        str | None,
        typer.Option(help="Imprint required by law on letters: legal form, capital, register and number."),
    ] = None,
) -> None:
    """Set the address and imprint of a company's letters."""

    async def set_letterhead(database: Database, _vault: Vault) -> dict[str, Any]:
        company_id = (await selection.find_company(database, name)).id
        await companies.set_letterhead(database, company_id, address, imprint)
        async with database.transaction(clock.wall()) as tx:
            await access.invalidate(tx, company_id)
        updated_company = await companies.company(database, company_id)
        return {
            "name": updated_company.name,
            "address": list(updated_company.address),
            "imprint": updated_company.imprint,
        }

    selection.print_json(connection.run(set_letterhead))


@company.command()
def logo(
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    file: Annotated[
        Path, typer.Argument(help="PNG or JPEG file of at most 200 kB.", exists=True, dir_okay=False)
    ],
) -> None:
    """Set the logo in the header of a company's e-mails."""
    image = file.read_bytes()

    async def set_logo(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, name)
        stored_logo = await companies.set_logo(database, owner.id, image)
        return {"name": owner.name, "media_type": stored_logo.media_type, "bytes": len(stored_logo.image)}

    selection.print_json(connection.run(set_logo))


@company.command()
def zones(
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    refuse: Annotated[
        list[str] | None,
        typer.Option(help=f"Phone zone to refuse, one of {', '.join(Zone)}; repeatable. Omit to accept all."),
    ] = None,
) -> None:
    """Set the phone zones a company refuses unless a debt accepts expensive destinations."""

    async def set_zones(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, name)
        async with database.transaction(clock.wall()) as tx:
            await companies.set_refused_zones(tx, owner.id, refuse or ())
            await access.invalidate(tx, owner.id)
        return {"name": owner.name, "refused_zones": sorted(refuse or ())}

    selection.print_json(connection.run(set_zones))


@company.command("list")
def list_companies() -> None:
    """List the companies."""

    async def find_companies(database: Database, _vault: Vault) -> list[dict[str, Any]]:
        return [
            {
                "id": ids.show("company", row.id),
                "name": row.name,
                "email": row.email,
                "created_at": json.instant(row.created_at),
            }
            for row in await companies.companies(database)
        ]

    selection.print_json(connection.run(find_companies))


@company.command()
def rename(
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    new_name: Annotated[str, typer.Argument(help="New name shown to debtors.")],
    same_name: Annotated[
        bool, typer.Option("--same-name", help="Allow a name that another company already has.")
    ] = False,
) -> None:
    """Change a company's name in all future messages."""

    async def rename_company(database: Database, vault: Vault) -> dict[str, Any]:
        current = await selection.find_company(database, name)
        if not same_name:
            await _refuse_namesake(database, new_name, except_id=current.id)
        return await _update_company(database, vault, current, companies.CompanyChanges(name=new_name))

    selection.print_json(connection.run(rename_company))


@company.command("set")
def set_fields(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    email: Annotated[
        str | None, typer.Option(help="E-mail address for debtors' replies; '' removes it.")
    ] = None,
    phone: Annotated[str | None, typer.Option(help="Phone number for debtors; '' removes it.")] = None,
    iban: Annotated[str | None, typer.Option(help="IBAN to which debtors pay; '' removes it.")] = None,
    country: Annotated[str | None, typer.Option(help="Country of the company, such as FR.")] = None,
    currency: Annotated[str | None, typer.Option(help="Default currency of debts, such as EUR.")] = None,
    language: Annotated[
        str | None, typer.Option(help=f"Default language of debtors: {', '.join(channels.LANGUAGES)}.")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="Default scenario of debts.")] = None,
) -> None:
    """Change a company's contact details and debt defaults; omitted options stay unchanged."""
    changes = companies.CompanyChanges(
        None, email, phone, iban, _uppercase(country), _uppercase(currency), language, scenario
    )
    if changes == companies.CompanyChanges():
        raise CannotRun("Give at least one option; --help lists them.")
    if language is not None and language not in channels.LANGUAGES:
        raise CannotRun(f"--language must be one of {', '.join(channels.LANGUAGES)}, not {language!r}.")

    async def update_company(database: Database, vault: Vault) -> dict[str, Any]:
        return await _update_company(database, vault, await selection.find_company(database, name), changes)

    selection.print_json(connection.run(update_company))


@company.command("collector")
def declare_collector(  # noqa: PLR0913 the options of a command are its parameters
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    role: Annotated[
        str | None,
        typer.Option(help="`third_party` if the company collects the debts of others, else `creditor`."),
    ] = None,
    registration: Annotated[str | None, typer.Option(help="Register and number of the company.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="Line of the address; repeatable.")] = None,
    insurer: Annotated[str | None, typer.Option(help="Insurer of its professional liability.")] = None,
    policy: Annotated[str | None, typer.Option(help="Number of the insurance policy.")] = None,
    insured_until: Annotated[str | None, typer.Option(help="Last day of the insurance, YYYY-MM-DD.")] = None,
    client_iban: Annotated[
        str | None, typer.Option(help="IBAN of the account that holds creditors' money alone.")
    ] = None,
    declared_on: Annotated[
        str | None, typer.Option(help="Day of the declaration to the public prosecutor, YYYY-MM-DD.")
    ] = None,
    declared_to: Annotated[
        str | None, typer.Option(help="Court to whose prosecutor the company declared itself.")
    ] = None,
) -> None:
    """Declare a company a third-party collector, or change what it has on file; omitted options stay unchanged.

    In live, a third party contacts nobody before everything in `missing` is on file.
    """
    fields = {
        "collector": role,
        "registration_number": registration,
        "address": address,
        "insurer": insurer,
        "insurance_policy": policy,
        "insured_until": insured_until,
        "client_iban": client_iban,
        "declared_on": declared_on,
        "declared_to": declared_to,
    }
    changes = creditors.read_collector_changes(
        {field: value for field, value in fields.items() if value is not None}
    )

    async def declare(database: Database, _vault: Vault) -> dict[str, Any]:
        owner = await selection.find_company(database, name)
        async with database.transaction(clock.wall()) as tx:
            collector_file = await companies.declare(tx, owner.id, changes)
            await access.invalidate(tx, owner.id)
        updated_company = await companies.company(database, owner.id)
        collector = creditors.serialize_collector(collector_file, clock.wall().date())
        return {"name": owner.name, "scenario": updated_company.scenario, **collector}

    selection.print_json(connection.run(declare))


@company.command()
def delete(
    name: Annotated[str, typer.Argument(help="Name or id of the company.")],
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
) -> None:
    """Delete a company for good; refused while it has live debts.

    Its sandbox, credentials, webhooks, files and staff are deleted too.
    """

    async def find_company(database: Database, _vault: Vault) -> companies.Company:
        return await selection.find_company(database, name)

    owner = connection.run(find_company)
    if not yes:
        typed_name = typer.prompt(
            f"All data of {owner.name} will be deleted permanently. Type its name to continue", err=True
        )
        if typed_name.strip() != owner.name:
            raise CannotRun("The name does not match; nothing was deleted.")

    async def delete_company(database: Database, _vault: Vault) -> dict[str, Any]:
        async with database.transaction(clock.wall()) as tx:
            rows = await companies.delete(tx, owner.id)
            await access.invalidate(tx, owner.id)
        return {"id": ids.show("company", owner.id), "name": owner.name, "deleted_rows": rows}

    selection.print_json(connection.run(delete_company))


def _uppercase(code: str | None) -> str | None:
    return code.upper() if code else None


async def _refuse_namesake(database: Database, name: str, except_id: UUID | None = None) -> None:
    """Raise if another company has this name already, ignoring case."""
    folded_name = " ".join(name.split()).casefold()
    for other in await companies.companies(database):
        if other.id != except_id and " ".join(other.name.split()).casefold() == folded_name:
            public_id = ids.show("company", other.id)
            raise CannotRun(
                f"A company named {other.name} already exists ({public_id}). "
                "Use it, or give --same-name to create another."
            )


async def _update_company(
    database: Database, vault: Vault, current: companies.Company, changes: companies.CompanyChanges
) -> dict[str, Any]:
    live_id = await selection.find_workspace_id(database, current, "live")
    live = await companies.workspace(database, vault, live_id)
    scenario_names = scenarios.names(live)
    if changes.scenario is not None and changes.scenario not in scenario_names:
        raise CannotRun(
            f"Unknown scenario {changes.scenario!r}. Valid scenarios: {', '.join(scenario_names)}."
        )
    if changes.scenario is not None:
        try:
            scenarios.refuse_notices(live, changes.scenario)
        except scenarios.ScenarioReserved as error:
            raise CannotRun(str(error.detail)) from None
    async with database.transaction(clock.wall()) as tx:
        await companies.update(tx, current.id, changes)
        await access.invalidate(tx, current.id)
    updated_company = await companies.company(database, current.id)
    return {"id": ids.show("company", updated_company.id)} | {
        field.name: getattr(updated_company, field.name) for field in fields(changes)
    }
