"""Tables on the way out: safe in a spreadsheet, and the same when they come back in."""

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tables
from getbill import sheets
from getbill.sheets.writer import csv_blocks

# Workbooks know no time zones.
INSTANT = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001
FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+SUM(A1)",
    "-2+3+cmd|x",
    "@SUM(A1)",
    "\t=1+1",
    "  =1+1",
    '=HYPERLINK("http://x")',
    "\uff1d1+1",
    "\uff0bcmd|x",
    "\uff0dcmd|x",
    "\uff20SUM(A1)",
    "\ufe661+1",
    "\u3000=1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    " \uff1d1+1",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_would_be_a_formula_is_written_as_text_and_read_back_as_it_was(formula: str) -> None:
    out = io.BytesIO()
    sheets.write_csv(out, [["nom", "note"], ["Dupont", formula]])
    assert f"\ufeffnom;note\r\nDupont;'{formula}\r\n".replace('"', "").encode() == out.getvalue().replace(
        b'"', b""
    )

    with sheets.open(out, "report.csv") as sheet:
        (row,) = sheet.rows()
    assert sheets.read_text(row.cells[1]) == formula.strip().strip("\u200b")


@pytest.mark.parametrize("start", ["\r", "\n", "\r\n", "\t ", " \t", "\x0b", "\x85", "\ufeff"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d"])
def test_no_blank_hides_a_formula(start: str, sign: str) -> None:
    out = io.BytesIO()

    sheets.write_csv(out, [["nom"], [f"{start}{sign}cmd|x"]])

    (row,) = list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))[1:]
    assert row == [f"'{start}{sign}cmd|x"]


@pytest.mark.parametrize(
    "harmless", ["-12,50", "+33 6 12 34 56 78", "-1 234,56 €", "a=b", "zoe@example.com", "'quoted'", "\t"]
)
def test_amounts_and_phones_are_written_as_they_are(harmless: str) -> None:
    out = io.BytesIO()

    sheets.write_csv(out, [["nom", "note"], ["Dupont", harmless]])

    assert out.getvalue().decode("utf-8-sig") == f"nom;note\r\nDupont;{harmless}\r\n"


def test_a_workbook_has_no_formula_and_no_link_whatever_its_texts() -> None:
    out = io.BytesIO()

    sheets.write_xlsx(out, [["nom"], *([text] for text in FORMULAS), ["http://example.com"], ["\x01\x0b x"]])

    with zipfile.ZipFile(out) as parts:
        page = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in page
    assert "hyperlink" not in page
    book = openpyxl.load_workbook(out)
    assert [cell.value for cell in book.worksheets[0]["A"]][1:-2] == FORMULAS


def test_a_workbook_keeps_the_types_of_its_cells_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    row: list[sheets.Cell] = ["A1", 12.5, 1300, True, date(2026, 1, 31), INSTANT, None, "06"]
    header = ["Référence", "Montant", "Nombre", "Payé", "Date", "Heure", "Note", "Téléphone"]
    out = io.BytesIO()

    assert sheets.write_xlsx(out, [header, row]) == 2

    with sheets.open(out, "report.xlsx") as sheet:
        assert [list(read.cells) for read in sheet.rows()] == [row]
    assert list(tmp_path.iterdir()) == []


def test_rows_that_fail_on_the_way_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def rows() -> object:
        yield ["a"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        sheets.write_xlsx(io.BytesIO(), rows())  # type: ignore[arg-type]

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "mac_roman"])
@pytest.mark.parametrize("delimiter", tables.DELIMITERS)
def test_rejected_rows_in_the_layout_they_came_in_are_read_as_the_first_time(
    encoding: str, delimiter: str
) -> None:
    rows = tables.debts(tables.NUMBERS["1 234,56"], tables.DATES["dd/mm/yyyy"])
    with sheets.open(tables.csv_of([tables.HEADER, *rows], encoding, delimiter), "export.csv") as sheet:
        layout, read = sheet.layout, [list(row.cells) for row in sheet.rows()]
    back = io.BytesIO()

    count = sheets.write_csv(back, [[*layout.headers, "Erreur"], *([*row, "faux"] for row in read)], layout)

    assert count == 13
    with sheets.open(back, "rejected.csv") as sheet:
        assert (sheet.layout.encoding, sheet.layout.delimiter) == (layout.encoding, layout.delimiter)
        assert [list(row.cells) for row in sheet.rows()] == [[*row, "faux"] for row in rows]


def test_rows_are_written_as_they_come() -> None:
    batch = []

    def rows() -> object:
        for at in range(5_000):
            batch.append(at)
            yield [f"A{at}"]

    blocks = csv_blocks(rows())  # type: ignore[arg-type]
    next(blocks)

    assert len(batch) == 1_000
    assert sum(block.count(b"\n") for block in blocks) == 4_000


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=15)


@settings(max_examples=60)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_any_texts_written_and_read_are_the_same_without_their_outer_spaces(
    rows: list[tuple[str, str]],
) -> None:
    out = io.BytesIO()
    layout = sheets.Layout(
        kind="csv",
        columns=(),
        header_line=None,
        data_line=1,
        width=3,
        encoding="utf-8",
        delimiter=";",
        quote='"',
    )

    sheets.write_csv(out, [[f"REF-{at}", *row] for at, row in enumerate(rows)], layout)

    with sheets.open(out, "report.csv", layout=layout) as sheet:
        read = [tuple(map(sheets.read_text, row.cells[1:])) for row in sheet.rows()]
        left = sheet.left_out.counts
    if not left:
        assert read == [tuple(map(sheets.read_text, row)) for row in rows]
