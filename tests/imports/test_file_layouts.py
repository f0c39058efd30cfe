"""Layouts of files end to end: hidden rows, customers on rows of their own, merged cells, archives."""

import gzip
import io
from collections.abc import Sequence

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from imports.sender import HEADERS, Sender, csv, row, table

GROUPED = [
    ["Date", "Pièce", "Échéance", "Solde TTC (EUR)"],
    ["Client : C0012 - Dupont SARL", "", "", ""],
    ["15/09/2026", "FA-1", "15/10/2026", "1 200,00"],
    ["16/09/2026", "FA-2", "16/10/2026", "cinquante"],
    ["Total Dupont SARL", "", "", "1 250,00"],
    ["Client : C0013 - Petit SAS", "", "", ""],
    ["17/09/2026", "FA-3", "17/10/2026", "80,00"],
    ["Total Petit SAS", "", "", "80,00"],
]


def page(rows: Sequence[Sequence[object]]) -> Worksheet:
    sheet = openpyxl.Workbook().active
    assert isinstance(sheet, Worksheet)
    for cells in rows:
        sheet.append(list(cells))
    return sheet


def saved(sheet: Worksheet) -> bytes:
    out = io.BytesIO()
    assert sheet.parent is not None
    sheet.parent.save(out)
    return out.getvalue()


async def test_hidden_rows_are_shown_and_read_when_a_person_wants_them(sender: Sender) -> None:
    sheet = page([HEADERS, *(row(at) for at in range(1, 5))])
    sheet.row_dimensions[3].hidden = sheet.row_dimensions[5].hidden = True
    import_id = await sender.sent(saved(sheet))
    await sender.work(import_id)

    before = await sender.get(f"/imports/{import_id}/mapping")
    changed = await sender.call(
        "PUT", f"/imports/{import_id}/mapping", {"hidden_rows": True, "confirm": True}
    )
    answer = await sender.work(import_id)

    assert before["layout"]["hidden"] == {"rows": 2, "first_lines": [3, 5], "is_read": False, "columns": []}
    assert before["left_out"] == {"hidden": 2}
    assert (changed.json()["layout"]["hidden"]["is_read"], changed.json()["left_out"]) == (True, {})
    assert (answer["state"], answer["counts"]["created"], answer["counts"]["left_out"]) == (
        "completed",
        4,
        {},
    )


async def test_hidden_rows_stay_out_when_a_person_takes_that_back(sender: Sender) -> None:
    sheet = page([HEADERS, *(row(at) for at in range(1, 4))])
    sheet.row_dimensions[3].hidden = True
    import_id = await sender.sent(saved(sheet))
    await sender.work(import_id)

    for expected in (True, False):
        await sender.call("PUT", f"/imports/{import_id}/mapping", {"hidden_rows": expected})
    await sender.call("POST", f"/imports/{import_id}/mapping/confirm")
    answer = await sender.work(import_id)

    assert (answer["counts"]["created"], answer["counts"]["left_out"]) == (2, {"hidden": 1})


async def test_lines_below_a_customer_are_his_debts_and_a_refused_one_comes_back_with_him(
    sender: Sender,
) -> None:
    content = csv(GROUPED[1:], GROUPED[0])
    import_id = await sender.sent(content)
    await sender.work(import_id)
    mapped = await sender.get(f"/imports/{import_id}/mapping", Accept_Language="fr")
    await sender.call(
        "PUT", f"/imports/{import_id}/mapping", {"columns": {"Pièce": "reference"}, "confirm": True}
    )

    answer = await sender.work(import_id)

    added = [column for column in mapped["columns"] if column["reason"]["code"] == "row_above"]
    assert [(item["header"], item["field"]) for item in added] == [
        ("Client (ligne au-dessus)", "name"),
        ("Code client (ligne au-dessus)", "debtor_reference"),
    ]
    assert added[0]["reason"]["message"] == "La valeur vient de la ligne du client, au-dessus des factures."
    assert (answer["counts"]["created"], answer["counts"]["rejected"]) == (2, 1), answer
    names = [
        (debt["reference"], debt["debtor"]["name"], debt["debtor"]["reference"])
        for debt in await sender.debts()
    ]
    assert sorted(names) == [("FA-1", "Dupont SARL", "C0012"), ("FA-3", "Petit SAS", "C0013")]

    report = await sender.call("GET", f"/imports/{import_id}/report?format=csv", Accept_Language="fr")
    header, line = table(report.body)
    assert header[:6] == [*GROUPED[0], "Client (ligne au-dessus)", "Code client (ligne au-dessus)"]
    assert line[:6] == [*GROUPED[3], "Dupont SARL", "C0012"]
    again = await sender.imported(report.body.replace(b"cinquante", b"50,00"))
    assert (again["state"], again["counts"]["created"]) == ("completed", 1), again
    assert [d["debtor"]["name"] for d in await sender.debts() if d["reference"] == "FA-2"] == ["Dupont SARL"]


async def test_a_line_below_a_customer_is_corrected_in_its_place(sender: Sender) -> None:
    import_id = await sender.sent(csv(GROUPED[1:], GROUPED[0]))
    await sender.work(import_id)
    await sender.call(
        "PUT", f"/imports/{import_id}/mapping", {"columns": {"Pièce": "reference"}, "confirm": True}
    )
    await sender.work(import_id)

    patch = {"corrections": [{"line": 4, "column": "Solde TTC (EUR)", "value": "50,00"}]}
    await sender.call("POST", f"/imports/{import_id}/corrections", patch)
    answer = await sender.work(import_id)

    assert (answer["counts"]["created"], answer["counts"]["rejected"]) == (3, 0)
    assert [d["debtor"]["name"] for d in await sender.debts() if d["reference"] == "FA-2"] == ["Dupont SARL"]


async def test_a_merged_customer_is_the_one_of_every_row(sender: Sender) -> None:
    rows = [row(1), row(2), row(3)]
    for at in (1, 2):
        rows[at][1] = rows[at][2] = ""
    sheet = page([HEADERS, *rows])
    sheet.merge_cells("B2:B4")
    sheet.merge_cells("C2:C4")

    answer = await sender.imported(saved(sheet))

    assert answer["counts"]["created"] == 3, answer
    assert {debt["debtor"]["name"] for debt in await sender.debts()} == {"Jean Dupont 1"}


async def test_a_merged_amount_is_owed_once(sender: Sender) -> None:
    sheet = page([HEADERS, row(1), row(2), row(3)])
    sheet.merge_cells("E2:E4")
    import_id = await sender.sent(saved(sheet))
    await sender.work(import_id)

    mapped = await sender.get(f"/imports/{import_id}/mapping")
    await sender.call("POST", f"/imports/{import_id}/mapping/confirm")
    answer = await sender.work(import_id)

    assert mapped["layout"]["merged_columns"] == ["E"]
    assert (answer["counts"]["created"], answer["counts"]["rejected"]) == (1, 2), answer


async def test_a_packed_file_is_imported_and_says_what_it_was_taken_from(sender: Sender) -> None:
    answer = await sender.imported(gzip.compress(csv([row(1), row(2)])))

    assert (answer["state"], answer["counts"]["created"]) == ("completed", 2)
    assert "unpacked" in [note["code"] for note in answer["notes"]]
