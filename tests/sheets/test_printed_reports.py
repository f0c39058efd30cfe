"""Reports as programs print them: page heads, carried sums, long preambles, gaps, columns of years, SAP's lists."""

import io
from collections.abc import Sequence

import pytest

import tables
from getbill import sheets

HEADER = ["Code", "Client", "Non échu", "1 à 30 j", "> 30 j", "Total dû"]
FIRST = ["C1", "Lefèvre Camille", "0,00", "120,50", "0,00", "120,50"]
SECOND = ["C2", "Petit Louis", "0,00", "0,00", "80,00", "80,00"]


def read(rows: Sequence[Sequence[str]]) -> tuple[sheets.Layout, list[sheets.Row], sheets.SkippedRows]:
    with sheets.open(tables.csv_of([list(row) for row in rows]), "export.csv") as sheet:
        return sheet.layout, list(sheet.rows()), sheet.left_out


@pytest.mark.parametrize(
    "total",
    [
        "Total page", "TOTAL GÉNÉRAL", "À reporter", "Report", "Sous-total", "Total général des créances", "Cumul",
        "Page total", "Carried forward", "Brought forward", "Grand total", "Subtotal",
        "Übertrag", "Zwischensumme", "Gesamtsumme", "Summe Seite 2", "Insgesamt", "Seitensumme",
        "Suma y sigue", "Suma anterior", "Total general", "Totales",
        "Riporto", "Da riportare", "Totale generale", "Totale pagina", "Somma", "Totale clienti", "Saldo totale", "Total cartera", "Gesamtsaldo", "Summe Debitoren",
        "Totaal", "Subtotaal", "Eindtotaal", "Te transporteren", "Transport",
        "Total geral", "Totais", "A transportar", "Transporte", "Soma",
        "Razem", "Suma strony", "Ogółem", "Łącznie", "Do przeniesienia", "Z przeniesienia",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1])
def test_sums_of_pages_are_left_out_however_full_the_row(total: str, place: int) -> None:
    row = ["", "", "0,00", "120,50", "80,00", "200,50"]
    row[place] = total

    _, rows, left_out = read([HEADER, *[FIRST] * 20, row, SECOND])

    assert [list(item.cells) for item in rows] == [*[FIRST] * 20, SECOND]
    assert left_out.lines == [(22, "total")]


@pytest.mark.parametrize(
    "row",
    [
        ["C9", "Total SA", "0,00", "120,50", "80,00", "200,50"],
        ["C9", "Report Sylvie", "0,00", "120,50", "80,00", "200,50"],
        ["C9", "Somme Jean", "0,00", "0,00", "80,00", "80,00"],
        ["C9", "Transport Durand", "0,00", "0,00", "80,00", "80,00"],
        ["Transport Durand", "C9", "0,00", "0,00", "80,00", "80,00"],
        ["Total Energies", "2026-10-14", "0,00", "0,00", "80,00", "80,00"],
        ["Suma", "0612345678", "0,00", "0,00", "80,00", "80,00"],
    ],
)
def test_customers_with_a_name_like_a_sum_are_data(row: list[str]) -> None:
    _, rows, left_out = read([HEADER, *[FIRST] * 20, row])

    assert (list(rows[-1].cells), left_out.counts) == (row, {})


@pytest.mark.parametrize(
    ("title", "page"),
    [
        (
            ["Balance âgée clients au 30/11/2026", "", "", "", "", ""],
            ["Ciel Compta", "", "", "", "", "Page {}"],
        ),
        (
            ["Offene Posten zum 30.11.2026", "", "", "", "", ""],
            ["Mandant 12", "", "", "Seite {} von 9", "", ""],
        ),
        (
            ["Vencimientos pendientes", "", "Fecha 30/11/2026", "", "", ""],
            ["Empresa 1", "", "", "", "", "Página {}"],
        ),
        (["Zestawienie należności", "", "", "", "", ""], ["Firma Przykład", "", "", "", "", "Strona {}"]),
    ],
)
def test_heads_of_later_pages_are_left_out(title: list[str], page: list[str]) -> None:
    heads = [
        [*page[:-1], page[-1].format(number)] if "{}" in page[-1] else [item.format(number) for item in page]
        for number in (1, 2)
    ]
    body = [[f"C{at}", *FIRST[1:]] for at in range(20)]

    layout, rows, left_out = read([title, heads[0], HEADER, *body, title, heads[1], HEADER, SECOND])

    assert (layout.header_line, layout.headers) == (3, tuple(HEADER))
    assert [list(row.cells) for row in rows] == [*body, SECOND]
    assert left_out.counts == {"page": 2, "header": 1}


@pytest.mark.parametrize("lines", [1, 60, 250, 380])
def test_a_header_below_many_lines_of_another_kind_is_found(lines: int) -> None:
    above = [[f"Ligne {at} des conditions, lisez bien"] for at in range(lines)]

    layout, rows, _ = read([*above, HEADER, FIRST, *[SECOND] * 20, FIRST])

    assert (layout.header_line, layout.headers) == (lines + 1, tuple(HEADER))
    assert [list(row.cells) for row in rows] == [FIRST, *[SECOND] * 20, FIRST]


@pytest.mark.parametrize("blank", ["", ";;;;;", " ; ; ; ; ; ", "\t"])
@pytest.mark.parametrize("count", [1_000, 120_000])
def test_blank_lines_between_header_and_rows_and_inside_are_skipped(blank: str, count: int) -> None:
    gap = f"{blank}\n" * count
    written = ";".join(HEADER) + "\n" + gap + ";".join(FIRST) + "\n" + gap + ";".join(SECOND) + "\n"

    with sheets.open(io.BytesIO(written.encode()), "export.csv") as sheet:
        rows = list(sheet.rows())

    assert [list(row.cells) for row in rows] == [FIRST, SECOND]
    assert [row.line for row in rows] == [count + 2, 2 * count + 3]


def test_years_and_ages_head_columns_beside_words() -> None:
    header = ["Client", "Référence", "2024", "2025", "0-30", "31-60", "> 90"]
    row = ["Petit", "F-1", "12,00", "0,00", "1,00", "2,00", "3,00"]

    layout, rows, _ = read([["Balance"], header, row, row])

    assert (layout.header_line, layout.headers) == (2, tuple(header))
    assert [list(item.cells) for item in rows] == [row, row]


def test_the_blocks_of_an_sap_list_name_their_customers() -> None:
    head = (
        "30.11.2026          Dynamische Listenanzeige            {}\n" + "-" * 60 + "\n"
        "Debitor          {}\nName             {}\n" + "-" * 60 + "\n"
        "|St|Belegnr   |Nettofällig|Betrag in HW |Währg|Referenz |\n" + "-" * 60 + "\n"
    )
    line = "|  |{}|02.10.2026 |   1.900,00  |EUR  |{} |\n"
    end = "|* |          |           |   1.900,00  |EUR  |         |\n" + "-" * 60 + "\n"
    written = (
        head.format(1, "140001", "Seidel Maschinenbau GmbH") + line.format("1800014001", "SAP-1") + end
        + head.format(2, "140002", "Kraus, Petra") + line.format("1800014002", "SAP-2")
        + line.format("1800014003", "SAP-3") + end
    )  # fmt: skip

    with sheets.open(io.BytesIO(written.encode("cp1252")), "liste.txt") as sheet:
        columns = {column.heading: column.index for column in sheet.layout.columns if column.heading}
        rows = list(sheet.rows())

    output = [(str(row.cells[columns["name"]]), str(row.cells[columns["code"]])) for row in rows]
    assert output == [("Seidel Maschinenbau GmbH", "140001"), *[("Kraus, Petra", "140002")] * 2]
