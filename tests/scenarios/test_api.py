"""Scenarios over HTTP: written in versions, named by debts, and kept by those that run."""

from typing import Any

import pytest

import collecting
from calls import Site
from collecting import ContactWorkspace, at

TWO_MAILS: dict[str, Any] = {
    "name": "two_mails",
    "steps": [
        {"key": "first", "offset": 0, "channel": "email", "template": "wave_1_email"},
        {"key": "second", "offset": 5, "channel": "email", "template": "wave_2_email"},
    ],
    "end": {"offset": 20},
}
VERSION = {name: value for name, value in TWO_MAILS.items() if name != "name"}
THREE = VERSION | {
    "steps": [*TWO_MAILS["steps"], {"key": "third", "offset": 9, "channel": "sms", "template": "wave_1_sms"}]
}
JEAN = {"name": "Jean Dupont", "email": "jean.dupont@example.com", "phone": "+33612345678"}
DEBT: dict[str, Any] = {"debtor": JEAN, "amount": 2340, "reference": "F-1"}


async def written(workspace: ContactWorkspace, content: dict[str, Any]) -> dict[str, Any]:
    answered = await workspace.post("/scenarios", content)
    assert answered.status == 201, answered.body
    return answered.json()


async def created(workspace: ContactWorkspace, **changes: Any) -> dict[str, Any]:
    answered = await workspace.post("/debts", DEBT | changes)
    assert answered.status == 201, answered.body
    return answered.json()


async def test_a_workspace_has_the_scenarios_that_come_with_getbill(workspace: ContactWorkspace) -> None:
    listed = (await workspace.get("/scenarios")).json()["data"]

    assert [(item["name"], item["version"], item["is_built_in"]) for item in listed] == [
        ("b2b_formal", 1, True),
        ("gentle_2_waves", 1, True),
        ("standard_3_waves", 1, True),
        ("third_party_fr", 1, True),
    ]
    standard = (await workspace.get("/scenarios/standard_3_waves")).json()
    assert standard == listed[2]
    assert standard["id"] == "timeline_01jdht0000e008000000000001"
    assert (await workspace.get(f"/scenarios/{standard['id']}")).json() == standard


async def test_a_scenario_is_written_and_read_by_id_and_by_name(workspace: ContactWorkspace) -> None:
    result = await written(workspace, TWO_MAILS)

    assert (result["name"], result["version"], result["current_version"]) == ("two_mails", 1, 1)
    assert result["is_built_in"] is False
    assert result["steps"][1] == {
        "key": "second",
        "wave": 1,
        "offset": 5,
        "unit": "days",
        "channel": "email",
        "template": "wave_2_email",
        "notices": [],
        "language": None,
        "only_if": None,
        "fallback": None,
        "late": None,
        "wait_max_days": None,
    }
    assert (result["spacing_days"], result["late_after_hours"]) == (1, 24)
    assert (await workspace.get(f"/scenarios/{result['id']}")).json() == result
    assert (await workspace.get("/scenarios/two_mails")).json() == result
    assert "two_mails" in [
        scenario["name"] for scenario in (await workspace.get("/scenarios")).json()["data"]
    ]


async def test_a_new_version_leaves_the_old_one_as_it_was(workspace: ContactWorkspace) -> None:
    first = await written(workspace, TWO_MAILS)

    second = await workspace.call("PUT", "/scenarios/two_mails", THREE)
    same = await workspace.call("PUT", f"/scenarios/{first['id']}", THREE)

    assert (second.status, second.json()["version"]) == (200, 2)
    assert same.json() == second.json()
    assert (await workspace.get("/scenarios/two_mails?version=1")).json() == first | {"current_version": 2}
    assert (await workspace.get("/scenarios/two_mails")).json() == second.json()
    assert (await workspace.get("/scenarios/two_mails?version=3")).status == 404


async def test_a_built_in_scenario_becomes_the_workspace_s_own(
    workspace: ContactWorkspace, site: Site
) -> None:
    other = await collecting.open_sandbox(site)

    own = (await workspace.call("PUT", "/scenarios/gentle_2_waves", VERSION)).json()

    assert (own["version"], own["is_built_in"], len(own["steps"])) == (2, False, 2)
    before = (await workspace.get("/scenarios/gentle_2_waves?version=1")).json()
    assert (before["is_built_in"], before["current_version"], before["id"]) == (True, 2, own["id"])
    assert (await other.get("/scenarios/gentle_2_waves")).json()["version"] == 1
    assert (await created(workspace, scenario="gentle_2_waves"))["scenario_version"] == 2
    assert (await created(other, scenario="gentle_2_waves"))["scenario_version"] == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"steps": [TWO_MAILS["steps"][0] | {"template": "nothing"}]}, "/steps/0/template"),
        ({"steps": [TWO_MAILS["steps"][0] | {"channel": "pigeon"}]}, "/steps/0/channel"),
        (
            {"steps": [TWO_MAILS["steps"][0] | {"only_if": {"balance_min": -1}}]},
            "/steps/0/only_if/balance_min",
        ),
        ({"steps": [TWO_MAILS["steps"][0] | {"notices": ["FR-R124-4"]}]}, "/steps/0/notices"),
        ({"steps": [TWO_MAILS["steps"][0], TWO_MAILS["steps"][0]]}, "/steps/1/key"),
        ({"end": {"offset": 1}}, "/end/offset"),
        ({"name": "No spaces"}, "/name"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_scenario_that_could_not_run_is_refused_by_its_field(
    workspace: ContactWorkspace, change: dict[str, Any], pointer: str
) -> None:
    answered = await workspace.post("/scenarios", TWO_MAILS | change)

    assert answered.status == 422
    assert [error["pointer"] for error in answered.json()["errors"]] == [pointer]
    assert (await workspace.get("/scenarios/two_mails")).status == 404


async def test_a_name_is_taken_once(workspace: ContactWorkspace) -> None:
    result = await written(workspace, TWO_MAILS)

    scenario = await workspace.post("/scenarios", TWO_MAILS)
    built_in = await workspace.post("/scenarios", TWO_MAILS | {"name": "b2b_formal"})

    assert (scenario.status, scenario.json()["id"]) == (409, result["id"])
    assert built_in.status == 409


async def test_a_debt_names_a_scenario_by_name_or_by_id(workspace: ContactWorkspace) -> None:
    result = await written(workspace, TWO_MAILS)

    by_name = await created(workspace, scenario="two_mails")
    by_id = await created(workspace, timeline_id=result["id"], reference="F-2")
    both = await created(workspace, scenario="two_mails", timeline_id=result["id"], reference="F-3")
    conflict = await workspace.post("/debts", DEBT | {"scenario": "b2b_formal", "timeline_id": result["id"]})
    unknown = await workspace.post("/debts", DEBT | {"scenario": "nothing", "amount": -1})

    for debt in (by_name, by_id, both):
        assert (debt["scenario"], debt["scenario_version"], debt["timeline_id"]) == (
            "two_mails",
            1,
            result["id"],
        )
    assert conflict.status == 422
    assert [error["pointer"] for error in conflict.json()["errors"]] == ["/scenario"]
    assert {error["pointer"] for error in unknown.json()["errors"]} == {"/scenario", "/amount"}


async def test_another_company_s_scenario_is_not_there(workspace: ContactWorkspace, site: Site) -> None:
    result = await written(workspace, TWO_MAILS)
    other = await collecting.open_sandbox(site)

    assert (await other.get(f"/scenarios/{result['id']}")).status == 404
    assert (await other.post("/debts", DEBT | {"timeline_id": result["id"]})).status == 422
    assert (await other.post("/debts", DEBT | {"scenario": "two_mails"})).status == 422


async def test_a_debt_keeps_its_version_until_it_is_moved(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    await written(workspace, TWO_MAILS)
    debt = await created(workspace, scenario="two_mails")
    await workspace.engine.run_until("2026-01-06 09:00")

    await workspace.call("PUT", "/scenarios/two_mails", THREE)
    kept = (await workspace.get(f"/debts/{debt['id']}")).json()
    unknown = await workspace.call("PUT", f"/debts/{debt['id']}", {"scenario_version": 3})
    moved = (await workspace.call("PUT", f"/debts/{debt['id']}", {"scenario_version": 2})).json()
    await workspace.engine.run_until("2026-01-31 09:00")

    assert (kept["scenario_version"], kept["next_action_at"]) == (1, "2026-01-12T07:00:00Z")
    assert [error["pointer"] for error in unknown.json()["errors"]] == ["/scenario_version"]
    assert (moved["scenario_version"], moved["next_action_at"]) == (2, "2026-01-12T07:00:00Z")
    contacts = await workspace.engine.database.pool.fetch(
        "SELECT step, state FROM contacts WHERE workspace_id = $1 ORDER BY settled_at",
        workspace.engine.id,
    )
    assert [tuple(row) for row in contacts] == [
        ("first", "delivered"),
        ("second", "stopped"),
        ("second", "delivered"),
        ("third", "delivered"),
        ("end", "accepted"),
    ]


async def test_the_next_day_is_one_on_which_the_scenario_contacts_anyone(workspace: ContactWorkspace) -> None:
    await workspace.engine.set_clock("2026-01-02 09:00")  # a Friday

    debt = await created(workspace, timeline_start_mode="next_day")

    assert debt["next_action_at"] == "2026-01-05T07:00:00Z"
    row = await workspace.engine.database.pool.fetchrow(
        "SELECT started_on FROM debts WHERE workspace_id = $1", workspace.engine.id
    )
    assert row["started_on"] == at("2026-01-05 00:00").date()


async def test_a_scenario_is_written_back_as_it_is_read(workspace: ContactWorkspace) -> None:
    await workspace.call("PUT", "/company/collector", {"collector": "third_party"})
    before = (await workspace.get("/scenarios/third_party_fr")).json()
    what_it_does = {
        name: before[name] for name in ("steps", "end", "exclusions", "spacing_days", "late_after_hours")
    }

    written = (await workspace.call("PUT", f"/scenarios/{before['id']}", what_it_does)).json()

    assert before["steps"][0]["notices"] == ["FR-R124-4"]
    # Nothing is changed by it, so no version is written.
    assert written == before
