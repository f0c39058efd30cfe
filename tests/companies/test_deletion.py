"""Deleting a company: all it owns goes with it, and nothing of anybody else."""

import pytest

import collecting
import make
from calls import Site
from companies.conftest import Change
from getbill import companies, debts
from getbill.companies import CompanyHasDebts, NewUser
from getbill.kit import clock
from getbill.kit.errors import NotFound
from installation import Installation
from make import Company

DEBTS = "/external-api/v1/debts"
# Every table whose rows belong to a company or a workspace.
OWNED = """
    SELECT c.oid::regclass::text AS name, a.attname AS owner FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('workspace_id', 'company_id') AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace
    """


async def rows_of(installation: Installation, company: Company) -> dict[str, int]:
    """How many rows of each table belong to a company."""
    pool = installation.database.pool
    owners = [company.founded.company_id, company.live.id, company.sandbox.id]
    return {
        table["name"]: count
        for table in await pool.fetch(OWNED)
        if (
            count := await pool.fetchval(
                f"SELECT count(*) FROM {table['name']} WHERE {table['owner']} = ANY($1)", owners
            )
        )
    }


async def fill(installation: Installation, company: Company, sandbox: Site) -> None:
    """Give a company a debt in its sandbox, a logo and a member of staff."""
    assert (await sandbox.post(DEBTS, make.debt())).status == 201
    company_id = company.founded.company_id
    await companies.set_logo(installation.database, company_id, b"\x89PNG\r\n\x1a\n-picture")
    new = NewUser(f"{company_id.hex}@acme.example", "long enough")
    await companies.create_user(installation.database, company_id, new)


async def test_a_company_goes_with_everything_it_owns_and_others_keep_theirs(
    installation: Installation, company: Company, sandbox: Site, change: Change
) -> None:
    other = await make.company(installation.database, installation.vault)
    await fill(installation, company, sandbox)
    await fill(installation, other, installation.site.with_token(other.key))
    before, kept = await rows_of(installation, company), await rows_of(installation, other)
    assert {"debts", "debtors", "vault_keys", "users", "company_logos", "workspaces"} <= before.keys()

    count = await change(companies.delete, company.founded.company_id)

    assert count == sum(before.values())
    assert await rows_of(installation, company) == {}
    assert await rows_of(installation, other) == kept
    with pytest.raises(NotFound):
        await companies.company(installation.database, company.founded.company_id)


async def test_a_company_with_a_live_debt_stays_until_it_is_erased(
    installation: Installation, company: Company, change: Change
) -> None:
    async with installation.database.transaction(clock.wall()) as tx:
        debt = (await debts.create(tx, company.live, collecting.new_debt())).debt
    before = await rows_of(installation, company)

    with pytest.raises(CompanyHasDebts):
        await change(companies.delete, company.founded.company_id)
    assert await rows_of(installation, company) == before
    async with installation.database.transaction(clock.wall()) as tx:
        await debts.erase(tx, company.live, await debts.lock(tx, company.live, debt.id))
    await change(companies.delete, company.founded.company_id)

    assert await rows_of(installation, company) == {}


async def test_a_company_whose_client_got_a_token_goes_too(
    installation: Installation, company: Company, client: Site, change: Change
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": company.client_id,
        "client_secret": company.client_secret,
    }
    assert (await client.form("/token", form)).status == 200

    await change(companies.delete, company.founded.company_id)

    assert await rows_of(installation, company) == {}
