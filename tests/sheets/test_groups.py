"""Customers on rows of their own, as accounting programs print aged receivables."""

from collections.abc import Sequence

import pytest

import tables
from getbill import sheets

Table = Sequence[Sequence[str]]

XERO = [
    ["Aged Receivables Detail", "", "", "", ""],
    ["Fern & Co Ltd", "", "", "", ""],
    ["As at 30 November 2026", "", "", "", ""],
    ["", "", "", "", ""],
    ["Invoice Date", "Due Date", "Invoice Number", "Current", "Total"],
    ["Aled Pryce", "", "", "", ""],
    ["3 Sep 2026", "3 Oct 2026", "INV-1", "0.00", "410.25"],
    ["13 Oct 2026", "12 Nov 2026", "INV-2", "0.00", "99.90"],
    ["Total Aled Pryce", "", "", "0.00", "510.15"],
    ["Total Energies Ltd", "", "", "", ""],
    ["20 Aug 2026", "19 Sep 2026", "INV-3", "0.00", "1500.00"],
    ["Total Total Energies Ltd", "", "", "0.00", "1500.00"],
    ["Total", "", "", "0.00", "2010.15"],
    ["Percentage of total", "", "", "0%", "100%"],
]
# QuickBooks Desktop: the customer in the first column, which no line fills.
QUICKBOOKS = [
    ["", "Type", "Date", "Num", "Due Date", "Open Balance"],
    ["Alba Ruiz", "", "", "", "", ""],
    ["", "Invoice", "09/15/2026", "1001", "10/15/2026", "120.00"],
    ["", "Invoice", "09/16/2026", "1002", "10/16/2026", "30.00"],
    ["Total Alba Ruiz", "", "", "", "", "150.00"],
    ["Brook & Sons", "", "", "", "", ""],
    ["", "Invoice", "09/20/2026", "1003", "10/20/2026", "75.00"],
    ["Total Brook & Sons", "", "", "", "", "75.00"],
    ["TOTAL", "", "", "", "", "225.00"],
]
# QuickBooks Online: a phone beside the name, and "Total for".
ONLINE = [
    ["A/R Aging Detail", "", "", "", "", ""],
    ["Date", "Transaction type", "Num", "Due date", "Amount", "Open balance"],
    ["Cole Hart", "(555) 013-2277", "", "", "", ""],
    ["09/15/2026", "Invoice", "1001", "10/15/2026", "120.00", "120.00"],
    ["Total for Cole Hart", "", "", "", "120.00", "120.00"],
    ["Dana Kim", "(555) 013-9911", "", "", "", ""],
    ["09/16/2026", "Invoice", "1002", "10/16/2026", "80.00", "80.00"],
    ["09/17/2026", "Invoice", "1003", "10/17/2026", "20.00", "20.00"],
    ["Total for Dana Kim", "", "", "", "100.00", "100.00"],
]
# Sage: label, code and name in one cell, no totals.
SAGE = [
    ["Échéancier clients au 30/11/2026", "", "", ""],
    ["Date", "Pièce", "Échéance", "Solde"],
    ["Client : C0012 - Dupont SARL", "", "", ""],
    ["15/09/2026", "FA-1", "15/10/2026", "1 200,00"],
    ["16/09/2026", "FA-2", "16/10/2026", "50,00"],
    ["Client : C0013 - Martin Léa", "", "", ""],
    ["17/09/2026", "FA-3", "17/10/2026", "80,00"],
]
# A code in the first cell and the name in the second; a page breaks inside a customer.
EXACT = [
    ["Openstaande posten", "", "", "", ""],
    ["Datum", "Factuur", "Vervaldatum", "Bedrag", "Openstaand"],
    ["20010", "J. van den Berg", "", "", ""],
    ["15-09-2026", "EX1", "15-10-2026", "10,00", "10,00"],
    ["Openstaande posten", "", "", "", ""],
    ["Datum", "Factuur", "Vervaldatum", "Bedrag", "Openstaand"],
    ["16-09-2026", "EX2", "16-10-2026", "20,00", "20,00"],
    ["Subtotaal", "", "", "30,00", "30,00"],
    ["20011", "Bakkerij De Korst B.V.", "", "", ""],
    ["17-09-2026", "EX3", "17-10-2026", "30,00", "30,00"],
    ["Totaal", "", "", "60,00", "60,00"],
]
CODE_LAST = [
    ["Date", "Invoice", "Due", "Balance"],
    ["Customer: Acme Ltd (ACM01)", "", "", ""],
    ["2026-09-15", "I-1", "2026-10-15", "10.00"],
    ["Customer: Bolt Ltd (BOL02)", "", "", ""],
    ["2026-09-16", "I-2", "2026-10-16", "20.00"],
]


def open_table(rows: Table) -> tuple[sheets.Layout, list[sheets.Row], sheets.SkippedRows]:
    """Return the table, and hold that it is the same from a stored layout, from any line on."""
    file = tables.csv_of([list(row) for row in rows])
    with sheets.open(file, "export.csv") as sheet:
        layout, read = sheet.layout, list(sheet.rows())
        left_out = sheet.left_out
    stored = sheets.Layout.from_json(layout.to_json())
    assert stored == layout
    with sheets.open(file, "export.csv", layout=stored) as sheet:
        for at, row in enumerate(read):
            assert list(sheet.rows(row.line)) == read[at + 1 :]
    return layout, read, left_out


@pytest.mark.parametrize(
    ("rows", "headers", "customers"),
    [
        (XERO, ["Customer (row above)"], [("Aled Pryce",), ("Aled Pryce",), ("Total Energies Ltd",)]),
        (QUICKBOOKS, ["Customer (row above)"], [("Alba Ruiz",), ("Alba Ruiz",), ("Brook & Sons",)]),
        (
            ONLINE,
            ["Customer (row above)", "Phone (row above)"],
            [("Cole Hart", "(555) 013-2277"), *[("Dana Kim", "(555) 013-9911")] * 2],
        ),
        (
            SAGE,
            ["Client (ligne au-dessus)", "Code client (ligne au-dessus)"],
            [*[("Dupont SARL", "C0012")] * 2, ("Martin Léa", "C0013")],
        ),
        (
            EXACT,
            ["Customer (row above)", "Customer code (row above)"],
            [*[("J. van den Berg", "20010")] * 2, ("Bakkerij De Korst B.V.", "20011")],
        ),
        (
            CODE_LAST,
            ["Customer (row above)", "Customer code (row above)"],
            [("Acme Ltd", "ACM01"), ("Bolt Ltd", "BOL02")],
        ),
    ],
)
def test_lines_are_given_what_the_row_above_them_says(
    rows: Table, headers: list[str], customers: list[tuple[str, ...]]
) -> None:
    layout, read, left_out = open_table(rows)

    added = [column for column in layout.columns if column.heading]
    assert [column.header for column in added] == headers
    assert [tuple(row.cells[column.index] for column in added) for row in read] == customers
    assert set(left_out.counts) <= {"heading", "total", "page", "header", "empty"}
    assert "customers_above" in [note.code for note in layout.notes]


def test_lines_below_a_total_and_no_heading_have_no_customer() -> None:
    _, read, _ = open_table([*XERO[:9], ["1 Sep 2026", "1 Oct 2026", "INV-9", "0.00", "5.00"], *XERO[9:]])

    assert [row.cells[-1] for row in read] == ["Aled Pryce", "Aled Pryce", "", "Total Energies Ltd"]


def test_headings_below_each_other_are_a_question_of_which_one_is_the_customer() -> None:
    rows = [QUICKBOOKS[0], ["North", *[""] * 5], *QUICKBOOKS[1:]]

    layout, read, _ = open_table(rows)

    assert [column.heading for column in layout.columns][-1] == "name?"
    assert read[0].cells[-1] == "North"


@pytest.mark.parametrize(
    "headings",
    [
        ("1 - 30 days past due", "31 - 60 days past due"),
        ("Nicht fällig", "1-30 Tage"),
        ("September 2026", "October 2026"),
        ("Commercial : Luc", "Commercial : Zoé"),
    ],
)
def test_headings_that_name_no_customer_are_left_out(headings: tuple[str, str]) -> None:
    rows = [
        ["Date", "Customer", "Num", "Due date", "Open balance"],
        [headings[0], "", "", "", ""],
        ["2026-09-15", "Cole Hart", "1001", "2026-10-15", "120.00"],
        [headings[1], "", "", "", ""],
        ["2026-08-15", "Dana Kim", "1002", "2026-09-15", "80.00"],
    ]

    layout, read, left_out = open_table(rows)

    assert [row.cells[1] for row in read] == ["Cole Hart", "Dana Kim"]
    assert layout.headers == tuple(rows[0])
    assert left_out.counts == {"heading": 2}


@pytest.mark.parametrize(
    "rows",
    [
        # A name alone is a row that lacks the rest.
        [
            ["Référence", "Nom", "Montant", "Échéance"],
            ["A1", "Dupont", "5,00", "31/01/2026"],
            ["", "Martin", "", ""],
        ],
        [
            ["Nom", "Référence", "Montant"],
            ["Dupont", "", ""],
            ["Martin", "A2", "6,00"],
            ["Petit", "A3", "7,00"],
        ],
        [
            ["Nom", "Téléphone", "E-mail"],
            ["Dupont", "0612345678", ""],
            ["Martin", "", ""],
            ["Petit", "", "p@example.com"],
        ],
    ],
)
def test_a_row_that_lacks_something_is_no_heading(rows: Table) -> None:
    layout, read, _ = open_table(rows)

    assert layout.group is None
    assert [list(row.cells) for row in read] == [list(row) for row in rows[1:]]


def test_the_first_customer_of_thousands_of_lines_is_a_heading_as_well() -> None:
    lines = [
        [f"{1 + at % 28:02}/09/2026", "Invoice", f"{at}", "10/10/2026", "5.00", "5.00"] for at in range(900)
    ]

    _, read, _ = open_table([*ONLINE[:3], *lines, *ONLINE[4:]])

    assert [row.cells[-2] for row in read] == ["Cole Hart"] * 900 + ["Dana Kim"] * 2


def test_refused_lines_are_written_with_their_customer_and_read_again() -> None:
    layout, read, _ = open_table(SAGE)
    lines = [[column.header for column in layout.columns], *(list(row.cells) for row in read)]

    again, rows, _ = open_table([[str(cell) for cell in line] for line in lines])

    assert [column.heading for column in again.columns] == ["", "", "", "", "name", "code"]
    assert again.signature == layout.signature
    assert [list(row.cells) for row in rows] == [list(row.cells) for row in read]
