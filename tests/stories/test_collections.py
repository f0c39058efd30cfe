"""What a creditor sees of a whole collection: every followup, every event and every webhook, and no other."""

from decimal import Decimal

import make

WAVE_1 = ["2026-03-02T07:00:00Z email delivered", "2026-03-05T09:00:00Z sms delivered"]
WAVE_2 = ["2026-03-09T09:00:00Z ai_call deal_not_found", "2026-03-10T07:00:00Z email delivered"]
WAVE_3 = ["2026-03-17T07:00:00Z letter delivered", "2026-03-23T09:00:00Z ai_call deal_not_found"]
CONTACT = ["followup.created", "debt.contacted", "followup.completed"]
FIRST_CONTACT = ["followup.created", "debt.contacted", "debt.status_changed", "followup.completed"]
# Its scenario is over: a person is asked.
END = ["debt.status_changed", "debt.escalation_requested"]
PAID = ["debt.payment_received", "debt.status_changed", "debt.resolved"]
# What is told by default of the contacts after the first, and of how many events each is one.
TOLD, EACH = ["debt.contacted", "followup.completed"], len(CONTACT)


async def test_a_debt_that_is_paid_in_wave_1_is_left_in_peace(creditor) -> None:
    await creditor.subscribe()
    debt = await creditor.post("/debts", make.debt())
    await creditor.pass_days(1)

    await creditor.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await creditor.pass_days(60)

    await creditor.settle()
    found = await creditor.get(f"/debts/{debt['id']}")
    assert (found["status"], found["resolution"], found["balance"]) == ("resolved", "paid", Decimal("0.00"))
    assert found["next_action_at"] is None
    assert await creditor.followups(debt["id"]) == WAVE_1[:1]
    assert await creditor.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        "debt.payment_received",
        "debt.status_changed",
        "debt.resolved",
    ]
    assert creditor.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.contacted",
        "5 followup.completed",
        "6 debt.payment_received",
        "8 debt.resolved",
    ]
    paid = creditor.receiver.received[3]
    assert (paid["timestamp"], paid["data"]["status"], paid["data"]["resolved_at"]) == (
        "2026-03-03T06:00:00Z",
        "resolved",
        "2026-03-03T06:00:00Z",
    )
    assert (paid["data"]["payment"]["amount"], paid["data"]["payment"]["method"]) == (
        Decimal("2340.00"),
        "card",
    )


async def test_a_debtor_who_pays_half_is_asked_for_the_other_half(creditor) -> None:
    await creditor.subscribe()
    debt = await creditor.post("/debts", make.debt(amount=2340.00))
    await creditor.pass_days(4)

    await creditor.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {"amount": 1170.00})
    halfway = await creditor.get(f"/debts/{debt['id']}")
    await creditor.pass_days(60)

    await creditor.settle()
    assert (halfway["status"], halfway["balance"]) == ("in_progress", Decimal("1170.00"))
    found = await creditor.get(f"/debts/{debt['id']}")
    assert (found["status"], found["balance"], found["amount_paid"]) == (
        "unresolved",
        Decimal("1170.00"),
        Decimal("1170.00"),
    )
    assert await creditor.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert await creditor.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.payment_received",
        *(4 * CONTACT),
        *END,
    ]
    told = creditor.receiver.received
    assert [one["data"]["balance"] for one in told if one["event"] == "followup.completed"] == [
        *(2 * [Decimal("2340.00")]),
        *(4 * [Decimal("1170.00")]),
    ]
    assert creditor.receiver.told(debt["id"])[5:7] == ["9 debt.payment_received", "11 debt.contacted"]
    assert len(told) == 14


async def test_a_debtor_who_never_answers_hears_of_us_six_times_and_then_a_human_is_asked(creditor) -> None:
    await creditor.subscribe()
    debt = await creditor.post("/debts", make.debt())

    await creditor.pass_days(60)

    await creditor.settle()
    found = await creditor.get(f"/debts/{debt['id']}")
    assert (found["status"], found["balance"], found["followups_count"]) == (
        "unresolved",
        Decimal("2340.00"),
        6,
    )
    assert await creditor.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert await creditor.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(5 * CONTACT),
        *END,
    ]
    assert creditor.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.contacted",
        "5 followup.completed",
        *(f"{7 + EACH * turn + place} {kind}" for turn in range(5) for place, kind in enumerate(TOLD)),
    ]
    (todo,) = (await creditor.get(f"/todos?type=escalation&state=open&debt_id={debt['id']}"))["data"]
    assert todo["created_at"] == "2026-03-31T22:00:00Z"
    person = {"decided_by": "Marie Martin", "reason": "Six reminders, no answer."}
    await creditor.post(f"/todos/{todo['id']}/decide", {"decision": "escalate"} | person)
    await creditor.pass_days(60)
    await creditor.settle()
    assert (await creditor.get(f"/debts/{debt['id']}"))["status"] == "escalated"
    assert await creditor.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert creditor.receiver.told(debt["id"])[-1] == "24 debt.escalated"


async def test_a_debtor_who_pays_after_the_letter_is_not_called_any_more(creditor) -> None:
    await creditor.subscribe_to_everything()
    debt = await creditor.post("/debts", make.debt())
    await creditor.pass_days(16)

    await creditor.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await creditor.pass_days(60)

    found = await creditor.get(f"/debts/{debt['id']}")
    assert (found["status"], found["resolution"], found["next_action_at"]) == ("resolved", "paid", None)
    assert await creditor.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3[:1]]
    assert await creditor.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(4 * CONTACT),
        *PAID,
    ]
    assert await creditor.todos(debt["id"]) == []


async def test_a_debtor_who_disputes_is_left_alone_until_the_dispute_is_over(creditor) -> None:
    await creditor.subscribe_to_everything()
    debt = await creditor.post("/debts", make.debt())
    await creditor.pass_days(4)

    disputed = "The debtor disputes the invoice."
    held = await creditor.post(f"/debts/{debt['id']}/hold", {"reason": disputed})
    await creditor.pass_days(20)
    while_held = await creditor.followups(debt["id"])
    resumed = await creditor.post(f"/debts/{debt['id']}/resume", {})
    await creditor.pass_days(9)
    await creditor.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await creditor.pass_days(60)

    assert (held["status"], held["next_action_at"], while_held) == ("on_hold", None, WAVE_1)
    assert resumed["next_action_at"] == "2026-03-26T09:00:00Z"
    assert await creditor.followups(debt["id"]) == [
        *WAVE_1,
        "2026-03-26T09:00:00Z ai_call deal_not_found",
        "2026-03-27T07:00:00Z email delivered",
        "2026-04-03T06:00:00Z letter delivered",
    ]
    assert await creditor.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.status_changed",
        "debt.status_changed",
        *(3 * CONTACT),
        *PAID,
    ]
    moved = [one for one in creditor.receiver.received if one["event"] == "debt.status_changed"]
    assert moved[1]["data"]["reason"] == disputed


async def test_a_debt_erased_in_the_middle_leaves_nothing_but_that_it_was(creditor) -> None:
    await creditor.subscribe("debt.created", "debt.contacted", "followup.completed", "debt.deleted")
    person = make.debt()["debtor"]
    debt = await creditor.post("/debts", make.debt(debtor=person))
    other = await creditor.post("/debts", make.debt(debtor=person))
    await creditor.pass_days(4)

    status, erased = await creditor.call("DELETE", f"/debts/{debt['id']}")
    await creditor.pass_days(60)

    await creditor.settle()
    assert (status, erased["id"], erased["is_debtor_erased"]) == (200, debt["id"], False)
    assert (await creditor.call("GET", f"/debts/{debt['id']}"))[0] == 404
    assert (await creditor.call("GET", f"/followups/debt/{debt['id']}"))[0] == 404
    assert await creditor.events(debt["id"]) == ["debt.created", *FIRST_CONTACT, *CONTACT, "debt.deleted"]
    assert creditor.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.contacted",
        "5 followup.completed",
        "7 debt.contacted",
        "8 followup.completed",
        "9 debt.deleted",
    ]
    deleted = [one for one in creditor.receiver.received if one["event"] == "debt.deleted"]
    assert [one["data"] for one in deleted] == [{"debt_id": debt["id"], "erased": True}]
    assert (await creditor.get(f"/debts/{other['id']}"))["debtor"]["name"] == person["name"]
    assert len(await creditor.followups(other["id"])) == 6
