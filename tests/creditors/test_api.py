"""Creditors over HTTP: who they are, their mandate, and what is owed to them."""

import asyncio
import base64
from typing import Any

import pytest

from debts.conftest import WorkspaceApi, read
from getbill.kit import ids

MARTIN = {
    "name": "Garage Martin SARL",
    "email": "compta@martin.example",
    "phone": "04 67 00 00 10",
    "address": "8 avenue du Port",
    "postal_code": "34200",
    "city": "Sète",
    "country": "FR",
    "registration_number": "552 100 554",
    "tax_number": "FR40303265045",
    "contact_person": "Anne Martin",
    "iban": "FR76 3000 6000 0112 3456 7890 189",
    "mandate_signed_on": "2026-01-15",
}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


async def create(workspace: WorkspaceApi, **fields: Any) -> dict[str, Any]:
    answer = await workspace.post("/creditors", {"name": "Garage Martin SARL"} | fields)
    assert answer.status == 201, answer.body
    return dict(read(answer))


async def errors_of(workspace: WorkspaceApi, method: str, path: str, body: Any) -> dict[str, str]:
    answer = await workspace.call(method, path, body)
    assert answer.status == 422, answer.body
    return {error["pointer"]: error["code"] for error in read(answer)["errors"]}


async def test_a_creditor_is_created_and_read(workspace: WorkspaceApi) -> None:
    answer = await workspace.post("/creditors", MARTIN)

    created = read(answer)
    expected = MARTIN | {"phone": "+33467000010", "iban": "FR7630006000011234567890189"}
    expected |= {"mandate_power_to_receive": True, "has_logo": False}
    assert answer.status == 201
    assert {name: created[name] for name in expected} == expected
    shown = read(await workspace.get(f"/creditors/{created['id']}"))
    assert shown == created | {"total_debts": 0, "total_amount": []}


async def test_the_names_of_the_docs_are_read_too(workspace: WorkspaceApi) -> None:
    creditor = await create(
        workspace,
        postalCode="34200",
        registrationNumber="1",
        taxNumber="2",
        contactPerson="Anne",
        country="fr",
    )

    assert (creditor["postal_code"], creditor["registration_number"]) == ("34200", "1")
    assert (creditor["tax_number"], creditor["contact_person"], creditor["country"]) == ("2", "Anne", "FR")


async def test_both_spellings_of_one_field_are_refused(workspace: WorkspaceApi) -> None:
    body = {"name": "A", "postalCode": "34200", "postal_code": "34200", "tax_number": "1", "taxNumber": "1"}

    errors = await errors_of(workspace, "POST", "/creditors", body)

    assert errors == {"/postalCode": "twice", "/taxNumber": "twice"}


async def test_every_wrong_field_is_named_at_once(workspace: WorkspaceApi) -> None:
    body = {
        "email": "nobody",
        "phone": "12",
        "country": "France1",
        "iban": "FR7630006000011234567890188",
        "city": "x" * 201,
        "mandate_signed_on": "2999-01-01",
        "logo": "%",
        "vat": "1",
    }

    errors = await errors_of(workspace, "POST", "/creditors", body)

    assert errors.keys() == {
        "/name", "/email", "/phone", "/country", "/iban", "/city", "/mandate_signed_on", "/logo", "/vat"
    }  # fmt: skip
    assert errors["/mandate_signed_on"] == "in-the-future"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_keeps_what_it_does_not_name(workspace: WorkspaceApi, method: str) -> None:
    created = read(await workspace.post("/creditors", MARTIN))

    answer = await workspace.call(
        method, f"/creditors/{created['id']}", {"name": "Garage Martin SAS", "email": None}
    )

    changed = read(answer)
    assert answer.status == 200
    assert (changed["name"], changed["email"], changed["city"]) == ("Garage Martin SAS", None, "Sète")
    assert read(await workspace.get(f"/creditors/{created['id']}"))["name"] == "Garage Martin SAS"


async def test_a_name_cannot_be_cleared(workspace: WorkspaceApi) -> None:
    created = await create(workspace)

    assert await errors_of(workspace, "PUT", f"/creditors/{created['id']}", {"name": None}) == {
        "/name": "required"
    }


async def test_a_name_in_another_spelling_is_taken(workspace: WorkspaceApi) -> None:
    created = await create(workspace)

    answer = await workspace.post("/creditors", {"name": " GARAGE  Martin sarl"})

    problem = read(answer)
    assert (answer.status, problem["id"]) == (409, created["id"])
    assert problem["type"].endswith("creditor-exists")
    other = await create(workspace, name="Boulangerie Martin")
    renamed = await workspace.put(f"/creditors/{other['id']}", {"name": "garage martin sarl"})
    assert renamed.status == 409


async def test_of_creditors_created_at_once_with_one_name_one_remains(workspace: WorkspaceApi) -> None:
    answers = await asyncio.gather(*(workspace.post("/creditors", {"name": "Martin"}) for _ in range(4)))

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert read(await workspace.get("/creditors"))["pagination"]["total"] == 1


async def test_creditors_are_listed_by_page_and_cursor(workspace: WorkspaceApi) -> None:
    for name in ("Ada", "Bea", "Cleo"):
        await create(workspace, name=name)

    first = read(await workspace.get("/creditors?limit=2"))
    rest = read(await workspace.get(f"/creditors?limit=2&cursor={first['pagination']['next_cursor']}"))
    second = read(await workspace.get("/creditors?limit=2&page=2"))

    assert [creditor["name"] for creditor in first["data"] + rest["data"]] == ["Cleo", "Bea", "Ada"]
    assert second["data"] == rest["data"]


async def test_the_amounts_of_a_creditor_are_shown_per_currency(workspace: WorkspaceApi) -> None:
    creditor = await create(workspace, name="Martin")
    debt = await workspace.debt(amount=100, company="Martin")
    await workspace.debt(amount=50, company="MARTIN")
    await workspace.debt(amount=7, currency="CHF", company="Martin")
    await workspace.debt(amount=1000)
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 30})

    shown = read(await workspace.get(f"/creditors/{creditor['id']}"))

    assert shown["total_debts"] == 3
    assert shown["total_amount"] == [
        {"currency": "CHF", "amount": 7, "balance": 7, "amount_paid": 0},
        {"currency": "EUR", "amount": 150, "balance": 120, "amount_paid": 30},
    ]


async def test_a_creditor_is_deleted_once_no_debt_names_it(workspace: WorkspaceApi) -> None:
    creditor = await create(workspace, name="Martin")
    debt = await workspace.debt(company="Martin")

    refused = await workspace.call("DELETE", f"/creditors/{creditor['id']}")
    await workspace.call("DELETE", f"/debts/{debt['id']}")
    deleted = await workspace.call("DELETE", f"/creditors/{creditor['id']}")

    assert (refused.status, read(refused)["type"].endswith("creditor-has-debts")) == (409, True)
    assert (deleted.status, read(deleted)["id"]) == (200, creditor["id"])
    assert (await workspace.get(f"/creditors/{creditor['id']}")).status == 404
    keys = await workspace.rows(
        "SELECT FROM vault_keys WHERE subject_id = $1", ids.read("creditor", creditor["id"])
    )
    assert keys == []


async def test_a_creditor_of_another_workspace_is_unknown(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    creditor = await create(workspace)
    path = f"/creditors/{creditor['id']}"

    answers = [
        await other_workspace.get(path),
        await other_workspace.put(path, {"name": "Mine"}),
        await other_workspace.call("DELETE", path),
    ]

    assert [answer.status for answer in answers] == [404, 404, 404]


async def test_a_logo_is_a_picture_in_base64(workspace: WorkspaceApi) -> None:
    creditor = await create(workspace, logo=base64.b64encode(PNG).decode())
    path = f"/creditors/{creditor['id']}"

    no_picture = {"logo": base64.b64encode(b"GIF89a").decode()}

    assert creditor["has_logo"] is True
    assert await errors_of(workspace, "PUT", path, no_picture) == {"/logo": "unknown-picture"}
    assert read(await workspace.put(path, {"logo": None}))["has_logo"] is False


async def test_what_is_known_of_a_creditor_is_sealed(workspace: WorkspaceApi) -> None:
    await workspace.post("/creditors", MARTIN)

    rows = await workspace.rows(
        "SELECT creditors::text AS row FROM creditors WHERE workspace_id = $1", workspace.workspace_id
    )

    assert not [text for text in ("Martin", "martin", "Port", "34200", "Anne") if text in rows[0]["row"]]
