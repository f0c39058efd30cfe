"""Files that wait for a person: what their todos say, and which go on by themselves once their layout is confirmed."""

import asyncio
from typing import Any

import pytest

from getbill.imports.runs import saved_mappings, tasks, user_decisions
from getbill.kit import ids
from imports.sender import HEADERS, Sender, alone, csv, row

UNCLEAR = ["Référence", "Nom", "Quelque chose"]
AUTO = "?auto=true&sender=erp"
BLOCKED = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
                   (SELECT oid FROM pg_database WHERE datname = current_database()))
    """


def unclear(number: int, amount: str = "12,50") -> bytes:
    return csv([[f"F-{number}", f"Jean {number}", amount]], UNCLEAR)


async def waiting(sender: Sender, content: bytes, query: str = AUTO) -> str:
    import_id = await sender.sent(content, query)
    assert (await sender.work(import_id))["waiting_for"] is not None
    return import_id


async def confirm(sender: Sender, import_id: str) -> None:
    body = {"columns": {"Quelque chose": "amount"}, "confirm": True}
    answered = await sender.call("PUT", f"/imports/{import_id}/mapping", body)
    assert answered.status == 200, answered.body


async def todos(sender: Sender, state: str = "open") -> list[dict[str, Any]]:
    return list((await sender.get(f"/todos?type=import_mapping&state={state}"))["data"])


async def test_a_todo_names_the_file_its_sender_and_what_is_asked(sender: Sender) -> None:
    import_id = await waiting(sender, unclear(1), AUTO + "&name=march.csv")
    answer = await sender.get(f"/imports/{import_id}")
    mapped = await sender.get(f"/imports/{import_id}/mapping", Accept_Language="en")

    (todo,) = await todos(sender)

    file = todo["file"]
    assert todo["title"] == {
        "fr": "Les colonnes du fichier march.csv doivent être confirmées par une personne. L'importer tel que proposé ?",
        "en": "The columns of the file march.csv must be confirmed by a person. Import it as proposed?",
    }
    assert (file["name"], file["source"], file["sender"], file["rows"]) == ("march.csv", "upload", "erp", 1)
    assert file["received_at"] == answer["created_at"]
    assert (
        [question["en"] for question in file["questions"]]
        == [question["message"] for question in mapped["questions"]]
        != []
    )
    assert all(question["fr"] for question in file["questions"])
    assert await sender.get(f"/todos/{todo['id']}") == todo


async def test_a_todo_says_how_a_senders_files_have_changed(sender: Sender) -> None:
    base = await sender.sent(csv([row(1)]), "?sender=erp")
    await sender.work(base)
    await sender.call("POST", f"/imports/{base}/mapping/confirm")
    await sender.work(base)
    await waiting(sender, csv([[*row(2), "nouveau"]], [*HEADERS, "Commentaire"]))

    (todo,) = await todos(sender)

    assert "Commentaire is new" in todo["file"]["questions"][0]["en"]
    assert "Commentaire est nouvelle" in todo["file"]["questions"][0]["fr"]


async def test_a_decided_todo_still_names_its_file_and_asks_nothing(sender: Sender) -> None:
    await waiting(sender, unclear(1))
    (todo,) = await todos(sender)

    decided = await sender.call("POST", f"/todos/{todo['id']}/decide", {"decision": "discard"})

    assert decided.json()["file"] == todo["file"] | {"questions": []}
    assert (await todos(sender, "decided"))[0]["file"]["name"] == "debts.csv"


async def test_files_of_a_layout_that_is_confirmed_go_on_and_their_todos_are_gone(sender: Sender) -> None:
    first, second, third = [await waiting(sender, unclear(number)) for number in (1, 2, 3)]
    before = await todos(sender)

    await confirm(sender, first)
    begun = await sender.get(f"/imports/{second}")
    done = [await sender.work(item) for item in (first, second, third)]

    assert len(before) == 3
    assert (begun["state"], begun["doing"]) == ("uploaded", "read")
    assert [(item["state"], item["counts"]["created"]) for item in done] == [("completed", 1)] * 3
    assert await todos(sender) == []
    assert {todo["decision"] for todo in await todos(sender, "decided")} == {"gone"}


@pytest.mark.parametrize(
    ("content", "query"),
    [
        pytest.param(unclear(2), "?auto=false&sender=erp", id="nobody asked for it to go on"),
        pytest.param(unclear(2), "?auto=true&sender=crm", id="of another sender"),
        pytest.param(csv([["F-2", "Jean", "12,50", "x"]], [*UNCLEAR, "Note"]), AUTO, id="of another layout"),
    ],
)
async def test_other_files_go_on_waiting(sender: Sender, content: bytes, query: str) -> None:
    other = await waiting(sender, content, query)
    before = await sender.get(f"/imports/{other}")
    first = await waiting(sender, unclear(1))

    await confirm(sender, first)

    assert await sender.get(f"/imports/{other}") == before
    assert len(await todos(sender)) == int("auto=true" in query)


async def test_a_file_that_a_person_has_begun_to_change_is_theirs(sender: Sender) -> None:
    theirs = await waiting(sender, unclear(2))
    changed = await sender.call("PUT", f"/imports/{theirs}/mapping", {"columns": {"Quelque chose": "object"}})
    before = await sender.get(f"/imports/{theirs}")
    first = await waiting(sender, unclear(1))

    await confirm(sender, first)

    assert changed.status == 200, changed.body
    assert await sender.get(f"/imports/{theirs}") == before
    assert [todo["subject_id"] for todo in await todos(sender)] == [theirs]


async def test_a_file_that_looks_different_still_waits_and_keeps_its_todo(sender: Sender) -> None:
    strange = await waiting(sender, unclear(2, "douze"))
    first = await waiting(sender, unclear(1))

    await confirm(sender, first)
    answer = await sender.work(strange)

    (todo,) = await todos(sender)
    assert (answer["state"], answer["waiting_for"]) == ("needs_mapping", "mapping")
    assert todo["subject_id"] == strange
    assert todo["file"]["questions"] != []


async def test_a_file_that_begins_to_wait_while_its_layout_is_confirmed_goes_on_too(sender: Sender) -> None:
    first = await waiting(sender, unclear(1))
    second = await sender.sent(unclear(2), AUTO)
    database, workspace = sender.installation.database, sender.company.sandbox
    await sender.call(
        "PUT", f"/imports/{first}/mapping", {"columns": {"Quelque chose": "amount"}, "confirm": False}
    )
    signature = str((await sender.taken(first)).import_.signature)

    async with database.transaction(workspace.now()) as tx:
        # Its layout is known, and not to others yet: whoever found it unknown waits.
        await user_decisions.confirm(tx, workspace, ids.read("import", first))
        reading = asyncio.create_task(alone(tasks.read, await sender.taken(second)))
        async with asyncio.timeout(10):
            while not (await sender.rows(BLOCKED))[0][0]:  # noqa: ASYNC110 - locks have no event
                await asyncio.sleep(0.01)
    await reading
    done = await sender.work(second)

    async with database.transaction(workspace.now()) as tx:
        assert await saved_mappings.is_confirmed(tx, workspace.id, ("erp", signature))
    assert (done["state"], done["counts"]["created"]) == ("completed", 1)
    assert await todos(sender) == []
