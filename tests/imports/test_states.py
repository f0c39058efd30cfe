"""The states of an import: each has one meaning, and the database holds every statement to the table of them."""

import re
from pathlib import Path

import asyncpg
import pytest

from getbill.imports.model import STATES, TASKS_OF, TRANSITIONS
from getbill.imports.runs import tasks
from imports.sender import Sender, alone, csv, row

_STATES_AND_TASKS = "UPDATE imports SET state = $2, task = $3 WHERE workspace_id = $1"
_TASKS = (None, "read", "check", "import", "correct", "undo")
UNCLEAR = ["Référence", "Nom", "Quelque chose"]


def test_every_state_is_reached_and_only_undone_is_final() -> None:
    reached = {"uploaded"}
    while more := {state for item in reached for state in TRANSITIONS[item]} - reached:
        reached |= more

    assert reached == set(STATES) == set(TRANSITIONS) == set(TASKS_OF)
    assert [state for state in STATES if not TRANSITIONS[state]] == ["undone"]


async def test_the_database_takes_the_same_states_with_the_same_tasks(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))
    pool = sender.installation.database.pool
    batch = set()
    async with pool.acquire() as connection:
        for state in (*STATES, "read"):
            for task in _TASKS:
                block = connection.transaction()
                await block.start()
                try:
                    # The moves are not what is asked here.
                    await connection.execute("ALTER TABLE imports DISABLE TRIGGER USER")
                    await connection.execute(_STATES_AND_TASKS, sender.workspace_id, state, task)
                    batch.add((state, task))
                except asyncpg.CheckViolationError:
                    pass
                finally:
                    await block.rollback()

    assert batch == {(state, task) for state in STATES for task in TASKS_OF[state] or {None}}


async def test_the_database_of_these_tests_refuses_a_move_that_the_table_does_not_have(
    sender: Sender,
) -> None:
    await sender.imported(csv([row(1)]))

    with pytest.raises(asyncpg.RaiseError, match="completed to checked"):
        await sender.rows(_STATES_AND_TASKS, sender.workspace_id, "checked", None)


@pytest.mark.parametrize(
    ("content", "query", "states"),
    [
        (csv([["F-1", "Jean", "12,50"]], UNCLEAR), "", ["uploaded", "needs_mapping"]),
        (csv([row(1)]), "", ["uploaded", "mapped"]),
        (csv([row(1)]), "?auto=true&dry_run=true", ["uploaded", "checking", "checked"]),
        (csv([row(1)]), "?auto=true", ["uploaded", "importing", "completed"]),
        (
            csv([row(1)]),
            "?auto=true&mode=all_or_nothing",
            ["uploaded", "checking", "importing", "completed"],
        ),
    ],
)
async def test_a_file_is_in_one_state_for_each_thing_that_is_done_or_waited_for(
    sender: Sender, content: bytes, query: str, states: list[str]
) -> None:
    import_id = await sender.sent(content, query)
    seen = []
    while (answer := await sender.get(f"/imports/{import_id}"))["doing"] is not None:
        seen.append(answer["state"])
        await alone(tasks._TASKS[answer["doing"]], await sender.taken(import_id))

    assert [*seen, answer["state"]] == states
    for state in states:
        listed = [item["id"] for item in (await sender.get(f"/imports?state={state}"))["data"]]
        assert listed == ([import_id] if state == states[-1] else [])


async def test_correcting_and_undoing_are_states_of_their_own(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2, **{"E-mail": "x@gmial.com"})]))
    path = f"/imports/{answer['id']}"

    corrected = await sender.call("POST", f"{path}/corrections", {"accept": ["email-typo"]})
    done = await sender.work(answer["id"])
    undone = await sender.call("POST", f"{path}/undo")
    over = await sender.work(answer["id"])

    assert [corrected.json()["state"], done["state"]] == ["correcting", "completed"]
    assert [undone.json()["state"], over["state"]] == ["undoing", "undone"]


async def test_what_is_corrected_before_the_first_debt_is_checked_anew(sender: Sender) -> None:
    content = csv([row(1), row(2, **{"E-mail": "x@gmial.com"})])
    answer = await sender.imported(content, "?auto=true&dry_run=true")
    path = f"/imports/{answer['id']}"

    corrected = await sender.call("POST", f"{path}/corrections", {"accept": ["email-typo"]})
    done = await sender.work(answer["id"])

    begun = corrected.json()
    assert (answer["state"], answer["would_create"]) == ("checked", 1)
    assert (begun["state"], begun["would_create"], begun["counts"]["created"]) == ("checking", None, 0)
    assert (done["state"], done["would_create"]) == ("checked", 2)


async def test_the_documented_states_are_the_states(sender: Sender) -> None:
    document = (await sender.site.get("/openapi.json")).json()

    page = (Path(__file__).parents[2] / "docs" / "imports.md").read_text("utf-8")
    assert document["components"]["schemas"]["ImportShown"]["properties"]["state"]["enum"] == list(STATES)
    table = page.partition("| `state` | means |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(STATES)
