"""Numbers that cost more than a person's own: refused on every way in, unless a debt accepts them."""

import json
from typing import Any

import pytest

from calls import Answer, Site
from commanding import Run, printed
from getbill.companies import set_refused_zones
from getbill.kit import clock
from installation import Installation
from make import Company

BASE = "/external-api/v1"
PREMIUM = "+33899123456"
NUMBERS = [
    PREMIUM,
    "08 99 12 34 56",
    "+19005551234",
    "+881612345678",
    "+88216123456",
    "+447012345678",
    "+870773111632",
]


def body(phone: str, **fields: Any) -> dict[str, Any]:
    return {
        "debtor": {"name": "Jean Dupont", "phone": phone},
        "amount": 10,
        "reference": f"X{phone}",
    } | fields


async def put(site: Site, path: str, value: Any) -> Answer:
    return await site.call("PUT", f"{BASE}{path}", body=json.dumps(value).encode())


def refused(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 422, answer.body
    errors = answer.json()["errors"]
    assert all("accept_expensive_destination" in error["detail"] for error in errors)
    return [(error["pointer"], error["code"]) for error in errors]


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_new_debt_is_refused_unless_it_accepts_the_number(sandbox: Site, number: str) -> None:
    flat = {"debtor": {"name": "Jean Dupont"}, "amount": 10, "reference": "F", "phone": number}

    assert refused(await sandbox.post(f"{BASE}/debts", body(number))) == [
        ("/debtor/phone", "expensive-destination")
    ]
    assert refused(await sandbox.post(f"{BASE}/debts", flat)) == [("/phone", "expensive-destination")]
    declined = body(number, accept_expensive_destination=False)
    assert refused(await sandbox.post(f"{BASE}/debts", declined))
    accepted = await sandbox.post(f"{BASE}/debts", body(number, accept_expensive_destination=True))
    assert accepted.status == 201


async def test_a_changed_number_is_looked_at_too(sandbox: Site) -> None:
    cheap = (await sandbox.post(f"{BASE}/debts", body("+33639980001"))).json()["id"]
    dear = (await sandbox.post(f"{BASE}/debts", body(PREMIUM, accept_expensive_destination=True))).json()[
        "id"
    ]

    assert refused(await put(sandbox, f"/debts/{cheap}", {"phone": PREMIUM})) == [
        ("/phone", "expensive-destination")
    ]
    changed = {"debtor": {"phone": PREMIUM}}
    assert refused(await put(sandbox, f"/debts/{cheap}", changed)) == [
        ("/debtor/phone", "expensive-destination")
    ]
    assert (
        await put(sandbox, f"/debts/{cheap}", changed | {"accept_expensive_destination": True})
    ).status == 200
    # What a debt has accepted it need not accept again; taken back, it is refused again.
    assert (await put(sandbox, f"/debts/{dear}", {"phone": "+33892123456"})).status == 200
    withdrawn = {"phone": PREMIUM, "accept_expensive_destination": False}
    assert refused(await put(sandbox, f"/debts/{dear}", withdrawn))


async def test_a_batch_accepts_for_one_row_or_for_all(sandbox: Site) -> None:
    rows = [
        body(PREMIUM, reference="B-1"),
        body(PREMIUM, reference="B-2", accept_expensive_destination=True),
        body("+33639980001", reference="B-3"),
    ]

    some = (await sandbox.post(f"{BASE}/debts/batch", {"debts": rows})).json()
    every = [row | {"reference": f"{row['reference']}-all"} for row in rows]
    whole = (
        await sandbox.post(f"{BASE}/debts/batch", {"debts": every, "accept_expensive_destination": True})
    ).json()

    assert (some["total"], some["errors"], whole["errors"]) == (3, 1, 0)


async def test_a_followup_names_no_such_number_either(sandbox: Site) -> None:
    cheap = (await sandbox.post(f"{BASE}/debts", body("+33639980001"))).json()["id"]
    dear = (await sandbox.post(f"{BASE}/debts", body(PREMIUM, accept_expensive_destination=True))).json()[
        "id"
    ]
    called = {"type": "manual_call", "phone_number_used": "+33892123456"}

    answer = await sandbox.post(f"{BASE}/followups", called | {"debt_id": cheap})
    assert refused(answer) == [("/phone_number_used", "expensive-destination")]
    assert (await sandbox.post(f"{BASE}/followups", called | {"debt_id": dear})).status == 201


@pytest.mark.parametrize("number", ["+590690123456", "+212612345678", "+21620123456", "+262692123456"])
async def test_overseas_and_maghreb_are_accepted_until_the_company_rules_them_out(
    installation: Installation, client: Site, company: Company, number: str
) -> None:
    sandbox = client.with_token(company.key)
    assert (await sandbox.post(f"{BASE}/debts", body(number))).status == 201

    async with installation.database.transaction(clock.wall()) as tx:
        await set_refused_zones(tx, company.founded.company_id, ["french_overseas", "maghreb"])
    installation.site.app.state.auth.invalidate(company.founded.company_id)

    again = body(number, reference="again")
    assert refused(await sandbox.post(f"{BASE}/debts", again)) == [("/debtor/phone", "expensive-destination")]
    assert (await sandbox.post(f"{BASE}/debts", again | {"accept_expensive_destination": True})).status == 201
    assert (await sandbox.post(f"{BASE}/debts/batch", {"debts": [again | {"reference": "b"}]})).json()[
        "errors"
    ] == 1
    assert (await sandbox.post(f"{BASE}/debts", body("+33639980001"))).status == 201


async def test_the_zones_are_set_from_the_command_line(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))

    both = await printed(
        getbill("company", "zones", "Acme", "--refuse", "maghreb", "--refuse", "french_overseas")
    )
    none = await printed(getbill("company", "zones", "Acme"))
    wrong = await getbill("company", "zones", "Acme", "--refuse", "moon")

    assert both["refused_zones"] == ["french_overseas", "maghreb"]
    assert none["refused_zones"] == []
    assert "french_overseas, maghreb" in str(wrong.exception)
