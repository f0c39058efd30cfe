"""Taking an import back: all of it goes but what had a life of its own since, and what is said of it is so."""

from typing import Any

from bringing import Sender, csv, row

import make
from getbill.imports import tasks


async def checked_before_the_book_changed(sender: Sender, query: str = "") -> str:
    """Send a file of three rows, all or nothing, and have the reference of the second taken after it was checked."""
    asked = "?auto=true&mode=all_or_nothing&on_duplicate=error" + query
    import_id = await sender.sent(csv([row(1), row(2), row(3)]), asked)
    await tasks.read(await sender.taken(import_id))
    await tasks.check(await sender.taken(import_id))
    taken = await sender.call("POST", "/debts", make.debt(reference="F-2026-00002"))
    assert taken.status == 201, taken.body
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

    shown = await sender.work(import_id)

    assert (shown["state"], shown["error"]["code"]) == ("failed", "findings")
    assert (shown["counts"]["undone"], shown["counts"]["kept"]) == (2, 0)
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
    made = await live(sender)

    undone = await sender.call("POST", f"/imports/{import_id}/undo")
    shown = await sender.work(import_id)

    report = await sender.get(f"/imports/{import_id}/report")
    assert made == ["B-1", "B-2", "B-3"]
    assert undone.status == 202, undone.body
    assert (shown["state"], shown["counts"]["undone"], shown["counts"]["kept"]) == ("undone", 3, 0)
    assert report["kept"] == []
    assert await live(sender) == []


async def test_a_debt_that_all_or_nothing_could_not_take_back_is_no_repetition_when_it_begins_again(
    sender: Sender,
) -> None:
    import_id = await checked_before_the_book_changed(sender)
    await tasks.bring_in(await sender.taken(import_id))
    paid = next(debt for debt in await sender.debts() if debt["reference"] == "F-2026-00001")
    await sender.call("POST", f"/debts/{paid['id']}/payments", {"amount": 10})
    failed = await sender.work(import_id)
    report = await sender.get(f"/imports/{import_id}/report", Accept_Language="en")

    patch = {"line": 3, "column": "Référence", "value": "F-2026-00009"}
    await sender.call("POST", f"/imports/{import_id}/corrections", {"corrections": [patch]})
    done = await sender.work(import_id)

    assert (failed["counts"]["undone"], failed["counts"]["kept"]) == (1, 1)
    assert [(one["debt_id"], one["code"]) for one in report["kept"]] == [(paid["id"], "money-moved")]
    assert (done["state"], done["counts"]["created"], done["counts"]["unchanged"]) == ("completed", 2, 1)
    assert await live(sender) == ["F-2026-00001", "F-2026-00002", "F-2026-00003", "F-2026-00009"]
