"""Todos over HTTP: listed by what is asked of them, the newest first, each workspace's its own."""

import collecting
from calls import Site
from getbill.kit import ids
from todo_decisions.conftest import Doubt


async def test_erasing_a_debt_drops_its_questions(doubt: Doubt) -> None:
    (todo,) = await doubt.todos()

    erased = await doubt.workspace.call("DELETE", f"/debts/{doubt.debt_id}")

    assert erased.status == 200
    assert (await doubt.workspace.get(f"/todos/{todo['id']}")).status == 404
    assert await doubt.todos() == []


async def test_the_list_is_by_type_state_and_debt_the_newest_first(doubt: Doubt) -> None:
    workspace = doubt.workspace.engine
    await workspace.contact_each_debt_alone()
    await workspace.set_clock("2026-01-06 09:00")
    other = await workspace.debt()
    await workspace.send_due_live()
    await doubt.decide("sent")

    newest = (await doubt.workspace.get("/todos?type=unknown_contact")).json()
    todos = (await doubt.workspace.get("/todos?state=open")).json()["data"]
    decided = (await doubt.workspace.get("/todos?state=decided")).json()["data"]
    page = (await doubt.workspace.get("/todos?limit=1")).json()
    rest = (await doubt.workspace.get(f"/todos?limit=1&cursor={page['pagination']['next_cursor']}")).json()

    other_id = ids.show("debt", other.id)
    assert [item["debt_id"] for item in newest["data"]] == [other_id, doubt.debt_id]
    assert newest["pagination"]["total"] == 2
    assert [item["debt_id"] for item in todos] == [other_id]
    assert [item["debt_id"] for item in decided] == [doubt.debt_id]
    assert page["data"] + rest["data"] == newest["data"]
    assert rest["pagination"]["next_cursor"] is None
    assert (await doubt.workspace.get("/todos?type=unheard_of")).status == 400


async def test_another_workspace_sees_nothing_and_decides_nothing(doubt: Doubt, site: Site) -> None:
    (todo,) = await doubt.todos()
    stranger = await collecting.open_live(site)

    assert (await stranger.get("/todos")).json()["data"] == []
    assert (await stranger.get(f"/todos/{todo['id']}")).status == 404
    refused = await stranger.post(f"/todos/{todo['id']}/decide", {"decision": "sent"})
    assert refused.status == 404
    assert (await doubt.todos())[0]["state"] == "open"
