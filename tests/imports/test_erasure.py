"""Erasing a debt takes along all that imports keep of its debtor: cells, findings, corrections, examples of a mapping."""

import pytest
from bringing import Sender, csv, row

from getbill.imports import remembered, tasks

_CORRECTIONS = "SELECT line FROM import_corrections WHERE workspace_id = $1"
_CHUNKS = "SELECT number FROM import_chunks WHERE workspace_id = $1"


async def erase(sender: Sender, reference: str) -> None:
    (debt,) = [one for one in await sender.debts() if one["reference"] == reference]
    erased = await sender.call("DELETE", f"/debts/{debt['id']}")
    assert erased.status == 200, erased.body


async def test_what_is_remembered_of_a_layout_says_nothing_of_a_cell(sender: Sender) -> None:
    headers = ["Référence", "Nom", "Quelque chose", "Montant dû"]
    rows = [[f"F-{number}", f"Jean {number}", f"jean{number}@example.com", "12,50"] for number in range(3)]
    import_id = await sender.sent(csv(rows, headers), "?sender=erp")
    await sender.work(import_id)
    mapped = await sender.get(f"/imports/{import_id}/mapping", Accept_Language="en")
    work = await sender.taken(import_id)

    confirmed = await sender.call("POST", f"/imports/{import_id}/mapping/confirm")

    known = await remembered.recall(work.database, work.workspace, "erp", str(work.found.signature))
    assert confirmed.status == 202, confirmed.body
    assert "jean0@example.com" in mapped["columns"][2]["reason"]["message"]
    assert known.mapping is not None
    assert [column.header for column in known.mapping.columns] == headers
    assert "example.com" not in str(known.mapping.to_json())


async def test_a_corrected_row_that_is_a_debt_goes_with_it(sender: Sender) -> None:
    content = csv([row(1), row(2, **{"E-mail": "x@gmial.com"})])
    shown = await sender.imported(content, "?auto=true&mode=all_or_nothing")
    await sender.call("POST", f"/imports/{shown['id']}/corrections", {"accept": ["email-typo"]})
    done = await sender.work(shown["id"])
    kept = await sender.rows(_CORRECTIONS, sender.workspace_id)

    await erase(sender, "F-2026-00002")

    assert (done["state"], len(kept)) == ("completed", 1)
    assert await sender.rows(_CORRECTIONS, sender.workspace_id) == []
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []


@pytest.mark.parametrize(
    "asked", ["?auto=true&on_duplicate=error", "?auto=true&on_duplicate=error&dry_run=true"]
)
async def test_what_was_said_of_rows_that_met_a_debt_goes_with_it(sender: Sender, asked: str) -> None:
    repeated = [row(1, **{"Montant dû": "7,00"}), row(1)]
    first = await sender.imported(csv([*map(row, range(1, 31)), *repeated]))
    again = await sender.imported(csv([row(1, **{"Montant dû": "99,00"})]), asked)
    (debt,) = [one for one in await sender.debts() if one["reference"] == "F-2026-00001"]
    met = [*await sender.findings(first["id"]), *await sender.findings(again["id"])]

    await erase(sender, "F-2026-00001")

    left = [*await sender.findings(first["id"]), *await sender.findings(again["id"])]
    assert [(one["code"], one["outcome"]) for one in met] == [
        ("duplicate-in-file", "rejected"),
        ("repeated-row", "skipped"),
        ("reference-known", "rejected"),
    ]
    assert {one["debt_id"] for one in met} == {debt["id"]}
    assert left == []


async def test_a_correction_of_a_row_that_met_a_debt_goes_with_it(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))
    again = await sender.imported(csv([row(1, **{"Montant dû": "99,00"})]), "?auto=true&on_duplicate=error")
    patch = {"line": 2, "column": "Montant dû", "value": "98,00"}
    await sender.call("POST", f"/imports/{again['id']}/corrections", {"corrections": [patch]})
    waiting = await sender.rows(_CORRECTIONS, sender.workspace_id)

    await erase(sender, "F-2026-00001")

    assert len(waiting) == 1
    assert await sender.rows(_CORRECTIONS, sender.workspace_id) == []


async def test_a_file_that_nobody_should_have_goes_when_its_import_fails_too(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1), row(2)]))
    await sender.rows(
        "UPDATE imports SET state = 'undoing', task = 'undo' WHERE workspace_id = $1", sender.workspace_id
    )
    work = await sender.taken(shown["id"])
    await erase(sender, "F-2026-00001")
    needed = await sender.rows(_CHUNKS, sender.workspace_id)

    await tasks._fail(work.database, work.workspace, work.found, "file-gone", tasks._GONE)

    assert len(needed) == 1
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []
