"""Columns of cells as exports write them: the bodies they make, or the one thing that is asked."""

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from getbill import mapping, sheets
from mapping.proposal import read

PLAIN = "Facture | Client | Solde | Échéance"
DUE = "2026-10-14"


def column(*cells: str, header: str = "Solde", currency: str = "EUR") -> Any:
    """Return a file whose amounts are these cells."""
    rows = [f"F{line} | Ann Bo | {cell} | {DUE}" for line, cell in enumerate(cells)]
    return read(f"Facture | Client | {header} | Échéance", *rows, currency=currency)


def dated(*cells: str) -> Any:
    """Return a file whose dates due are these cells."""
    return read(PLAIN, *(f"F{line} | Ann Bo | 12,50 | {cell}" for line, cell in enumerate(cells)))


def workbook(
    *rows: list[Any], is_1904: bool = False
) -> tuple[mapping.Mapping, sheets.Profile, list[sheets.Row]]:
    """Return the mapping of a workbook with the plain header."""
    book = openpyxl.Workbook()
    if is_1904:
        book.epoch = CALENDAR_MAC_1904
    page = book.active
    assert page is not None
    for row in [[name.strip() for name in PLAIN.split("|")], *rows]:
        page.append(row)
    file = io.BytesIO()
    book.save(file)
    with sheets.open(file, "debts.xlsx") as sheet:
        profile = sheets.profile(sheet)
        result = mapping.propose(sheet.layout, profile, company_country="FR", company_currency="EUR")
        return result, profile, list(sheet.rows())


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (["5,000.00 Cr", "7,000.00 Dr"], ["-5000.00", "7000.00"]),
        (["120,00 H", "5.000,00 S", "8,00 S"], ["-120.00", "5000.00", "8.00"]),
        (["$1,18,000.00", "$99,500.00"], ["118000.00", "99500.00"]),
        (["12,500", "1,18,000.00", "900.00"], ["12500", "118000.00", "900.00"]),
        (["10,5 k€", "2 k€"], ["10500", "2000"]),
        (["120,50 Fr.", "80,00 Fr."], ["120.50", "80.00"]),
        (["120.—", "1'080.—"], ["120", "1080"]),
        (["₹1,18,000.00", "₹8,000.00"], ["118000.00", "8000.00"]),
        (["'1200.50", "'80.00"], ["1200.50", "80.00"]),
        (['="1200.50"', '="80.00"'], ["1200.50", "80.00"]),
        (["80.10000000000001", "12.5"], ["80.10", "12.5"]),
        (["$(75.00)", "-$80.00", "83.00-$", "USD (84.00)", "$90", "$91"], ["-75", "-80", "-83", "-84", "90", "91"]),
    ],
)  # fmt: skip
def test_amounts_are_read_with_their_signs_and_sizes(cells: list[str], amounts: list[str]) -> None:
    result = column(*cells, currency="USD" if "$" in cells[0] else "EUR")

    assert [body.get("amount") for body in result.bodies()] == [Decimal(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        (["120,00 H", "5,00", "8,00"], {0: "sign_unclear"}),
        (["12.50", "3.20", "1.200"], {2: "number_ambiguous"}),
        (["3,00", "VRAI", "douze euros", "#N/A"], {1: "number_invalid", 2: "number_invalid", 3: "formula_error"}),
        (["3,00", "2 M", "5 %"], {1: "magnitude_unclear", 2: "number_invalid"}),
        (["3,00", "-(75)"], {1: "sign_unclear"}),
    ],
)  # fmt: skip
def test_a_cell_that_could_be_another_amount_is_refused(cells: list[str], wrong: dict[int, str]) -> None:
    result = column(*cells)

    codes = {at: item[0].code for at, item in enumerate(result.findings()) if item}
    assert codes == wrong
    assert all("amount" not in result.bodies()[at] for at in wrong)


@pytest.mark.parametrize(
    ("header", "cells", "questions"),
    [
        ("Solde (JPY)", ["12,500", "980,000"], []),
        ("Solde", ["12,500 ¥ JPY", "3,000 ¥ JPY"], []),
        ("Solde", ["12.500 Ft", "3.000 Ft"], []),
        ("Solde (XOF)", ["12.500", "3.000"], []),
        ("Solde (KWD)", ["12,500", "3,000"], ["number_format"]),
        ("Solde", ["12.500", "3.000"], ["number_format"]),
    ],
)
def test_a_mark_is_asked_only_where_the_currency_has_decimals(
    header: str, cells: list[str], questions: list[str]
) -> None:
    result = column(*cells, header=header)

    assert result.asked() == questions
    assert [int(body["amount"]) % 1000 for body in result.bodies()] == [500, 0][: len(cells)] or cells[
        0
    ] == "12,500"


@pytest.mark.parametrize(("other", "questions"), [("JPY", []), ("USD", ["number_format"])])
def test_the_column_of_currencies_settles_the_mark(other: str, questions: list[str]) -> None:
    result = read(f"{PLAIN} | Devise", f"F1 | A | 12,500 | {DUE} | JPY", f"F2 | B | 3,000 | {DUE} | {other}")

    assert result.asked() == questions


def test_columns_that_add_up_settle_the_mark() -> None:
    header = "Facture | Client | Montant TTC | Payé | Reste dû | Échéance"
    thousands = read(header, f"F1 | A | 12.500 | 500 | 12000 | {DUE}", f"F2 | B | 3.000 | 900 | 2100 | {DUE}")
    thirds = read(header, f"F1 | A | 12.500 | 0,50 | 12,00 | {DUE}", f"F2 | B | 3.000 | 1,00 | 2,00 | {DUE}")

    assert (thousands.asked(), thousands.mapping.numbers[2]) == ([], ",")
    assert (thirds.mapping.numbers[2], [str(body["amount"]) for body in thirds.bodies()]) == (
        ".",
        ["12.00", "2.00"],
    )


@pytest.mark.parametrize("paid", ["#N/A", "?", "inconnu", "n/a"])
def test_what_nobody_knows_of_payments_is_no_payment_of_nothing(paid: str) -> None:
    rows = [f"F1 | A | 12,50 | {paid} | {DUE}", f"F2 | B | 9,00 | - | {DUE}", f"F3 | B | 3,00 | 1,00 | {DUE}"]
    result = read("Facture | Client | Montant TTC | Payé | Échéance", *rows)

    assert [body.get("amount") for body in result.bodies()] == [None, Decimal("9.00"), Decimal("2.00")]
    assert len(result.findings()[0]) == 1


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["46309", "46310"], ["2026-10-14", "2026-10-15"]),
        (["46309.0", "46310,5"], ["2026-10-14", "2026-10-15"]),
        (["46309", "46310", "2026-10-16", "17/10/2026"], ["2026-10-14", "2026-10-15", "2026-10-16", "2026-10-17"]),
        (["'14/10/2026", "'05/10/2026"], ["2026-10-14", "2026-10-05"]),
        (['="14/10/2026"', '="05/10/2026"'], ["2026-10-14", "2026-10-05"]),
        (["14/10/26;", "\ufeff05/10/26"], ["2026-10-14", "2026-10-05"]),
        (["2026-10-13T22:00:00Z", "2026-11-14T23:00:00.000Z"], ["2026-10-14", "2026-11-15"]),
        (["2026-10-14T00:00:00Z", "2026-10-14T00:00:00+02:00"], ["2026-10-14", "2026-10-14"]),
        # Days and months without their zeros and in six digits are no days of a spreadsheet.
        (["51026", "151026", "71026"], [None, None, None]),
        (["51026", "61026", "71026"], [None, None, None]),
    ],
)  # fmt: skip
def test_dates_are_read_by_what_their_column_shows(cells: list[str], days: list[str | None]) -> None:
    result = dated(*cells)

    assert [body.get("due_date") for body in result.bodies()] == days
    assert result.asked() == []


@pytest.mark.parametrize("cell", ["1900-01-01", "01/01/1970", "1970-01-01T00:00:00Z"])
def test_what_programs_write_for_no_date_is_no_day_due(cell: str) -> None:
    result = dated(cell, "2026-10-14")

    assert [body.get("due_date") for body in result.bodies()] == [None, "2026-10-14"]
    assert [finding.code for finding in result.findings()[0]] == ["date_placeholder"]


def test_an_accounting_zero_is_nothing_paid() -> None:
    rows = [
        f"F{line} | A | 12,50 € | {paid} | {DUE}" for line, paid in enumerate(["- €", "2,50 €", "- €", "- €"])
    ]
    result = read("Facture | Client | Montant TTC | Payé | Échéance", *rows)

    assert result.fields()[2:4] == ["amount_invoiced", "amount_paid"]
    assert [str(body["amount"]) for body in result.bodies()] == ["12.50", "10.00", "12.50", "12.50"]


def test_an_instant_near_midnight_among_others_is_warned_of() -> None:
    result = dated("2026-10-13T22:00:00Z", "2026-11-14T09:03:11Z")

    assert [[item.code for item in row] for row in result.findings()] == [["day_before_midnight"], []]
    assert all(finding.is_warning for finding in result.findings()[0])


def test_numbers_are_dates_only_under_a_header_of_dates() -> None:
    result = read(
        "Facture | Client | Solde | Total HT", "46309 | A | 46310 | 46311", "46312 | B | 46313 | 46314"
    )

    assert result.fields()[2] == "amount"
    assert [str(body["amount"]) for body in result.bodies()] == ["46310", "46313"]


DATES = "Facture | Client | Solde | Date de facture | Échéance"


@pytest.mark.parametrize(
    ("rows", "questions", "due"),
    [
        # Under the other order half of the debts would be due before they were invoiced.
        (["02/01/2026 | 03/03/2026", "06/05/2026 | 07/02/2026", "11/02/2025 | 12/01/2025", "01/12/2026 | 02/11/2026",
          "02/10/2026 | 03/04/2026", "05/04/2026 | 06/03/2026"], [], "2026-07-02"),
        (["02/01/2026 | 03/02/2026", "06/02/2026 | 07/03/2026"], ["date_order", "date_order"], None),
    ],
)  # fmt: skip
def test_a_debt_is_not_due_before_its_invoice(rows: list[str], questions: list[str], due: str | None) -> None:
    dates = read(DATES, *(f"F{line} | A | 10,00 | {row}" for line, row in enumerate(rows)))

    assert dates.asked() == questions
    assert due is None or dates.bodies()[1]["due_date"] == due


@pytest.mark.parametrize(
    ("cells", "order", "is_certain"),
    [
        # Every month of several years on about the same day: either could be the year.
        (["18-01-25", "20-02-25", "22-02-25", "26-03-25"], "dmy", False),
        (["18-01-05", "19-02-05", "20-02-06", "26-03-05"], "dmy", False),
        (["26-01-02", "26-01-30", "25-12-31", "26-02-15"], "ymd", True),
    ],
)
def test_years_of_two_digits_are_asked_where_days_could_be_years(
    cells: list[str], order: str, is_certain: bool
) -> None:
    shape = dated(*cells).profile.column(3).date

    assert (shape.order, shape.is_certain) == (order, is_certain)


def test_dates_that_a_spreadsheet_turned_are_asked_and_turned_back() -> None:
    result, profile, rows = workbook(
        ["F1", "Ann Bo", 12.5, "14/10/2026"], ["F2", "Ann Bo", 9.0, date(2026, 5, 10)], ["F3", "Ann Bo", 1.0, "30/10/2026"]
    )  # fmt: skip
    assert [question.code for question in result.questions] == ["dates_turned"]
    assert result.questions[0].facts["swapped"] == "2026-10-05"

    days = {}
    for answer in result.questions[0].options:
        settlement = mapping.apply_changes(result, {"dates": {"3": answer}}, profile)
        assert settlement.is_certain
        days[answer] = [mapping.compose(settlement, profile).compose(row)[0]["due_date"] for row in rows]

    assert days == {
        "turned": ["2026-10-14", "2026-10-05", "2026-10-30"],
        "kept": ["2026-10-14", "2026-05-10", "2026-10-30"],
    }


@pytest.mark.parametrize(
    ("cells", "questions"),
    [
        # A French spreadsheet does to an American export what an English one does to a French.
        (["10/14/2026", date(2026, 12, 10), "10/30/2026"], ["dates_turned"]),
        # What a spreadsheet could have read, it would not have left as text.
        (["05/10/2026", date(2026, 12, 10), "06/10/2026"], ["date_order"]),
        (["14/10/2026", date(2026, 10, 15), "05/10/2026"], []),
        (["14 octobre 2026", date(2026, 10, 5)], []),
    ],
)
def test_typed_dates_beside_texts_are_asked_where_they_could_be_turned(
    cells: list[Any], questions: list[str]
) -> None:
    result, _, _ = workbook(*([f"F{line}", "Ann Bo", 12.5, cell] for line, cell in enumerate(cells)))

    assert [question.code for question in result.questions] == questions


def test_an_order_remembered_of_a_sender_does_not_answer_for_turned_dates() -> None:
    before = dated("14/10/2026", "05/10/2026")
    _, profile, _ = workbook(["F1", "Ann Bo", 12.5, "14/10/2026"], ["F2", "Ann Bo", 9.0, date(2026, 5, 10)])

    base = mapping.recall(before.mapping, before.layout, profile, "EUR")

    assert "dates_turned" in [question.code for question in base.questions]


at = datetime.fromisoformat


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        ([at("2026-10-13T22:00"), at("2026-11-13T23:00")], ["2026-10-14", "2026-11-14"]),
        ([at("2026-10-13T23:59"), at("2026-10-13T08:00")], ["2026-10-13", "2026-10-13"]),
        ([46309, 46310], ["2026-10-14", "2026-10-15"]),
        ([46309, at("2026-10-15T00:00")], ["2026-10-14", "2026-10-15"]),
        ([51026, 151026, 71026], [None, None, None]),
    ],
)
def test_typed_days_are_those_that_were_meant(cells: list[Any], days: list[str | None]) -> None:
    result, profile, rows = workbook(*([f"F{line}", "Ann Bo", 12.5, cell] for line, cell in enumerate(cells)))

    composer = mapping.compose(result, profile)
    assert [composer.compose(row)[0].get("due_date") for row in rows] == days


def test_a_bare_number_is_no_day_where_days_count_from_1904() -> None:
    result, profile, rows = workbook(
        ["F1", "Ann Bo", 12.5, date(2026, 10, 14)], ["F2", "Ann Bo", 9.0, 44847], is_1904=True
    )

    bodies = [mapping.compose(result, profile).compose(row)[0] for row in rows]

    assert [body.get("due_date") for body in bodies] == ["2026-10-14", None]


def test_digits_that_a_program_made_fractions_of_are_digits() -> None:
    header = "Facture | Client | Code client | Téléphone | Code postal | Ville | Solde | Échéance"
    result = read(
        header,
        f"10123.0 | Ann Bo | 4711.0 | 612345601.0 | 75001.0 | Paris | 100.0 | {DUE}",
        f"10124.0 | Bo Cy | 4712.0 | 33612345602.0 | 69002.0 | Lyon | 20.5 | {DUE}",
    )

    assert result.asked() == []
    first, second = result.bodies()
    assert (first["reference"], second["debtor"]["reference"]) == ("10123", "4712")
    assert [body["debtor"]["phone"] for body in (first, second)] == ["+33612345601", "+33612345602"]
    assert first["debtor"]["address"]["postal_code"] == "75001"
    assert [str(body["amount"]) for body in (first, second)] == ["100.0", "20.5"]


def test_digits_of_a_long_column_are_told_from_days_and_fractions() -> None:
    rows = [f"{line}.0 | Ann Bo | {line} | {DUE}" for line in range(70_000, 75_000)]

    result = read("Facture | Client | Solde | Échéance", *rows)

    assert [body["reference"] for body in result.bodies()][-1] == "74999"
    assert result.profile.column(0).kinds[sheets.CellKind.WHOLE_FLOAT] == 5_000


def test_versions_are_no_fractions_of_digits() -> None:
    result = read(PLAIN, f"1.0 | Ann Bo | 12,50 | {DUE}", f"1.1 | Ann Bo | 12,50 | {DUE}")

    settlement = mapping.apply_changes(result.mapping, {"columns": {"0": "reference"}}, result.profile)
    assert [body["reference"] for body in result.bodies(settlement)] == ["1.0", "1.1"]


@pytest.mark.parametrize("cell", ["3.36123e+10", "1,23457E+11", 1.2345678901234568e17])
def test_a_code_whose_digits_are_lost_is_refused(cell: Any) -> None:
    result, profile, rows = workbook([cell, "Ann Bo", 12.5, date(2026, 10, 14)])
    settlement = mapping.apply_changes(result, {"columns": {"0": "reference"}}, profile)

    body, wrong = mapping.compose(settlement, profile).compose(rows[0])

    assert "reference" not in body
    assert [item.code for item in wrong] == ["digits_lost"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("'00123", "00123"),
        ("\u201900123", "00123"),
        ('="00123"', "00123"),
        ("'INV-7", "INV-7"),
        ("INV-7;", "INV-7"),
        ("\ufeffINV-7\u200b", "INV-7"),
    ],
)
def test_what_a_spreadsheet_leaves_around_a_reference_is_no_part_of_it(cell: str, text: str) -> None:
    result = read(PLAIN, f"{cell} | 't Hart | 12,50 | {DUE}", f"B{cell} | 's-Gravenzande BV | 12,50 | {DUE}")
    settlement = mapping.apply_changes(result.mapping, {"columns": {"0": "reference"}}, result.profile)

    first, second = result.bodies(settlement)
    assert first["reference"] == text
    assert first["debtor"]["name"] == "'t Hart"
    assert second["debtor"]["company"] == "'s-Gravenzande BV"


def test_a_corrected_cell_keeps_its_currency() -> None:
    result = column("12,50", "3,00")
    composer = mapping.compose(result.mapping, result.profile)

    body, _ = composer.compose(sheets.Row(9, ["F9", "Ann Bo", "75 USD", DUE]))

    assert (str(body["amount"]), body["currency"]) == ("75", "USD")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("#N/A", "formula_error"),
        ("#REF!", "formula_error"),
        ("#DIV/0!", "formula_error"),
        ("#\u00bfNOMBRE?", "formula_error"),
        ("n/a", None),
        ("-", None),
        ("?", None),
    ],
)
def test_what_is_nobodys_name_names_nobody(name: str, code: str | None) -> None:
    result = read("Client | Facture | Montant", f"{name} | F1 | 12,50", "Nil Null | F2 | 80,00")

    assert [body.get("debtor", {}).get("name") for body in result.bodies()] == [None, "Nil Null"]
    assert [findings[0].code if findings else None for findings in result.findings()] == [code, None]


def test_a_currency_beside_an_amount_whose_header_names_another_is_told() -> None:
    result = read(
        "Client | Facture | Restant dû EUR | Devise", "A | F1 | 110,00 | USD", "B | F2 | 80,00 | EUR"
    )

    assert [[finding.code for finding in findings] for findings in result.findings()] == [
        ["currency_conflict"],
        [],
    ]


def test_a_number_with_its_sign_is_a_reference() -> None:
    result = read("Client | Facture | Montant", "Jean | #2214 | 12,50", "Ana | #NV001 | 80,00")

    assert [body["reference"] for body in result.bodies()] == ["#2214", "#NV001"]


@pytest.mark.parametrize(
    ("mark", "amounts"), [(".", ["1.200", "1.300", "1.400", "80.5"]), (",", ["1200", "1300", "1400", "80.5"])]
)
def test_one_decimal_among_many_that_may_be_thousands_is_asked(mark: str, amounts: list[str]) -> None:
    result = column("1.200", "1.300", "1.400", "80.5")

    assert result.asked() == ["number_format"]
    after = mapping.apply_changes(result.mapping, {"numbers": {"Solde": mark}}, result.profile)
    assert [body["amount"] for body in result.bodies(after)] == [Decimal(amount) for amount in amounts]
