"""Rows becoming debts: of people known before and of strangers, in any order, and as a check foresaw."""

from typing import BinaryIO

import pytest

from getbill import sheets
from getbill.kit import ids
from getbill.sheets import files
from getbill.sheets.files import workbooks
from getbill.sheets.model import ReadChoices
from imports.sender import Sender, csv, row, xlsx

COUNTED = ("created", "updated", "unchanged", "skipped", "rejected")
OTHER = {"Montant dû": "99,00"}
# From line 62 on, below sixty others: rows that meet debts of the book, and each other.
MEETING = [
    *(row(1), row(2)),
    *(row(30), row(31), row(30), row(31, **OTHER)),
    *(row(1), row(2, **OTHER), row(2, **OTHER)),
]


async def summary_of(sender: Sender, import_id: str) -> tuple[tuple[int, ...], list[tuple[int, str, str]]]:
    """How a pass counted an import's rows, as its row has it, and what it said of them."""
    (counted,) = await sender.rows(
        f"SELECT {', '.join(COUNTED)} FROM imports WHERE id = $1", ids.read("import", import_id)
    )
    output = [
        (finding["line"], finding["code"], finding["outcome"]) for finding in await sender.findings(import_id)
    ]
    return tuple(counted), [item for item in output if item[1] != "updated"]


async def test_a_file_that_begins_with_a_known_debtor_may_go_on_with_a_stranger(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))

    answer = await sender.imported(csv([row(1, Référence="F-2026-00101"), row(2)]))

    debtors = {debt["reference"]: debt["debtor"]["id"] for debt in await sender.debts()}
    assert (answer["state"], answer["counts"]["created"]) == ("completed", 2)
    assert sorted(debtors) == ["F-2026-00001", "F-2026-00002", "F-2026-00101"]
    assert debtors["F-2026-00101"] == debtors["F-2026-00001"] != debtors["F-2026-00002"]


@pytest.mark.parametrize(
    ("value", "counted", "existing"),
    [
        ("skip", (62, 0, 3, 3, 1), [(69, "reference-known", "skipped"), (70, "reference-known", "skipped")]),
        ("update", (62, 1, 4, 1, 1), []),
        (
            "error",
            (62, 0, 3, 1, 3),
            [(69, "reference-known", "rejected"), (70, "reference-known", "rejected")],
        ),
    ],
)
async def test_a_check_says_of_every_row_that_meets_another_what_the_import_does_with_it(
    sender: Sender, value: str, counted: tuple[int, ...], existing: list[tuple[int, str, str]]
) -> None:
    await sender.imported(csv([row(1), row(2)]))
    content = csv([*map(row, range(50, 110)), *MEETING])

    checked = await sender.imported(content, f"?auto=true&dry_run=true&on_duplicate={value}")
    foreseen = await summary_of(sender, checked["id"])
    await sender.call("POST", f"/imports/{checked['id']}/start")
    done = await sender.work(checked["id"])

    within = [(66, "repeated-row", "skipped"), (67, "duplicate-in-file", "rejected")]
    assert (checked["state"], done["state"]) == ("checked", "completed")
    assert foreseen == (counted, within + existing)
    assert await summary_of(sender, checked["id"]) == foreseen


async def test_a_workbook_is_taken_apart_once_however_many_tasks_read_it(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted: list[str | None] = []
    extract = workbooks.extract

    def counting(file: BinaryIO, limits: sheets.ReadLimits, choices: ReadChoices) -> workbooks.Workbook:
        extracted.append(choices.sheet)
        return extract(file, limits, choices)

    monkeypatch.setattr(files, "extract", counting)
    answer = await sender.imported(xlsx([row(1), row(2)]))

    assert (answer["state"], answer["counts"]["created"]) == ("completed", 2)
    assert extracted == [None]
