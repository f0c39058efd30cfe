"""Erasing a person who is also in a batch under way, or whose references name nobody."""

import make
from imports.sender import Sender, csv, row

PERSON = {"name": "Ada Roux", "email": "ada.roux@example.com", "phone": None}


async def test_a_batch_under_way_forgets_an_erased_person_and_creates_the_others(sender: Sender) -> None:
    ada = await sender.call("POST", "/debts", make.debt(reference="A-1", debtor=PERSON))
    bodies = [make.debt(reference="A-2", debtor=PERSON, amount=0), make.debt(reference="B-1")]
    sent = await sender.call("POST", "/debts/batch", {"debts": bodies})
    batch_id = sent.json()["batch_id"]

    erased = await sender.call("DELETE", f"/debts/{ada.json()['id']}")
    report = await sender.get(f"/imports/{batch_id}/report")
    done = await sender.work(batch_id)

    chunks = await sender.rows("SELECT FROM import_chunks WHERE workspace_id = $1", sender.workspace_id)
    assert erased.json()["is_debtor_erased"]
    assert [finding["reference"] for finding in sent.json()["error_report"]["findings"]] == ["A-2"]
    assert report["data"] == []
    assert (done["state"], done["counts"]["created"]) == ("completed", 1)
    assert chunks == []


async def test_a_file_keeps_a_name_that_holds_a_reference_too_short_to_name_anybody(sender: Sender) -> None:
    short = await sender.imported(csv([row(1, Référence="A1")]), "?auto=true&name=list%20A1.csv")
    (debt,) = await sender.debts()

    await sender.call("DELETE", f"/debts/{debt['id']}")

    assert (await sender.get(f"/imports/{short['id']}"))["name"] == "list A1.csv"
