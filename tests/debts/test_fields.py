"""A declared field is in every place that reads or shows debts, without being named there."""

from datetime import date
from typing import Any

import asyncpg
import pytest

from calls import Site
from debts.test_rules import WORKSPACE
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt, parse_bodies
from getbill.debts.model import INSERT
from getbill.debts.wire.fields import ADDRESS_FIELDS, ADDRESS_LINE, DEBT_FIELDS, DEBTOR_FIELDS, DETAIL_FIELDS
from getbill.kit import json
from getbill.kit.http import ApiField
from getbill.kit.money import Money
from getbill.mapping import Field

DEBTS = "/external-api/v1/debts"
# A value of each kind, as a body has it.
VALUES = {
    "text": "Client 42",
    "name": "Jean Dupont",
    "line": "12 rue de la Paix",
    "civility": "Mr",
    "birthdate": "1980-05-17",
    "email": "jean@example.com",
    "phone": "+33612345678",
    "language": "de",
    "country": "BE",
    "day": "2024-01-15",
    "day_text": "2024-01-10",
    "iban": "FR7630006000011234567890189",
    "link": "https://pay.example/1",
    "flag": True,
    "metadata": {"site": 7},
    "start_mode": "next_day",
}
SPECIAL = {"scenario": "gentle_2_waves", "last_name": "Dupont", "first_name": "Jean"}
# Their column has another name, or a file has none.
OTHER_COLUMNS = {
    "company": Field.CREDITOR,
    "timeline_start_mode": None,
    "accept_expensive_destination": None,
}


def value(field: ApiField) -> Any:
    return SPECIAL.get(field.name, VALUES[field.kind])


def nested_body() -> dict[str, Any]:
    address = {field.name: value(field) for field in ADDRESS_FIELDS}
    debtor = {field.name: value(field) for field in DEBTOR_FIELDS} | {"address": address}
    return {field.name: value(field) for field in DEBT_FIELDS + DETAIL_FIELDS} | {
        "amount": 10,
        "debtor": debtor,
    }


def flat_body() -> dict[str, Any]:
    fields = [field for field in (*DEBTOR_FIELDS, *ADDRESS_FIELDS, *DEBT_FIELDS) if field.aliases]
    plain = [field for field in DEBT_FIELDS + DETAIL_FIELDS if not field.aliases]
    return (
        {alias: value(field) for field in fields for alias in field.aliases}
        | {field.name: value(field) for field in plain}
        | {"amount": 10}
    )


def shown(fields: tuple[ApiField, ...]) -> dict[str, Any]:
    return {field.name: value(field) for field in fields if field.is_shown}


@pytest.mark.parametrize("body", [nested_body(), flat_body()], ids=["nested", "flat"])
async def test_every_field_is_stored_and_shown(sandbox: Site, body: dict[str, Any]) -> None:
    created = await sandbox.post(DEBTS, body)
    assert created.status == 201, created.body
    debt = (await sandbox.get(f"{DEBTS}/{created.json()['id']}")).json()

    assert shown(DEBT_FIELDS + DETAIL_FIELDS).items() <= debt.items()
    assert shown(ADDRESS_FIELDS).items() <= debt["debtor"]["address"].items()
    language = {} if "debtor" in body else {"language": None}
    assert (shown(DEBTOR_FIELDS) | language).items() <= debt["debtor"].items()
    [parsed] = parse_bodies(WORKSPACE, [body])
    assert isinstance(parsed, NewDebt)
    assert parsed.details == Details(**{field.stored_name: value(field) for field in DETAIL_FIELDS})


async def test_every_field_that_may_change_changes(sandbox: Site) -> None:
    debt = (await sandbox.post(DEBTS, {"debtor": {"name": "A"}, "amount": 10, "reference": "R"})).json()
    changes = {
        name: changed
        for name, changed in nested_body().items()
        if name not in {"amount", "timeline_start_mode"}
    }

    changed = await sandbox.call("PUT", f"{DEBTS}/{debt['id']}", body=json.write(changes))

    assert changed.status == 200, changed.body
    assert shown(DEBT_FIELDS + DETAIL_FIELDS).items() <= changed.json().items()
    assert shown(DEBTOR_FIELDS).items() <= changed.json()["debtor"].items()


def test_every_field_has_a_column_in_files() -> None:
    top_level = {
        field.name: OTHER_COLUMNS.get(field.name, field.name) for field in DEBT_FIELDS + DETAIL_FIELDS
    }
    debtor = {field.name: field.name for field in (*DEBTOR_FIELDS, *ADDRESS_FIELDS, ADDRESS_LINE)}
    columns = {name for name in (top_level | debtor).values() if name is not None}

    assert columns <= set(Field), "Add it to mapping.Field, or say here that a file has none."


def test_the_fingerprint_of_a_body_stays() -> None:
    # Recorded before fields were declared once: another text would make a repeated POST a conflict.
    new_debt = NewDebt(
        Identity("Jean Dupont", email="j@example.com"),
        Money(100, "EUR"),
        "R1",
        "standard_3_waves",
        Details(object="x", metadata={"b": 1}),
        "I1",
        date(2024, 1, 2),
    )

    assert new_debt.canonical() == (
        '{"identity":{"name":"Jean Dupont","first_name":null,"last_name":null,"civility":null,"birthdate":null,'
        '"company":null,"email":"j@example.com","phone":null,"language":null,"reference":null,"address":null,'
        '"street_address":null,"street_number":null,"postal_code":null,"city":null,"country":null},'
        '"amount":{"minor":100,"currency":"EUR"},"reference":"R1","scenario":"standard_3_waves",'
        '"details":{"object":"x","iban":null,"payment_link":null,"invoice_date":null,"creditor":null,'
        '"start_mode":null,"accept_expensive_destination":null,"hold_reason":null,"escalation":null,'
        '"metadata":{"b":1},"promise":null},"invoice_reference":"I1","due_on":"2024-01-02"}'
    )


async def test_a_debt_writes_every_column_of_its_table(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = 'debts' AND is_generated = 'NEVER'"
    )
    await connection.close()

    written = INSERT.text.partition("(")[2].partition(")")[0].split(", ")

    assert sorted(written) == sorted(row["column_name"] for row in rows)
