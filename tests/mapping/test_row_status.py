import pytest

from getbill import mapping
from getbill.mapping.row_status import words
from mapping.proposal import Read, read

PLAIN = "Client | Facture | Échéance | Montant"


def _file(header: str, *values: str) -> Read:
    rows = [
        f"Nils Holm {at} | Z{at}A | {14 + at}/10/2026 | {100 + at},50 | {v}" for at, v in enumerate(values)
    ]
    return read(f"{PLAIN} | {header}", *rows)


def _codes(proposal: Read) -> list[str | None]:
    return [findings[0].code if findings else None for findings in proposal.findings()]


@pytest.mark.parametrize(
    ("header", "debit", "credit"),
    [
        ("S/H", "S", "H"),
        ("Soll/Haben-Kennzeichen", "S", "H"),
        ("SHKZG", "S", "H"),
        ("D/C", "D", "C"),
        ("Dr/Cr", "Dr", "Cr"),
        ("Dr / Cr", "DR", "CR"),
        ("Sens", "D", "C"),
        ("Sens écriture", "Débit", "Crédit"),
        ("D/H", "D", "H"),
        ("Debe/Haber", "Debe", "Haber"),
        ("Dare/Avere", "Dare", "Avere"),
        ("Signe", "+", "-"),
        ("Vorzeichen", "1", "-1"),
        ("Type de pièce", "FA", "AV"),
        ("Type", "FAC", "AVO"),
        ("Belegart", "RV", "DG"),
        ("Doc type", "INV", "CN"),
        ("Type", "Facture", "Avoir"),
        ("Type", "Invoice", "Credit Memo"),
        ("Tipo documento", "TD01", "TD04"),
        ("Zzz", "ACCREC", "ACCRECCREDIT"),
        ("Move type", "out_invoice", "out_refund"),
        ("", "Rechnung", "Gutschrift"),
        ("Sens", "Débiteur", "Créditeur"),
        ("Vorgang", "Rechnung", "Gutschrift"),
    ],
)
def test_a_column_of_two_sides_makes_no_debt_of_a_credit(header, debit, credit) -> None:
    file = _file(header, debit, credit, debit)

    assert file.asked() == []
    assert _codes(file) == [None, "row_is_credit", None]


@pytest.mark.parametrize(
    ("header", "first", "other"),
    [
        ("Type", "D", "C"),
        ("Type", "Facture", "Acompte"),
        ("Nature", "10", "20"),
        ("Zork", "Kra", "Bul"),
        ("Zork", "oui", "non"),
        ("Zork", "X", ""),
        ("Serie", "A", "R"),
        ("BS", "01", "11"),
        ("Code", "P", "M"),
        ("Solde", "D", "C"),
        ("Litige", "Non", "Partiel"),
        ("À relancer", "Oui", "Non"),
        ("Règlement", "", "Chèque 1234"),
        ("Solde débiteur/créditeur", "D", "C"),
        ("Position", "S", "H"),
        ("Is credit", "false", "true"),
    ],
)
def test_a_column_of_two_values_that_nothing_explains_is_asked_once(header, first, other) -> None:
    file = _file(header, first, other, first)

    assert file.asked() == ["row_status"]
    values = file.mapping.questions[0].facts["values"]
    rows = {value["value"]: value["rows"] for value in values}
    assert rows == {value: count for value, count in ((first, 2), (other, 1)) if value}
    assert all("Z" in value["example"] for value in values)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Mode de règlement", ("Virement", "Chèque", "Virement")),
        ("Commercial", ("Durand", "Petit", "Durand")),
        ("Agence", ("Lyon", "Paris", "Lyon")),
        ("Type client", ("Pro", "Part", "Pro")),
        ("Zone", ("Nord", "Sud", "Nord")),
        ("Pays", ("FR", "BE", "FR")),
        ("Devise", ("EUR", "EUR", "EUR")),
        ("Priorité", ("haute", "basse", "haute")),
        ("Newsletter", ("oui", "non", "oui")),
        ("Tranche", ("0-30", "31-60", "0-30")),
    ],
)
def test_a_column_that_its_header_explains_is_not_asked(header, values) -> None:
    assert "row_status" not in _file(header, *values).asked()


@pytest.mark.parametrize(
    ("value", "status"),
    [
        *dict.fromkeys(
            ["Litige", "En litige", "Contestée", "Irrécouvrable", "Abandonnée", "Remboursée", "Passée en perte",
             "Liquidation judiciaire", "Redressement judiciaire", "Recouvrement judiciaire", "Disputed", "Written off",
             "Bad debt", "Refunded", "uncollectible", "Insolvenz", "strittig", "Uneinbringlich", "In dispute", "Betwist",
             "Faillissement", "Oninbaar", "Incobrable", "Concurso de acreedores", "En litigio", "Contestata", "Fallimento",
             "Inesigibile", "Chargeback", "On hold", "Insolvente", "Sporna", "Castigado", "Em protesto", "Estornada",
             "Al recupero crediti", "In Betreibung", "Verlustschein", "Konkurs", "Payment plan", "Surendettement"],
            "excluded",
        ).items(),
        *dict.fromkeys(
            ["Payée", "PAID", "Paid (Stripe)", "Payée le 12/03/2026", "réglée", "Closed", "Voided", "Draft", "bezahlt",
             "Storniert", "Cobrada", "Pagata", "Betaald", "Annulée", "Cancelled", "Brouillon", "In Payment", "Zaplacono",
             "Pagada totalmente", "Venda a dinheiro", "Pagata in ritardo", "Bar bezahlt"],
            "paid",
        ).items(),
        *dict.fromkeys(
            ["PartiallyPaid", "Partially Paid", "partial", "Payée partiellement", "teilbezahlt", "Parcialmente cobrada",
             "Deels betaald", "Parzialmente pagata", "Baixado parcialmente", "Cobrado en parte", "Teilweise beglichen"],
            "partly_paid",
        ).items(),
        *dict.fromkeys(
            ["Overdue by 12 days", "12 days overdue", "Non payées", "not_paid", "Posted", "En attente", "offen", "Sent, Overdue",
             "Awaiting Payment", "Payment Due", "Pendiente", "Scaduta", "openstaand", "En retard de 3 jours",
             "Factura Electrónica", "Nota de Débito A", "Aguardando pagamento", "Da riscuotere", "2. Mahnung", "Im Verzug"],
            "open",
        ).items(),
        *dict.fromkeys(
            ["Ej förfallen", "Påminnelse 2", "Purret", "Inkassovarsel", "1. rykker", "Erääntymätön", "Herinnering verzonden",
             "Üle tähtaja", "Kavēts", "Vėluojama"],
            "open",
        ).items(),
        *dict.fromkeys(
            ["Till inkasso", "Sendt til inkasso", "Afdragsordning", "Ulosotossa", "Overgedragen aan deurwaarder", "Pankrotis",
             "Norakstīts", "Perduota antstoliui"],
            "excluded",
        ).items(),
        *dict.fromkeys(["Delvist betalt", "Osaliselt tasutud", "Daļēji apmaksāts", "Dalinai apmokėta"], "partly_paid").items(),
        *dict.fromkeys(["Mitätöity", "Tühistatud", "Anulēts", "Anuliuota", "Udlignet", "Ontwerp"], "paid").items(),
        *dict.fromkeys(["Avoir", "credit note", "Gutschrift", "Rectificativa", "Nota di credito", "Nota de Crédito Electrónica", "Nota de devolução"], "credit").items(),
        *dict.fromkeys(["Abonada", "Baixado", "Remesado", "Sans litige", "Étape 3", "hors litige", "42", ""], None).items(),
    ],
)  # fmt: skip
def test_what_a_status_says(value, status) -> None:
    assert words.status_of(value) == status


def test_every_value_of_a_status_column_is_understood_or_asked_with_its_rows() -> None:
    file = _file("Statut", "Payée", "Niveau bleu", "En retard", "Niveau bleu")

    assert file.asked() == ["row_status"]
    facts = file.mapping.questions[0].facts
    assert facts["unclear"] == ["Niveau bleu (2)"]
    assert {value["value"]: value["status"] for value in facts["values"]} == {
        "Payée": "paid",
        "Niveau bleu": None,
        "En retard": "open",
    }
    answer = {"row_status": {"Statut": {"Niveau bleu": "excluded"}}}
    after = mapping.apply_changes(file.mapping, answer, file.profile)
    assert after.is_certain
    assert [findings[0].code if findings else None for findings in file.findings(after)] == [
        "row_is_settled",
        "row_is_excluded",
        None,
        "row_is_excluded",
    ]


def test_a_value_never_seen_is_asked_of_a_known_layout() -> None:
    first = _file("Statut", "Niveau bleu", "En retard")
    answer = {"row_status": {"Statut": {"Niveau bleu": "open"}}}
    base = mapping.apply_changes(first.mapping, answer, first.profile)
    same, other = _file("Statut", "Niveau bleu", "En retard"), _file("Statut", "Niveau bleu", "Niveau vert")

    assert mapping.recall(base, same.layout, same.profile, "EUR").is_certain
    questions = mapping.recall(base, other.layout, other.profile, "EUR").questions
    assert [question.facts["unclear"] for question in questions] == [["Niveau vert (1)"]]


@pytest.mark.parametrize(
    ("header", "values", "codes"),
    [
        ("Lettrage", ("AA", "", "AB"), ["row_is_settled", None, "row_is_settled"]),
        ("EcritureLet", ("", "", "A"), [None, None, "row_is_settled"]),
        ("Ausgleichsbeleg", ("1400001", "", ""), ["row_is_settled", None, None]),
        ("Reconciled", ("yes", "no", "no"), ["row_is_settled", None, None]),
        ("Litige", ("oui", "non", "non"), ["row_is_excluded", None, None]),
        ("Mahnsperre", ("X", "", ""), ["row_is_excluded", None, None]),
        ("Avoir", ("oui", "non", "non"), ["row_is_credit", None, None]),
        ("Annulée", ("1", "0", "0"), ["row_is_settled", None, None]),
        ("Impayée", ("oui", "non", "oui"), [None, "row_is_settled", None]),
        ("Commentaire", ("Litige", "rappeler lundi", ""), ["row_is_excluded", None, None]),
        ("Payé", ("non", "oui", "partiellement"), [None, "row_is_settled", "row_is_partly_paid"]),
        ("Clôturé", ("0", "1", "0"), [None, "row_is_settled", None]),
        ("Gutgeschrieben", ("nein", "ja", "nein"), [None, "row_is_credit", None]),
        ("Plan de paiement", ("", "oui", ""), [None, "row_is_excluded", None]),
        ("Date de règlement", ("", "12/09/2026", ""), [None, "row_is_settled", None]),
        ("Bezahlt am", ("", "12.09.2026", ""), [None, "row_is_settled", None]),
        ("Voided at", ("", "2026-09-12", ""), [None, "row_is_settled", None]),
        ("Closed date", ("", "2026-09-12", ""), [None, "row_is_settled", None]),
        ("Règlement prévu le", ("", "12/09/2026", ""), [None, None, None]),
        ("Promesse de paiement", ("", "12/09/2026", ""), [None, None, None]),
        ("Rejet de paiement le", ("", "12/09/2026", ""), [None, None, None]),
        ("state", ("posted", "draft", "cancel"), [None, "row_is_settled", "row_is_settled"]),
        ("Vorgang", ("Rechnung", "Zahlung", "Rechnung"), [None, "row_is_settled", None]),
        ("Libellé", ("Vente", "Règlement", "Vente"), [None, "row_is_settled", None]),
        ("Libellé", ("Facture 12", "Avoir sur F12", "Avoirs et dettes"), [None, "row_is_credit", None]),
        ("Notes", ("", "Disputed - waiting for goods", "call back"), [None, "row_is_excluded", None]),
        ("Observations", ("", "payée par chèque le 12/09", "RAS"), [None, "row_is_settled", None]),
        ("Bemerkung", ("Schuldner verstorben", "", ""), ["row_text_doubt", None, None]),
        ("Sens", ("C", "C", "C"), ["row_is_credit"] * 3),
        ("Origine écriture", ("VT", "VT", "BQ"), [None, None, "row_is_settled"]),
        ("Paiement", ("En attente", "Reçu", "En attente"), [None, "row_is_settled", None]),
        ("Commentaire", ("", "payé", ""), [None, "row_is_settled", None]),
        ("Note interne", ("sans litige", "litige qualité", ""), [None, "row_text_doubt", None]),
        ("Date litige", ("", "12/09/2026", ""), [None, "row_is_excluded", None]),
        ("Date de décès", ("", "12/09/2026", ""), [None, "row_is_excluded", None]),
        ("Montant en litige", ("0,00", "50,00", ""), [None, "row_is_excluded", None]),
        ("Lettrage", ("AA", "non", "open"), ["row_is_settled", None, None]),
    ],
)
def test_flags_marks_of_reconciliation_and_comments_are_read(header, values, codes) -> None:
    file = _file(header, *values)

    assert file.asked() == []
    assert _codes(file) == codes


def test_a_part_payment_without_a_remainder_is_warned_of() -> None:
    alone = _file("Statut", "Partiellement payée", "Envoyée")
    beside = read(
        f"{PLAIN} | Reste dû | Statut", "A | F1 | 14/10/2026 | 400,00 | 150,00 | Partiellement payée"
    )

    assert [(finding.code, finding.is_warning) for finding in alone.findings()[0]] == [
        ("row_is_partly_paid", True)
    ]
    assert beside.findings() == [[]]


def test_a_day_of_payment_says_nothing_beside_what_is_left() -> None:
    result = read(
        f"{PLAIN} | Reste dû | Payé le",
        "A | F1 | 14/10/2026 | 400,00 | 150,00 | 12/09/2026",
        "B | F2 | 14/10/2026 | 400,00 | 400,00 | ",
    )

    assert result.findings() == [[], []]


def test_a_state_nobody_knows_needs_no_meaning_beside_its_day_of_payment() -> None:
    result = read(
        "Cliente | Fatura | Vencimento | Valor | Situação | Data de pagamento",
        "Ana | F1 | 14/10/2026 | 400,50 | Vencida | ",
        "Rui | F2 | 15/10/2026 | 400,50 | Zork | 12/09/2026",
        currency="BRL",
    )

    assert result.asked() == []
    assert _codes(result) == [None, "row_is_settled"]


@pytest.mark.parametrize(("charge", "credit"), [("ND", "NC"), ("N/D", "NC"), ("FS", "NC")])
def test_other_documents_that_charge_are_owed_beside_invoices_and_credit_notes(charge, credit) -> None:
    file = _file("Tipo doc.", "FT", charge, credit)

    assert file.asked() == []
    assert _codes(file) == [None, None, "row_is_credit"]


def test_series_that_stand_with_one_document_type_each_need_no_meaning() -> None:
    header = "Cliente | Número | Vencimiento | Importe | T.D. | Serie"
    rows = (
        "A | 1 | 14/10/2026 | 400,50 | FT | F001",
        "B | 2 | 15/10/2026 | 99,50 | NC | FC01",
        "C | 3 | 16/10/2026 | 7,50 | FT | {}",
    )

    report = read(header, *rows[:2], rows[2].format("F001"), country="ES")
    mixed = read(header, *rows[:2], rows[2].format("R001"), country="ES")

    assert "row_status" not in report.asked()
    assert _codes(report) == [None, "row_is_credit", None]
    assert "row_status" in mixed.asked()


def test_amounts_below_debit_and_credit_are_no_marks() -> None:
    result = read(
        "Facture | Client | Débit | Crédit | Solde",
        "F1 | A | 100 |  | 100",
        "F2 | B | 50 |  | 50",
        "F3 | B |  | 20 | -20",
    )

    assert "row_status" not in result.asked()


def test_amounts_of_credit_notes_beside_invoices_are_asked() -> None:
    result = read("Facture | Client | Montant | Avoir", "F1 | A | 100,00 | 0,00", "F2 | B | 50,00 | 50,00")

    assert "amount_or_invoiced" in result.asked()


@pytest.mark.parametrize(
    ("numbers", "codes"),
    [
        (("FA001", "AV002", "FA003"), [None, "row_text_doubt", None]),
        (("RE-1", "RE-2", "GS-3"), [None, None, "row_text_doubt"]),
        (("CN-1", "CN-2", "CN-3"), [None, None, None]),
        (("AVIS1", "F2", "F3"), [None, None, None]),
    ],
)
def test_a_number_of_the_series_of_credit_notes_is_warned_of(numbers, codes) -> None:
    result = read("Client | Facture | Montant", *(f"A | {number} | 12,50" for number in numbers))

    assert _codes(result) == codes


def test_credits_beside_what_is_left_are_not_asked() -> None:
    result = read("Facture | Client | Restant dû | Avoir", "F1 | A | 100,00 | 20,00", "F2 | B | 50,00 | 0,00")

    assert result.asked() == []


@pytest.mark.parametrize(
    ("header", "first", "other", "is_asked"),
    [
        # Every row has its mark and a credit is below zero already: the marks are no signs.
        ("Zzz", "01", "02", False),
        ("Zzz", "TG", "TP", False),
        # A mark on some rows only may be a hold; sides, types and states are asked whatever the amounts show.
        ("Zzz", "BET", "", True),
        ("Type", "Q1", "Q2", True),
        ("Status", "Q1", "Q2", True),
    ],
)
def test_two_marks_are_no_signs_where_credits_are_below_zero(header, first, other, is_asked) -> None:
    amounts = ("120,50", "-14,20", "88,00", "310,40", "64,90")
    marks = (first, other, first, other, first)
    rows = [
        f"Nils Holm {at} | Z{at}A | {14 + at}/10/2026 | {amount} | {mark}"
        for at, (amount, mark) in enumerate(zip(amounts, marks, strict=True))
    ]

    result = read(f"{PLAIN} | {header}", *rows)

    assert ("row_status" in result.asked()) is is_asked


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Zzz", ("Rue du Moulin 18", "Chaussée de Mons 240")),
        ("Zzz", ("Dr S", "Dr M")),
        ("Vétérinaire", ("MB", "KL")),
        ("Vergütung", ("TG", "TP")),
        ("Zahlweg", ("Überweisung", "SEPA-Lastschrift")),
    ],
)
def test_places_people_and_ways_of_paying_are_no_signs(header, values) -> None:
    assert _file(header, *values, values[0]).asked() == []


def test_an_invoice_without_a_day_of_payment_is_owed_where_others_have_one() -> None:
    result = read(
        "Numéro | Client | Échéance | Montant TTC | Date de paiement",
        "2026-031 | Brasserie Mousse & Co | 29/08/2026 | 2160,00 | 27/08/2026",
        "2026-032 | Cabinet Ostéo Verne | 05/09/2026 | 900,00 |",
        "2026-033 | Fondation Arbre Vert | 19/09/2026 | 504,00 |",
    )

    assert result.asked() == []
    assert _codes(result) == ["row_is_settled", None, None]


@pytest.mark.parametrize("word", ["En attente", "Pending", "In attesa", "Pendiente"])
def test_what_waits_beside_what_is_open_is_asked(word) -> None:
    assert _file("Statut", "Ouvert", word, "Clôturé").asked() == ["row_status"]
    assert _file("Statut", "Envoyée", word, "Payée").asked() == []
