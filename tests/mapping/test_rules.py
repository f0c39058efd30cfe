import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import mapping
from getbill.kit import phones
from getbill.mapping.messages import message_of
from getbill.mapping.values import addresses, names, phone_formats
from getbill.mapping.vocabulary.header_rules import claims
from getbill.mapping.vocabulary.header_words import LISTS, OWN_WORDS
from getbill.mapping.vocabulary.headers import parse_header
from mapping.proposal import Read, read
from testbed.corpus.score import Score, score

PLAIN = "N° facture | Client | Restant dû | Date d'échéance"
ROWS = ("F1 | Jean Dupont | 1 234,56 | 15/03/2025", "F2 | Ana Paz | 20,00 | 28/02/2025")


@pytest.fixture(scope="session")
def tuned() -> Score:
    return score("layouts")


@pytest.fixture(scope="session")
def held_out() -> Score:
    return score("held_out")


def test_nearly_every_column_of_the_corpus_is_taken_for_what_it_is(tuned) -> None:
    assert tuned.layouts >= 100
    assert tuned.right / tuned.columns >= 0.98


def test_columns_of_layouts_never_tuned_on_are_mostly_right(held_out) -> None:
    assert held_out.layouts >= 30
    assert held_out.right / held_out.columns >= 0.94


def test_no_amount_date_or_currency_is_ever_wrong(tuned, held_out) -> None:
    assert tuned.wrong_values + held_out.wrong_values == []
    assert tuned.values + held_out.values > 10_000


def test_headers_shouted_squashed_or_mistyped_in_any_order_never_turn_a_value_wrong() -> None:
    result = score("layouts", is_disguised=True)

    assert result.wrong_values == []
    assert result.right / result.columns >= 0.95


def test_once_a_human_answered_every_value_is_right_and_nothing_is_asked(tuned, held_out) -> None:
    assert tuned.answered_wrong + held_out.answered_wrong == []


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("N° facture", "invoice_reference"),
        ("Rechnungs-Nr.", "invoice_reference"),
        ("Nº Factura", "invoice_reference"),
        ("Num. Fatt.", "invoice_reference"),
        ("Factuurnr.", "invoice_reference"),
        ("InvoiceNo", "invoice_reference"),
        ("Restant dû", "amount"),
        ("MONTANT DU", "amount"),
        ("noch offen", "amount"),
        ("Importe pendiente", "amount"),
        ("Da incassare", "amount"),
        ("Openstaand bedrag", "amount"),
        ("Amount Due", "amount"),
        ("Échéance", "due_date"),
        ("Fälligkeitsdatum", "due_date"),
        ("F. Vto.", "due_date"),
        ("Scad.", "due_date"),
        ("Vervaldatum", "due_date"),
        ("Kd.-Nr.", "debtor_reference"),
        ("Ragione sociale", "company"),
        ("Tél. portable", "mobile"),
        ("PLZ/Ort", "postal_city"),
        ("Rechungsnummer", "invoice_reference"),
        ("Raison socale", "company"),
        ("Nº comprobante", "invoice_reference"),
        ("Saldo a la fecha", "amount"),
        ("Razón social receptor", "company"),
        ("Duplicata nº", "invoice_reference"),
        ("Vlr. em aberto", "amount"),
        ("Dt. Vencto", "due_date"),
        ("Sacado", "name"),
        ("N. partita", "invoice_reference"),
        ("Netto a pagare", "amount"),
        ("Anagrafica", "name"),
        ("Rechn.-Nr.", "invoice_reference"),
        ("Ausstehender Betrag", "amount"),
        ("Pat.-Nr.", "debtor_reference"),
        ("Natel", "mobile"),
    ],
)
def test_headers_of_six_languages_abbreviations_and_typos_are_read(header, field) -> None:
    result = claims(parse_header(header))

    assert result
    assert result[0].field == field


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Förf.dat", "due_date"),
        ("Kvar att betala", "amount"),
        ("Hyresgästnr", "debtor_reference"),
        ("Betalingsfrist", "due_date"),
        ("Gjenstående", "amount"),
        ("Sidste rettidige betaling", "due_date"),
        ("Lejer", "name"),
        ("Eräpvm", "due_date"),
        ("Avoinna oleva summa", "amount"),
        ("Laskun pvm", "invoice_date"),
        ("Uiterste betaaldatum", "due_date"),
        ("Maksetähtpäev", "due_date"),
        ("Tasumata", "amount"),
        ("Rēķina Nr.", "invoice_reference"),
        ("Apmaksāt līdz", "due_date"),
        ("Parāds", "amount"),
        ("Sąskaitos Nr.", "invoice_reference"),
        ("Liko apmokėti", "amount"),
        # Words of one language that are other words in another.
        ("Suma su PVM", "amount_invoiced"),
        ("Importo rata", "amount"),
        ("Kredit-Nr.", "contract_number"),
        ("Asunto", "object"),
        ("Ouder dan 90 dagen", None),
    ],
)
def test_headers_of_the_north_are_read_and_leave_those_of_others_alone(header, field) -> None:
    result = claims(parse_header(header))

    assert (result[0].field if result else None) == field


@pytest.mark.parametrize(
    "header",
    [
        "Montant TVA",
        "SIRET",
        "Fax",
        "Mahnstufe",
        "Date de relance",
        "N° commande",
        "0-30 jours",
        "Date livraison",
        "De 31 a 60 días",
        "Más de 90",
        "Oltre 90 gg",
        "über 90 Tage",
        "Uso CFDI",
        "Monto exento",
        "Forma de recebimento",
        "Dt. Baixa",
        "Ritenuta d'acconto",
        "Zahlungsart",
    ],
)
def test_what_is_no_field_of_a_debt_is_known_not_to_be(header) -> None:
    assert claims(parse_header(header)) == ()


def test_a_plain_file_is_certain_and_composed() -> None:
    result = read(PLAIN, *ROWS)

    assert result.mapping.is_certain
    assert result.fields() == ["invoice_reference", "name", "amount", "due_date"]
    first = result.bodies()[0]
    assert str(first.pop("amount")) == "1234.56"
    assert first == {
        "reference": "F1",
        "invoice_reference": "F1",
        "currency": "EUR",
        "due_date": "2025-03-15",
        "debtor": {"name": "Jean Dupont"},
    }


def test_two_amounts_that_could_both_be_due_are_asked() -> None:
    result = read(
        "Facture | Client | Solde | Montant échu | Échéance",
        "F1 | A | 100,00 | 0,00 | 15/03/2025",
        "F2 | B | 50,00 | 50,00 | 16/03/2025",
    )

    assert result.asked() == ["which_amount"]
    assert result.mapping.questions[0].columns == (2, 3)


def test_an_amount_without_tax_alone_is_never_taken_for_what_is_owed() -> None:
    result = read("Facture | Client | Montant HT", "F1 | A | 100,00", "F2 | B | 50,00")

    assert result.asked() == ["which_amount"]


def test_what_was_invoiced_alone_is_asked_and_may_be_confirmed() -> None:
    result = read("Facture | Client | Montant TTC", "F1 | A | 100,00", "F2 | B | 50,00")

    assert result.asked() == ["invoiced_only"]
    assert mapping.confirm(result.mapping).is_certain


def test_an_amount_beside_its_tax_is_asked_whether_it_includes_it() -> None:
    result = read(
        "Factura | Cliente | Importe | IVA", "F1 | Ana | 100,00 | 21,00", "F2 | Eva | 50,00 | 10,50"
    )

    assert result.asked() == ["tax_included"]
    assert mapping.confirm(result.mapping).is_certain


def test_columns_that_do_not_add_up_are_asked() -> None:
    result = read(
        "Facture | Client | Montant TTC | Payé | Solde",
        "F1 | A | 100,00 | 0,00 | 30,00",
        "F2 | B | 50,00 | 10,00 | 12,00",
    )

    assert result.asked() == ["amounts_disagree"]


def test_days_that_could_be_months_are_asked() -> None:
    result = read(PLAIN, "F1 | A | 10,00 | 01/02/2025", "F2 | B | 20,00 | 05/09/2025")

    assert result.asked() == ["date_order"]


def test_a_point_that_could_part_thousands_is_asked() -> None:
    result = read(PLAIN, "F1 | A | 1.234 | 31/01/2025", "F2 | B | 9.500 | 31/03/2025")

    assert result.asked() == ["number_format"]


def test_a_sign_that_several_currencies_share_is_asked() -> None:
    result = read(PLAIN, "F1 | A | $10.50 | 31/01/2025", "F2 | B | $20.50 | 31/03/2025")

    assert result.asked() == ["currency_sign"]


def test_a_companys_own_dollar_is_not_asked() -> None:
    result = read(PLAIN, "F1 | A | $10.50 | 31/01/2025", "F2 | B | $20.50 | 31/03/2025", currency="CAD")

    assert result.mapping.is_certain
    assert [body["currency"] for body in result.bodies()] == ["CAD", "CAD"]


def test_a_foreign_file_without_a_currency_is_asked() -> None:
    header = "Invoice | Customer | Amount due | Due date | Country"
    result = read(
        header, "F1 | A | 10.50 | 2025-01-31 | United Kingdom", "F2 | B | 7.20 | 2025-01-31 | United Kingdom"
    )

    assert result.asked() == ["currency_unstated"]


def test_a_misleading_header_is_asked() -> None:
    result = read(
        "Facture | Client | Restant dû | E-mail",
        "F1 | A | 10,50 | 01 42 68 53 00",
        "F2 | B | 20,50 | 01 42 68 53 01",
    )

    assert result.asked() == ["which_field"]
    assert result.mapping.questions[0].columns == (3,)


def test_dates_that_are_none_are_asked_and_not_dropped() -> None:
    result = read(PLAIN, "F1 | Jean | 10,50 | 30 jours", "F2 | Ana | 20,50 | comptant")

    assert result.asked() == ["which_field"]
    assert result.mapping.questions[0].field == "due_date"


def test_an_account_of_each_debtor_is_not_where_they_pay() -> None:
    result = read(
        "Facture | Client | Restant dû | IBAN",
        "F1 | A | 10,50 | FR7630006000011234567890189",
        "F2 | B | 20,50 | DE89370400440532013000",
    )

    assert all("iban" not in body for body in result.bodies())


def test_a_reference_that_repeats_is_asked() -> None:
    rows = [f"F{n % 3} | Client {n} | 10,5{n} | 2{n}/01/2025" for n in range(9)]
    result = read(PLAIN, *rows)

    assert result.asked() == ["reference_repeats"]


def test_two_columns_never_share_a_field() -> None:
    result = read(PLAIN, *ROWS)

    with pytest.raises(mapping.ColumnsCollide, match="both mapped to amount"):
        mapping.apply_changes(result.mapping, {"columns": {"B": "amount", "D": "amount"}}, result.profile)


def test_naming_a_column_frees_the_one_that_held_its_field() -> None:
    result = read(PLAIN, *ROWS)

    after = mapping.apply_changes(result.mapping, {"columns": {"D": "amount"}}, result.profile)

    assert [column.field for column in after.columns] == ["invoice_reference", "name", None, "amount"]


@pytest.fixture(scope="session")
def plain():
    return read(PLAIN, *ROWS)


@given(changes=st.dictionaries(st.sampled_from("ABCD"), st.sampled_from([*mapping.Field, None]), max_size=4))
def test_no_change_puts_two_columns_on_one_field(plain, changes) -> None:
    try:
        after = mapping.apply_changes(plain.mapping, {"columns": changes}, plain.profile)
    except mapping.ColumnsCollide:
        return

    fields = [column.field for column in after.columns if column.field not in {None, "metadata"}]
    assert len(fields) == len(set(fields))


def test_an_answer_settles_its_question_and_no_other() -> None:
    result = read(PLAIN, "F1 | A | 1.234 | 01/02/2025", "F2 | B | 9.500 | 05/09/2025")

    half = mapping.apply_changes(result.mapping, {"numbers": {"2": ","}}, result.profile)
    whole = mapping.apply_changes(half, {"dates": {"D": "mdy"}}, result.profile)

    assert [question.code for question in half.questions] == ["date_order"]
    assert whole.is_certain
    body = result.bodies(whole)[0]
    assert (str(body["amount"]), body["due_date"]) == ("1234", "2025-01-02")


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {"Z": "amount"}},
        {"columns": {"A": "price"}},
        {"numbers": {"C": ";"}},
        {"currency": "XYZ"},
        {"colours": {}},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(changes) -> None:
    result = read(PLAIN, *ROWS)

    with pytest.raises(mapping.FieldUnknown):
        mapping.apply_changes(result.mapping, changes, result.profile)


def test_a_mapping_survives_being_stored() -> None:
    result = read(PLAIN, "F1 | A | 1.234 | 01/02/2025", "F2 | B | 9.500 | 05/09/2025")

    assert mapping.Mapping.from_json(result.mapping.to_json()) == result.mapping


def test_a_remembered_mapping_asks_where_the_file_looks_different() -> None:
    before = read(PLAIN, *ROWS)
    same = read(PLAIN, "F3 | Luc | 7,10 | 30/04/2025", "F4 | Eva | 8,20 | 01/05/2025")
    points = read(PLAIN, "F3 | Luc | 7.10 | 30/04/2025", "F4 | Eva | 8.20 | 01/05/2025")
    swapped = read(PLAIN, "F3 | 7,10 | Luc | 30/04/2025", "F4 | 8,20 | Eva | 01/05/2025")

    request = [
        [
            question.code
            for question in mapping.recall(before.mapping, item.layout, item.profile, "EUR").questions
        ]
        for item in (same, points, swapped)
    ]

    assert request[0] == []
    assert request[1] == ["number_format_changed"]
    assert "contents_changed" in request[2]


def test_a_remembered_order_of_dates_is_used_where_a_file_leaves_it_open() -> None:
    before = read(PLAIN, *ROWS)
    after = read(PLAIN, "F3 | Luc | 7,10 | 01/02/2025", "F4 | Eva | 8,20 | 03/04/2025")

    base = mapping.recall(before.mapping, after.layout, after.profile, "EUR")

    assert base.is_certain
    assert after.bodies(base)[0]["due_date"] == "2025-02-01"


def test_a_changed_layout_is_told_column_by_column() -> None:
    before = read("Facture | Client | Solde", "F1 | A | 1,50").layout
    after = read("Client | Facture | Restant dû", "A | F1 | 1,50").layout

    assert mapping.difference(before, after) == [
        {"code": "missing", "header": "Solde"},
        {"code": "added", "header": "Restant dû"},
        {"code": "moved", "header": "Client"},
        {"code": "moved", "header": "Facture"},
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "12 bis, avenue Foch\n69003 LYON CEDEX 03",
            ("12 bis", "avenue Foch", "69003", "LYON CEDEX 03", None),
        ),
        ("Hauptstr. 5a, D-10115 Berlin", ("5a", "Hauptstr.", "10115", "Berlin", "DE")),
        ("Calle Mayor 12, 3º B, 28013 Madrid", ("12", "Calle Mayor, 3º B", "28013", "Madrid", None)),
        ("Via Roma 12, 20121 Milano (MI)", ("12", "Via Roma", "20121", "Milano (MI)", None)),
        ("Keizersgracht 123A, 1015 CJ Amsterdam", ("123A", "Keizersgracht", "1015 CJ", "Amsterdam", None)),
        ("10 Downing Street, London SW1A 2AA", ("10", "Downing Street", "SW1A 2AA", "London", "GB")),
        ("1234 Main St, Springfield, IL 62701", ("1234", "Main St", "62701", "Springfield, IL", None)),
        ("c/o Paz 4 rue X 75001 Paris France", (None, "c/o Paz 4 rue X", "75001", "Paris", "FR")),
    ],
)
def test_an_address_in_one_cell_is_taken_apart_as_its_country_writes_it(text, parts) -> None:
    result = addresses.split_address(text)

    names_of = ("street_number", "street_address", "postal_code", "city", "country")
    assert result == {name: part for name, part in zip(names_of, parts, strict=True) if part}


@pytest.mark.parametrize("text", ["Paris", "BP 40012", "Hauptstr. 1234, Berlin"])
def test_an_address_of_no_known_shape_stays_one_line(text) -> None:
    assert addresses.split_address(text) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "M. DUPONT Jean",
            {"civility": "Mr", "name": "Jean DUPONT", "first_name": "Jean", "last_name": "DUPONT"},
        ),
        ("van Dijk, Piet", {"name": "Piet van Dijk", "first_name": "Piet", "last_name": "van Dijk"}),
        ("ACME SARL", {"name": "ACME SARL", "company": "ACME SARL"}),
        ("M. et Mme Durand", {"name": "M. et Mme Durand"}),
        ("JEAN DUPONT", {"name": "JEAN DUPONT"}),
    ],
)
def test_a_name_is_split_only_where_its_writing_shows_how(text, parts) -> None:
    assert names.split_name(text) == parts


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("612345678", "FR", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("0033 6 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "FR", "+33612345678"),
        ("0690123456", "FR", "0690123456"),
        ("1712345678", "DE", "+491712345678"),
        ("612345678", "ES", "+34612345678"),
        ("212345678", "IT", "+390212345678"),
        ("3331234567", "IT", "+393331234567"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("7700900123", "GB", "+447700900123"),
        ("612345678", "NL", "+31612345678"),
    ],
)
def test_a_telephone_that_lost_its_zero_is_written_with_its_countrys_code(text, country, number) -> None:
    assert phone_formats.international(text, country) == number


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+39 06 698 12345 ext 3", "IT", "+390669812345"),
        ("+39 06 698 12345 int. 3", "IT", "+390669812345"),
        ("+39 06 698 12345 #3", "IT", "+390669812345"),
        ("06 698 12345 interno 12", "IT", "+390669812345"),
        ("0039 06 698 12345 x3", "US", "+390669812345"),
        ("+39 (0)6 698 12345", "FR", "+390669812345"),
        ("+44 (0)20 7946 0018 ext. 12", "FR", "+442079460018"),
        ("01 42 68 53 00 poste 12", "FR", "+33142685300"),
        ("Tél. 01 42 68 53 00 (bureau)", "FR", "+33142685300"),
        ("01\u201342\u201368\u201353\u201300", "FR", "+33142685300"),
    ],
)
def test_an_extension_is_no_part_of_a_telephone_number(text, country, number) -> None:
    assert phones.parse(phone_formats.international(text, country), country) == number


@pytest.mark.parametrize("text", ["+39 06 698 12345 stanza 3", "01 42 68 53 0 étage 1"])
def test_digits_that_a_word_sets_apart_are_never_joined_to_a_telephone_number(text) -> None:
    assert phone_formats.international(text, "FR") == text


def test_a_shortened_reference_is_refused_and_a_shortened_telephone_told() -> None:
    result = read(
        "Dossier | Client | Restant dû | Tel", "1,2E+11 | A | 10,50 | 3,36E+10", "D2 | B | 20,50 | 0142685301"
    )

    finding = result.findings()[0]

    assert [(item.code, item.is_warning) for item in finding] == [
        ("digits_lost", False),
        ("digits_lost", True),
    ]
    assert "reference" not in result.bodies()[0]


def test_a_cell_that_cannot_be_read_leaves_its_field_out_and_is_told() -> None:
    result = read(PLAIN, *ROWS, "F3 | Luc | douze | 31/02/2025", "F4 | Eva | 9,90 | 30/04/2025")

    body, finding = result.bodies()[2], result.findings()[2]

    assert body == {
        "reference": "F3",
        "invoice_reference": "F3",
        "currency": "EUR",
        "debtor": {"name": "Luc"},
    }
    assert {(item.column, item.field) for item in finding} == {(2, "amount"), (3, "due_date")}


def test_a_row_whose_currency_contradicts_its_amount_is_refused() -> None:
    result = read(
        "Facture | Client | Solde | Devise",
        "F1 | A | 10,50 € | EUR",
        "F2 | B | 20,50 € | USD",
        "F3 | C | 9,90 € | EUR",
    )

    assert [finding.code for finding in result.findings()[1]] == ["currency_conflict"]
    assert "currency" not in result.bodies()[1]


def test_what_is_due_is_what_was_invoiced_less_what_was_paid() -> None:
    result = read(
        "Facture | Client | Montant facture | Déjà réglé",
        "F1 | A | 100,00 | 40,50",
        "F2 | B | 50,00 | ",
    )

    assert [str(body["amount"]) for body in result.bodies(mapping.confirm(result.mapping))] == [
        "59.50",
        "50.00",
    ]


@pytest.mark.parametrize(
    ("header", "marks", "codes"),
    [
        ("Statut", ("Payée", "En retard", "Annulée"), ["row_is_settled", None, "row_is_settled"]),
        ("Type", ("Facture", "Avoir", "Facture"), [None, "row_is_credit", None]),
        ("Soll/Haben", ("S", "H", "S"), [None, "row_is_credit", None]),
        ("Art", ("S", "X", "H"), [None, None, None]),
        ("Payé", ("Non", "Oui", "Non"), [None, "row_is_settled", None]),
        ("Statut", ("Partiellement payée", "Envoyée", "En retard"), [None, None, None]),
        ("Status", ("bezahlt", "offen", "Entwurf"), ["row_is_settled", None, "row_is_settled"]),
    ],
)
def test_a_row_marked_as_paid_or_as_a_credit_is_never_a_debt(header, marks, codes) -> None:
    rows = [f"F{at} | Luc | 1{at},50 | 2{at}/03/2025 | {mark}" for at, mark in enumerate(marks)]
    result = read(f"{PLAIN} | {header}", *rows)

    report = [[finding.code for finding in findings] for findings in result.findings()]

    assert report == [[code] if code else [] for code in codes]


def test_a_human_may_have_marked_rows_imported_all_the_same() -> None:
    result = read(f"{PLAIN} | Statut", *(f"{row} | Payée" for row in ROWS))

    after = mapping.apply_changes(result.mapping, {"not_owed": {"Statut": None}}, result.profile)

    assert result.findings(after) == [[], []]
    assert mapping.recall(after, result.layout, result.profile, "EUR").not_owed == {4: {}}


def test_columns_a_human_keeps_stay_with_the_debt() -> None:
    result = read(PLAIN + " | Agence", *(f"{row} | Lyon" for row in ROWS))

    kept = mapping.apply_changes(result.mapping, {"columns": {"Agence": "metadata"}}, result.profile)

    assert result.bodies(kept)[0]["metadata"] == {"Agence": "Lyon"}


@given(cells=st.lists(st.text(max_size=30), min_size=4, max_size=4), header=st.text(max_size=25))
def test_no_cell_and_no_header_breaks_a_row(plain, cells, header) -> None:
    row = plain.rows[0]._replace(cells=cells)

    body, _ = mapping.compose(plain.mapping, plain.profile).compose(row)

    assert "currency" in body
    parse_header(header)
    addresses.split_address(header)
    names.split_name(header)
    phone_formats.international(header, "FR")


def test_every_word_of_the_lexicon_is_written_as_headers_are_read() -> None:
    words = OWN_WORDS.keys() | set(LISTS.words("words", "joining"))

    assert {word for word in words if word != word.casefold() or not word.isascii()} == set()


def test_every_reason_and_question_is_said_in_both_languages() -> None:
    result = read(PLAIN, "F1 | A | 1.234 | 01/02/2025", "F2 | B | 9.500 | 05/09/2025").mapping

    for language in ("fr", "en"):
        for column in result.columns:
            assert column.reason.message.translated(language)
        for question in result.questions:
            assert question.message.translated(language)
    assert message_of("missing_amount", {}).translated("fr") == "Quelle colonne est le montant dû ?"


def test_how_a_column_is_written_is_asked_with_what_it_is() -> None:
    result = read(
        "Facture | Client | Solde | Reste à payer | Échéance",
        "F1 | A | 1.234 | 2.500 | 01/02/2025",
        "F2 | B | 9.500 | 1.200 | 05/09/2025",
    )

    answers = {"columns": {"D": "amount"}, "numbers": {"D": ","}, "dates": {"E": "dmy"}}
    after = mapping.apply_changes(result.mapping, answers, result.profile)

    assert set(result.asked()) == {"which_amount", "number_format", "date_order"}
    assert {index for question in result.mapping.questions for index in question.columns} == {2, 3, 4}
    assert after.is_certain


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("Amount due (£000)", "thousands"),
        ("Pendiente (miles €)", "thousands"),
        ("Amount due (pence)", "cents"),
        ("Offener Betrag (Ct)", "cents"),
        ("Amount due (USD thousands)", "thousands"),
        ("Amount due (in Lakhs)", "lakhs"),
        ("Amount due (Rs. Crore)", "crores"),
    ],
)
def test_a_header_gives_the_unit_of_its_amounts(header, unit) -> None:
    result = read(f"Client | Facture | {header}", "A | F1 | 12", "B | F2 | 80")

    assert [column.unit for column in result.mapping.columns] == [None, None, unit]


def test_a_column_of_units_is_asked() -> None:
    result = read("Client | Facture | Restant dû | Unité", "A | F1 | 12,50 | k€", "B | F2 | 80,00 | k€")

    assert result.asked() == ["amount_unit"]


def test_what_is_owed_to_this_day_is_no_number_of_days() -> None:
    result = read(
        "Client | Facture | Montant | Solde à ce jour", "A | F1 | 12,50 | 0,00", "B | F2 | 80,00 | 30,00"
    )

    assert result.fields() == ["name", "invoice_reference", "amount_invoiced", "amount"]


def test_days_below_a_due_date_are_no_amount() -> None:
    result = read(
        "Client | Facture | Date | Échéance | Montant",
        "A | F1 | 15/09/2026 | 30 | 120,50",
        "B | F2 | 16/09/2026 | 45 | 80,00",
    )

    assert result.fields()[3:] == [None, "amount"]
    assert result.asked() == []


def test_the_total_of_an_invoice_on_each_of_its_lines_is_no_total_of_its_customer() -> None:
    result = read(
        "Facture | Client | Échéance | Total ligne | Total facture",
        "F1 | A | 15/10/2026 | 40,00 | 100,00",
        "F1 | A | 15/10/2026 | 60,00 | 100,00",
        "F2 | B | 15/10/2026 | 50,00 | 50,00",
    )

    assert "which_amount" in result.asked()


def test_a_code_beside_a_counted_number_is_a_reference() -> None:
    result = read("Fatura | Cliente | Em dívida", "FT 1 | Ana Sousa | 120,50", "FT 2 | Rui Dias | 80,00")

    assert result.fields() == ["invoice_reference", "name", "amount"]


def _many(rows: int, last: str) -> Read:
    lines = [f"F{n} | Client {n} | 100,{n % 90 + 10} | 100,{n % 90 + 10} | 14/10/2025" for n in range(rows)]
    return read("Facture | Client | Montant | Zorbel | Échéance", *lines, last)


def test_columns_that_differ_in_the_last_of_many_rows_are_not_the_same() -> None:
    same = _many(300, "FX | Client X | 90,10 | 90,10 | 14/10/2025")
    differing = _many(300, "FX | Client X | 90,10 | 40,10 | 14/10/2025")

    assert mapping.verify(same.mapping, same.profile, same.rows).is_certain
    questions = mapping.verify(differing.mapping, differing.profile, differing.rows).questions
    assert [(item.code, item.columns, item.facts["examples"]) for item in questions] == [
        ("which_amount", (2, 3), ["90,10", "40,10"])
    ]


def test_instalments_are_asked_and_the_lines_of_one_invoice_are_not() -> None:
    header = "N° facture | Client | Échéance | Restant dû | Article"
    rows = ("E1 | Yann Le Gall | 30/09/2026 | 500,00 | A", "E1 | Yann Le Gall | 31/10/2026 | 500,00 | A")
    lines = ("E1 | Yann Le Gall | 30/09/2026 | 500,00 | A", "E1 | Yann Le Gall | 30/09/2026 | 500,00 | A1")

    apart, alike = read(header, *rows), read(header, *lines)

    result = mapping.check_repeats(apart.mapping, apart.profile, lambda: apart.rows)
    assert [question.code for question in result.questions] == ["instalments"]
    assert mapping.apply_changes(result, {"instalments": "split"}, apart.profile).is_certain
    assert mapping.check_repeats(alike.mapping, alike.profile, lambda: alike.rows).questions == ()


def test_a_reference_is_made_of_the_columns_that_a_person_names() -> None:
    result = read(
        "Locataire | Loyer dû | Échéance | Bail",
        "Ana Paz | 500,00 | 31/10/2026 | B-2021-117",
        "Luc Roy | 600,00 | 31/10/2026 | B-2024-031",
    )

    after = mapping.apply_changes(result.mapping, {"reference_from": ["Locataire", "C"]}, result.profile)

    assert result.asked() == ["missing_reference"]
    assert after.is_certain
    assert [body["reference"] for body in result.bodies(after)] == [
        "Ana Paz-31/10/2026",
        "Luc Roy-31/10/2026",
    ]
    assert mapping.Mapping.from_json(after.to_json()).reference_from == (0, 2)


@pytest.mark.parametrize(
    ("header", "rows", "references"),
    [
        pytest.param(
            "Locataire | Loyer dû | Échéance",
            (
                "Ana Paz | 500,00 | 30/09/2026",
                "Ana Paz | 500,00 | 31/10/2026",
                "Luc Roy | 600,00 | 31/10/2026",
            ),
            ["Ana Paz-30/09/2026", "Ana Paz-31/10/2026", "Luc Roy-31/10/2026"],
            id="rents by tenant and day",
        ),
        pytest.param(
            "Code client | Nom | Solde",
            ("C0012 | Ana Paz | 500,00", "C0013 | Luc Roy | 612,40"),
            ["C0012", "C0013"],
            id="balances by customer",
        ),
        pytest.param(
            "Tercero | Comprobante | Fecha factura | Saldo",
            (
                "Droguería Inés | FV-1-4977 | 14/07/2026 | 476000",
                "Droguería Inés | FV-1-5120 | 04/09/2026 | 2618000",
                "Jairo Peláez | FV-1-5188 | 23/09/2026 | 1309000",
            ),
            ["FV-1-4977", "FV-1-5120", "FV-1-5188"],
            id="papers by the number that grows with their days",
        ),
    ],
)
def test_debts_without_a_column_of_references_are_told_apart(
    header: str, rows: tuple[str, ...], references: list[str]
) -> None:
    result = read(header, *rows)

    seen = mapping.check_repeats(result.mapping, result.profile, lambda: result.rows)

    assert [question.code for question in seen.questions] == []
    assert [body["reference"] for body in result.bodies(seen)] == references


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        pytest.param(
            "Locataire | Loyer dû | Échéance",
            ("Ana Paz | 500,00 | 31/10/2026", "Ana Paz | 75,00 | 31/10/2026"),
            id="two dues of one day",
        ),
        pytest.param(
            "Nom | Solde | Numéro de bail",
            ("Ana Paz | 500,00 | B-2021-117", "Luc Roy | 612,40 | B-2024-031"),
            id="codes of which nothing is known",
        ),
        pytest.param("Nom | Solde", ("Ana Paz | 500,00", "Ana Paz | 612,40"), id="a name that stands twice"),
    ],
)
def test_debts_that_nothing_tells_apart_are_asked_about(header: str, rows: tuple[str, ...]) -> None:
    result = read(header, *rows)

    seen = mapping.check_repeats(result.mapping, result.profile, lambda: result.rows)

    assert [question.code for question in seen.questions] == ["missing_reference"]
    assert seen.reference_from == ()


def test_naming_a_column_of_references_ends_the_composed_ones() -> None:
    result = read("Code client | Nom | Solde", "C0012 | Ana Paz | 500,00", "C0013 | Luc Roy | 612,40")

    after = mapping.apply_changes(result.mapping, {"columns": {"A": "reference"}}, result.profile)

    assert (result.mapping.reference_from, after.reference_from, after.is_certain) == ((0,), (), True)


def test_a_running_balance_of_debits_and_credits_is_no_amount() -> None:
    result = read(
        "Client | Date | Pièce | Débit | Crédit | Solde",
        "Dupont | 15/09/2026 | F1 | 100,00 |  | 100,00",
        "Dupont | 16/09/2026 | R1 |  | 40,00 | 60,00",
        "Holm | 16/09/2026 | F2 | 50,00 |  | 50,00",
    )

    assert result.asked() == ["which_amount"]
    assert result.mapping.columns[5].reason.code == "running_balance"


@pytest.mark.parametrize(
    ("header", "values"), [("Envoyée par mail", ("Oui", "Non")), ("Taux TVA", ("20,00", "10,00"))]
)
def test_what_is_no_address_and_no_amount_of_tax_asks_nothing_of_them(header, values) -> None:
    result = read(
        f"Client | Facture | Montant | {header}",
        *(f"A | F{at} | 120,00 | {v}" for at, v in enumerate(values)),
    )

    assert not {"which_field", "tax_included"} & set(result.asked())


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Nom complet | Nom | Prénom", "Jean Dupont | Dupont | Jean", "Jean Dupont"),
        ("Nom | Prénom", "Dupont | Jean", "Jean Dupont"),
        ("Nom | Prénom", "Azur SARL | ", "Azur SARL"),
    ],
)
def test_a_name_beside_a_first_name_is_the_whole_or_the_last_one(header, row, name) -> None:
    rest = {2: "Azur SARL | ", 3: "Ada Poe | Poe | Ada"}[header.count("|") + 1]
    result = read(f"{header} | Facture | Montant dû", f"{rest} | F1 | 12,50", f"{row} | F2 | 8,00")

    debtor = result.bodies()[1]["debtor"]
    both = " ".join(debtor[part] for part in ("first_name", "last_name") if part in debtor)
    assert debtor.get("name", both) == name


def test_a_reference_that_repeats_and_is_none_goes_on_with_its_day_and_no_second_question() -> None:
    result = read(
        "Referenz | Name | Fällig | Offen",
        "M-1001 | Ute Beck | 30.09.2026 | 45,00",
        "M-1001 | Ute Beck | 30.09.2026 | 12,00",
        "M-1002 | Jan Roth | 30.09.2026 | 45,00",
        "M-1001 | Ute Beck | 31.10.2026 | 45,00",
    )
    request = mapping.check_repeats(result.mapping, result.profile, lambda: result.rows)

    after = mapping.apply_changes(request, {"columns": {"A": None}}, result.profile)

    assert [question.code for question in request.questions] == ["reference_repeats"]
    assert (after.is_certain, after.reference_from) == (True, (0, 2))


@pytest.mark.parametrize(
    ("header", "row", "field", "questions"),
    [
        pytest.param(
            "Facture | Assurance | Solde", "F-1 | Mutuelle du Rhône | 50,00", "name", [], id="the only people"
        ),
        pytest.param(
            "Facture | Assurance | Intéressé | Solde",
            "F-1 | Mutuelle du Rhône | Jean Petit | 50,00",
            None,
            ["missing_name"],
            id="others nobody knows",
        ),
    ],
)
def test_a_lone_column_of_people_is_the_debtors(
    header: str, row: str, field: str | None, questions: list[str]
) -> None:
    result = read(header, row, row.replace("F-1", "F-2").replace("Rhône", "Sud").replace("Jean", "Luc"))

    assert result.asked() == questions
    assert result.mapping.columns[1].field == field


def _rent_arrears(rows: int, last: str) -> Read:
    lines = [
        f"T{n} | Tenant {n} Co | {100 + n},00 | {n % 7},50 | {100 + n + n % 7},50 | 14/10/2025"
        for n in range(rows)
    ]
    return read("Invoice No | Tenant | Rent arrears | Invoice arrears | Total arrears | Due", *lines, last)


def test_a_sum_of_amounts_due_is_held_against_every_row() -> None:
    same = _rent_arrears(80, "TX | Tenant X Co | 90,00 | 10,00 | 100,00 | 14/10/2025")
    other = _rent_arrears(80, "TX | Tenant X Co | 90,00 | 10,00 | 90,00 | 14/10/2025")

    assert same.asked() == other.asked() == []
    assert same.mapping.columns[4].field == "amount"
    assert mapping.verify(same.mapping, same.profile, same.rows).is_certain
    assert [
        question.code for question in mapping.verify(other.mapping, other.profile, other.rows).questions
    ] == ["which_amount"]


def test_what_is_left_by_the_sums_is_held_against_every_row() -> None:
    header = "Facture | Client | Échéance | Montant TTC | Réglé | Zorbel TTC"
    lines = [
        f"F{n} | Client {n} | 14/10/2025 | {100 + n},50 | {n % 9},20 | {100 + n - n % 9},30"
        for n in range(60)
    ]
    same, other = (
        read(header, *lines, *more)
        for more in ([], [f"G{n} | Z {n} | 14/10/2025 | 90,10 | 80,10 | 90,10" for n in range(9000)])
    )

    assert same.mapping.columns[5].field == "amount"
    assert mapping.verify(same.mapping, same.profile, same.rows).is_certain
    assert "which_amount" in [
        question.code for question in mapping.verify(other.mapping, other.profile, other.rows).questions
    ]
