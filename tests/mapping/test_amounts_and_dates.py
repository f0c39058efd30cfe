"""Amounts, currencies and dates of a file: what is certain from other columns, and what is asked."""

from typing import Any

import pytest

from getbill import mapping
from mapping.proposal import Read, read


def question(file: Read) -> mapping.Question:
    (only,) = file.mapping.questions
    return only


def test_headers_with_two_currencies_are_asked_about() -> None:
    file = read(
        "Facture | Nom | Montant facturé USD | Reste dû EUR",
        "F-1 | Ann Bo | 100,00 | 80,00",
        "F-2 | Jo Ka | 50,00 | 50,00",
    )

    asked = question(file)
    assert (asked.code, set(asked.options)) == ("currencies_differ", {"USD", "EUR"})
    assert asked.facts == {"headers": ["Montant facturé USD", "Reste dû EUR"]}


def test_a_sign_that_several_currencies_share_is_the_companys_where_it_is_one_of_them() -> None:
    rows = ("F-1 | Ann Bo | 100,00 | $", "F-2 | Jo Ka | 50,00 | $")

    canadian = read("Facture | Nom | Reste dû | Devise", *rows, currency="CAD")
    french = read("Facture | Nom | Reste dû | Devise", *rows)

    assert canadian.asked() == []
    assert [row["currency"] for row in canadian.bodies()] == ["CAD", "CAD"]
    asked = question(french)
    assert (asked.code, asked.columns, asked.facts) == (
        "currency_sign",
        (3,),
        {"sign": "$", "header": "Devise"},
    )
    assert {"USD", "CAD"} <= set(asked.options)
    assert "EUR" not in asked.options


def test_a_currency_that_only_the_title_names_is_asked() -> None:
    file = Read(
        [],
        [
            ["Open items in GBP", "", ""],
            ["", "", ""],
            ["Invoice", "Customer", "Amount due"],
            *([f"F-{n}", f"Ann Bo {n}", f"{n + 10}.50"] for n in range(4)),
        ],
        "FR",
        "EUR",
    )

    asked = question(file)
    assert (asked.code, asked.options, asked.facts) == (
        "currency_unstated",
        ("GBP", "EUR"),
        {"currencies": ["GBP"]},
    )


def test_amounts_in_another_currency_than_before_are_asked_before_they_are_imported() -> None:
    header = "Facture | Nom | Reste dû"
    before = read(header, "F-1 | Ann Bo | 100,00", "F-2 | Jo Ka | 50,00")

    now = read(header, "F-3 | Ann Bo | £100,00", "F-4 | Jo Ka | £50,00")
    recalled = mapping.recall(before.mapping, now.layout, now.profile, "EUR")

    (asked,) = recalled.questions
    assert (asked.code, asked.options) == ("currency_changed", ("EUR", "GBP"))
    assert asked.facts == {"before": "EUR", "now": "GBP"}


@pytest.mark.parametrize(
    ("due", "codes", "days"),
    [
        # Nothing is due before it is invoiced: only one order of day and month is left.
        (["04/07/2026", "05/08/2026", "06/09/2026"] * 2, [], ["2026-07-04", "2026-08-05", "2026-09-06"] * 2),
        ([""] * 6, ["date_order"], None),
    ],
)
def test_days_and_months_are_told_apart_by_the_other_dates(
    due: list[str], codes: list[str], days: list[str] | None
) -> None:
    invoiced = ["05/06/2026", "06/07/2026", "07/08/2026"] * 2
    rows = [f"F-{n} | Ann Bo {n} | {n + 1}2,50 | {invoiced[n]} | {due[n]}" for n in range(6)]

    file = read("Facture | Nom | Solde | Date facture | Échéance", *rows)

    assert sorted({asked.code for asked in file.mapping.questions}) == codes
    if days:
        assert [row["due_date"] for row in file.bodies()] == days


def test_dates_of_two_orders_in_one_column_are_asked() -> None:
    days = ["25/02/2026", "02/26/2026", "05/03/2026", "03/27/2026"]

    file = read(
        "Facture | Nom | Solde | Échéance",
        *(f"F-{n} | Ann Bo {n} | {n}2,50 | {day}" for n, day in enumerate(days)),
    )

    asked = question(file)
    assert (asked.code, asked.columns) == ("date_order", (3,))


def test_a_row_of_text_that_says_the_unit_of_all_amounts_is_asked_about() -> None:
    file = read(
        "Facture | Nom | Solde | Note",
        "F-1 | Ann Bo | 12 | Montants en milliers d'euros",
        "F-2 | Jo Ka | 15 | rappelé deux fois",
        "F-3 | Léa Roy | 25 | ",
    )

    asked = question(file)
    assert (asked.code, asked.columns, asked.options) == ("amount_unit", (2,), ("thousands", ""))
    assert asked.facts["title"] == "Montants en milliers d'euros"


@pytest.mark.parametrize(
    "rows",
    [
        # 1.500 is one thousand five hundred: 1.200,00 and 300,00.
        ["1.200,00 | 300,00 | 1.500", "2.000,00 | 250,00 | 2.250", "1.100,00 | 325,00 | 1.425"],
        # Columns that never stand in one row add up to nothing; their decimal mark is the file's.
        ["1.200,50 |  | 1.500", " | 250,50 | 2.250", "1.100,50 |  | 1.425"],
    ],
    ids=["a sum", "one notation"],
)
def test_an_amount_that_can_be_read_twice_is_read_as_the_columns_beside_it(rows: list[str]) -> None:
    file = read(
        "Facture | Nom | Hors taxe | TVA | Reste dû",
        *(f"F-{number} | Ann Bo {number} | {cells}" for number, cells in enumerate(rows)),
    )

    assert file.asked() == []
    assert [str(row["amount"]) for row in file.bodies()] == ["1500", "2250", "1425"]


def test_statuses_that_an_earlier_version_saved_as_not_owed_are_read() -> None:
    file = read(
        "Facture | Nom | Solde | Statut", "F-1 | Ann Bo | 12,50 | Payée", "F-2 | Jo Ka | 8,00 | Ouverte"
    )
    stored: dict[str, Any] = file.mapping.to_json()
    del stored["row_status"]
    stored["not_owed"] = {"3": {"Payée": "settled", "Avoir": "credit", "Annulée": "excluded"}}

    read_again = mapping.Mapping.from_json(stored)

    assert read_again.row_status == {3: {"Payée": "paid", "Avoir": "credit", "Annulée": "excluded"}}
