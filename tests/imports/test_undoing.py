"""Taking an import back: all of it goes but what had a life of its own since, and what is said of it is so."""

from contextlib import closing
from typing import Any

import pytest

import make
from getbill.imports.files.temp_file import ImportFile
from getbill.imports.rows import dry_run
from getbill.imports.rows.create import ImportPass, LeaseLost
from getbill.imports.runs import tasks
from imports.sender import Sender, alone, csv, row


async def checked_before_the_book_changed(sender: Sender, query: str = "") -> str:
    """Send a file of three rows, all or nothing, and have the reference of the second taken after it was checked."""
    request = "?auto=true&mode=all_or_nothing&on_duplicate=error" + query
    import_id = await sender.sent(csv([row(1), row(2), row(3)]), request)
    await alone(tasks.read, await sender.taken(import_id))
    await alone(tasks.check, await sender.taken(import_id))
    debt = await sender.call("POST", "/debts", make.debt(reference="F-2026-00002"))
    assert debt.status == 201, debt.body
    return import_id


async def live(sender: Sender) -> list[str]:
    return sorted(debt["reference"] for debt in await sender.debts() if debt["status"] != "archived")


async def batch(sender: Sender, *changes: dict[str, Any]) -> str:
    sent = {"debts": [make.debt(**change) for change in changes]}
    answered = await sender.call("POST", "/debts/batch", sent)
    assert answered.status == 202, answered.body
    return str(answered.json()["batch_id"])


async def test_all_or_nothing_takes_back_every_debt_when_the_book_changed_after_the_check(
    sender: Sender,
) -> None:
    import_id = await checked_before_the_book_changed(sender)

    answer = await sender.work(import_id)

    assert (answer["state"], answer["error"]["code"]) == ("failed", "findings")
    assert (answer["counts"]["undone"], answer["counts"]["kept"]) == (2, 0)
    assert await live(sender) == ["F-2026-00002"]


async def test_what_all_or_nothing_took_back_is_corrected_and_goes_in_whole(sender: Sender) -> None:
    import_id = await checked_before_the_book_changed(sender)
    failed = await sender.work(import_id)

    patch = {"line": 3, "column": "Référence", "value": "F-2026-00009"}
    corrected = await sender.call("POST", f"/imports/{import_id}/corrections", {"corrections": [patch]})
    done = await sender.work(import_id)

    assert failed["waiting_for"] == "corrections"
    assert corrected.status == 202, corrected.body
    assert (done["state"], done["error"], done["counts"]["created"]) == ("completed", None, 3)
    assert (done["counts"]["undone"], done["counts"]["rejected"]) == (0, 0)
    assert await live(sender) == ["F-2026-00001", "F-2026-00002", "F-2026-00003", "F-2026-00009"]


async def test_a_batch_is_taken_back_from_its_first_debt_on(sender: Sender) -> None:
    import_id = await batch(sender, {"reference": "B-1"}, {"reference": "B-2"}, {"reference": "B-3"})
    await sender.work(import_id)
    result = await live(sender)

    undone = await sender.call("POST", f"/imports/{import_id}/undo")
    answer = await sender.work(import_id)

    report = await sender.get(f"/imports/{import_id}/report")
    assert result == ["B-1", "B-2", "B-3"]
    assert undone.status == 202, undone.body
    assert (answer["state"], answer["counts"]["undone"], answer["counts"]["kept"]) == ("undone", 3, 0)
    assert report["kept"] == []
    assert await live(sender) == []


async def test_a_debt_that_all_or_nothing_could_not_take_back_is_no_repetition_when_it_begins_again(
    sender: Sender,
) -> None:
    import_id = await checked_before_the_book_changed(sender)
    await alone(tasks.import_rows, await sender.taken(import_id))
    paid = next(debt for debt in await sender.debts() if debt["reference"] == "F-2026-00001")
    await sender.call("POST", f"/debts/{paid['id']}/payments", {"amount": 10})
    failed = await sender.work(import_id)
    report = await sender.get(f"/imports/{import_id}/report", Accept_Language="en")

    patch = {"line": 3, "column": "Référence", "value": "F-2026-00009"}
    await sender.call("POST", f"/imports/{import_id}/corrections", {"corrections": [patch]})
    done = await sender.work(import_id)

    assert (failed["counts"]["undone"], failed["counts"]["kept"]) == (1, 1)
    assert [(item["debt_id"], item["code"]) for item in report["kept"]] == [(paid["id"], "money-moved")]
    assert (done["state"], done["counts"]["created"], done["counts"]["unchanged"]) == ("completed", 2, 1)
    assert await live(sender) == ["F-2026-00001", "F-2026-00002", "F-2026-00003", "F-2026-00009"]


async def test_all_or_nothing_that_its_owner_takes_back_while_it_runs_ends_undone(sender: Sender) -> None:
    begun = await checked_before_the_book_changed(sender)
    undone = await sender.call("POST", f"/imports/{begun}/undo")
    answer = await sender.work(begun)

    assert undone.status == 202, undone.body
    assert (answer["state"], answer["error"]) == ("undone", None)
    assert await live(sender) == ["F-2026-00002"]


async def test_what_all_or_nothing_is_taking_back_already_ends_undone_when_its_owner_asks(
    sender: Sender,
) -> None:
    import_id = await checked_before_the_book_changed(sender)
    await alone(tasks.import_rows, await sender.taken(import_id))
    going = await sender.get(f"/imports/{import_id}")

    await sender.call("POST", f"/imports/{import_id}/undo")
    answer = await sender.work(import_id)

    assert (going["state"], going["doing"]) == ("rolling_back", "undo")
    assert (answer["state"], answer["error"], answer["counts"]["undone"]) == ("undone", None, 2)
    assert await live(sender) == ["F-2026-00002"]


async def examined(sender: Sender, query: str) -> tuple[str, ImportPass]:
    """Send a file of two rows, and have a check of it come as far as its last row."""
    import_id = await sender.sent(csv([row(1), row(2)]), query)
    await alone(tasks.read, await sender.taken(import_id))
    work = await sender.taken(import_id)
    with closing(ImportFile()) as resource:
        async for lines, cursor in await tasks._checked_chunks(work, resource):
            await dry_run.examine_rows(work, lines, cursor, {})
    return import_id, work


@pytest.mark.parametrize("query", ["?auto=true&dry_run=true", "?auto=true&mode=all_or_nothing"])
async def test_an_import_can_be_taken_back_while_its_rows_are_checked(sender: Sender, query: str) -> None:
    import_id, work = await examined(sender, query)
    going = await sender.get(f"/imports/{import_id}")
    report = await sender.get(f"/imports/{import_id}/report")

    undone = await sender.call("POST", f"/imports/{import_id}/undo")
    with pytest.raises(LeaseLost):
        await alone(tasks.check, work)

    answer = await sender.get(f"/imports/{import_id}")
    assert (going["doing"], going["would_create"], going["counts"]["created"]) == ("check", 2, 0)
    assert report["counts"]["created"] == 0
    assert undone.status == 202, undone.body
    assert (answer["state"], answer["doing"], answer["counts"]["created"]) == ("undone", None, 0)
    assert await sender.rows("SELECT FROM import_chunks WHERE workspace_id = $1", sender.workspace_id) == []


async def test_a_check_that_fails_counts_nothing_as_made(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))
    content = csv([row(1, **{"Montant dû": "99,00"}), row(2), row(3, **{"Montant dû": "douze"})])

    answer = await sender.imported(content, "?auto=true&mode=all_or_nothing&on_duplicate=update")

    report = await sender.get(f"/imports/{answer['id']}/report")
    assert (answer["state"], answer["would_create"]) == ("failed", None)
    assert [answer["counts"][name] for name in ("created", "updated", "rejected")] == [0, 0, 1]
    assert report["counts"] == answer["counts"]
    assert await live(sender) == ["F-2026-00001"]


async def test_undoing_says_how_many_changes_stay(sender: Sender) -> None:
    await sender.imported(csv([row(1), row(2)]))
    other = {"Montant dû": "99,00"}
    content = csv([row(1, **other), row(2, **other), row(3)])
    answer = await sender.imported(content, "?auto=true&on_duplicate=update")
    paid = next(debt for debt in await sender.debts() if debt["reference"] == "F-2026-00001")
    await sender.call("POST", f"/debts/{paid['id']}/payments", {"amount": 10})

    answered = await sender.call("POST", f"/imports/{answer['id']}/undo", Accept_Language="en")
    undone = await sender.work(answer["id"])

    changed = await sender.findings(answer["id"], "?code=updated")
    amounts = {
        debt["reference"]: float(debt["amount"])
        for debt in await sender.debts()
        if debt["status"] != "archived"
    }
    assert answer["notes"] == answered.json()["notes"] == []
    assert [note["code"] for note in undone["notes"]] == ["changes-stay"]
    assert undone["notes"][0]["message"].startswith("1 modification faite ")
    assert (undone["state"], undone["counts"]["undone"], undone["counts"]["updated"]) == ("undone", 1, 2)
    assert (undone["counts"]["restored"], undone["counts"]["kept"]) == (1, 1)
    assert [item["line"] for item in changed] == [2, 3]
    assert amounts == {"F-2026-00001": 99, "F-2026-00002": 102.5}


async def test_what_was_only_checked_leaves_no_changes_to_tell_of(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))
    content = csv([row(1, **{"Montant dû": "99,00"})])
    answer = await sender.imported(content, "?auto=true&on_duplicate=update&dry_run=true")

    answered = await sender.call("POST", f"/imports/{answer['id']}/undo")

    after = await sender.get(f"/imports/{answer['id']}")
    assert (answered.json()["state"], answered.json()["notes"]) == ("undone", [])
    assert (after["counts"]["updated"], after["notes"]) == (0, [])


async def test_all_or_nothing_that_could_only_change_debts_gives_back_what_it_changed(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))
    content = csv([row(1, **{"Montant dû": "99,00"}), row(2)])
    import_id = await sender.sent(content, "?auto=true&mode=all_or_nothing&on_duplicate=update")
    await alone(tasks.read, await sender.taken(import_id))
    await alone(tasks.check, await sender.taken(import_id))
    # In another currency, and paid in part: no row changes that.
    items = await sender.call("POST", "/debts", make.debt(reference="F-2026-00002", currency="USD"))
    await sender.call("POST", f"/debts/{items.json()['id']}/payments", {"amount": 1})

    failed = await sender.work(import_id)
    discarded = await sender.call("POST", f"/imports/{import_id}/undo")
    undone = await sender.work(import_id)

    amounts = {debt["reference"]: float(debt["amount"]) for debt in await sender.debts()}
    assert (failed["state"], failed["counts"]["updated"], failed["counts"]["rejected"]) == ("failed", 1, 1)
    assert (failed["counts"]["restored"], failed["notes"]) == (1, [])
    assert amounts["F-2026-00001"] == 101.5
    assert discarded.status == 202, discarded.body
    assert (undone["state"], undone["counts"]["restored"], undone["notes"]) == ("undone", 1, [])
