"""The suppression list over HTTP, and what it means for debts, whatever becomes of them."""

from typing import Any

import pytest

import collecting
from calls import Site
from collecting import ContactWorkspace
from getbill import contacts
from getbill.channels.senders import failed

DEBT: dict[str, Any] = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-1",
}


async def steps(workspace: ContactWorkspace) -> list[tuple[str, str]]:
    rows = await workspace.engine.database.pool.fetch(
        "SELECT step, state, reason FROM contacts WHERE workspace_id = $1 ORDER BY created_at, settled_at",
        workspace.engine.id,
    )
    return [(row["step"], row["reason"] or row["state"]) for row in rows]


async def test_an_address_is_put_on_the_list_once_and_never_shown(workspace: ContactWorkspace) -> None:
    suppression = await workspace.post("/suppressions", {"email": "Jean.Dupont@Example.com"})
    again = await workspace.post("/suppressions", {"email": "jean.dupont@example.com", "reason": "not_me"})
    phone = await workspace.post("/suppressions", {"phone": "06 12 34 56 78", "reason": "not_me"})

    assert (suppression.status, suppression.json()["kind"], suppression.json()["reason"]) == (
        201,
        "email",
        "stop",
    )
    assert again.json() == suppression.json()
    listed = (await workspace.get("/suppressions")).json()["data"]
    assert listed == [phone.json(), suppression.json()]
    assert (await workspace.get("/suppressions?email=jean.dupont@example.com")).json()["data"] == [
        suppression.json()
    ]
    assert (await workspace.get("/suppressions?phone=%2B33612345679")).json()["data"] == []
    assert b"example.com" not in (await workspace.get("/suppressions")).body


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"email": "a@example.com", "phone": "+33612345678"}, ""),
        ({"email": "nobody"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"email": "a@example.com", "reason": "whim"}, "/reason"),
    ],
)
async def test_a_line_needs_one_address_and_a_reason(
    workspace: ContactWorkspace, body: dict[str, Any], pointer: str
) -> None:
    answered = await workspace.post("/suppressions", body)

    assert (answered.status, [error["pointer"] for error in answered.json()["errors"]]) == (422, [pointer])
    assert (await workspace.get("/suppressions")).json()["data"] == []


async def test_a_debt_made_for_a_suppressed_address_never_plans_it(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    await workspace.post("/suppressions", {"email": "jean.dupont@example.com"})

    debt = (await workspace.post("/debts", DEBT)).json()

    assert debt["next_action_at"] == "2026-01-08T09:00:00Z"
    assert await steps(workspace) == [
        ("wave_1_email", "never allowed: POLICY-SUPPRESSION"),
        ("wave_1_sms", "planned"),
    ]


async def test_who_asks_to_stop_is_left_alone_from_the_next_contact_on(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    await workspace.post("/debts", DEBT)
    await workspace.engine.run_until("2026-01-06 09:00")

    await workspace.post("/suppressions", {"phone": "+33612345678"})
    await workspace.engine.run_until("2026-02-28 09:00")

    never = "never allowed: POLICY-SUPPRESSION"
    assert dict(await steps(workspace)) == {
        "wave_1_email": "delivered",
        "wave_1_sms": never,
        "wave_2_call": never,
        "wave_2_email": "delivered",
        "wave_3_letter": "no postal address",
        "wave_3_call": never,
        "end": "accepted",
    }


async def test_the_list_outlives_the_debt_and_the_erasure_of_the_debtor(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    debt = (await workspace.post("/debts", DEBT)).json()
    await workspace.post("/suppressions", {"email": "jean.dupont@example.com", "reason": "not_me"})
    await workspace.call("DELETE", f"/debts/{debt['id']}")

    later = (
        await workspace.post("/debts", DEBT | {"debtor": DEBT["debtor"] | {"name": "Somebody Else"}})
    ).json()

    assert later["next_action_at"] == "2026-01-08T09:00:00Z"


async def test_an_address_taken_off_the_list_is_contacted_again(
    workspace: ContactWorkspace, site: Site
) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    line = (await workspace.post("/suppressions", {"email": "jean.dupont@example.com"})).json()
    other = await collecting.open_sandbox(site)

    stranger = await other.call("DELETE", f"/suppressions/{line['id']}")
    lifted = await workspace.call("DELETE", f"/suppressions/{line['id']}")

    assert (stranger.status, lifted.status) == (404, 200)
    assert (await workspace.call("DELETE", f"/suppressions/{line['id']}")).status == 404
    debt = (await workspace.post("/debts", DEBT)).json()
    assert debt["next_action_at"] == "2026-01-05T09:00:00Z"


async def test_mail_that_bounces_for_good_suppresses_its_address(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    await workspace.post("/debts", DEBT)
    await workspace.engine.run_until("2026-01-05 10:00")
    database = workspace.engine.database
    await database.pool.execute(
        "UPDATE contacts SET state = 'accepted' WHERE workspace_id = $1 AND state = 'delivered'",
        workspace.engine.id,
    )
    followup_id = await database.pool.fetchval(
        "SELECT followup_id FROM contacts WHERE workspace_id = $1 AND state = 'accepted'", workspace.engine.id
    )
    bounced = failed("550 5.1.1 unknown user", permanent=True, dead_address=True)

    await contacts.receive_callback(database, await workspace.engine.snapshot(), followup_id, bounced)

    (line,) = (await workspace.get("/suppressions?email=jean.dupont@example.com")).json()["data"]
    assert line["reason"] == "hard_bounce"
    await workspace.engine.run_until("2026-02-28 09:00")
    assert dict(await steps(workspace))["wave_2_email"] == "never allowed: POLICY-SUPPRESSION"


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


async def test_who_agreed_to_an_artificial_voice_is_called_until_they_withdraw(
    workspace: ContactWorkspace,
) -> None:
    await workspace.engine.set_clock("2026-01-05 15:00")
    await workspace.post("/debts", AMERICAN)

    consent = (await workspace.post("/consents", AGREED)).json()
    await workspace.engine.run_until("2026-01-14 12:00")
    called = dict(await steps(workspace))
    await workspace.call("DELETE", f"/consents/{consent['id']}")
    await workspace.engine.run_until("2026-02-28 09:00")

    assert called["wave_2_call"] == "completed_successfully"
    assert dict(await steps(workspace))["wave_3_call"] == "never allowed: US-TCPA"


@pytest.mark.parametrize(
    ("phone", "planned"),
    [
        ("+12025550143", [("call", "planned")]),
        ("+12025550144", [("call", "never allowed: US-TCPA"), ("mail", "planned")]),
    ],
)
async def test_a_consent_given_before_the_debt_holds_for_its_first_contact(
    workspace: ContactWorkspace, phone: str, planned: list[tuple[str, str]]
) -> None:
    await workspace.engine.set_clock("2026-01-05 15:00")
    call = {"key": "call", "offset": 0, "channel": "ai_call", "template": "wave_2_call"}
    mail = {"key": "mail", "offset": 1, "channel": "email", "template": "wave_2_email"}
    await workspace.post("/scenarios", {"name": "voice", "steps": [call, mail], "end": {"offset": 9}})
    await workspace.post("/consents", AGREED | {"phone": phone})

    await workspace.post("/debts", AMERICAN | {"scenario": "voice"})

    assert sorted(await steps(workspace)) == planned


async def test_without_consent_no_artificial_voice_calls_the_united_states(
    workspace: ContactWorkspace,
) -> None:
    await workspace.engine.set_clock("2026-01-05 15:00")
    await workspace.post("/debts", AMERICAN)
    await workspace.post("/consents", AGREED | {"phone": "+12025550144"})

    await workspace.engine.run_until("2026-02-28 09:00")

    after = dict(await steps(workspace))
    assert (after["wave_2_call"], after["wave_3_call"]) == ("never allowed: US-TCPA",) * 2


async def test_a_consent_is_kept_once_and_its_withdrawal_beside_it(workspace: ContactWorkspace) -> None:
    first = (await workspace.post("/consents", AGREED)).json()
    again = (await workspace.post("/consents", AGREED | {"source": "Told on the phone"})).json()
    withdrawn = (await workspace.call("DELETE", f"/consents/{first['id']}")).json()
    twice = (await workspace.call("DELETE", f"/consents/{first['id']}")).json()
    anew = (await workspace.post("/consents", AGREED | {"source": "Told on the phone"})).json()

    assert again == first
    assert withdrawn["withdrawn_at"] is not None
    assert twice == withdrawn
    assert anew["id"] != first["id"]
    listed = await workspace.get("/consents?phone=%2B12025550143")
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
    workspace: ContactWorkspace, changes: dict[str, Any], pointer: str
) -> None:
    answered = await workspace.post("/consents", AGREED | changes)

    assert (answered.status, [error["pointer"] for error in answered.json()["errors"]]) == (422, [pointer])
    assert (await workspace.get("/consents")).json()["data"] == []


async def test_consents_are_asked_for_by_phone(workspace: ContactWorkspace) -> None:
    answered = await workspace.get("/consents?email=joan.doe@example.com")

    assert (answered.status, [error["pointer"] for error in answered.json()["errors"]]) == (400, ["email"])
