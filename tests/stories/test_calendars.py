"""Collections over weeks in which something about time changes: the day it starts, the clock, the place, the plan."""

from typing import Any

import make
from stories.test_collections import CONTACT, END, FIRST_CONTACT, WAVE_1, WAVE_2, WAVE_3

GUADELOUPE = {
    "street_number": "3",
    "street_address": "rue de la Plage",
    "postal_code": "97110",
    "city": "Pointe-à-Pitre",
    "country": "FR",
}


async def test_a_debt_due_in_the_future_is_left_alone_until_the_day_after(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt(due_date="2026-03-20"))
    await running_workspace.pass_days(20)
    before = await running_workspace.followups(debt["id"])

    await running_workspace.pass_days(60)

    assert (debt["next_action_at"], before) == ("2026-03-23T07:00:00Z", [])
    # Day 0 is Saturday the 21st; the clocks go forward on Sunday the 29th, and the 6th of April is Easter Monday.
    assert await running_workspace.followups(debt["id"]) == [
        "2026-03-23T07:00:00Z email delivered",
        "2026-03-24T09:00:00Z sms delivered",
        "2026-03-30T08:00:00Z ai_call deal_not_found",
        "2026-03-31T06:00:00Z email delivered",
        "2026-04-07T06:00:00Z letter delivered",
        "2026-04-10T08:00:00Z ai_call deal_not_found",
    ]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(5 * CONTACT),
        *END,
    ]
    ended = running_workspace.receiver.received[-1]
    assert (ended["event"], ended["timestamp"]) == ("debt.escalation_requested", "2026-04-19T22:00:00Z")


async def test_a_companys_clock_goes_forward_and_back_and_the_debtors_hours_stay(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    await running_workspace.pass_days(23)
    spring = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(211)
    autumn = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(60)

    assert await running_workspace.followups(spring["id"]) == [
        "2026-03-25T07:00:00Z email delivered",
        "2026-03-30T08:00:00Z sms delivered",
        "2026-04-01T08:00:00Z ai_call deal_not_found",
        "2026-04-02T06:00:00Z email delivered",
        "2026-04-09T06:00:00Z letter delivered",
        "2026-04-14T08:00:00Z ai_call deal_not_found",
    ]
    assert await running_workspace.followups(autumn["id"]) == [
        "2026-10-22T06:00:00Z email delivered",
        "2026-10-26T09:00:00Z sms delivered",
        "2026-10-29T09:00:00Z ai_call deal_not_found",
        "2026-10-30T07:00:00Z email delivered",
        "2026-11-06T07:00:00Z letter delivered",
        "2026-11-12T09:00:00Z ai_call deal_not_found",
    ]
    for debt in (spring, autumn):
        assert await running_workspace.everything(debt["id"]) == [
            "debt.created",
            *FIRST_CONTACT,
            *(5 * CONTACT),
            *END,
        ]


async def test_a_debtor_who_moves_overseas_is_contacted_by_the_hours_there(running_workspace) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(4)

    moved = await running_workspace.put(f"/debts/{debt['id']}", {"debtor": {"address": GUADELOUPE}})
    await running_workspace.pass_days(60)

    assert moved["next_action_at"] == "2026-03-09T14:00:00Z"
    assert await running_workspace.followups(debt["id"]) == [
        *WAVE_1,
        "2026-03-09T14:00:00Z ai_call deal_not_found",
        "2026-03-10T12:00:00Z email delivered",
        "2026-03-17T12:00:00Z letter delivered",
        "2026-03-23T14:00:00Z ai_call deal_not_found",
    ]
    assert await running_workspace.everything(debt["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.updated",
        *(4 * CONTACT),
        *END,
    ]


async def test_a_scenario_that_is_changed_leaves_running_debts_alone_until_they_are_moved(
    running_workspace,
) -> None:
    await running_workspace.subscribe_to_everything()
    stays, moves = [await running_workspace.post("/debts", make.debt()) for _ in range(2)]
    await running_workspace.pass_days(4)

    before = await running_workspace.get("/scenarios/standard_3_waves")
    expected = {"wave_1_email", "wave_2_email", "wave_3_letter"}
    steps: list[dict[str, Any]] = [step for step in before["steps"] if step["key"] in expected]
    written = await running_workspace.put(
        f"/scenarios/{before['id']}", {"steps": steps, "end": {"offset": 25}}
    )
    fresh = await running_workspace.post("/debts", make.debt())
    moved = await running_workspace.put(f"/debts/{moves['id']}", {"scenario_version": written["version"]})
    await running_workspace.pass_days(60)

    assert (before["version"], written["version"]) == (1, 2)
    assert moved["next_action_at"] == "2026-03-10T07:00:00Z"
    assert await running_workspace.followups(stays["id"]) == [*WAVE_1, *WAVE_2, *WAVE_3]
    assert await running_workspace.followups(moves["id"]) == [*WAVE_1, WAVE_2[1], WAVE_3[0]]
    assert await running_workspace.followups(fresh["id"]) == [
        "2026-03-06T07:00:00Z email delivered",
        "2026-03-16T07:00:00Z email delivered",
        "2026-03-23T07:00:00Z letter delivered",
    ]
    assert await running_workspace.everything(stays["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(5 * CONTACT),
        *END,
    ]
    assert await running_workspace.everything(moves["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *CONTACT,
        "debt.updated",
        *(2 * CONTACT),
        *END,
    ]
    assert await running_workspace.everything(fresh["id"]) == [
        "debt.created",
        *FIRST_CONTACT,
        *(2 * CONTACT),
        *END,
    ]


async def test_after_six_hours_in_which_nothing_ran_nobody_gets_two_messages_at_once(
    running_workspace,
) -> None:
    await running_workspace.subscribe_to_everything()
    debts = [await running_workspace.post("/debts", make.debt()) for _ in range(40)]
    await running_workspace.pass_days(3)

    # The text messages of all are due at ten; nothing leaves until four in the afternoon.
    await running_workspace.put("/contact", {"contact": "stopped"})
    await running_workspace.post("/sandbox/clock/advance", {"hours": 9})
    during = [await running_workspace.followups(debt["id"]) for debt in debts]
    await running_workspace.put("/contact", {"contact": "on"})
    await running_workspace.pass_days(60)

    assert during == [WAVE_1[:1]] * 40
    for debt in debts:
        assert await running_workspace.followups(debt["id"]) == [
            WAVE_1[0],
            "2026-03-05T15:00:00Z sms delivered",
            *WAVE_2,
            *WAVE_3,
        ]
        assert await running_workspace.everything(debt["id"]) == [
            "debt.created",
            *FIRST_CONTACT,
            *(5 * CONTACT),
            *END,
        ]
