"""The country of national telephone numbers and of addresses, decided from what the file shows."""

import json
from dataclasses import replace

import pytest

from getbill import mapping
from getbill.kit import phones
from getbill.mapping.columns.contents import fit
from getbill.mapping.model import ColumnReason, Field
from getbill.mapping.values import phone_formats
from getbill.mapping.vocabulary.header_rules import Claim
from mapping.proposal import Read, read

HEADERS = {
    "nl": "Factuurnr. | Klantnaam | Openstaand bedrag | Vervaldatum | Telefoon",
    "de": "Rechnungsnr. | Kundenname | Offener Betrag | Fällig am | Telefon",
    "fr": "N° facture | Client | Restant dû | Échéance | Téléphone",
    "es": "Nº factura | Cliente | Importe pendiente | Fecha vencimiento | Teléfono",
    "it": "Numero fattura | Ragione sociale | Importo residuo | Data scadenza | Telefono",
    "pt": "Nº fatura | Cliente | Valor em dívida | Data de vencimento | Telefone",
    "pl": "Numer faktury | Kontrahent | Kwota do zapłaty | Termin płatności | Telefon",
    "en": "Invoice number | Customer name | Amount due | Due date | Phone",
}
# Numbers as they are written at home, and in E.164.
NUMBERS = {
    "NL": "06-12345678 +31612345678 | 020-6241111 +31206241111 | 0475-123456 +31475123456 | (030)2314567 +31302314567",
    "DE": "0151/23456789 +4915123456789 | 030/1234567 +49301234567 | 0341-123456 +49341123456 | 0172.1234567 +491721234567",
    "BE": "0475.12.34.56 +32475123456 | 02.512.34.56 +3225123456 | 09/2234567 +3292234567 | 0486/12.34.56 +32486123456",
    "CH": "079.123.45.67 +41791234567 | 044.668.18.00 +41446681800 | 0787654321 +41787654321 | 022.345.67.89 +41223456789",
    "AT": "0664/1234567 +436641234567 | 01/5123456 +4315123456 | 0662-841234 +43662841234 | 0676.3456789 +436763456789",
    "ES": "612.345.678 +34612345678 | 934.567.890 +34934567890 | 911234567 +34911234567 | 711.223.344 +34711223344",
    "IT": "333-1234567 +393331234567 | 02.12345678 +390212345678 | 06/69812345 +390669812345 | 011-5612345 +390115612345",
    "PT": "912.345.678 +351912345678 | 21.312.34.56 +351213123456 | 967123456 +351967123456 | 289.123.456 +351289123456",
    "PL": "601.234.567 +48601234567 | 22.123.45.67 +48221234567 | 512-345-678 +48512345678 | 713445566 +48713445566",
    "GB": "07911-123456 +447911123456 | 020.7946.0018 +442079460018 | 0161-4960123 +441614960123 | 07400123456 +447400123456",
    "FR": "06.12.34.56.78 +33612345678 | 01.42.68.53.00 +33142685300 | 06.98.76.54.32 +33698765432 | 695123456 +33695123456",
    "LU": "621.123.456 +352621123456 | 26.12.34.56 +35226123456 | 661234567 +352661234567 | 691.123.456 +352691123456",
    "IE": "085.123.4567 +353851234567 | 01.671.2345 +35316712345 | 087-1234567 +353871234567 | 0214271234 +353214271234",
    "DK": "20.12.34.56 +4520123456 | 33123456 +4533123456 | 51.23.45.67 +4551234567 | 86.12.34.56 +4586123456",
    "SE": "070-1234567 +46701234567 | 08-12345678 +46812345678 | 0731234567 +46731234567 | 031-123456 +4631123456",
    "US": "(212)555-0123 +12125550123 | 415-555-2671 +14155552671 | 312.456.7890 +13124567890 | 3057891234 +13057891234",
}
TOWNS = {
    "NL": "1015 CJ|Amsterdam", "DE": "10115|Berlin", "BE": "9000|Gent", "CH": "8001|Zürich", "AT": "1010|Wien",
    "ES": "28013|Madrid", "IT": "20121|Milano", "PT": "1000-205|Lisboa", "PL": "00-950|Warszawa", "GB": "SW1A 2AA|London",
    "FR": "69003|Lyon", "LU": "L-1234|Luxembourg", "IE": "D02 AF30|Dublin", "DK": "2100|København", "SE": "114 55|Stockholm",
    "US": "10001|New York",
}  # fmt: skip
LANGUAGE = {
    "NL": "nl",
    "DE": "de",
    "BE": "nl",
    "CH": "de",
    "AT": "de",
    "ES": "es",
    "IT": "it",
    "PT": "pt",
    "PL": "pl",
}


def numbers(country: str) -> dict[str, str]:
    """National numbers of a country, each with its E.164."""
    return dict(pair.split() for pair in NUMBERS[country].split(" | "))


def file(
    header: str, written: list[str], cells: str = "", company: str = "FR", amount: str = "1{n}0,50"
) -> Read:
    """A file with a row for each number; `cells` follow the number in each row."""
    rows = [
        [
            f"R{n}",
            f"Person {n} Name",
            amount.format(n=n),
            f"{n + 13}/10/2026",
            number,
            *filter(None, cells.format(n=n).split("|")),
        ]
        for n, number in enumerate(written)
    ]
    return Read([name.strip() for name in header.split("|")], rows, company, "EUR")


def dialled(proposal: Read, chosen: mapping.Mapping | None = None) -> list[str | None]:
    """The telephone of each body."""
    return [body.get("debtor", {}).get("phone") for body in proposal.bodies(chosen)]


@pytest.mark.parametrize("company", ["FR", "DE", "CH"])
@pytest.mark.parametrize("country", NUMBERS)
def test_cities_and_postal_codes_say_whose_numbers_a_file_has_whoever_sends_it(
    country: str, company: str
) -> None:
    base = numbers(country)
    result = file(HEADERS["fr"] + " | Code postal | Ville", [*base], TOWNS[country], company)

    assert "phone_country" not in result.asked()
    assert dialled(result) == [*base.values()]
    assert {body["debtor"]["address"]["country"] for body in result.bodies()} == {country}


@pytest.mark.parametrize("country", [country for country in NUMBERS if country != "US"])
def test_the_endings_of_addresses_say_whose_numbers_an_english_file_has(country: str) -> None:
    base = numbers(country)
    ending = "co.uk" if country == "GB" else country.lower()
    result = file(HEADERS["en"] + " | E-mail", [*base], f"info{{n}}@example-shop.{ending}")

    assert "phone_country" not in result.asked()
    assert dialled(result) == [*base.values()]


@pytest.mark.parametrize("country", NUMBERS)
def test_a_companys_own_files_are_of_its_country(country: str) -> None:
    base = numbers(country)
    result = file(
        HEADERS[LANGUAGE.get(country, "fr" if country in {"FR", "LU"} else "en")], [*base], company=country
    )

    is_asked = "phone_country" in result.asked()
    assert dialled(result) == ([None] * 4 if is_asked else [*base.values()])
    assert not is_asked or country in {"DK", "SE"}


@pytest.mark.parametrize("country", NUMBERS)
@pytest.mark.parametrize("company", ["FR", "DE", "US"])
def test_english_headers_alone_say_nothing_and_one_question_is_asked(country: str, company: str) -> None:
    if company == country:
        return
    base = numbers(country)
    result = file(HEADERS["en"], [*base], company=company)
    questions = [question for question in result.mapping.questions if question.code == "phone_country"]

    if not questions:  # A language of the company's that its numbers do not fit is no evidence either.
        assert dialled(result) == [*base.values()]
        return
    (question,) = questions
    assert country in question.options
    assert dialled(result) == [None] * 4
    assert question.facts["readings"][next(iter(base))][country] == next(iter(base.values()))
    answered = mapping.apply_changes(result.mapping, {"country": country}, result.profile)
    assert dialled(result, answered) == [*base.values()]
    assert "phone_country" not in [question.code for question in answered.questions]


@pytest.mark.parametrize(
    ("headers", "written", "country"),
    [
        ("it", ["333 1234567", "02 12345678"], "IT"),
        ("pt", ["912 345 678", "21 312 34 56"], "PT"),
        ("pl", ["601 234 567", "22 123 45 67"], "PL"),
        ("nl", ["0475 12 34 56", "02 512 34 56"], "BE"),
    ],
)
def test_a_foreign_language_whose_numbers_are_none_at_home_says_whose_they_are(
    headers, written, country
) -> None:
    result = file(HEADERS[headers], written)

    assert result.mapping.country == country
    assert all(
        number == phones.parse(text, country) for number, text in zip(dialled(result), written, strict=True)
    )


@pytest.mark.parametrize(
    ("headers", "written"),
    [
        ("nl", "06-12345678"),
        ("de", "030 1234567"),
        ("de", "0341 123456"),
        ("en", "06 12 34 56 78"),
        ("es", "911234567"),
    ],
)
def test_a_number_that_the_companys_country_has_too_is_asked_where_only_headers_speak(
    headers, written
) -> None:
    result = file(HEADERS[headers], [written, written])

    assert "phone_country" in result.asked()
    assert dialled(result) == [None, None]


@pytest.mark.parametrize(
    ("amount", "country", "written", "number"),
    [
        ("£1{n}0.50", "GB", "020 7946 0018", "+442079460018"),
        ("CHF 1{n}0.50", "CH", "079 123 45 67", "+41791234567"),
        ("1{n}0,50 PLN", "PL", "601 234 567", "+48601234567"),
    ],
)
def test_a_currency_of_one_country_is_its_evidence(amount, country, written, number) -> None:
    result = file(HEADERS["en"], [written, written], amount=amount)

    assert (result.mapping.country, dialled(result)) == (country, [number, number])


def test_an_euro_only_narrows() -> None:
    result = file(HEADERS["en"], ["0151 23456789"], amount="€1{n}0.50")

    assert "phone_country" in result.asked()


def test_the_reason_names_what_was_seen_in_both_languages() -> None:
    result = file(HEADERS["nl"] + " | E-mail", ["06-12345678", "020-6241111"], "info{n}@example-shop.nl")
    why = result.mapping.country_reason

    assert why.code == "country_domains"
    assert why.message.translated("fr") == "Les adresses e-mail ont le domaine du pays NL."
    assert "NL" in why.message


def test_the_question_shows_each_reading_of_real_cells() -> None:
    result = file(HEADERS["en"], ["06-12345678"])
    (question,) = result.mapping.questions

    assert question.columns == (4,)
    assert (
        question.facts["readings"]["06-12345678"] | {"FR": "+33612345678", "NL": "+31612345678"}
        == (question.facts["readings"]["06-12345678"])
    )
    assert "FR +33612345678" in question.message.translated("fr")
    assert not mapping.confirm(result.mapping).is_certain


def test_numbers_with_their_country_code_need_no_country() -> None:
    result = file(HEADERS["en"], ["+31 6 12345678", "0049 (0)151 23456789", "+49 (0)30 1234567"])

    assert result.asked() == []
    assert dialled(result) == ["+31612345678", "+4915123456789", "+49301234567"]


ROWS = "Facture | Client | Restant dû | Échéance | Téléphone | Adresse | CP | Ville | Pays | E-mail"


@pytest.mark.parametrize(
    ("row", "number", "country", "code"),
    [
        # The row's country comes before the file's.
        ("06-12345678 | Straat 1 | 1015 CJ | Amsterdam | NL |", "+31612345678", "NL", None),
        ("030 1234567 | Ring 1 | 10115 | Berlin | Allemagne |", "+49301234567", "DE", None),
        ("06-12345678 | Straat 1 | 1015 CJ | Amsterdam | |", "+31612345678", "NL", None),
        ("07911 123456 | 5 Dock Rd | HU1 1AA | Hull | |", "+447911123456", "GB", None),
        # A country that its own postal code denies.
        ("06-12345678 | Straat 1 | 1015 CJ | Diemen | France |", None, "FR", "phone_country_unknown"),
        ("04 75 12 34 56 | Rue 1 | 4000 | Liège | France |", None, "FR", "phone_country_unknown"),
        # A city of another country, and a number that is only one there.
        ("0151 23456789 | Ring 1 | 10115 | Berlin | |", "+4915123456789", "DE", None),
        # A city of another country, and a number that both have.
        ("06 12 34 56 78 | Ring 1 | 10115 | Berlin | |", None, "DE", "phone_contradicted"),
        # A code of four digits in a village nobody knows.
        ("04 75 12 34 56 | Rue 1 | 4190 | Ferrières | | x@example.be", None, None, "phone_country_unknown"),
        # Nothing but an address that ends elsewhere.
        ("03 41 12 34 56 | | | | | x@example.de", None, None, "phone_contradicted"),
        # No number there, never one of another country.
        ("0151 23456789 | 1 rue X | 69001 | Lyon | |", None, "FR", "phone_invalid"),
        ("06 12 34 56 78 | 1 rue X | 75 001 | Paris | |", "+33612345678", "FR", None),
        ("0690 12 34 56 | 1 rue X | 97110 | Pointe-à-Pitre | |", "+590690123456", "FR", None),
        ("0692 12 34 56 | 1 rue X | 97400 | Saint-Denis | |", "+262692123456", "FR", None),
        ("06 12 34 56 78 | 1 rue X | 97400 | Saint-Denis | |", "+33612345678", "FR", None),
        ("0690 12 34 56 | 1 rue X | 69001 | Lyon | |", None, "FR", "phone_overseas"),
        ("06 98 76 54 32 | 1 rue X | 69001 | Lyon | |", "+33698765432", "FR", None),
        ("+33 6 12 34 | 1 rue X | 69001 | Lyon | |", None, "FR", "phone_wrong"),
        ("06 95 12 34 56 | 1 rue X | 69001 | Lyon | |", "+33695123456", "FR", None),
        # Nobody is called at a premium rate.
        ("08 99 12 34 56 | 1 rue X | 69001 | Lyon | |", None, "FR", "phone_expensive"),
        ("+881 612345678 | 1 rue X | 69001 | Lyon | |", None, "FR", "phone_expensive"),
    ],
)
def test_what_a_row_says_comes_before_its_file_and_a_stranger_is_never_called(
    row, number, country, code
) -> None:
    usual = [
        f"F{n} | Client {n} | 10,50 | 1{n}/10/2026 | 01 42 68 53 0{n} | {n} rue X | 6900{n} | Lyon | |"
        for n in range(1, 7)
    ]
    rows = read(ROWS, *usual, f"F9 | Un Autre | 9,50 | 19/10/2026 | {row}")
    body, findings = rows.bodies()[-1], rows.findings()[-1]

    assert rows.asked() == []
    assert body["debtor"].get("phone") == number
    assert body["debtor"].get("address", {}).get("country") == country
    assert [finding.code for finding in findings if finding.code.startswith("phone")] == (
        [code] if code else []
    )
    assert all(finding.is_warning for finding in findings)


def test_rows_of_foreign_cities_do_not_keep_a_file_from_being_its_companys() -> None:
    result = read(
        "Facture | Client | Restant dû | Échéance | Téléphone | CP | Ville",
        "F1 | A | 10,50 | 13/10/2026 | 06 12 34 56 78 | 69003 | Lyon",
        "F2 | B | 10,50 | 14/10/2026 | 0151 23456789 | 10115 | Berlin",
        "F3 | C | 10,50 | 15/10/2026 | 0172 1234567 | 20095 | Hamburg",
        "F4 | D | 10,50 | 16/10/2026 | 01 42 68 53 00 | 75002 | Paris",
        "F5 | E | 10,50 | 17/10/2026 | 079 123 45 67 | 8001 | Zürich",
        "F6 | F | 10,50 | 18/10/2026 | 04 75 12 34 56 | 4000 | Liège",
    )

    assert result.asked() == []
    assert dialled(result)[:4] == ["+33612345678", "+4915123456789", "+491721234567", "+33142685300"]
    # A number that the file's own country has as well.
    assert dialled(result)[5] is None


def test_a_country_that_nobody_knows_is_not_taken_for_the_files() -> None:
    result = read(
        "Facture | Client | Restant dû | Échéance | Téléphone | Pays",
        *[f"F{n} | Client {n} | 10,50 | 1{n}/10/2026 | 01 42 68 53 0{n} | France" for n in range(1, 7)],
        "F9 | Un Autre | 9,50 | 19/10/2026 | 06-12345678 | Nederlnd",
    )

    assert dialled(result)[5:] == ["+33142685306", None]
    assert [finding.code for finding in result.findings()[-1]] == ["country_unknown", "phone_country_unknown"]


def test_a_file_whose_rows_name_their_countries_asks_nothing() -> None:
    result = read(
        "Invoice | Customer | Amount due | Due date | Phone | Country",
        "F1 | A | 10.50 | 2025-01-31 | 06-12345678 | NL",
        "F2 | B | 10.50 | 2025-01-31 | 06 12 34 56 78 | FR",
        "F3 | C | 10.50 | 2025-01-31 | 0151 23456789 | DE",
    )

    assert "phone_country" not in result.asked()
    assert dialled(result) == ["+31612345678", "+33612345678", "+4915123456789"]


@pytest.mark.parametrize(
    ("headers", "codes", "company", "expected"),
    [
        # Zeros that a spreadsheet lost, beside codes that kept theirs all.
        ("fr", "69003 Lyon|1000 Bourg-en-Bresse|75002 Paris", "FR", ["69003", "01000", "75002"]),
        ("de", "10115 Berlin|4109 Leipzig|50667 Köln", "FR", ["10115", "04109", "50667"]),
        # One code that kept its zero: the others lost none.
        ("fr", "69003 Lyon|1015 Les Ponts|01000 Bourg-en-Bresse", "FR", ["69003", "1015", "01000"]),
        # Countries whose codes have four digits.
        ("fr", "1015 Lausanne|1003 Lausanne|1200 Genève", "FR", ["1015", "1003", "1200"]),
        ("fr", "69003 Lyon|75002 Paris|1000 Bruxelles", "FR", ["69003", "75002", "1000"]),
        ("fr", "1042 Assens|1053 Cugy|1040 Echallens", "FR", ["1042", "1053", "1040"]),
        ("fr", "1042 Assens|1053 Cugy|1040 Echallens", "CH", ["1042", "1053", "1040"]),
    ],
)
def test_a_postal_code_gets_its_zero_back_only_where_the_country_is_settled(
    headers, codes, company, expected
) -> None:
    rows = [
        [f"F{n}", f"Person {n} Name", "10,50", f"1{n}/10/2026", "", *place.split(" ", 1)]
        for n, place in enumerate(codes.split("|"), 1)
    ]
    names = [
        *map(str.strip, HEADERS[headers].split("|")),
        "PLZ" if headers == "de" else "CP",
        "Ort" if headers == "de" else "Ville",
    ]
    result = Read(names, rows, company, "EUR")

    assert [body["debtor"]["address"]["postal_code"] for body in result.bodies()] == expected


def test_a_code_that_may_have_lost_its_zero_is_left_and_told() -> None:
    result = read(
        "Facture | Client | Restant dû | Échéance | CP | Ville",
        "F1 | A | 10,50 | 11/10/2026 | 01000 | Bourg-en-Bresse",
        "F2 | B | 10,50 | 12/10/2026 | 69003 | Lyon",
        "F3 | C | 10,50 | 13/10/2026 | 1015 | Les Ponts",
    )

    assert [finding.code for finding in result.findings()[2]] == ["postal_code_short"]
    assert "country" not in result.bodies()[2]["debtor"]["address"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("06.11.22.33.44", "+33611223344"),
        ("+49 (0)151 23456789", "+4915123456789"),
        ("0049 151 23456789", "+4915123456789"),
        ("tel: 06 11 22 33 44", "+33611223344"),
        ("Tél. 06 11 22 33 44 (bureau)", "+33611223344"),
        ("612345601.0", "+33612345601"),
        ("33612345602.0", "+33612345602"),
        ("612345678", "+33612345678"),
        ("06 12 34 56 48 / 01 23 45 67 89", "+33612345648"),
        ("0612345648/0123456789", "+33612345648"),
        ("06 12 34 56 48 ou 01 23 45 67 89", "+33612345648"),
        ("01.23.45.67.90 poste 12", "+33123456790"),
        ("01 23 45 67 90 ext. 3", "+33123456790"),
        ("6.12346E+11", None),
        *(
            (nothing, None)
            for nothing in ("néant", "n/c", "-", "inconnu", "keine", "x", "X", "NC", "0", "non renseigné")
        ),
    ],
)
def test_a_telephone_is_read_as_people_write_it_and_its_column_stays_one(text, number) -> None:
    result = read(
        "Facture | Client | Restant dû | Échéance | Téléphone",
        f"F1 | A | 10,50 | 11/10/2026 | {text}",
        "F2 | B | 10,50 | 12/10/2026 | 01 42 68 53 00",
        "F3 | C | 10,50 | 13/10/2026 | 01 42 68 53 01",
    )

    assert result.fields()[4] == "phone"
    assert result.asked() == []
    assert dialled(result) == [number, "+33142685300", "+33142685301"]


@pytest.mark.parametrize(
    ("cells", "least"),
    [
        (["06 12 34 56 78", "01 23 45 67 89 poste 3", "néant"], 1.0),
        (["06 12 34 56 48 / 01 23 45 67 89", "06 12 34 56 78", "voir dossier"], 0.8),
        (["néant", "n/c"], 1.0),
        (["612345601.0", "33612345602.0"], 1.0),
    ],
)
def test_words_for_none_and_one_odd_cell_leave_a_column_of_telephones_one(cells, least) -> None:
    result = read("Facture | Téléphone", *[f"F{n} | {cell}" for n, cell in enumerate(cells)])

    assert fit(Claim(Field.PHONE, 1.0), result.profile.column(1)) >= least


@pytest.mark.parametrize(
    "cells", [["12,50", "1020,10"], ["FAC-2026-0001", "FAC-2026-0002"], ["2026-01-31", "Jean"]]
)
def test_what_is_no_telephone_does_not_pass_for_one(cells) -> None:
    assert not all(phone_formats.looks_like_numbers(cell) for cell in cells)


PLAIN = "Facture | Client | Restant dû | Échéance | Téléphone | E-mail"


def lines(*written: str, ending: str = "fr") -> list[str]:
    """Rows with a telephone each."""
    return [
        f"F{n} | Client {n} | 10,50 | 1{n + 12}/10/2026 | {number} | x{n}@example.{ending}"
        for n, number in enumerate(written, 1)
    ]


def recalled(before: mapping.Mapping, later: Read) -> mapping.Mapping:
    """The mapping of a later file of a known layout."""
    return mapping.recall(before, later.layout, later.profile, "EUR")


def test_a_remembered_country_stays_until_a_file_speaks_against_it() -> None:
    before = read(PLAIN, *lines("01 42 68 53 00", "06 12 34 56 78")).mapping
    same = read(PLAIN, *lines("01 42 68 53 02", ending="com"))
    dutch = read(PLAIN, *lines("06-12345678", "020-6241111", ending="nl"))
    german = read(PLAIN, *lines("0151 23456789", "0172 1234567", ending="com"))

    assert dialled(same, recalled(before, same)) == ["+33142685302"]
    for other in (dutch, german):
        base = recalled(before, other)
        assert [question.code for question in base.questions] == ["phone_country"]
        assert dialled(other, base) == [None, None]


def test_addresses_of_a_later_file_are_not_of_a_remembered_country_against_what_they_say() -> None:
    header = "Facture | Client | Restant dû | Échéance | CP | Ville"
    before = read(
        header, "F1 | A | 10,50 | 13/10/2026 | 69003 | Lyon", "F2 | B | 10,50 | 14/10/2026 | 75002 | Paris"
    )
    later = read(
        header,
        "F3 | A | 10,50 | 13/10/2026 | 8001 | Zürich",
        "F4 | B | 10,50 | 14/10/2026 | 8442 | Hettlingen",
    )

    base = recalled(before.mapping, later)

    assert base.is_certain
    assert [body["debtor"]["address"].get("country") for body in later.bodies(base)] == ["CH", "CH"]


def test_an_answered_country_is_remembered() -> None:
    first = file(HEADERS["en"], ["06-12345678", "06-12345679"])
    answered = mapping.apply_changes(first.mapping, {"country": "NL"}, first.profile)
    later = file(HEADERS["en"], ["06-87654321"])

    assert dialled(later, recalled(answered, later)) == ["+31687654321"]


def test_a_mapping_remembered_before_countries_had_reasons_still_loads() -> None:
    result = read(PLAIN, *lines("01 42 68 53 00"))
    stored = result.mapping.to_json()
    del stored["country_reason"]
    old = mapping.Mapping.from_json(json.loads(json.dumps(stored)))

    assert old == replace(result.mapping, country_reason=ColumnReason("remembered"))
    assert dialled(result, recalled(old, result)) == ["+33142685300"]


def test_a_column_that_a_human_calls_a_telephone_is_asked_whose_numbers_it_has() -> None:
    result = read(
        "Invoice | Customer | Amount due | Due date | Something",
        "F1 | A B | 10.50 | 2026-01-31 | 06-12345678",
    )
    changed = mapping.apply_changes(result.mapping, {"columns": {"Something": "phone"}}, result.profile)

    assert [question.code for question in changed.questions] == ["phone_country"]
    left_out = mapping.apply_changes(changed, {"columns": {"Something": None}}, result.profile)
    assert left_out.questions == ()


def test_a_country_that_is_none_is_refused() -> None:
    result = file(HEADERS["en"], ["06-12345678"])

    with pytest.raises(mapping.FieldUnknown, match="not a country"):
        mapping.apply_changes(result.mapping, {"country": "Atlantis"}, result.profile)
