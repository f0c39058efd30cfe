"""Columns that another column or the cells below decide: a second address, a local currency, days, households."""

import pytest

from mapping.proposal import read


@pytest.mark.parametrize("header", ["Anschrift 2", "Adresse complète 2", "Address 2"])
def test_a_second_address_is_the_rest_of_the_first(header: str) -> None:
    file = read(
        f"Facture | Nom | Solde | Adresse | {header} | CP | Ville",
        "F-1 | Ann Bo | 12,50 | 12 rue Haute | Bât. C | 69003 | Lyon",
        "F-2 | Jo Ka | 8,00 | 3 rue Basse |  | 75002 | Paris",
    )

    assert file.asked() == []
    assert file.fields()[3:5] == ["street_address", "address_extra"]
    assert [row["debtor"]["address"]["street_address"] for row in file.bodies()] == [
        "12 rue Haute, Bât. C",
        "3 rue Basse",
    ]


@pytest.mark.parametrize(
    ("cells", "field"), [(["12,50", "8,25"], "amount"), (["30", "45"], None)], ids=["fractions", "whole"]
)
def test_a_balance_to_the_day_is_no_number_of_days(cells: list[str], field: str | None) -> None:
    file = read(
        "Facture | Nom | Solde jours", *(f"F-{n} | Ann Bo {n} | {cell}" for n, cell in enumerate(cells))
    )

    assert file.fields()[2] == field
    assert file.asked() == ([] if field else ["missing_amount"])


SAME = [f"F-{number} | Ann Bo {number} | {number}2.50 | {number}2.50 | " for number in range(1, 5)]
OTHER = [f"F-{number} | Ann Bo {number} | {number}2.50 | {number}3.50 | " for number in range(1, 5)]
FOREIGN = "F-9 | Jo Ka | 100.00 | 92.10 | USD"


def test_the_amount_in_the_rows_currency_is_taken_before_the_same_in_the_companys() -> None:
    header = "Invoice | Customer | Remaining amount | Remaining amount (LCY) | Currency code"

    file, differing = read(header, *SAME, FOREIGN), read(header, *OTHER, FOREIGN)

    assert file.asked() == []
    assert file.fields()[2:] == ["amount", None, "currency"]
    assert [(str(row["amount"]), row["currency"]) for row in file.bodies()[-2:]] == [
        ("42.50", "EUR"),
        ("100.00", "USD"),
    ]
    assert differing.asked() == ["which_amount"]


def test_an_amount_in_local_currency_beside_a_foreign_one_is_asked() -> None:
    rows = ("F-1 | Ann Bo | 12.50 | EUR", "F-2 | Jo Ka | 8.25 | EUR")

    local = read("Invoice | Customer | Amount in local currency | Local currency", *rows)
    foreign = read("Invoice | Customer | Amount in local currency | Currency", *rows)

    assert (local.asked(), local.fields()[2]) == ([], "amount")
    assert foreign.asked() == ["which_field"]


def test_a_household_keeps_its_word_and_one_without_a_name_has_none() -> None:
    file = read(
        "Rechnung | Anrede | Nachname | Vorname | Betrag offen",
        "R-1 | Familie | Bergmann |  | 12,50",
        "R-2 | Familie |  |  | 8,00",
        "R-3 | Herr | Klein | Jo | 9,00",
        country="DE",
    )

    assert file.asked() == []
    assert [row.get("debtor", {}).get("last_name") for row in file.bodies()] == [
        "Familie Bergmann",
        None,
        "Klein",
    ]


def test_a_date_of_a_dispute_excludes_its_row() -> None:
    file = read(
        "Facture | Nom | Solde | Date litige",
        "F-1 | Ann Bo | 12,50 | 14/10/2026",
        "F-2 | Jo Ka | 8,00 | ",
        "F-3 | Lo Ka | 9,00 | ",
    )

    assert file.asked() == []
    assert [[finding.code for finding in findings] for findings in file.findings()] == [
        ["row_is_excluded"],
        [],
        [],
    ]


def test_a_flag_of_yes_and_no_says_nothing_of_what_is_owed() -> None:
    file = read(
        "Facture | Nom | Solde | Flag",
        "F-1 | Ann Bo | 12,50 | yes",
        "F-2 | Jo Ka | 8,00 | no",
        "F-3 | Lo Ka | 9,00 | no",
    )

    assert (file.asked(), file.mapping.row_status) == ([], {})


def test_one_remark_among_blanks_is_no_mark() -> None:
    file = read(
        "Facture | Nom | Solde | Divers",
        "F-1 | Ann Bo | 12,50 | très urgent demain",
        "F-2 | Jo Ka | 8,00 | ",
        "F-3 | Lo Ka | 9,00 | ",
    )

    assert (file.asked(), file.mapping.row_status) == ([], {})


def test_a_postal_code_of_four_digits_is_the_neighbours_where_the_phone_is() -> None:
    file = read(
        "Facture | Nom | Solde | CP | Ville | Téléphone",
        "F-1 | Ann Bo | 12,50 | 1000 | Bruxelles | +32475123456",
        "F-3 | Léa Roy | 9,50 | 75001 | Paris | 0612345678",
    )

    assert [row["debtor"]["address"] for row in file.bodies()] == [
        {"postal_code": "1000", "city": "Bruxelles", "country": "BE"},
        {"postal_code": "75001", "city": "Paris", "country": "FR"},
    ]
    assert [row["debtor"]["phone"] for row in file.bodies()] == ["+32475123456", "+33612345678"]


def test_an_address_in_place_of_a_reference_is_no_reference() -> None:
    file = read(
        "Référence | N° facture | Nom | Solde",
        "ann@example.com | F-1 | Ann Bo | 12,50",
        "jo@example.com | F-2 | Jo Ka | 8,00",
    )

    assert file.fields()[:2] == [None, "invoice_reference"]
    assert [row["reference"] for row in file.bodies()] == ["F-1", "F-2"]
