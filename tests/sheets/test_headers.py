"""Where a table begins and which of its rows are data."""

import io

import pytest

import tables
from getbill import sheets

ROWS = [["A1", "Dupont", "12,50", "31/01/2026"], ["A2", "Martin", "1 300,00", "28/02/2026"]]
HEADER = ["Référence", "Nom", "Montant TTC", "Échéance"]


def open_sheet(
    rows: list[list[str]], **choices: object
) -> tuple[sheets.Layout, list[sheets.Row], sheets.SkippedRows]:
    """Return what is read of a CSV with these rows."""
    chosen = sheets.ReadChoices(**choices) if choices else None  # type: ignore[arg-type]
    with sheets.open(tables.csv_of(rows), "export.csv", choices=chosen) as sheet:
        return sheet.layout, list(sheet.rows()), sheet.left_out


def cells(rows: list[sheets.Row]) -> list[list[object]]:
    return [list(row.cells) for row in rows]


def test_titles_and_blanks_above_the_header_are_told_and_not_read() -> None:
    above = [["ACME SARL"], ["Balance âgée au 02/03/2026"], [], ["Édité par", "Zoé"], []]

    layout, rows, _ = open_sheet([*above, HEADER, *ROWS])

    assert (layout.header_line, layout.data_line, list(layout.headers)) == (6, 7, HEADER)
    assert [(line.line, line.why, line.text) for line in layout.skipped] == [
        (1, "preamble", "ACME SARL"),
        (2, "preamble", "Balance âgée au 02/03/2026"),
        (4, "preamble", "Édité par Zoé"),
    ]
    assert [row.line for row in rows] == [7, 8]


def test_a_file_without_a_header_names_its_columns_by_their_letters() -> None:
    layout, rows, _ = open_sheet(ROWS * 3)

    assert (layout.header_line, [column.letter for column in layout.columns]) == (None, ["A", "B", "C", "D"])
    assert [note.code for note in layout.notes] == ["no_header"]
    assert cells(rows) == ROWS * 3


def test_a_header_in_a_language_of_no_list_is_one_over_values_that_are_not_labels() -> None:
    layout, rows, _ = open_sheet([["Numer", "Nazwisko", "Kwota", "Termin"], *ROWS])

    assert layout.header_line == 1
    assert layout.notes == ()
    assert cells(rows) == ROWS


def test_labels_over_labels_are_taken_for_a_header_and_it_is_said() -> None:
    layout, rows, _ = open_sheet([["Nazwisko", "Miejsce"], ["Kowalski", "Kraków"], ["Nowak", "Gdańsk"]])

    assert layout.header_line == 1
    assert [(note.code, note.facts) for note in layout.notes] == [("header_unsure", {"line": 1})]
    assert len(rows) == 2


def test_a_person_says_which_line_is_the_header() -> None:
    layout, rows, _ = open_sheet([["a", "b", "c", "d"], HEADER, *ROWS], header_line=2)
    assert (list(layout.headers), cells(rows)) == (HEADER, ROWS)

    layout, rows, _ = open_sheet([["a", "b", "c", "d"], *ROWS], header_line=0)
    assert (layout.header_line, len(rows)) == (None, 3)


def test_groups_above_the_header_are_told_with_each_column() -> None:
    groups = ["", "Débiteur", "", "Facture", ""]
    header = ["Référence", "Nom", "Ville", "Numéro", "Montant"]

    layout, rows, _ = open_sheet([groups, header, ["A1", "Dupont", "Lyon", "F-1", "12,50"]])

    assert [(column.group, column.header) for column in layout.columns] == [
        ("", "Référence"), ("Débiteur", "Nom"), ("Débiteur", "Ville"), ("Facture", "Numéro"), ("Facture", "Montant"),
    ]  # fmt: skip
    assert [row.line for row in rows] == [3]


def test_a_header_of_two_rows_is_read_as_one() -> None:
    first = ["Référence", "Client", "", "Montant", "Échéance"]
    second = ["", "Nom", "Prénom", "", ""]

    layout, rows, _ = open_sheet([first, second, ["A1", "Dupont", "Zoé", "12,50", "31/01/2026"]])

    assert [(column.group, column.header) for column in layout.columns] == [
        ("", "Référence"), ("Client", "Nom"), ("Client", "Prénom"), ("", "Montant"), ("", "Échéance"),
    ]  # fmt: skip
    assert [row.line for row in rows] == [3]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (["", "", "", ""], "empty"),
        (HEADER, "header"),
        (["*obligatoire", "*", "*", ""], "template"),
        (["Les champs obligatoires sont marqués d'une étoile", "", "", ""], "template"),
        (["texte", "texte", "nombre", "jj/mm/aaaa"], "template"),
        (["-----", "-----", "-----", "-----"], "separator"),
        (["Total", "", "1 312,50", ""], "total"),
        (["", "TOTAL GÉNÉRAL :", "1 312,50 €", ""], "total"),
        (["Sous-total client 12", "", "1 312,50", ""], "total"),
        (["Summe", "", "1 312,50", ""], "total"),
        (["Page 1/3", "", "", ""], "footer"),
        (["Édité le 02/03/2026", "", "", ""], "footer"),
        (["2 lignes", "", "", ""], "footer"),
    ],
)
def test_rows_that_are_no_data_are_left_out_and_counted_with_their_line(row: list[str], why: str) -> None:
    _, rows, left_out = open_sheet([HEADER, ROWS[0], row, ROWS[1]])

    assert cells(rows) == ROWS
    assert left_out.counts == {why: 1}
    assert left_out.lines == ([] if why == "empty" else [(3, why)])


@pytest.mark.parametrize(
    "row",
    [
        ["A3", "TotalEnergies SE", "500,00", "31/01/2026"],
        ["A3", "Total SA", "500,00", "31/01/2026"],
        ["", "Total Energies", "500,00", ""],
        ["", "Dupont", "", ""],
        ["A3", "Report Sylvie", "12,00", ""],
        ["A3", "*Martin", "12,00", "31/01/2026"],
        ["-", "Martin", "12,00", ""],
    ],
)
def test_a_row_that_lacks_something_or_is_called_total_is_data_all_the_same(row: list[str]) -> None:
    _, rows, left_out = open_sheet([HEADER, *ROWS * 10, row])

    assert list(rows[-1].cells) == row
    assert left_out.counts == {}


def test_a_header_repeated_on_every_page_is_left_out_each_time() -> None:
    _, rows, left_out = open_sheet([HEADER, *[*ROWS, HEADER] * 30])

    assert cells(rows) == ROWS * 30
    assert left_out.counts == {"header": 30}


def test_columns_without_header_and_data_are_no_columns() -> None:
    layout, rows, _ = open_sheet([["Référence", "", "Nom", "Montant", ""], ["A1", "", "Dupont", "12,50", ""]])

    assert [(column.index, column.letter, column.header) for column in layout.columns] == [
        (0, "A", "Référence"), (2, "C", "Nom"), (3, "D", "Montant"),
    ]  # fmt: skip
    assert cells(rows) == [["A1", "", "Dupont", "12,50", ""]]


def test_a_column_without_header_that_has_data_keeps_its_letter() -> None:
    layout, _, _ = open_sheet([["Référence", "Nom", "Montant", ""], *ROWS])

    assert [(column.letter, column.header) for column in layout.columns][-1] == ("D", "")


def test_a_delimiter_inside_an_unquoted_cell_is_said_of_its_row() -> None:
    file = io.BytesIO(b"reference;nom;montant\nA1;Dupont;Jean;12,50\nA2;Martin;13,00\n")

    with sheets.open(file, "export.csv") as sheet:
        first, second = sheet.rows()

    assert first.wrong is not None
    assert (first.wrong.code, first.wrong.facts) == ("cells_slid", {"count": 4, "columns": 3})
    assert second.wrong is None


def test_a_line_break_inside_an_unquoted_cell_is_said_of_both_halves() -> None:
    whole = "A1;Dupont;12 rue de la Paix;12,50;EUR\n" * 20
    file = io.BytesIO(
        f"reference;nom;adresse;montant;devise\n{whole}A2;Martin;12 rue\nbat B;13,00;EUR\n".encode()
    )

    with sheets.open(file, "export.csv") as sheet:
        rows = list(sheet.rows())

    assert [row.wrong and row.wrong.code for row in rows[-3:]] == [None, "row_cut", "row_cut"]
    assert sheets.Row(22, rows[-2].cells, rows[-2].wrong) == rows[-2]


def test_rows_that_commonly_end_early_are_filled_up() -> None:
    lines = "A1;Dupont;12,50\nA2;Martin;13,00;31/01/2026\n" * 5
    file = io.BytesIO(f"reference;nom;montant;echeance\n{lines}".encode())

    with sheets.open(file, "export.csv") as sheet:
        rows = list(sheet.rows())

    assert {row.wrong for row in rows} == {None}
    assert {len(row.cells) for row in rows} == {4}


def test_lines_are_those_a_person_sees_though_cells_have_line_breaks() -> None:
    _, rows, _ = open_sheet([HEADER, ["A1", "Dupont\nJean", "12,50", "31/01/2026"], ROWS[1]])

    assert [row.line for row in rows] == [2, 4]


def test_reading_goes_on_after_a_line() -> None:
    with sheets.open(tables.csv_of([HEADER, *ROWS * 50]), "export.csv") as sheet:
        every = list(sheet.rows())
        for line in (0, 1, 2, 50, 100, 101, 102):
            assert list(sheet.rows(after_line=line)) == [row for row in every if row.line > line]


def test_a_layout_kept_reads_the_file_in_the_same_way_again() -> None:
    file = tables.csv_of([["ACME"], HEADER, *ROWS, ["Total", "", "1", ""]], "cp1252", "|")
    with sheets.open(file, "export.csv") as sheet:
        kept, rows = sheets.Layout.from_json(sheet.layout.to_json()), list(sheet.rows())

    with sheets.open(file, "export.csv", layout=kept) as sheet:
        assert sheet.layout == kept
        assert list(sheet.rows()) == rows


def test_the_signature_tells_layouts_apart_and_not_their_spelling() -> None:
    plain = open_sheet([HEADER, *ROWS])[0]
    spelled = open_sheet([[" référence", "NOM", "montant  ttc", "echeance"], *ROWS])[0]
    other = open_sheet([[*HEADER[:3], "Devise"], *ROWS])[0]

    assert plain.signature == spelled.signature
    assert plain.signature != other.signature


@pytest.mark.parametrize("text", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_that_names_the_delimiter_is_obeyed_and_left_out(text: str) -> None:
    file = io.BytesIO(f"{text}\r\nreference;nom, prénom;montant\r\nA1;Dupont, Zoé;1,5\r\n".encode())

    with sheets.open(file, "export.csv") as sheet:
        assert (sheet.layout.delimiter, sheet.layout.header_line) == (";", 2)
        assert cells(list(sheet.rows())) == [["A1", "Dupont, Zoé", "1,5"]]


def test_a_file_of_one_column_has_no_delimiter_to_find() -> None:
    layout, rows, _ = open_sheet([["email"], ["zoe@example.com"], ["jean@example.com"]])

    assert (layout.width, cells(rows)) == (1, [["zoe@example.com"], ["jean@example.com"]])


def test_a_decimal_comma_is_no_delimiter() -> None:
    text = "reference;nom;montant;solde;taux\n" + "".join(
        f"A{at};Dupont;{at},50;{at},25;1,5\n" for at in range(30)
    )

    with sheets.open(io.BytesIO(text.encode()), "export.csv") as sheet:
        assert (sheet.layout.delimiter, sheet.layout.width) == (";", 5)


@pytest.mark.parametrize("quoted", ['"La ""Belle"";x"', '"La \\"Belle\\";x"', "'La \"Belle\";x'"])
def test_quotes_doubled_escaped_or_single_are_understood(quoted: str) -> None:
    quote = quoted[0]
    header = ";".join(f"{quote}{name}{quote}" for name in ("reference", "nom", "montant"))
    row = f"{quote}A1{quote};{quoted};{quote}1{quote}"

    with sheets.open(io.BytesIO(f"{header}\n{row}\n{row}\n".encode()), "export.csv") as sheet:
        assert [row.cells[1] for row in sheet.rows()] == ['La "Belle";x'] * 2


def test_cells_filled_up_with_spaces_are_blank_where_it_counts() -> None:
    lines = [
        "A1   | Dupont    |    12,50 | 31/01/2026",
        "A2   | Martin    | 1 300,00 | 28/02/2026",
        "     \u00a0|           \u00a0|         \u00a0|           ",
        "TOTAL|           \u00a0| 1 312,50 |           \u00a0",
    ]
    text = "\n".join(["Réf. | Nom       |  Montant | Échéance  ", *lines])

    with sheets.open(io.BytesIO(text.encode()), "export.txt") as sheet:
        rows, left_out = list(sheet.rows()), sheet.left_out

    assert list(sheet.layout.headers) == ["Réf.", "Nom", "Montant", "Échéance"]
    assert [[sheets.read_text(cell) for cell in row.cells] for row in rows] == [
        ["A1", "Dupont", "12,50", "31/01/2026"],
        ["A2", "Martin", "1 300,00", "28/02/2026"],
    ]
    assert left_out.counts == {"empty": 1, "total": 1}


def test_heads_merged_over_two_rows_head_the_columns_that_the_lower_one_leaves_blank() -> None:
    layout, rows, _ = open_sheet(
        [
            ["Client", "Facture", "Montants (k€)", ""],
            ["", "", "Facturé", "Restant dû"],
            ["Dupont", "A1", "15,00", "12,50"],
            ["Martin", "A2", "8,00", "8,00"],
        ]
    )

    assert list(layout.headers) == ["Client", "Facture", "Facturé", "Restant dû"]
    assert [column.group for column in layout.columns] == ["", "", "Montants (k€)", "Montants (k€)"]
    assert [row.line for row in rows] == [3, 4]
