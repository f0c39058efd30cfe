"""The end of a scenario, over HTTP: nobody paid, and a person decides what follows."""

from dataclasses import dataclass
from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import ContactWorkspace
from getbill.kit import ids

DEBT: dict[str, Any] = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"},
    "amount": 2340,
    "reference": "F-1",
}
MARIE = {"decided_by": "Marie Martin", "reason": "No answer to six reminders."}


@dataclass
class Ended:
    """A sandbox with a debt whose scenario is over."""

    workspace: ContactWorkspace
    debt: dict[str, Any]

    async def todos(self) -> list[dict[str, Any]]:
        return (await self.workspace.get(f"/todos?debt_id={self.debt['id']}")).json()["data"]

    async def decide(self, decision: str, **fields: str) -> Answer:
        (todo, *_) = await self.todos()
        return await self.workspace.post(f"/todos/{todo['id']}/decide", {"decision": decision} | fields)

    async def run_until(self, text: str) -> None:
        await self.workspace.engine.run_until(text)
        # The API remembers for a moment where a clock stood.
        self.workspace.site.app.state.auth.invalidate(self.workspace.engine.id)

    async def now(self) -> dict[str, Any]:
        return (await self.workspace.get(f"/debts/{self.debt['id']}")).json()

    async def events(self) -> list[str]:
        return await self.workspace.engine.events(ids.read("debt", self.debt["id"]))


@pytest.fixture
async def ended(site: Site) -> Ended:
    workspace = await collecting.open_sandbox(site)
    await workspace.engine.set_clock("2026-01-05 09:00")
    debt = (await workspace.post("/debts", DEBT)).json()
    ended = Ended(workspace, debt)
    await ended.run_until("2026-02-05 09:00")
    return ended


async def test_when_a_scenario_is_over_a_person_is_asked_once(ended: Ended) -> None:
    (todo,) = await ended.todos()

    assert (await ended.now())["status"] == "unresolved"
    assert (await ended.events())[-2:] == ["debt.status_changed", "debt.escalation_requested"]
    assert (todo["type"], todo["state"], todo["subject_id"]) == ("escalation", "open", ended.debt["id"])
    assert todo["decisions"] == ["escalate", "continue", "write_off", "archive"]
    assert todo["title"]["en"] == "The scenario has ended and the debt is not paid. What happens next?"
    assert todo["created_at"] == "2026-02-04T23:00:00Z"


async def test_the_request_says_what_was_done(ended: Ended) -> None:
    (event_data,) = await ended.workspace.engine.event_data(
        ids.read("debt", ended.debt["id"]), "debt.escalation_requested"
    )

    assert event_data["status"] == "unresolved"
    assert event_data["escalation_request"] == {
        "scenario_version": 1,
        "started_on": "2026-01-05",
        "contacts_count": 5,
        "contacted_at": "2026-01-05T09:00:00Z",
    }


async def test_an_escalation_names_the_person_and_the_reason(ended: Ended) -> None:
    nobody = await ended.decide("escalate")
    before = (await ended.todos())[0]["state"]

    decided = await ended.decide("escalate", **MARIE)

    assert (nobody.status, before) == (422, "open")
    assert (decided.status, decided.json()["decision"]) == (200, "escalate")
    assert (await ended.now())["status"] == "escalated"
    assert (await ended.events())[-2:] == ["debt.status_changed", "debt.escalated"]


async def test_to_continue_runs_the_scenario_once_more_and_asks_again_at_its_end(ended: Ended) -> None:
    await ended.decide("continue")
    again = await ended.now()

    await ended.run_until("2026-03-20 09:00")

    assert (again["status"], again["next_action_at"]) == ("in_progress", "2026-02-05T09:00:00Z")
    assert [todo["state"] for todo in await ended.todos()] == ["open", "decided"]
    assert (await ended.events()).count("debt.escalation_requested") == 2


@pytest.mark.parametrize(
    ("decision", "status", "resolution", "last"),
    [
        ("write_off", "resolved", "written_off", "debt.updated"),
        ("archive", "archived", None, "debt.status_changed"),
    ],
)
async def test_a_debt_that_is_given_up_is_contacted_no_more(
    ended: Ended, decision: str, status: str, resolution: str | None, last: str
) -> None:
    await ended.decide(decision)

    result = await ended.now()
    assert (result["status"], result["resolution"], result["next_action_at"]) == (status, resolution, None)
    assert (await ended.events())[-1] == last
    assert [(todo["state"], todo["decision"]) for todo in await ended.todos()] == [("decided", decision)]


async def test_a_debt_that_is_paid_after_all_asks_nobody_any_more(ended: Ended) -> None:
    paid = await ended.workspace.post(f"/sandbox/debts/{ended.debt['id']}/simulate-payment", {})

    assert paid.status == 201
    (todo,) = await ended.todos()
    assert (todo["state"], todo["decision"], todo["decided_by"]) == ("decided", "gone", None)
    assert (await ended.decide("archive")).status == 409
    assert (await ended.now())["status"] == "resolved"
