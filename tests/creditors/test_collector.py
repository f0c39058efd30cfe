"""The role in which a company collects: declared for the company in live, and for one sandbox with its key."""

import asyncio
from typing import Any

import pytest

from collecting import Provider, live_engine
from debts.conftest import WorkspaceApi, a_body, read
from getbill import companies, reactions
from getbill.channels import Channel
from getbill.debtors import Identity
from getbill.debts import Details
from getbill.kit.database import open_database

FILE = {
    "collector": "third_party",
    "registration_number": "RCS Lyon 552 100 554",
    "address": ["4 rue Haute", "69002 LYON"],
    "insurer": "Assurances du Midi",
    "insurance_policy": "RC-42",
    "insured_until": "2999-12-31",
    "client_iban": "FR1420041010050500013M02606",
    "declared_on": "2026-01-15",
    "declared_to": "Tribunal judiciaire de Lyon",
}
REQUIRED = ["registration_number", "address", "insurer", "insurance_policy", "client_iban", "declared_on"]


async def declare(workspace: WorkspaceApi, fields: Any) -> Any:
    answer = await workspace.put("/company/collector", fields)
    assert answer.status == 200, answer.body
    return read(answer)


async def test_a_company_collects_its_own_debts_until_it_is_declared(workspace: WorkspaceApi) -> None:
    before = read(await workspace.get("/company/collector"))

    after = await declare(workspace, FILE)

    assert (before["collector"], before["missing"]) == ("creditor", [])
    assert after == FILE | {"missing": []}
    assert read(await workspace.get("/company/collector")) == after
    profile = read(await workspace.get("/company/profile"))["configuration"]
    assert (profile["collector"], profile["scenario"]) == ("third_party", "third_party_fr")


async def test_what_is_missing_is_named(workspace: WorkspaceApi) -> None:
    declared = await declare(workspace, {"collector": "third_party"})
    expired = await declare(workspace, FILE | {"insured_until": "2020-01-01"})

    assert declared["missing"] == REQUIRED
    assert expired["missing"] == ["insured_until"]


async def test_a_field_that_is_not_named_stays_and_null_clears(workspace: WorkspaceApi) -> None:
    await declare(workspace, FILE)

    changed = await declare(workspace, {"insurer": None, "declared_to": "Tribunal judiciaire de Paris"})

    assert changed == FILE | {
        "insurer": None,
        "declared_to": "Tribunal judiciaire de Paris",
        "missing": ["insurer"],
    }


async def test_a_company_that_is_one_no_longer_gets_an_ordinary_scenario(workspace: WorkspaceApi) -> None:
    await declare(workspace, FILE)
    await declare(workspace, {"collector": "creditor"})

    assert (await workspace.debt(scenario=None))["scenario"] == "standard_3_waves"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"collector": "bank"}, "/collector"),
        ({"collector": None}, "/collector"),
        ({"client_iban": "FR7630006000011234567890188"}, "/client_iban"),
        ({"declared_on": "yesterday"}, "/declared_on"),
        ({"address": ["x"] * 6}, "/address"),
        ({"address": ["x" * 61]}, "/address/0"),
        ({"insurer": "x" * 201}, "/insurer"),
    ],
)
async def test_a_wrong_field_is_named(workspace: WorkspaceApi, wrong: Any, pointer: str) -> None:
    answer = await workspace.put("/company/collector", wrong)

    assert (answer.status, [error["pointer"] for error in read(answer)["errors"]]) == (422, [pointer])


async def test_a_sandbox_declares_for_itself_alone(workspace: WorkspaceApi) -> None:
    await declare(workspace, FILE)

    state = workspace.app.state
    sandbox = await companies.workspace(state.database, state.vault, workspace.workspace_id)
    spaces = await companies.workspaces_of(state.database, sandbox.company.id)
    live = await companies.workspace(state.database, state.vault, spaces[0][0])
    assert (sandbox.company.is_third_party, live.company.is_third_party) == (True, False)
    assert (live.company.scenario, live.company.client_iban) == ("standard_3_waves", None)


async def test_a_third_party_cannot_take_a_debt_s_creditor_away(workspace: WorkspaceApi) -> None:
    await declare(workspace, FILE)
    debt = await workspace.debt(company="Garage Martin", scenario=None)

    answers = [
        await workspace.put(f"/debts/{debt['id']}", change)
        for change in ({"company": None}, {"creditor_id": None}, {"company": "ACME"})
    ]
    own = await workspace.post("/debts", a_body(company="Acme", scenario=None))

    for answer in [*answers, own]:
        assert answer.status == 422
        assert [error["pointer"] for error in read(answer)["errors"]] == ["/company"]
    assert (await workspace.put(f"/debts/{debt['id']}", {"object": "Repair"})).status == 200


WHO = Identity(name="Jean Dupont", email="jean@example.com")


async def test_in_live_a_third_party_contacts_nobody_before_its_file_is_complete(dsn: str) -> None:
    database = await open_database(dsn, reactions.before_commit, size=4)
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    company = (await workspace.snapshot()).company
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(WHO, details=Details(creditor="Garage Martin"))
    async with database.transaction((await workspace.snapshot()).now()) as tx:
        await companies.declare(tx, company.id, {"collector": "third_party"})

    await workspace.send_due_live()

    contact = await workspace.first(debt.id)
    assert (contact["state"], contact["reason"], provider.taken) == ("planned", "COLLECTOR-FILE", [])
    await database.close()


async def test_declarations_at_once_lose_no_field(workspace: WorkspaceApi) -> None:
    await declare(workspace, {"collector": "third_party"})

    fields = ({"insurer": "Midi"}, {"insurance_policy": "RC-1"}, {"registration_number": "RCS 1"})
    await asyncio.gather(*(declare(workspace, field) for field in fields))

    shown = read(await workspace.get("/company/collector"))
    assert [shown[name] for field in fields for name in field] == ["Midi", "RC-1", "RCS 1"]
