"""Cells of columns as files have them: what each becomes in the body, and what is said of one that cannot be read."""

from datetime import date
from typing import Any

import pytest

from getbill import mapping
from mapping.proposal import read

FILE = "Facture | Nom | Solde | Échéance"


def body(header: str, *rows: str, **company: str) -> dict[str, Any]:
    """Return the body of the last row."""
    file = read(header, *rows, **company)
    assert file.asked() == [], file.mapping.questions
    return file.bodies()[-1]


@pytest.mark.parametrize("cell", ["n/a", "-", ""])
def test_a_due_date_that_says_there_is_none_is_none(cell: str) -> None:
    file = read(
        FILE,
        "F-1 | Ann Bo | 12,50 | 14/10/2026",
        "F-3 | Léa Roy | 9,50 | 31/10/2026",
        f"F-2 | Jo Ka | 8,00 | {cell}",
    )

    assert [row.get("due_date") for row in file.bodies()] == ["2026-10-14", "2026-10-31", None]
    assert file.findings() == [[], [], []]


@pytest.mark.parametrize(
    ("cell", "birthdate", "codes"),
    [
        ("03/02/1980", "1980-02-03", []),
        ("", None, []),
        ("n/a", None, []),
        # It is left out: nobody is refused for a birthday that cannot be read.
        ("31/02/1980", None, ["date_impossible"]),
    ],
)
def test_a_birthdate_that_cannot_be_read_is_left_out_with_a_warning(
    cell: str, birthdate: str | None, codes: list[str]
) -> None:
    file = read(
        "Facture | Nom | Date de naissance | Solde",
        "F-1 | Ann Bo | 25/12/1970 | 12,50",
        "F-3 | Léa Roy | 24/11/1971 | 9,50",
        f"F-2 | Jo Ka | {cell} | 8,00",
    )

    findings = file.findings()[-1]
    assert file.bodies()[-1]["debtor"].get("birthdate") == birthdate
    assert [finding.code for finding in findings] == codes
    assert all(finding.is_warning for finding in findings)


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("75001 Paris", {"postal_code": "75001", "city": "Paris", "country": "FR"}),
        ("Paris 75001", {"postal_code": "75001", "city": "Paris", "country": "FR"}),
        ("Paris", {"city": "Paris", "country": "FR"}),
        ("", None),
    ],
)
def test_a_postal_code_stands_before_or_behind_its_city(cell: str, address: dict[str, str] | None) -> None:
    file = read(
        "Facture | Nom | Solde | CP Ville",
        "F-1 | Ann Bo | 12,50 | 69003 Lyon",
        "F-3 | Léa Roy | 9,50 | 13001 Marseille",
        f"F-2 | Jo Ka | 8,00 | {cell}",
    )

    assert file.fields()[-1] == "postal_city"
    assert file.bodies()[-1]["debtor"].get("address") == address


def test_a_country_behind_a_comma_is_the_addresss() -> None:
    file = read(
        "Facture | Nom | Solde | Adresse complète",
        "F-1 | Ann Bo | 12,50 | 12 rue des Lilas, 75002 Paris, France",
        "F-2 | Jo Ka | 8,00 | 3 rue Haute, 1000 Bruxelles, Belgique",
    )

    assert [row["debtor"]["address"] for row in file.bodies()] == [
        {
            "street_number": "12",
            "street_address": "rue des Lilas",
            "postal_code": "75002",
            "city": "Paris",
            "country": "FR",
        },
        {
            "street_number": "3",
            "street_address": "rue Haute",
            "postal_code": "1000",
            "city": "Bruxelles",
            "country": "BE",
        },
    ]


@pytest.mark.parametrize(
    ("cell", "country", "codes"),
    # Of a country that nobody knows none is assumed.
    [("Belgique", "BE", []), ("n/a", "FR", []), ("", "FR", []), ("Atlantide", None, ["country_unknown"])],
)
def test_a_country_that_is_not_named_is_not_unknown(cell: str, country: str | None, codes: list[str]) -> None:
    file = read(
        "Facture | Nom | Solde | Ville | Pays",
        "F-1 | Ann Bo | 12,50 | Lyon | France",
        "F-3 | Léa Roy | 9,50 | Nice | France",
        f"F-2 | Jo Ka | 8,00 | Tours | {cell}",
    )

    address = file.bodies()[-1]["debtor"]["address"]
    assert (address["city"], address.get("country")) == ("Tours", country)
    assert [finding.code for finding in file.findings()[-1]] == codes


@pytest.mark.parametrize(
    ("cell", "iban"),
    [
        ("FR76 3000 6000 0112 3456 7890 189", "FR7630006000011234567890189"),
        ("IBAN FR7630006000011234567890189", "FR7630006000011234567890189"),
        ("", None),
    ],
)
def test_an_iban_is_written_without_its_spaces(cell: str, iban: str | None) -> None:
    file = read(
        "Facture | Nom | Solde | Creditor IBAN",
        "F-1 | Ann Bo | 12,50 | FR7630006000011234567890189",
        f"F-2 | Jo Ka | 8,00 | {cell}",
    )

    assert file.fields()[-1] == "iban"
    assert file.bodies()[-1].get("iban") == iban


def test_whose_account_it_is_is_asked_where_each_row_has_another() -> None:
    file = read(
        "Facture | Nom | Solde | Creditor IBAN",
        "F-1 | Ann Bo | 12,50 | FR7630006000011234567890189",
        "F-2 | Jo Ka | 8,00 | DE89370400440532013000",
    )

    (question,) = file.mapping.questions
    assert (question.code, question.columns, question.facts) == (
        "iban_whose",
        (3,),
        {"header": "Creditor IBAN", "distinct": 2},
    )


@pytest.mark.parametrize(
    ("cell", "debtor"),
    [
        ("Jean DUPONT", {"name": "Jean DUPONT", "first_name": "Jean", "last_name": "DUPONT"}),
        ("Jean DE LA TOUR", {"name": "Jean DE LA TOUR", "first_name": "Jean", "last_name": "DE LA TOUR"}),
        # Where the last name begins, nobody can tell.
        ("Jean DUPONT van LEER", {"name": "Jean DUPONT van LEER"}),
        (
            "Mme Ann DUPONT",
            {"civility": "Ms", "name": "Ann DUPONT", "first_name": "Ann", "last_name": "DUPONT"},
        ),
    ],
)
def test_a_name_is_split_where_capitals_show_how(cell: str, debtor: dict[str, str]) -> None:
    assert (
        body("Facture | Client | Solde", "F-1 | Ann BO | 12,50", f"F-2 | {cell} | 8,00")["debtor"] == debtor
    )


@pytest.mark.parametrize(
    ("cell", "phone"),
    [
        ("3331234567", "+393331234567"),
        ("393331234567", "+393331234567"),
        ("0612345678", "+390612345678"),
        ("612345678", "+390612345678"),
    ],
)
def test_an_italian_number_keeps_its_zero_and_its_country(cell: str, phone: str) -> None:
    row = body(
        "Fattura | Cliente | Importo dovuto | Telefono",
        "F-1 | Anna Bo | 12,50 | +393331234568",
        f"F-2 | Gino Ka | 8,00 | {cell}",
        country="IT",
    )

    assert row["debtor"]["phone"] == phone


TYPED = [
    (True, True),
    (3, 3),
    (2.5, 2.5),
    (date(2026, 1, 2), "2026-01-02"),
    (None, None),
    (" ", None),
    (" a ", "a"),
]


@pytest.mark.parametrize(("cell", "value"), TYPED)
def test_a_cell_that_a_person_keeps_as_metadata_keeps_its_type(cell: Any, value: Any) -> None:
    file = read("Facture | Nom | Solde | Dossier", "F-1 | Ann Bo | 12,50 | a", "F-2 | Jo Ka | 8,00 | b")
    chosen = mapping.apply_changes(file.mapping, {"columns": {"Dossier": "metadata"}}, file.profile)
    first = file.rows[0]

    composed, findings = mapping.compose(chosen, file.profile).compose(
        first._replace(cells=[*first.cells[:3], cell])
    )

    assert composed.get("metadata", {}).get("Dossier") == value
    assert findings == []


def test_a_row_with_more_cells_than_the_header_is_refused_as_a_whole() -> None:
    file = read(
        FILE,
        "F-1 | Ann Bo | 12,50 | 14/10/2026",
        "F-2 | Jo | Ka | 8,00 | 14/10/2026",
        "F-3 | Léa | 9,50 | 31/10/2026",
    )

    assert [[finding.code for finding in findings] for findings in file.findings()] == [
        [],
        ["cells_slid"],
        [],
    ]
    assert file.bodies()[1] == {}
