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


async def test_a_debt_that_is_paid_in_wave_1_is_left_in_peace(running_workspace) -> None:
    await running_workspace.subscribe()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)

    await running_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await running_workspace.pass_days(60)

    await running_workspace.settle()
    result = await running_workspace.get(f"/debts/{debt['id']}")
    assert (result["status"], result["resolution"], result["balance"]) == (
        "resolved",
        "paid",
        Decimal("0.00"),
    )
    assert result["next_action_at"] is None
    assert await running_workspace.followups(debt["id"]) == WAVE_1[:1]
    assert await running_workspace.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        "debt.payment_received",
        "debt.status_changed",
        "debt.resolved",
    ]
    assert running_workspace.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.contacted",
        "5 followup.completed",
        "6 debt.payment_received",
        "8 debt.resolved",
    ]
    paid = running_workspace.receiver.received[3]
    assert (paid["timestamp"], paid["data"]["status"], paid["data"]["resolved_at"]) == (
        "2026-03-03T06:00:00Z",
        "resolved",
        "2026-03-03T06:00:00Z",
    )
    assert (paid["data"]["payment"]["amount"], paid["data"]["payment"]["method"]) == (
        Decimal("2340.00"),
        "card",
    )


async def test_a_debtor_who_pays_half_is_asked_for_the_other_half(running_workspace) -> None:
    await running_workspace.subscribe()
    debt = await running_workspace.post("/debts", make.debt(amount=2340.00))
    await running_workspace.pass_days(4)

    await running_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {"amount": 1170.00})
    halfway = await running_workspace.get(f"/debts/{debt['id']}")
    await running_workspace.pass_days(60)

    await running_workspace.settle()
    assert (halfway["status"], halfway["balance"]) == ("in_progress", Decimal("1170.00"))
    result = await running_workspace.get(f"/debts/{debt['id']}")
    assert (result["status"], result["balance"], result["amount_paid"]) == (
        "unresolved",
        Decimal("1170.00"),
        Decimal("1170.00"),
    )
    assert await running_workspace.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert await running_workspace.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.payment_received",
        *(4 * CONTACT),
        *END,
    ]
    message = running_workspace.receiver.received
    assert [item["data"]["balance"] for item in message if item["event"] == "followup.completed"] == [
        *(2 * [Decimal("2340.00")]),
        *(4 * [Decimal("1170.00")]),
    ]
    assert running_workspace.receiver.told(debt["id"])[5:7] == [
        "9 debt.payment_received",
        "11 debt.contacted",
    ]
    assert len(message) == 14


async def test_a_debtor_who_never_answers_hears_of_us_six_times_and_then_a_human_is_asked(
    running_workspace,
) -> None:
    await running_workspace.subscribe()
    debt = await running_workspace.post("/debts", make.debt())

    await running_workspace.pass_days(60)

    await running_workspace.settle()
    result = await running_workspace.get(f"/debts/{debt['id']}")
    assert (result["status"], result["balance"], result["followups_count"]) == (
        "unresolved",
        Decimal("2340.00"),
        6,
    )
    assert await running_workspace.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert await running_workspace.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(5 * CONTACT),
        *END,
    ]
    assert running_workspace.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.contacted",
        "5 followup.completed",
        *(f"{7 + EACH * turn + place} {kind}" for turn in range(5) for place, kind in enumerate(TOLD)),
    ]
    (todo,) = (await running_workspace.get(f"/todos?type=escalation&state=open&debt_id={debt['id']}"))["data"]
    assert todo["created_at"] == "2026-04-01T22:00:00Z"
    person = {"decided_by": "Marie Martin", "reason": "Six reminders, no answer."}
    await running_workspace.post(f"/todos/{todo['id']}/decide", {"decision": "escalate"} | person)
    await running_workspace.pass_days(60)
    await running_workspace.settle()
    assert (await running_workspace.get(f"/debts/{debt['id']}"))["status"] == "escalated"
    assert await running_workspace.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert running_workspace.receiver.told(debt["id"])[-1] == "24 debt.escalated"


async def test_a_debtor_who_pays_after_the_letter_is_not_called_any_more(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(16)

    await running_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await running_workspace.pass_days(60)

    result = await running_workspace.get(f"/debts/{debt['id']}")
    assert (result["status"], result["resolution"], result["next_action_at"]) == ("resolved", "paid", None)
    assert await running_workspace.followups(debt["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3[:1]]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(4 * CONTACT),
        *PAID,
    ]
    assert await running_workspace.todos(debt["id"]) == []


async def test_a_debtor_who_disputes_is_left_alone_until_the_dispute_is_over(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(4)

    disputed = "The debtor disputes the invoice."
    locked = await running_workspace.post(f"/debts/{debt['id']}/hold", {"reason": disputed})
    await running_workspace.pass_days(20)
    while_held = await running_workspace.followups(debt["id"])
    resumed = await running_workspace.post(f"/debts/{debt['id']}/resume", {})
    await running_workspace.pass_days(9)
    await running_workspace.post(f"/sandbox/debts/{debt['id']}/simulate-payment", {})
    await running_workspace.pass_days(60)

    assert (locked["status"], locked["next_action_at"], while_held) == ("on_hold", None, WAVE_1)
    assert resumed["next_action_at"] == "2026-03-26T09:00:00Z"
    assert await running_workspace.followups(debt["id"]) == [
        *WAVE_1,
        "2026-03-26T09:00:00Z ai_call deal_not_found",
        "2026-03-27T07:00:00Z email delivered",
        "2026-04-03T06:00:00Z letter delivered",
    ]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.status_changed",
        "debt.status_changed",
        *(3 * CONTACT),
        *PAID,
    ]
    moved = [
        message
        for message in running_workspace.receiver.received
        if message["event"] == "debt.status_changed"
    ]
    assert moved[1]["data"]["reason"] == disputed


async def test_a_debt_erased_in_the_middle_leaves_nothing_but_that_it_was(running_workspace) -> None:
    await running_workspace.subscribe("debt.created", "debt.contacted", "followup.completed", "debt.deleted")
    person = make.debt()["debtor"]
    debt = await running_workspace.post("/debts", make.debt(debtor=person))
    other = await running_workspace.post("/debts", make.debt(debtor=person))
    await running_workspace.pass_days(4)

    status, erased = await running_workspace.call("DELETE", f"/debts/{debt['id']}")
    await running_workspace.pass_days(60)

    await running_workspace.settle()
    assert (status, erased["id"], erased["is_debtor_erased"]) == (200, debt["id"], False)
    assert (await running_workspace.call("GET", f"/debts/{debt['id']}"))[0] == 404
    assert (await running_workspace.call("GET", f"/followups/debt/{debt['id']}"))[0] == 404
    assert await running_workspace.events(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.deleted",
    ]
    assert running_workspace.receiver.told(debt["id"]) == [
        "1 debt.created",
        "3 debt.contacted",
        "5 followup.completed",
        "7 debt.contacted",
        "8 followup.completed",
        "9 debt.deleted",
    ]
    deleted = [
        message for message in running_workspace.receiver.received if message["event"] == "debt.deleted"
    ]
    assert [item["data"] for item in deleted] == [{"debt_id": debt["id"], "erased": True}]
    assert (await running_workspace.get(f"/debts/{other['id']}"))["debtor"]["name"] == person["name"]
    assert len(await running_workspace.followups(other["id"])) == 6
