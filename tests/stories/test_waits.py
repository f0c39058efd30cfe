"""Collections in which something waits: for the due date, an hour, a cap, a promise."""

import make
from stories.test_collections import CONTACT, FIRST_CONTACT

UNITED_STATES = {
    "street_address": "Main Street",
    "street_number": "1",
    "city": "Springfield",
    "country": "US",
}


async def test_nothing_is_sent_before_a_due_date_that_was_moved_after_the_first_contact(
    running_workspace,
) -> None:
    await running_workspace.subscribe_to_everything()
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(2)
    first = await running_workspace.followups(debt["id"])

    moved = await running_workspace.put(f"/debts/{debt['id']}", {"due_date": "2027-02-15"})
    await running_workspace.pass_days(340)
    before = await running_workspace.followups(debt["id"])
    await running_workspace.pass_days(45)

    # Day 0 is Tuesday, the 16th of February; the text message keeps its three days to it.
    assert moved["next_action_at"] == "2027-02-19T09:00:00Z"
    assert len(first) == 1
    assert before == first
    assert (await running_workspace.followups(debt["id"]))[1:] == [
        "2027-02-19T09:00:00Z sms delivered",
        "2027-02-23T09:00:00Z ai_call deal_not_found",
        "2027-02-24T07:00:00Z email delivered",
        "2027-03-03T07:00:00Z letter delivered",
        "2027-03-08T09:00:00Z ai_call deal_not_found",
    ]
    assert (await running_workspace.everything(debt["id"]))[: 2 + len(FIRST_CONTACT) + len(CONTACT)] == [
        "debt.created",
        *FIRST_CONTACT,
        "debt.updated",
        *CONTACT,
    ]


async def test_a_due_date_that_is_moved_back_never_repeats_what_was_sent(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(2)
    await running_workspace.put(f"/debts/{debt['id']}", {"due_date": "2027-02-15"})

    back = await running_workspace.put(f"/debts/{debt['id']}", {"due_date": "2026-01-15"})
    await running_workspace.pass_days(4)

    assert back["next_action_at"] == "2026-03-05T09:00:00Z"
    assert [line.split()[1] for line in await running_workspace.followups(debt["id"])] == ["email", "sms"]


async def test_a_due_date_centuries_away_or_ago_is_planned_and_breaks_nothing(running_workspace) -> None:
    future = await running_workspace.post("/debts", make.debt(due_date="2200-12-31"))
    past = await running_workspace.post("/debts", make.debt(due_date="1900-01-01"))
    timeline = await running_workspace.get(f"/debts/{future['id']}/timeline")

    assert future["next_action_at"].startswith("2201-01-01")
    assert past["next_action_at"].startswith("2026-03-02")
    assert [step["step"] for step in timeline["planned"]][-1] == "end"


async def test_a_promise_of_three_weeks_is_followed_by_the_scenarios_own_pace(running_workspace) -> None:
    debt = await running_workspace.post("/debts", make.debt())
    await running_workspace.pass_days(1)
    await running_workspace.put(f"/debts/{debt['id']}", {"promise": {"date": "2026-03-23", "amount": 100}})

    await running_workspace.pass_days(60)

    assert (await running_workspace.followups(debt["id"]))[1:] == [
        "2026-03-24T09:00:00Z sms delivered",
        "2026-03-30T08:00:00Z ai_call deal_not_found",
        "2026-03-31T06:00:00Z email delivered",
        "2026-04-07T06:00:00Z letter delivered",
        "2026-04-10T08:00:00Z ai_call deal_not_found",
    ]
    (todo,) = (await running_workspace.get(f"/todos?type=escalation&debt_id={debt['id']}"))["data"]
    assert todo["created_at"] == "2026-04-19T22:00:00Z"


async def test_a_debtor_in_the_united_states_is_reached_by_postcode_and_passed_over_without(
    running_workspace,
) -> None:
    await running_workspace.pass_days(60)
    debtor = {"name": "John Smith", "email": "john@example.com", "phone": "+18005550123"}
    nowhere = await running_workspace.post(
        "/debts", make.debt(reference="A", debtor=debtor | {"address": UNITED_STATES})
    )
    known = await running_workspace.post(
        "/debts",
        make.debt(
            reference="B",
            debtor={"name": "Ann Jones", "email": "ann@example.com", "phone": "+12125550123"}
            | {"address": UNITED_STATES | {"postal_code": "10001"}},
        ),
    )
    plans = [(await running_workspace.get(f"/debts/{debt['id']}/timeline")) for debt in (nowhere, known)]

    assert [len(plan["timezones"]) for plan in plans] == [29, 1]
    await running_workspace.pass_days(60)
    for debt in (nowhere, known):
        assert (await running_workspace.get(f"/debts/{debt['id']}"))["status"] == "unresolved"
    assert [line.split()[1] for line in await running_workspace.followups(nowhere["id"])] == [
        "email",
        "email",
    ]
    assert [line.split()[1] for line in await running_workspace.followups(known["id"])] == [
        "email",
        "sms",
        "email",
        "letter",
    ]
