"""What columns of real exports are taken for: units, balances, companies and contacts, days, cases and states of other things."""

from decimal import Decimal

import pytest

from getbill import mapping
from mapping.proposal import Read, read


def read_amounts(header: str, *rows: str, country: str = "FR", currency: str = "EUR") -> Read:
    """Return a file whose mapping asks nothing."""
    result = read(header, *rows, country=country, currency=currency)
    result.mapping = mapping.check_repeats(result.mapping, result.profile, lambda: result.rows)
    assert result.asked() == [], result.mapping.questions
    return result


@pytest.mark.parametrize(
    ("header", "cells", "country", "amounts"),
    [
        ("Restant dû (k€)", ("1,5", "12"), "FR", ("1500", "12000")),
        ("Solde dû (en milliers d'euros)", ("1,5", "12"), "FR", ("1500", "12000")),
        ("Offener Betrag TEUR", ("1,5", "12"), "DE", ("1500", "12000")),
        ("Offener Betrag (TCHF)", ("1.5", "12"), "CH", ("1500", "12000")),
        ("Amount due ($000s)", ("1.5", "12"), "US", ("1500", "12000")),
        ("Amount due (kAUD)", ("1.5", "12"), "US", ("1500", "12000")),
        ("Amount due M AUD", ("0.0015", "0.012"), "US", ("1500", "12000")),
        ("Balance due (cents)", ("150", "1200"), "US", ("1.50", "12")),
    ],
)
def test_the_unit_of_a_header_scales_its_amounts(
    header: str, cells: tuple[str, str], country: str, amounts: tuple[str, str]
) -> None:
    currency = {"US": "USD", "CH": "CHF"}.get(country, "EUR")
    rows = [f"F{line} | Ann Bo | {cell} | 2026-10-2{line}" for line, cell in enumerate(cells)]

    result = read_amounts(
        f"Invoice number | Customer name | {header} | Due date", *rows, country=country, currency=currency
    )

    assert [body["amount"] for body in result.bodies()] == [Decimal(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("header", "rows", "amounts"),
    [
        # Rents called and received, with the balance of each tenant.
        (
            "Réf. locataire | Nom | Échéance | Quittancé | Encaissé | Solde débiteur | Solde créditeur | N° quittance",
            (
                "L1 | Ann Bo | 31/10/2026 | 2.940,00 | 2.205,00 | 735,00 | | A1",
                "L2 | Léa Roy | 31/10/2026 | 3.360,00 | 1.120,00 | 2.240,00 | | A2",
            ),
            ("735.00", "2240.00"),
        ),
        # What is to be paid in all, and what is left of it.
        (
            "N° facture | Client | Échéance | Total TTC | Net à payer | Encaissé | Reste à encaisser",
            (
                "F1 | Ann Bo | 31/10/2026 | 18600,00 | 17670,00 | 10000,00 | 7670,00",
                "F2 | Léa Roy | 31/10/2026 | 2400,00 | 2400,00 | 0,00 | 2400,00",
                "F3 | Luc Bo | 31/10/2026 | 3745,50 | 3745,50 | 1500,00 | 2245,50",
            ),
            ("7670.00", "2400.00", "2245.50"),
        ),
        (
            "Document Number | Customer Name | Due Date | Original Trx Amount | Current Trx Amount",
            ("S1 | Ann Bo | 2026-10-31 | 2315.00 | 1315.00", "S2 | Léa Roy | 2026-10-31 | 75.00 | 75.00"),
            ("1315.00", "75.00"),
        ),
    ],
)  # fmt: skip
def test_what_is_left_is_the_amount(header: str, rows: tuple[str, ...], amounts: tuple[str, ...]) -> None:
    result = read_amounts(header, *rows)

    assert [body["amount"] for body in result.bodies()] == [Decimal(amount) for amount in amounts]


@pytest.mark.parametrize(
    ("header", "row", "field"),
    [
        ("Invoice no | Name | Amount due | Due date | Move-in", "F{} | Ann Bo | 10.50 | 2026-10-31 | 2023-04-1{}", None),
        ("Facture | Société | Contact | Reste dû | Intitulé", "F{} | Cabinet Orsel {} | Ann Bo | 10,50 | Entretien", "object"),
        ("Faktura | Kund | Belopp | Förfallodatum | Sted", "F{} | Ann Bo | 10,50 | 2026-10-31 | Bergen", "city"),
        ("Belegnr. | Debitorenname | Offen | Fälligkeitsdatum | Buchungsdatum", "F{} | Ann Bo | 10,50 | 31.10.2026 | 0{}.10.2026", "invoice_date"),
        ("Invoice no | Name | Amount due | Due date | Amount refunded", "F{} | Ann Bo | 10.50 | 2026-10-31 | 0.{}0", None),
        ("Invoice no | Name | Amount due | Due date | Fulfillment Status", "F{} | Ann Bo | 10.50 | 2026-10-31 | fulfilled", None),
        ("Invoice no | Name | Amount due | Due date | Tenant Status", "F{} | Ann Bo | 10.50 | 2026-10-31 | Notice", None),
        ("Rechnungsnummer | Kunde | Netto | Brutto | USt.", "F{} | Ann Bo | 100,00 | 119,00 | 19,00", None),
    ],
)  # fmt: skip
def test_a_column_is_what_its_header_says_or_nothing(header: str, row: str, field: str | None) -> None:
    result = read(header, *(row.format(line, line) for line in range(1, 7)))

    assert result.fields()[-1] == field
    assert not {len(result.fields()) - 1} & {
        index for question in result.mapping.questions for index in question.columns
    }


def test_a_case_of_several_invoices_does_not_identify_them() -> None:
    rows = (
        "M-1 Estate | 5110 | Ann Bo | 2,000.00 | 2026-09-30",
        "M-1 Estate | 5162 | Ann Bo | 615.00 | 2026-11-28",
    )

    result = read_amounts(
        "Matter | Invoice | Client | Balance | Due Date", *rows, country="US", currency="USD"
    )

    assert [body["reference"] for body in result.bodies()] == ["5110", "5162"]


def test_a_customers_name_and_contact_in_one_row_are_the_company_and_its_contact() -> None:
    rows = (
        "F1 | Silva & Filhos, Lda. | Rui Silva | 10,50",
        "F2 | | Ana Paz | 11,50",
        "F3 | Cedar Hollow HOA | | 12,50",
    )

    result = read_amounts("Facture | Société | Contact | Reste dû", *rows)

    names = [body["debtor"] for body in result.bodies()]
    assert [name.get("company") for name in names] == ["Silva & Filhos, Lda.", None, "Cedar Hollow HOA"]
    assert names[1]["name"] == "Ana Paz"


@pytest.mark.parametrize(
    ("header", "rows", "debts"),
    [
        # A marked line is settled; a line whose credit is open is not taken for a debit.
        (
            "Compte | Pièce | Nom | Débit | Crédit | Lettrage",
            ("411001 | F1 | Ann Bo | 100,00 | | ", "411001 | F2 | Ann Bo | 50,00 | | A", "411001 | R2 | Ann Bo | | 50,00 | A"),
            ["F1"],
        ),
        (
            "N° facture | Client | Montant dû | Cumul",
            ("F1 | Ann Bo | 100,00 | 100,00", "F2 | Ann Bo | 50,00 | 150,00", "F3 | Léa Roy | 25,00 | 25,00"),
            ["F1", "F2", "F3"],
        ),
    ],
)  # fmt: skip
def test_ledgers_and_running_balances_hold_each_line_once(
    header: str, rows: tuple[str, ...], debts: list[str]
) -> None:
    result = read_amounts(header, *rows)

    refused = [any(not finding.is_warning for finding in findings) for findings in result.findings()]
    kept = [
        body
        for body, is_refused in zip(result.bodies(), refused, strict=True)
        if not is_refused and body.get("amount")
    ]
    assert [body["reference"] for body in kept] == debts
    assert [body["amount"] for body in kept][-1] == Decimal("25.00" if len(debts) == 3 else "100.00")


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Rechnungsnr. | Patient | Rechnungsempfänger | Offen | Fällig am", "R{0} | Jule {1} Sörensen | Hauke Sörensen | 1{0},50 | 31.10.2026", "Hauke Sörensen"),
        ("N° facture | Enfant | Responsable | Solde dû | Échéance", "F{0} | Nina {1} Roux | Maud Roux | 1{0},50 | 31/10/2026", "Maud Roux"),
        ("Factuurnummer | Voornaam | Tussenvoegsel | Achternaam | Openstaand", "F{0} | Joost | van der | Meer | 1{0},50", "Joost van der Meer"),
        ("Rechnungsnr. | Anrede | Name | Offen | Fällig am", "R{0} | Familie | Böhme | 1{0},50 | 31.10.2026", "Familie Böhme"),
        ("Num | Customer | Open Balance | Due Date", "10{0} | Sandoval, Ruben:Kitchen remodel | 1{0}.50 | 2026-10-31", "Sandoval, Ruben"),
    ],
)  # fmt: skip
def test_the_debtor_is_who_pays_by_the_whole_name(header: str, row: str, name: str) -> None:
    result = read_amounts(header, *(row.format(line, "ABCD"[line - 1]) for line in range(1, 5)))

    debtors = [body["debtor"] for body in result.bodies()]
    names = {debtor.get("name") or f"{debtor.get('first_name')} {debtor['last_name']}" for debtor in debtors}
    assert names == {name}


def test_a_balance_of_credits_less_debits_is_owed_below_zero() -> None:
    rows = ("1 | Ann Bo | 2418,60 | 1612,40 | -806,20", "2 | Léa Roy | 2070,00 | 2200,00 | 130,00")

    result = read("Compte | Copropriétaire | Débit | Crédit | Balance", *rows)

    assert [body["amount"] for body in result.bodies()] == [Decimal("806.20"), Decimal("-130.00")]


def test_a_balance_whose_side_stands_beside_it_is_a_running_one() -> None:
    header = "Konto | Name | Rechnungs-Nr. | Fälligkeit | Betrag Soll | Betrag Haben | Saldo | S/H"
    rows = (
        "1 | Ann Bo | R1 | 31.10.2026 | 1785,00 | | 1785,00 | S",
        "1 | Ann Bo | R2 | 31.10.2026 | 416,50 | | 2201,50 | S",
        "2 | Léa Roy | | 31.10.2026 | | 80,00 | 80,00 | H",
    )

    result = read(header, *rows)

    assert result.fields()[6] != "amount"


def test_values_that_stand_only_where_nothing_is_owed_need_no_answer() -> None:
    header = "Facture | Client | Restant dû | Type | Sens"
    rows = [f"F{line} | Ann Bo {line} | 1{line},50 | QX | D" for line in range(4)]
    credit = "N9 | Ann Bo 1 | 9,00 | NZ | C"

    result = read_amounts(header, *rows, credit)
    doubtful = read(header, *rows, credit, "F8 | Léa Roy | 8,00 | RW | D")

    assert [any(not finding.is_warning for finding in findings) for findings in result.findings()] == [
        False
    ] * 4 + [True]
    assert doubtful.asked() == ["row_status"]


@pytest.mark.parametrize("header", ["Zustand", "Bearbeiter", "Kategorie"])
def test_known_states_are_read_below_any_header(header: str) -> None:
    states = ("überfällig", "bezahlt", "storniert", "gesendet")
    rows = [f"R{line} | Ann Bo {line} | 1{line},50 | {state}" for line, state in enumerate(states)]

    result = read_amounts(f"Rechnungsnr. | Kunde | Offen | {header}", *rows, country="DE")

    assert [bool(findings) for findings in result.findings()] == [False, True, True, False]


def test_a_part_of_a_sum_in_a_column_of_nothing_known_is_asked() -> None:
    header = "Guarantor | 0-30 Days | 31-60 Days | Total | =Patient"
    rows = (
        "Ann Bo | 0.00 | 146.00 | 146.00 | 146.00",
        "Léa Roy | 1284.00 | 0.00 | 1284.00 | 318.80",
        "Luc Bo | 85.00 | 0.00 | 85.00 | 85.00",
    )

    assert "which_amount" in read(header, *rows, country="US", currency="USD").asked()


def test_a_guardian_in_every_row_is_the_debtor_of_the_child_beside() -> None:
    header = "Ricevuta n. | Cognome | Nome | {} | Scadenza | Da pagare"
    row = "Q26-001 | Ferri | Mattia | {} | 2026-10-31 | 90,00"

    guardian = read_amounts(header.format("Genitore"), row.format("Sonia Lodi"))
    coach = read_amounts(header.format("Allenatore"), row.format("Sonia Lodi"))

    assert guardian.bodies()[0]["debtor"] == {"name": "Sonia Lodi"}
    assert coach.bodies()[0]["debtor"] == {"first_name": "Mattia", "last_name": "Ferri"}


def test_what_is_left_is_known_by_the_sums_where_no_header_says_so() -> None:
    header = "Rechnungsnr. | Name | Sollbetrag | Zahlung | {} | Fällig am"
    rows = (
        "R1 | Ann Bo | 712,00 | 0,00 | 712,00 | 2026-10-15",
        "R2 | Ulf Ek | 588,50 | {} | 288,50 | 2026-10-15",
    )

    result = read_amounts(header.format("OP-Betrag"), rows[0], rows[1].format("300,00"))
    wrong = read(header.format("OP-Betrag"), rows[0], rows[1].format("200,00"))

    assert [body["amount"] for body in result.bodies()] == [Decimal("712.00"), Decimal("288.50")]
    assert "which_field" in wrong.asked()


def test_who_has_no_payer_beside_them_pays_for_themselves() -> None:
    result = read_amounts(
        "Rechnung-Nr. | Mitglied | Zahler | fällig am | offen",
        "B1 | Lotte Behrmann | Sabine Behrmann | 2026-10-31 | 45,00",
        "B2 | Gudrun Ohlsen |  | 2026-10-31 | 60,00",
        country="DE",
    )

    assert [body["debtor"]["name"] for body in result.bodies()] == ["Sabine Behrmann", "Gudrun Ohlsen"]


@pytest.mark.parametrize(("header", "city"), [("Lieferadresse", None), ("Adresse", "Erfurt")])
def test_the_place_of_a_delivery_is_not_the_debtors(header: str, city: str | None) -> None:
    result = read_amounts(
        f"Rechnung-Nr. | Kunde | {header} | PLZ | Ort | offen",
        "B1 | Lotte Behrmann | Am Anger 4 | 99084 | Erfurt | 45,00",
        country="DE",
    )

    assert result.bodies()[0]["debtor"].get("address", {}).get("city") == city
