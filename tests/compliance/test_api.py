"""The suppression list over HTTP, and what it means for debts, whatever becomes of them."""

from typing import Any

import pytest

import collecting
from calls import Site
from collecting import House
from getbill import contacts
from getbill.channels.senders import failed

DEBT: dict[str, Any] = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-1",
}


async def steps(house: House) -> list[tuple[str, str]]:
    rows = await house.place.database.pool.fetch(
        "SELECT step, state, reason FROM contacts WHERE workspace_id = $1 ORDER BY created_at, settled_at",
        house.place.id,
    )
    return [(row["step"], row["reason"] or row["state"]) for row in rows]


async def test_an_address_is_put_on_the_list_once_and_never_shown(house: House) -> None:
    made = await house.post("/suppressions", {"email": "Jean.Dupont@Example.com"})
    again = await house.post("/suppressions", {"email": "jean.dupont@example.com", "reason": "not_me"})
    phone = await house.post("/suppressions", {"phone": "06 12 34 56 78", "reason": "not_me"})

    assert (made.status, made.json()["kind"], made.json()["reason"]) == (201, "email", "stop")
    assert again.json() == made.json()
    listed = (await house.get("/suppressions")).json()["data"]
    assert listed == [phone.json(), made.json()]
    assert (await house.get("/suppressions?email=jean.dupont@example.com")).json()["data"] == [made.json()]
    assert (await house.get("/suppressions?phone=%2B33612345679")).json()["data"] == []
    assert b"example.com" not in (await house.get("/suppressions")).body


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, ""),
        ({"email": "a@example.com", "phone": "+33612345678"}, ""),
        ({"email": "nobody"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"email": "a@example.com", "reason": "whim"}, "/reason"),
    ],
)
async def test_a_line_needs_one_address_and_a_reason(
    house: House, asked: dict[str, Any], pointer: str
) -> None:
    answered = await house.post("/suppressions", asked)

    assert (answered.status, [one["pointer"] for one in answered.json()["errors"]]) == (422, [pointer])
    assert (await house.get("/suppressions")).json()["data"] == []


async def test_a_debt_made_for_a_suppressed_address_never_plans_it(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    await house.post("/suppressions", {"email": "jean.dupont@example.com"})

    debt = (await house.post("/debts", DEBT)).json()

    assert debt["next_action_at"] == "2026-01-08T09:00:00Z"
    assert await steps(house) == [
        ("wave_1_email", "never allowed: POLICY-SUPPRESSION"),
        ("wave_1_sms", "planned"),
    ]


async def test_who_asks_to_stop_is_left_alone_from_the_next_contact_on(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    await house.post("/debts", DEBT)
    await house.place.run_until("2026-01-06 09:00")

    await house.post("/suppressions", {"phone": "+33612345678"})
    await house.place.run_until("2026-02-28 09:00")

    never = "never allowed: POLICY-SUPPRESSION"
    assert dict(await steps(house)) == {
        "wave_1_email": "delivered",
        "wave_1_sms": never,
        "wave_2_call": never,
        "wave_2_email": "delivered",
        "wave_3_letter": "no postal address",
        "wave_3_call": never,
        "end": "accepted",
    }


async def test_the_list_outlives_the_debt_and_the_erasure_of_the_debtor(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    debt = (await house.post("/debts", DEBT)).json()
    await house.post("/suppressions", {"email": "jean.dupont@example.com", "reason": "not_me"})
    await house.call("DELETE", f"/debts/{debt['id']}")

    later = (await house.post("/debts", DEBT | {"debtor": DEBT["debtor"] | {"name": "Somebody Else"}})).json()

    assert later["next_action_at"] == "2026-01-08T09:00:00Z"


async def test_an_address_taken_off_the_list_is_contacted_again(house: House, site: Site) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    line = (await house.post("/suppressions", {"email": "jean.dupont@example.com"})).json()
    other = await collecting.house(site)

    stranger = await other.call("DELETE", f"/suppressions/{line['id']}")
    lifted = await house.call("DELETE", f"/suppressions/{line['id']}")

    assert (stranger.status, lifted.status) == (404, 200)
    assert (await house.call("DELETE", f"/suppressions/{line['id']}")).status == 404
    debt = (await house.post("/debts", DEBT)).json()
    assert debt["next_action_at"] == "2026-01-05T09:00:00Z"


async def test_mail_that_bounces_for_good_suppresses_its_address(house: House) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    await house.post("/debts", DEBT)
    await house.place.run_until("2026-01-05 10:00")
    database = house.place.database
    await database.pool.execute(
        "UPDATE contacts SET state = 'accepted' WHERE workspace_id = $1 AND state = 'delivered'",
        house.place.id,
    )
    followup_id = await database.pool.fetchval(
        "SELECT followup_id FROM contacts WHERE workspace_id = $1 AND state = 'accepted'", house.place.id
    )
    bounced = failed("550 5.1.1 unknown user", permanent=True, dead_address=True)

    await contacts.receive_callback(database, await house.place.workspace(), followup_id, bounced)

    (line,) = (await house.get("/suppressions?email=jean.dupont@example.com")).json()["data"]
    assert line["reason"] == "hard_bounce"
    await house.place.run_until("2026-02-28 09:00")
    assert dict(await steps(house))["wave_2_email"] == "never allowed: POLICY-SUPPRESSION"


AMERICAN = DEBT | {
    "debtor": {
        "name": "Joan Doe",
        "email": "joan.doe@example.com",
        "phone": "+12025550143",
        "address": {
            "street_address": "F Street",
            "postal_code": "20001",
            "city": "Washington",
            "country": "US",
        },
    }
}
AGREED = {"phone": "+12025550143", "consent": "artificial_voice", "source": "Contract of 3 May, clause 9"}


async def test_who_agreed_to_an_artificial_voice_is_called_until_they_withdraw(house: House) -> None:
    await house.place.set_clock("2026-01-05 15:00")
    await house.post("/debts", AMERICAN)

    given = (await house.post("/consents", AGREED)).json()
    await house.place.run_until("2026-01-14 12:00")
    called = dict(await steps(house))
    await house.call("DELETE", f"/consents/{given['id']}")
    await house.place.run_until("2026-02-28 09:00")

    assert called["wave_2_call"] == "completed_successfully"
    assert dict(await steps(house))["wave_3_call"] == "never allowed: US-TCPA"


@pytest.mark.parametrize(
    ("phone", "planned"),
    [
        ("+12025550143", [("call", "planned")]),
        ("+12025550144", [("call", "never allowed: US-TCPA"), ("mail", "planned")]),
    ],
)
async def test_a_consent_given_before_the_debt_holds_for_its_first_contact(
    house: House, phone: str, planned: list[tuple[str, str]]
) -> None:
    await house.place.set_clock("2026-01-05 15:00")
    call = {"key": "call", "offset": 0, "channel": "ai_call", "template": "wave_2_call"}
    mail = {"key": "mail", "offset": 1, "channel": "email", "template": "wave_2_email"}
    await house.post("/scenarios", {"name": "voice", "steps": [call, mail], "end": {"offset": 9}})
    await house.post("/consents", AGREED | {"phone": phone})

    await house.post("/debts", AMERICAN | {"scenario": "voice"})

    assert sorted(await steps(house)) == planned


async def test_without_consent_no_artificial_voice_calls_the_united_states(house: House) -> None:
    await house.place.set_clock("2026-01-05 15:00")
    await house.post("/debts", AMERICAN)
    await house.post("/consents", AGREED | {"phone": "+12025550144"})

    await house.place.run_until("2026-02-28 09:00")

    after = dict(await steps(house))
    assert (after["wave_2_call"], after["wave_3_call"]) == ("never allowed: US-TCPA",) * 2


async def test_a_consent_is_kept_once_and_its_withdrawal_beside_it(house: House) -> None:
    first = (await house.post("/consents", AGREED)).json()
    again = (await house.post("/consents", AGREED | {"source": "Told on the phone"})).json()
    withdrawn = (await house.call("DELETE", f"/consents/{first['id']}")).json()
    twice = (await house.call("DELETE", f"/consents/{first['id']}")).json()
    anew = (await house.post("/consents", AGREED | {"source": "Told on the phone"})).json()

    assert again == first
    assert withdrawn["withdrawn_at"] is not None
    assert twice == withdrawn
    assert anew["id"] != first["id"]
    listed = await house.get("/consents?phone=%2B12025550143")
    assert listed.json()["data"] == [anew, withdrawn]
    assert b"5550143" not in listed.body


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"email": "joan.doe@example.com"}, "/email"),
        ({"phone": None}, "/phone"),
        ({"phone": "12"}, "/phone"),
        ({"consent": "everything"}, "/consent"),
        ({"source": ""}, "/source"),
        ({"given_at": "2999-01-01T00:00:00Z"}, "/given_at"),
    ],
)
async def test_a_consent_says_by_which_phone_to_what_and_how(
    house: House, changes: dict[str, Any], pointer: str
) -> None:
    answered = await house.post("/consents", AGREED | changes)

    assert (answered.status, [one["pointer"] for one in answered.json()["errors"]]) == (422, [pointer])
    assert (await house.get("/consents")).json()["data"] == []


async def test_consents_are_asked_for_by_phone(house: House) -> None:
    answered = await house.get("/consents?email=joan.doe@example.com")

    assert (answered.status, [one["pointer"] for one in answered.json()["errors"]]) == (400, ["email"])
