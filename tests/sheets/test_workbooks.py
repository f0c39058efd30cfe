"""What only a workbook has: types, formats, merged and hidden cells, several sheets."""

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import orjson
import pytest
import xlsxwriter
from openpyxl.worksheet.worksheet import Worksheet

import tables
from getbill import sheets
from getbill.sheets.files import workbook_worker

# Workbooks know no time zones.
INSTANT = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001
HEADER = ["Référence", "Nom", "Montant TTC", "Échéance"]
ROWS: list[list[object]] = [
    ["A1", "Dupont", 12.5, date(2026, 1, 31)],
    ["A2", "Martin", 1300, date(2026, 2, 28)],
]


def workbook(*rows: list[object], change: Callable[[Worksheet], object] | None = None) -> io.BytesIO:
    """Return a workbook of one sheet with these rows, changed at will."""
    book = openpyxl.Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    for row in rows:
        page.append(row)
    if change:
        change(page)
    out = io.BytesIO()
    book.save(out)
    return out


def read(file: io.BytesIO, **choices: object) -> tuple[sheets.Layout, list[sheets.Row], sheets.SkippedRows]:
    chosen = sheets.ReadChoices(**choices) if choices else None  # type: ignore[arg-type]
    with sheets.open(file, "export.xlsx", choices=chosen) as sheet:
        return sheet.layout, list(sheet.rows()), sheet.left_out


def test_cells_keep_their_types_and_rows_their_numbers() -> None:
    layout, rows, _ = read(workbook(HEADER, ROWS[0], [], ROWS[1], ["A3", "0612345678", True, INSTANT]))

    assert (layout.kind, layout.sheet, list(layout.headers)) == ("xlsx", "Sheet", HEADER)
    assert [(row.line, list(row.cells)) for row in rows] == [
        (2, ["A1", "Dupont", 12.5, date(2026, 1, 31)]),
        (4, ["A2", "Martin", 1300, date(2026, 2, 28)]),
        (5, ["A3", "0612345678", True, INSTANT]),
    ]
    assert [type(cell) for cell in rows[1].cells] == [str, str, int, date]


def test_a_workbook_in_a_file_on_disk_is_read_as_one_in_memory(tmp_path: object) -> None:
    path = f"{tmp_path}/export.xlsx"
    with open(path, "w+b") as file:  # noqa: PTH123 - read through the handle it was written by
        file.write(workbook(HEADER, *ROWS).getvalue())
        with sheets.open(file, "export.xlsx") as sheet:
            assert len(list(sheet.rows())) == 2
        assert not file.closed


def test_a_table_that_begins_in_the_middle_keeps_the_letters_a_person_sees() -> None:
    def shift(page: Worksheet) -> None:
        page.insert_cols(1, 2)
        page.insert_rows(1, 3)

    layout, rows, _ = read(workbook(HEADER, *ROWS, change=shift))

    assert (layout.header_line, [column.letter for column in layout.columns]) == (4, ["C", "D", "E", "F"])
    assert list(rows[0].cells) == [None, None, "A1", "Dupont", 12.5, date(2026, 1, 31)]


def test_numbers_kept_as_text_and_texts_kept_as_numbers_are_told_apart() -> None:
    file = workbook(
        HEADER, ["A1", 612345678, "1 234,56", "31/01/2026"], ["A2", 120000000000, "12,50", "28/02/2026"]
    )
    with sheets.open(file, "export.xlsx") as sheet:
        profile = sheets.profile(sheet)
        rows = list(sheet.rows())

    amount, day = profile.column(2), profile.column(3)
    assert amount.number == sheets.NumberShape(",", " ", is_certain=True, why="decimal_seen", places=2)
    assert day.date == sheets.DateShape("dmy", is_certain=True, why="day_above_12")
    assert [sheets.read_text(row.cells[1]) for row in rows] == ["612345678", "120000000000"]
    assert [sheets.read_number(row.cells[2], amount.number) for row in rows] == [
        Decimal("1234.56"),
        Decimal("12.50"),
    ]


def test_floats_are_read_to_the_fifteen_digits_a_spreadsheet_keeps() -> None:
    shape = sheets.NumberShape(".", "", is_certain=True, why="typed")

    assert sheets.read_number(0.1 + 0.2, shape) == Decimal("0.3")
    assert sheets.read_number(1234.56, shape) == Decimal("1234.56")


def test_dates_that_a_spreadsheet_half_turned_round_are_no_certainty() -> None:
    file = workbook(
        HEADER, ["A1", "x", 1, "13/02/2026"], ["A2", "y", 2, date(2026, 3, 2)], ["A3", "z", 3, "28/02/2026"]
    )
    with sheets.open(file, "export.xlsx") as sheet:
        shape = sheets.profile(sheet).column(3).date

    assert shape == sheets.DateShape("dmy", is_certain=False, why="half_converted")


def test_a_whole_number_that_may_be_a_date_is_told_and_read_as_one_when_asked() -> None:
    with sheets.open(workbook(HEADER, ["A1", "x", 1, 46053], ["A2", "y", 2, 46081]), "export.xlsx") as sheet:
        profile = sheets.profile(sheet)

    assert profile.column(3).kinds[sheets.CellKind.SERIAL_DATE] == 2
    shape = sheets.DateShape("serial", is_certain=False, why="typed")
    assert sheets.read_date(46053, shape) == date(2026, 1, 31)


def test_hidden_rows_are_left_out_and_told_and_read_when_asked() -> None:
    def hide(page: Worksheet) -> None:
        page.row_dimensions[2].hidden = True
        page.column_dimensions["B"].hidden = True

    file = workbook(HEADER, *ROWS, change=hide)

    layout, rows, left_out = read(file)
    assert [row.line for row in rows] == [3]
    assert (left_out.counts, left_out.lines) == ({"hidden": 1}, [(2, "hidden")])
    assert [(note.code, note.facts) for note in layout.notes] == [
        ("hidden_rows", {"count": 1}),
        ("hidden_columns", {"columns": "B"}),
    ]

    layout, rows, left_out = read(file, with_hidden_rows=True)
    assert [row.line for row in rows] == [2, 3]
    assert left_out.counts == {}
    with sheets.open(file, "export.xlsx", layout=sheets.Layout.from_json(layout.to_json())) as sheet:
        assert [row.line for row in sheet.rows()] == [2, 3]


def test_merged_headers_give_each_column_its_group() -> None:
    def merge(page: Worksheet) -> None:
        page.insert_rows(1)
        page["A1"], page["C1"] = "Débiteur", "Facture"
        page.merge_cells("A1:B1")
        page.merge_cells("C1:D1")

    layout, rows, _ = read(workbook(HEADER, *ROWS, change=merge))

    assert [(column.group, column.header) for column in layout.columns] == [
        ("Débiteur", "Référence"), ("Débiteur", "Nom"), ("Facture", "Montant TTC"), ("Facture", "Échéance"),
    ]  # fmt: skip
    assert len(rows) == 2


def test_the_sheet_with_the_debts_is_chosen_and_the_others_are_told() -> None:
    codes = [["Code", "Libellé"], *([f"C{at}", f"Libellé {at}"] for at in range(50))]
    file = tables.xlsx_of([["Mode d'emploi"], ["Remplir la feuille"]], Factures=[HEADER, *ROWS], Codes=codes)

    layout, rows, _ = read(file)

    assert (layout.sheet, len(rows)) == ("Factures", 2)
    assert [(other.name, other.rows, other.is_hidden) for other in layout.other_sheets] == [
        ("Créances", 2, False),
        ("Codes", 51, False),
    ]
    assert [note.message.translated("fr") for note in layout.notes] == [
        "La feuille Factures a été lue ; d'autres ont aussi des lignes : Créances, Codes."
    ]


def test_sheets_of_the_same_header_are_told_as_such_and_can_be_chosen() -> None:
    file = tables.xlsx_of([HEADER, *ROWS], Fevrier=[HEADER, ["B1", "Petit", 1.5, date(2026, 2, 1)]])

    layout, _, _ = read(file)
    assert [(other.name, other.has_same_header) for other in layout.other_sheets] == [("Fevrier", True)]

    layout, rows, _ = read(file, sheet="Fevrier")
    assert (layout.sheet, [row.cells[0] for row in rows]) == ("Fevrier", ["B1"])


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(sheets.Unreadable) as refused:
        read(workbook(HEADER, *ROWS), sheet="Mars")

    error = refused.value
    assert error.message.translated("fr") == "Le classeur n'a pas de feuille appelée Mars."
    assert error.way_out.translated("fr") == "Choisissez parmi : Sheet."


def test_formulas_are_read_by_their_values_and_those_without_are_told() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    page.write_row(0, 0, HEADER)
    page.write_row(1, 0, ["A1", "Dupont"])
    page.write_formula(1, 2, "=10+2.5", None, 12.5)
    page.write(1, 3, "31/01/2026")
    book.close()
    assert [list(row.cells) for row in read(out)[1]] == [["A1", "Dupont", 12.5, "31/01/2026"]]

    layout, rows, _ = read(workbook(HEADER, ["A1", "Dupont", "=10+2.5", "31/01/2026"]))
    assert list(rows[0].cells) == ["A1", "Dupont", None, "31/01/2026"]
    assert [(note.code, note.facts) for note in layout.notes] == [("formulas_unsaved", {"count": 1})]


def test_the_currency_that_cells_show_by_their_format_is_told_of_a_column_of_one() -> None:
    def show(page: Worksheet) -> None:
        page["C2"].number_format = page["C3"].number_format = '#,##0.00\\ "€"'
        page["A2"].number_format, page["A3"].number_format = "[$CHF] 0.00", "[$€-40C] 0.00"

    layout, _, _ = read(workbook(HEADER, [1, "Dupont", 12.5, "x"], [2, "Martin", 13, "y"], change=show))

    assert [column.currency for column in layout.columns] == ["", "", "€", ""]


def test_a_sheet_of_open_document_is_read_like_any_other() -> None:
    def cell(kind: str, value: str, text: str) -> str:
        return (
            f'<table:table-cell office:value-type="{kind}" {value}><text:p>{text}</text:p></table:table-cell>'
        )

    header = "".join(cell("string", "", name) for name in ("Nom", "Montant", "Date"))
    row = (
        cell("string", "", "Dupont")
        + cell("float", 'office:value="12.5"', "12,50")
        + cell("date", 'office:date-value="2026-01-31"', "31/01/2026")
    )
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("META-INF/manifest.xml", "<manifest/>")
        parts.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet><table:table table:name='Dettes'>"
            f"<table:table-row>{header}</table:table-row><table:table-row>{row}</table:table-row>"
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )

    with sheets.open(file, "export.ods") as sheet:
        assert sheet.layout.sheet == "Dettes"
        assert [list(read.cells) for read in sheet.rows()] == [["Dupont", 12.5, date(2026, 1, 31)]]


@pytest.mark.parametrize(("parent", "status"), [(os.getpid, 0), (os.getppid, 1)])
def test_a_child_whose_parent_is_gone_already_reads_nothing(parent: Callable[[], int], status: int) -> None:
    request = asdict(sheets.ReadLimits()) | {"sheet": None, "words": "montant", "parent": parent()}

    with tempfile.TemporaryFile() as file:
        file.write(workbook(HEADER, *ROWS).getvalue())
        file.seek(0)
        child = subprocess.run(
            [sys.executable, "-I", workbook_worker.__file__, orjson.dumps(request)],
            stdin=file,
            capture_output=True,
            check=False,
        )

    assert child.returncode == status
    assert (b"Dupont" in child.stdout) is (status == 0)


DEBTS = ["Client", "Facture", "Échéance", "Solde"]
LINES: list[list[object]] = [["Petit", f"F{at}", date(2026, 10, 14), 10.5 + at] for at in range(6)]


@pytest.mark.parametrize(
    ("beside", "lines"),
    [
        (["Compte", "Libellé", "Total"], [["411", "Clients", 5]] * 3),
        (["Client", "Solde"], [["Petit", 5]] * 6),
    ],
)
def test_a_table_beside_the_debts_is_left_out_and_told(
    beside: list[object], lines: list[list[object]]
) -> None:
    rows = [[*row, None, *(lines[at] if at < len(lines) else [])] for at, row in enumerate(LINES)]

    layout, read_rows, _ = read(workbook([*DEBTS, None, *beside], *rows))

    assert list(layout.headers) == DEBTS
    assert [list(row.cells) for row in read_rows] == LINES
    assert [note.code for note in layout.notes] == ["tables_side_by_side"]


def test_columns_behind_a_blank_one_that_are_filled_here_and_there_are_the_same_table() -> None:
    rows = [[*row, None, *(["0612345678", 75_001] if at % 3 == 0 else [])] for at, row in enumerate(LINES)]

    layout, _, _ = read(workbook([*DEBTS, None, "Téléphone", "Code postal"], *rows))

    assert list(layout.headers) == [*DEBTS, "Téléphone", "Code postal"]
    assert layout.notes == ()


@pytest.mark.parametrize("title", [[], [["Fournisseurs"]]])
def test_a_table_below_the_debts_is_left_out_and_told(title: list[list[object]]) -> None:
    other = [["Fournisseur", "Référence", "Date", "À payer"], ["Engie", "A1", date(2026, 10, 14), 70]]

    layout, read_rows, left_out = read(workbook(DEBTS, *LINES, [], *title, *other, other[1]))

    first = 9 + len(title)
    assert [list(row.cells) for row in read_rows][:6] == LINES
    assert len(read_rows) == 6 + len(title)
    assert left_out.lines == [(first + at, "other_table") for at in range(3)]
    assert [(note.code, note.facts) for note in layout.notes] == [("other_table", {"line": first})]


def test_blank_rows_between_rows_of_one_table_end_nothing() -> None:
    _, read_rows, left_out = read(workbook(DEBTS, *(row for line in LINES for row in (line, []))))

    assert [list(row.cells) for row in read_rows] == LINES
    assert left_out.counts == {}


@pytest.mark.parametrize("cell", ["XFD1048576", "XFD2", "A1048576", "ZZ900000"])
def test_a_cell_far_outside_the_table_takes_no_memory_and_no_row(cell: str) -> None:
    def stray(page: Worksheet) -> None:
        page[cell] = "x"

    layout, rows, _ = read(workbook(DEBTS, *LINES, change=stray))

    assert list(layout.headers) == DEBTS
    assert [list(row.cells)[:4] for row in rows][:6] == LINES
    assert [row.line for row in rows] == [*range(2, 8), *([1_048_576] if cell.startswith("A") else [])]


@pytest.mark.parametrize("through", ["cp1252", "mac_roman"])
def test_texts_that_were_encoded_twice_before_they_came_into_the_workbook_are_restored(through: str) -> None:
    header = ["Référence", "Nom", "Montant"]
    lines: list[list[object]] = [["A1", "Hélène Lefèvre", 10], ["A2", "Jürgen Groß", 20]]
    twice = [
        [cell.encode().decode(through) if isinstance(cell, str) else cell for cell in row]
        for row in (header, *lines)
    ]
    file = workbook(*twice)

    layout, rows, _ = read(file)

    assert list(layout.headers) == header
    assert [list(row.cells) for row in rows] == lines
    assert [note.code for note in layout.notes] == ["texts_encoded_twice"]
    with sheets.open(file, "export.xlsx", layout=sheets.Layout.from_json(layout.to_json())) as sheet:
        assert list(sheet.rows()) == rows
