"""Companies: what a new one consists of, and what may be changed of it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from companies.conftest import Change
from getbill import companies
from getbill.companies import CompanyChanges, CompanyExists
from getbill.kit.errors import Invalid, NotFound
from installation import Installation
from make import Company


async def test_a_new_company_has_a_live_workspace_and_a_sandbox_each_with_a_stream(
    installation: Installation,
) -> None:
    database = installation.database

    created = await companies.create(database, installation.vault, "  Acme  ", email="Billing@Acme.example")

    company = await companies.company(database, created.company_id)
    assert (company.name, company.email) == ("Acme", "Billing@acme.example")
    assert (company.country, company.currency, company.language) == ("FR", "EUR", "fr")
    assert await companies.workspaces_of(database, company.id) == [
        (created.live_id, "live", "live"),
        (created.sandbox_id, "sandbox", "sandbox"),
    ]
    streams = await database.pool.fetch(
        "SELECT workspace_id FROM streams WHERE workspace_id = ANY($1)", [created.live_id, created.sandbox_id]
    )
    assert {row["workspace_id"] for row in streams} == {created.live_id, created.sandbox_id}


async def test_a_workspace_knows_its_company_and_whether_it_is_live(
    installation: Installation, company: Company
) -> None:
    live, sandbox = company.live, company.sandbox

    assert (live.is_live, sandbox.is_live) == (True, False)
    assert live.company == sandbox.company
    assert live.lookup.hash("email", "a@b.example") == sandbox.lookup.hash("email", "a@b.example")
    assert live.cursor_signer("debts")("cursor") != sandbox.cursor_signer("debts")("cursor")
    with pytest.raises(NotFound):
        await companies.workspace(installation.database, installation.vault, uuid4())


async def test_two_companies_hash_one_address_differently(
    installation: Installation, company: Company
) -> None:
    created = await companies.create(installation.database, installation.vault, "Another")
    other = await companies.workspace(installation.database, installation.vault, created.live_id)

    assert other.lookup.hash("email", "a@b.example") != company.live.lookup.hash("email", "a@b.example")


async def test_there_is_one_demo_company(installation: Installation) -> None:
    database, vault = installation.database, installation.vault
    assert await companies.demo_company_id(database) is None

    demo = await companies.create(database, vault, "Demo", is_demo=True)
    with pytest.raises(CompanyExists):
        await companies.create(database, vault, "Demo", is_demo=True)

    assert await companies.demo_company_id(database) == demo.company_id
    assert [company.id for company in await companies.companies(database, "Demo")] == [demo.company_id]


async def test_a_change_leaves_what_it_does_not_name(
    installation: Installation, company: Company, change: Change
) -> None:
    company_id = company.founded.company_id
    before = await companies.company(installation.database, company_id)

    await change(companies.update, company_id, CompanyChanges(phone="02 513 27 33", country="BE"))
    belgian = await companies.company(installation.database, company_id)
    await change(companies.update, company_id, CompanyChanges(name=" Acme ", phone="01 42 68 53 00"))
    renamed = await companies.company(installation.database, company_id)

    assert (belgian.country, belgian.name, belgian.iban) == ("BE", before.name, before.iban)
    # A number is read as its country writes it: the one of the change, else France's.
    assert (belgian.phone, renamed.phone) == ("+3225132733", "+33142685300")
    assert (renamed.name, renamed.country) == ("Acme", "BE")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        (CompanyChanges(name=" "), "/name", "missing"),
        (CompanyChanges(email="nowhere"), "/email", "email"),
        (CompanyChanges(phone="12"), "/phone", "phone"),
        (CompanyChanges(iban="FR7630006000011234567890188"), "/iban", "iban"),
        (CompanyChanges(country="XX"), "/country", "unknown"),
        (CompanyChanges(currency="EURO"), "/currency", "unknown"),
    ],
)
async def test_a_wrong_value_is_named_and_changes_nothing(
    installation: Installation,
    company: Company,
    change: Change,
    changes: CompanyChanges,
    pointer: str,
    code: str,
) -> None:
    before = await companies.company(installation.database, company.founded.company_id)

    with pytest.raises(Invalid) as refused:
        await change(companies.update, before.id, changes)

    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert await companies.company(installation.database, before.id) == before


async def test_a_company_that_does_not_exist_is_not_changed(
    installation: Installation, change: Change
) -> None:
    nobody = uuid4()

    with pytest.raises(NotFound):
        await change(companies.update, nobody, CompanyChanges(name="Acme"))
    with pytest.raises(NotFound):
        await change(companies.set_refused_zones, nobody, [])
    with pytest.raises(NotFound):
        await companies.set_letterhead(installation.database, nobody, [], None)
    with pytest.raises(NotFound):
        await companies.company(installation.database, nobody)


async def test_a_letterhead_has_at_most_five_lines_of_sixty_characters(
    installation: Installation, company: Company
) -> None:
    database, company_id = installation.database, company.founded.company_id
    lines = ["Acme SARL", "1 rue Neuve", "x" * 60, "69002 Lyon", "France"]

    await companies.set_letterhead(database, company_id, [" ", *lines, ""], "  RCS Lyon 123 456 789 ")
    for wrong in ([*lines, "Europe"], ["x" * 61]):
        with pytest.raises(Invalid) as refused:
            await companies.set_letterhead(database, company_id, wrong, None)
        assert [error.code for error in refused.value.errors] == ["too-long"]

    answer = await companies.company(database, company_id)
    assert (answer.address, answer.imprint) == (tuple(lines), "RCS Lyon 123 456 789")


async def test_refused_zones_are_replaced_as_a_whole(
    installation: Installation, company: Company, change: Change
) -> None:
    company_id = company.founded.company_id

    await change(companies.set_refused_zones, company_id, ["maghreb", "french_overseas", "maghreb"])
    both = (await companies.company(installation.database, company_id)).refused_zones
    with pytest.raises(Invalid):
        await change(companies.set_refused_zones, company_id, ["moon"])
    await change(companies.set_refused_zones, company_id, [])

    assert both == {"french_overseas", "maghreb"}
    assert (await companies.company(installation.database, company_id)).refused_zones == frozenset()


async def test_the_clock_of_a_workspace_is_its_own(installation: Installation, company: Company) -> None:
    await installation.database.pool.execute(
        "UPDATE workspaces SET clock_offset = $2 WHERE workspace_id = $1",
        company.sandbox.id,
        timedelta(days=8),
    )

    sandbox, live = [
        await companies.workspace(installation.database, installation.vault, workspace.id)
        for workspace in (company.sandbox, company.live)
    ]

    assert (
        timedelta(days=8) <= sandbox.now() - live.now() + timedelta(seconds=1) < timedelta(days=8, seconds=2)
    )
