"""Debtors who cannot be reached by every way, or may not be: what is done instead, and what is left out and why."""

import make
from stories.test_collections import CONTACT, END, FIRST_CONTACT, WAVE_1, WAVE_2, WAVE_3

# The debtor's address is known as one that bounces.
FAILED = ["followup.created", "debt.updated", "followup.completed", "followup.failed"]
SUPPRESSED = "never allowed: POLICY-SUPPRESSION"


async def test_a_debtor_without_a_phone_hears_of_us_in_writing(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt(debtor={"phone": None}))

    await running_workspace.pass_days(60)

    assert await running_workspace.followups(debt["id"]) == [WAVE_1[0], WAVE_2[1], WAVE_3[0]]
    assert await running_workspace.passed_over(debt["id"]) == [
        "wave_1_sms: no mobile number",
        "wave_2_call: no phone number",
        "wave_3_call: no phone number",
    ]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(2 * CONTACT),
        *END,
    ]


async def test_a_debtor_without_any_address_is_put_to_a_human(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post(
        "/debts", make.debt(debtor={"email": None, "phone": None, "address": None})
    )

    await running_workspace.pass_days(60)

    result = await running_workspace.get(f"/debts/{debt['id']}")
    assert (debt["next_action_at"], result["status"]) == ("2026-03-31T22:00:00Z", "unresolved")
    assert await running_workspace.followups(debt["id"]) == []
    assert await running_workspace.passed_over(debt["id"]) == [
        "wave_1_email: no e-mail address",
        "wave_1_sms: no mobile number",
        "wave_2_call: no phone number",
        "wave_2_email: no e-mail address",
        "wave_3_call: no phone number",
        "wave_3_letter: no postal address",
    ]
    assert await running_workspace.everything(debt["id"]) == ["debt.created", *END]
    assert await running_workspace.todos(debt["id"]) == [("escalation", "open")]


async def test_mail_that_bounces_is_followed_by_no_other_and_the_debtor_is_called(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt(debtor={"email": "bounce@mail.example"}))

    await running_workspace.pass_days(1)
    after_it = await running_workspace.get(f"/debts/{debt['id']}")
    await running_workspace.pass_days(60)

    assert (after_it["status"], after_it["contacted_at"]) == ("pending", None)
    assert after_it["next_action_at"] == "2026-03-05T09:00:00Z"
    assert await running_workspace.followups(debt["id"]) == [
        "2026-03-05T09:00:00Z sms delivered",
        WAVE_2[0],
        *WAVE_3,
        "None email failed",
    ]
    assert await running_workspace.passed_over(debt["id"]) == [f"wave_2_email: {SUPPRESSED}"]
    (line,) = (await running_workspace.get("/suppressions?email=bounce@mail.example"))["data"]
    assert (line["reason"], line["created_at"]) == ("hard_bounce", "2026-03-02T07:00:00Z")
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FAILED,
        *FIRST_CONTACT,
        *(3 * CONTACT),
        *END,
    ]


async def test_a_debtor_who_asks_to_stop_is_written_only_what_may_still_be_posted(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    body = make.debt()
    person = body["debtor"]
    debt = await running_workspace.post("/debts", body)
    await running_workspace.pass_days(4)

    await running_workspace.post("/suppressions", {"email": person["email"], "reason": "stop"})
    await running_workspace.post("/suppressions", {"phone": person["phone"], "reason": "stop"})
    await running_workspace.pass_days(60)

    assert await running_workspace.followups(debt["id"]) == [*WAVE_1, WAVE_3[0]]
    assert await running_workspace.passed_over(debt["id"]) == [
        f"wave_2_call: {SUPPRESSED}",
        f"wave_2_email: {SUPPRESSED}",
        f"wave_3_call: {SUPPRESSED}",
    ]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        *CONTACT,
        *END,
    ]


async def test_two_debts_of_one_person_are_two_cases_of_one_debtor_within_one_cap(running_workspace) -> None:
    await running_workspace.put("/contact", {"contacts_per_day": 0, "grouping": "off"})
    await running_workspace.subscribe_to_everything()
    texts = [
        {"key": f"text_{day}", "offset": day, "channel": "sms", "template": "wave_1_sms"} for day in range(3)
    ]
    await running_workspace.post("/scenarios", {"name": "brisk", "steps": texts, "end": {"offset": 20}})
    body = make.debt(scenario="brisk")
    first = await running_workspace.post("/debts", body)
    second = await running_workspace.post("/debts", body | {"reference": f"{body['reference']}-2"})

    await running_workspace.pass_days(4)
    await running_workspace.post(f"/sandbox/debts/{first['id']}/simulate-payment", {})
    await running_workspace.pass_days(60)

    assert first["debtor"]["id"] == second["debtor"]["id"]
    texted = [f"2026-03-0{day}T09:00:00Z sms delivered" for day in (2, 3)]
    assert await running_workspace.followups(first["id"]) == texted
    # The fifth message in seven days to one number waits, whichever debt it is about.
    assert await running_workspace.followups(second["id"]) == [*texted, "2026-03-09T09:00:00Z sms delivered"]
    assert await running_workspace.everything(first["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.payment_received",
        "debt.status_changed",
        "debt.resolved",
    ]
    assert await running_workspace.everything(second["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(2 * CONTACT),
        *END,
    ]
