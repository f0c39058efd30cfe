"""A company that collects for others: who may be contacted for whom, when, and to whose account the debtor pays."""

from typing import Any

import make
from stories.test_collections import CONTACT, END, FIRST_CONTACT

FILE = {
    "collector": "third_party",
    "registration_number": "RCS Lyon 552 100 554",
    "address": ["4 rue Haute", "69002 LYON"],
    "insurer": "Assurances du Midi",
    "insurance_policy": "RC-42",
    "client_iban": "FR1420041010050500013M02606",
    "declared_on": "2026-01-15",
    "declared_to": "Tribunal judiciaire de Lyon",
}
MARTIN = {"name": "Garage Martin SARL", "address": "8 avenue du Port", "postal_code": "34200", "city": "SETE"}
OWN_IBAN = "FR76 3000 6000 0112 3456 7890 189"
CLIENT_IBAN = "FR14 2004 1010 0505 0001 3M02 606"
CONTACTS = [
    "2026-03-02T07:00:00Z letter delivered",
    "2026-03-10T07:00:00Z email delivered",
    "2026-03-13T09:00:00Z sms delivered",
    "2026-03-17T09:00:00Z ai_call deal_not_found",
    "2026-03-18T07:00:00Z email delivered",
    "2026-03-25T07:00:00Z letter delivered",
    "2026-03-30T08:00:00Z ai_call deal_not_found",
]


async def creditor(workspace: Any, **fields: Any) -> str:
    return str((await workspace.post("/creditors", MARTIN | fields))["id"])


async def message(workspace: Any, debt_id: str, channel: str) -> str:
    """Return the text of the first message by a channel."""
    followups = (await workspace.get(f"/followups/debt/{debt_id}"))["data"]
    first = min(
        (followup for followup in followups if followup["channel"] == channel),
        key=lambda followup: followup["sent_at"],
    )
    return str((await workspace.get(f"/followups/{first['id']}/message"))["text"])


async def test_a_third_party_with_a_mandate_collects_and_opens_with_its_letter(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    shown = await running_workspace.put("/company/collector", FILE)
    martin = await creditor(running_workspace, mandate_signed_on="2026-02-02")
    debt = await running_workspace.post("/debts", make.debt(creditor_id=martin))

    await running_workspace.pass_days(60)

    assert (shown["missing"], debt["scenario"]) == ([], "third_party_fr")
    assert await running_workspace.followups(debt["id"]) == CONTACTS
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(6 * CONTACT),
        *END,
    ]
    letter = await message(running_workspace, debt["id"], "letter")
    company = running_workspace.company.sandbox.company.name
    assert letter.startswith(f"{company}\n4 rue Haute\n69002 LYON\n")
    assert "on behalf of Garage Martin SARL, 8 avenue du Port, 34200 SETE" in letter
    assert f"Payee: {company}\n  IBAN: {CLIENT_IBAN}" in letter


async def test_a_third_party_without_a_mandate_waits_and_passes_no_step(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    await running_workspace.put("/company/collector", FILE)
    debt = await running_workspace.post("/debts", make.debt(company="Garage Martin SARL"))
    timeline = await running_workspace.get(f"/debts/{debt['id']}/timeline")

    await running_workspace.pass_days(60)

    after = await running_workspace.get(f"/debts/{debt['id']}")
    assert (debt["next_action_at"], after["next_action_at"], after["status"]) == (None, None, "pending")
    assert await running_workspace.followups(debt["id"]) == []
    assert await running_workspace.passed_over(debt["id"]) == []
    assert await running_workspace.everything(debt["id"]) == ["debt.created"]
    assert timeline["stopped_by"].startswith("The creditor has no mandate on file.")
    assert len(timeline["planned"]) == 8
    for step in timeline["planned"]:
        (reason,) = step["blocked_by"]
        assert (step["due_at"], reason["rule"], reason["source"]) == (
            None,
            "CREDITOR-MANDATE",
            "art. R124-3 CPCE",
        )


async def test_contact_begins_on_the_day_after_the_mandate_is_on_file(running_workspace) -> None:
    await running_workspace.put("/company/collector", FILE)
    debt = await running_workspace.post("/debts", make.debt(company="Garage Martin SARL"))
    await running_workspace.pass_days(9)

    await running_workspace.put(f"/creditors/{debt['creditor_id']}", {"mandate_signed_on": "2026-03-10"})
    planned = await running_workspace.get(f"/debts/{debt['id']}")
    await running_workspace.pass_days(60)

    # Nine days later than without the wait, each step at its own distance.
    assert planned["next_action_at"] == "2026-03-11T07:00:00Z"
    assert await running_workspace.followups(debt["id"]) == [
        "2026-03-11T07:00:00Z letter delivered",
        "2026-03-19T07:00:00Z email delivered",
        "2026-03-23T09:00:00Z sms delivered",
        "2026-03-26T09:00:00Z ai_call deal_not_found",
        "2026-03-27T07:00:00Z email delivered",
        "2026-04-03T06:00:00Z letter delivered",
        "2026-04-08T08:00:00Z ai_call deal_not_found",
    ]


async def test_a_mandate_without_the_power_to_receive_is_none(running_workspace) -> None:
    await running_workspace.put("/company/collector", FILE)
    martin = await creditor(running_workspace, mandate_signed_on="2026-02-02", mandate_power_to_receive=False)
    debt = await running_workspace.post("/debts", make.debt(creditor_id=martin))

    await running_workspace.pass_days(30)

    assert await running_workspace.followups(debt["id"]) == []


async def test_debtors_pay_a_creditor_at_its_own_account_and_the_company_at_the_company_s(
    running_workspace,
) -> None:
    with_account = await creditor(running_workspace, iban=OWN_IBAN.replace(" ", ""))
    await running_workspace.post("/creditors", {"name": "Garage Durand"})
    company = running_workspace.company.sandbox.company.name
    own_iban = "FR7610011000201234567890188"
    theirs = await running_workspace.post("/debts", make.debt(creditor_id=with_account))
    ours = await running_workspace.post("/debts", make.debt(company="Garage Durand"))
    written = await running_workspace.post("/debts", make.debt(company="Garage Durand", iban=own_iban))

    await running_workspace.pass_days(16)

    for channel in ("email", "letter"):
        text = await message(running_workspace, theirs["id"], channel)
        assert f"Payee: Garage Martin SARL\n  IBAN: {OWN_IBAN}" in text
        # The company of these tests has this account.
        text = await message(running_workspace, ours["id"], channel)
        assert f"Payee: {company}\n  IBAN: {OWN_IBAN}" in text
        text = await message(running_workspace, written["id"], channel)
        assert "Payee: Garage Durand\n  IBAN: FR76 1001 1000 2012 3456 7890 188" in text


async def test_a_renamed_creditor_signs_later_messages_with_its_new_name(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt(company="Garage Martin"))
    await running_workspace.pass_days(1)
    await running_workspace.put(f"/creditors/{debt['creditor_id']}", {"name": "Garage Martin SAS"})

    await running_workspace.pass_days(4)

    assert "Garage Martin SAS" not in await message(running_workspace, debt["id"], "email")
    assert "Garage Martin SAS" in await message(running_workspace, debt["id"], "sms")


async def test_a_third_party_names_the_creditor_of_every_debt(running_workspace) -> None:
    await running_workspace.put("/company/collector", FILE)

    status, refused = await running_workspace.call("POST", "/debts", make.debt())
    rows = {"debts": [make.debt(), make.debt(company="Garage Martin")]}
    _, batch = await running_workspace.call("POST", "/debts/batch", rows)

    assert (status, [error["pointer"] for error in refused["errors"]]) == (422, ["/company"])
    assert (batch["created"], batch["errors"]) == (1, 1)
    assert batch["error_report"]["findings"][0]["column"] == "/company"


async def test_a_company_that_collects_its_own_debts_cannot_use_a_third_party_s_scenario(
    running_workspace,
) -> None:
    step = {"key": "first", "offset": 0, "channel": "letter", "template": "opening_letter"}

    status, refused = await running_workspace.call("POST", "/debts", make.debt(scenario="third_party_fr"))
    scenario = {"name": "ours", "steps": [step], "end": {"offset": 9}}
    own_status, own = await running_workspace.call("POST", "/scenarios", scenario)

    assert (status, refused["errors"][0]["code"]) == (422, "third-party-only")
    assert (own_status, own["errors"][0]["pointer"]) == (422, "/steps/0/template")


async def test_the_missing_notice_of_germany_and_belgium_is_named(running_workspace) -> None:
    await running_workspace.put("/company/collector", FILE)
    martin = await creditor(running_workspace, mandate_signed_on="2026-02-02")
    rules = {}
    for country, city in (("DE", "Berlin"), ("BE", "Liège")):
        address = {"street_address": "Rue 1", "postal_code": "10115", "city": city, "country": country}
        body = make.debt(creditor_id=martin, debtor={"address": address, "phone": None})
        debt = await running_workspace.post("/debts", body)
        planned = (await running_workspace.get(f"/debts/{debt['id']}/timeline"))["planned"]
        rules[country] = {reason["rule"] for step in planned for reason in step["blocked_by"]}
        assert [step["due_at"] for step in planned[:-1]] == [None] * 7

    assert {"DE-13A" in rules["DE"], "BE-XIX-2" in rules["BE"]} == {True}
