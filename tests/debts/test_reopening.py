"""Debts that come back: paid ones, held ones, and those whose scenario was over."""

from typing import Any

from debts.conftest import WorkspaceApi, read
from getbill.kit import ids


async def the_contacts(workspace: WorkspaceApi, debt: dict[str, Any]) -> list[tuple[str, str]]:
    rows = await workspace.rows(
        "SELECT step, state FROM contacts WHERE workspace_id = $1 AND debt_id = $2 ORDER BY created_at, step",
        workspace.workspace_id,
        ids.read("debt", debt["id"]),
    )
    return [(row["step"], row["state"]) for row in rows]


async def test_a_paid_debt_is_not_collected_again_by_a_word(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 2340})
    paid = read(await workspace.get(f"/debts/{debt['id']}"))

    for status in ("in_progress", "pending", "status.default.in_progress"):
        answered = await workspace.put(f"/debts/{debt['id']}", {"status": status})

        assert (answered.status, read(answered)["type"]) == (409, "/problems/debt-cannot-move")
    assert read(await workspace.get(f"/debts/{debt['id']}")) == paid
    assert await the_contacts(workspace, debt) == [("wave_1_email", "stopped")]


async def test_a_debt_whose_scenario_reached_nobody_is_resumed_once_an_address_is_known(
    workspace: WorkspaceApi,
) -> None:
    debt = await workspace.debt(debtor={"name": "Lucas Bernard"})
    await workspace.put(f"/debts/{debt['id']}", {"status": "unresolved"})
    await workspace.put(f"/debts/{debt['id']}", {"debtor": {"email": "lucas@example.com"}})

    answered = await workspace.post(f"/debts/{debt['id']}/resume")

    assert (answered.status, read(answered)["status"]) == (200, "pending")
    assert (await the_contacts(workspace, debt))[-1] == ("wave_1_email", "planned")


async def test_a_debt_whose_due_date_moved_while_it_was_held_waits_for_the_new_one(
    workspace: WorkspaceApi,
) -> None:
    debt = await workspace.debt()
    await workspace.post(f"/debts/{debt['id']}/hold")
    await workspace.put(f"/debts/{debt['id']}", {"due_date": "2199-01-15"})

    resumed = read(await workspace.post(f"/debts/{debt['id']}/resume"))

    # The day after is a Wednesday.
    assert resumed["next_action_at"] == "2199-01-16T07:00:00Z"


async def test_an_escalated_debt_is_not_escalated_again(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    decision = {"reason": "no answer", "decided_by": "Marie Martin"}
    await workspace.post(f"/debts/{debt['id']}/escalate", decision)
    before = read(await workspace.get(f"/debts/{debt['id']}")), await workspace.history(debt)

    answered = await workspace.post(f"/debts/{debt['id']}/escalate", decision | {"decided_by": "Luc Petit"})

    assert (answered.status, read(answered)["status_now"]) == (409, "escalated")
    assert (read(await workspace.get(f"/debts/{debt['id']}")), await workspace.history(debt)) == before


async def test_a_debt_that_is_held_again_is_held_for_the_later_reason(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()
    await workspace.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    before = await workspace.get(f"/debts/{debt['id']}")

    same = await workspace.post(f"/debts/{debt['id']}/hold", {"reason": "disputed"})
    later = await workspace.post(f"/debts/{debt['id']}/hold", {"reason": "in hospital"})

    assert same.headers["etag"] == before.headers["etag"]
    assert later.headers["etag"] != before.headers["etag"]
