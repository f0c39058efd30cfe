"""Debts that come back: paid ones, held ones, and those whose scenario was over."""

from typing import Any

from debts.conftest import House, read
from getbill.kit import ids


async def the_contacts(house: House, debt: dict[str, Any]) -> list[tuple[str, str]]:
    rows = await house.rows(
        "SELECT step, state FROM contacts WHERE workspace_id = $1 AND debt_id = $2 ORDER BY created_at, step",
        house.workspace_id,
        ids.read("debt", debt["id"]),
    )
    return [(row["step"], row["state"]) for row in rows]


async def test_a_paid_debt_is_not_collected_again_by_a_word(house: House) -> None:
    debt = await house.debt()
    await house.post(f"/debts/{debt['id']}/payments", {"amount": 2340})
    paid = read(await house.get(f"/debts/{debt['id']}"))

    for status in ("in_progress", "pending", "status.default.in_progress"):
        answered = await house.put(f"/debts/{debt['id']}", {"status": status})

        assert (answered.status, read(answered)["type"]) == (409, "/problems/debt-cannot-move")
    assert read(await house.get(f"/debts/{debt['id']}")) == paid
    assert await the_contacts(house, debt) == [("wave_1_email", "stopped")]


async def test_a_debt_whose_scenario_reached_nobody_is_resumed_once_an_address_is_known(house: House) -> None:
    debt = await house.debt(debtor={"name": "Lucas Bernard"})
    await house.put(f"/debts/{debt['id']}", {"status": "unresolved"})
    await house.put(f"/debts/{debt['id']}", {"debtor": {"email": "lucas@example.com"}})

    answered = await house.post(f"/debts/{debt['id']}/resume")

    assert (answered.status, read(answered)["status"]) == (200, "pending")
    assert (await the_contacts(house, debt))[-1] == ("wave_1_email", "planned")


async def test_a_debt_whose_due_date_moved_while_it_was_held_waits_for_the_new_one(house: House) -> None:
    debt = await house.debt()
    await house.post(f"/debts/{debt['id']}/hold")
    await house.put(f"/debts/{debt['id']}", {"due_date": "2199-01-15"})

    resumed = read(await house.post(f"/debts/{debt['id']}/resume"))

    # The day after is a Wednesday.
    assert resumed["next_action_at"] == "2199-01-16T07:00:00Z"


async def test_an_escalated_debt_is_not_escalated_again(house: House) -> None:
    debt = await house.debt()
    decision = {"reason": "no answer", "decided_by": "Marie Martin"}
    await house.post(f"/debts/{debt['id']}/escalate", decision)
    before = read(await house.get(f"/debts/{debt['id']}")), await house.history(debt)

    answered = await house.post(f"/debts/{debt['id']}/escalate", decision | {"decided_by": "Luc Petit"})

    assert (answered.status, read(answered)["status_now"]) == (409, "escalated")
    assert (read(await house.get(f"/debts/{debt['id']}")), await house.history(debt)) == before


async def test_a_debt_that_is_held_again_is_held_for_the_later_reason(house: House) -> None:
    debt = await house.debt()
    await house.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    before = await house.get(f"/debts/{debt['id']}")

    same = await house.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    later = await house.post(f"/debts/{debt['id']}/hold", {"reason": "in hospital"})

    assert same.headers["etag"] == before.headers["etag"]
    assert later.headers["etag"] != before.headers["etag"]
