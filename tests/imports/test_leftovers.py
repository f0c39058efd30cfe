"""What undoing an import keeps: debts and changes that something followed, each with its reason."""

from typing import Any

import pytest

import make
from imports.sender import Sender, csv, row

HEADERS = ["Nom", "Facture", "Échéance", "Solde", "E-mail", "Téléphone"]
UPDATE = "?on_duplicate=update"


def line(name: str, reference: str, email: str, phone: str = "") -> list[str]:
    return [name, reference, "14/10/2026", "100,00", email, phone]


async def undo(sender: Sender, import_id: str) -> dict[str, Any]:
    answered = await sender.call("POST", f"/imports/{import_id}/undo")
    assert answered.status == 202, answered.body
    return await sender.work(import_id)


async def updated(sender: Sender, *rows: list[str]) -> dict[str, Any]:
    """Have known debts changed by a file, and say which column names them."""
    import_id = await sender.sent(csv(rows, HEADERS), UPDATE)
    shown = await sender.work(import_id)
    if shown["waiting_for"]:
        answer = {"columns": {"Facture": "reference"}, "confirm": True}
        await sender.call("PUT", f"/imports/{import_id}/mapping", answer)
        shown = await sender.work(import_id)
    assert shown["counts"]["updated"] == len(rows), shown
    return shown


async def leftovers(sender: Sender, import_id: str) -> list[tuple[int, str, str]]:
    report = await sender.get(f"/imports/{import_id}/report", Accept_Language="en")
    return [(kept["line"], kept["code"], kept["message"]) for kept in report["kept"]]


async def by_reference(sender: Sender) -> dict[str, Any]:
    return {debt["reference"]: debt for debt in await sender.debts()}


async def change(sender: Sender, reference: str, **values: Any) -> None:
    debt = (await by_reference(sender))[reference]
    answered = await sender.call("PUT", f"/debts/{debt['id']}", values)
    assert answered.status == 200, answered.body


async def call(sender: Sender, reference: str) -> None:
    """Note that a person called about a debt."""
    debt = (await by_reference(sender))[reference]
    followup = {
        "debt_id": debt["id"],
        "type": "manual_call",
        "status": "deal_not_found",
        "call_date": debt["created_at"],
    }
    answered = await sender.call("POST", "/followups", followup)
    assert answered.status == 201, answered.body


async def test_a_debt_that_was_contacted_about_or_has_moved_on_stays(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1), row(2), row(3), row(4)]))
    await call(sender, "F-2026-00001")
    await change(sender, "F-2026-00002", status="unresolved")
    await change(sender, "F-2026-00003", status="on_hold")

    done = await undo(sender, shown["id"])

    assert (done["state"], done["counts"]["undone"], done["counts"]["kept"]) == ("undone", 2, 2)
    assert await leftovers(sender, shown["id"]) == [
        (2, "contacted", "The debtor has been contacted since; the debt was kept."),
        (3, "moved-on", "The debt is now unresolved and was kept."),
    ]
    assert {name: debt["status"] for name, debt in (await by_reference(sender)).items()} == {
        "F-2026-00001": "in_progress",
        "F-2026-00002": "unresolved",
        "F-2026-00003": "archived",
        "F-2026-00004": "archived",
    }


async def test_a_debt_that_nothing_keeps_any_more_is_no_leftover(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1), row(2)]))
    await change(sender, "F-2026-00001", status="unresolved")
    await undo(sender, shown["id"])
    before = [code for _, code, _ in await leftovers(sender, shown["id"])]

    await change(sender, "F-2026-00001", status="pending")

    assert before == ["moved-on"]
    assert await leftovers(sender, shown["id"]) == []


PHONE = "+33612345678"
KNOWN = line("Jean Dupont", "U-1", "jean@example.com")
NEW = line("Jean Dupont", "W-1", "jean@example.com", PHONE)


async def test_what_a_debt_taught_about_a_person_stays_with_a_debt_that_stays(sender: Sender) -> None:
    await sender.imported(csv([KNOWN], HEADERS))
    shown = await sender.imported(csv([NEW], HEADERS))
    debt = (await by_reference(sender))["W-1"]
    await sender.call("POST", f"/debts/{debt['id']}/payments", {"amount": 10})

    done = await undo(sender, shown["id"])

    assert (done["counts"]["undone"], done["counts"]["kept"]) == (0, 1)
    assert [code for _, code, _ in await leftovers(sender, shown["id"])] == ["money-moved"]
    assert (await by_reference(sender))["U-1"]["debtor"]["phone"] == PHONE


async def test_what_a_file_added_to_a_person_and_somebody_changed_since_stays_changed(sender: Sender) -> None:
    await sender.imported(csv([KNOWN], HEADERS))
    shown = await sender.imported(csv([NEW], HEADERS))
    await change(sender, "U-1", phone="+33612345679")

    done = await undo(sender, shown["id"])

    assert (done["counts"]["undone"], done["counts"]["restored"], done["counts"]["kept"]) == (1, 0, 1)
    assert [(number, code) for number, code, _ in await leftovers(sender, shown["id"])] == [
        (2, "changed-since")
    ]
    assert (await by_reference(sender))["U-1"]["debtor"]["phone"] == "+33612345679"


async def test_a_debt_that_a_later_file_gave_to_another_person_stays_theirs(sender: Sender) -> None:
    await sender.imported(csv([KNOWN, line("Jean Dupont", "U-2", "jean@example.com")], HEADERS))
    first = await updated(sender, line("Marie Petit", "U-1", "marie@example.com"))
    await updated(sender, line("Paul Roux", "U-1", "paul@example.com"))

    done = await undo(sender, first["id"])

    assert (done["counts"]["restored"], done["counts"]["kept"]) == (0, 1)
    assert [code for _, code, _ in await leftovers(sender, first["id"])] == ["changed-since"]
    assert (await by_reference(sender))["U-1"]["debtor"]["name"] == "Paul Roux"


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_a_batch_has_no_layout_to_write_its_refused_rows_in(sender: Sender, format: str) -> None:  # noqa: A002
    sent = await sender.call("POST", "/debts/batch", {"debts": [make.debt(amount=0)]})

    path = f"/imports/{sent.json()['batch_id']}/report?format={format}"
    refused = await sender.call("GET", path, Accept_Language="en")
    listed = await sender.call("GET", f"{path}&rows=findings")

    assert refused.status == 409
    assert refused.json()["detail"] == (
        "The rows of this import are gone, or it is a batch: read the report as JSON."
    )
    assert listed.status == 200
