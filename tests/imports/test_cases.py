"""The files that were read wrongly, each with the right outcome: the debts that it holds and no others.

Where a question is as right as its answer, a case names what that question concerns. Any other question is answered, as
the case says or by what is proposed, and the debts are looked at afterwards.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from imports.sender import Sender, by_crew

_CASES = Path(__file__).parent / "cases"
_PHONE = frozenset({"phone", "mobile", "country", "phone_country"})
_ROWS = frozenset({"row_status", "D/C", "S/H", "Type de pièce", "Statut"})
_PERSON = frozenset({"debtor_reference", "Compte", "Code client"})


@dataclass(frozen=True)
class Owed:
    """A debt that a file holds; what is None is not looked at."""

    reference: str
    name: str
    amount: str
    due: str | None = None
    phone: str | None = None
    currency: str | None = "EUR"
    company: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Case:
    """A file, what it holds, which question would be right too, and what others are answered."""

    file: str
    owed: tuple[Owed, ...]
    may_ask: frozenset[str] = frozenset()
    answer: Mapping[str, Any] = field(default_factory=dict)
    asks_nothing: bool = False
    # References of rows of which nothing is held to here.
    open: frozenset[str] = field(default=frozenset())


CASES = (
    Case(
        "01-collective-account-merges-people.csv",
        (
            Owed("CA1", "Jean Dupont", "100", "2026-10-14", email="jean.ca@exemple-mail.fr"),
            Owed("CA2", "Sophie Martin", "200", "2026-10-15", email="sophie.ca@exemple-mail.fr"),
            Owed("CA3", "SARL Léon", "300", "2026-10-16", email="leon.ca@exemple-mail.fr"),
        ),
        _PERSON,
    ),
    Case(
        "02a-code-client-divers.csv",
        (
            Owed("CB1", "Jean Dupond", "100", "2026-10-14", email="jean.cb@exemple-mail.fr"),
            Owed("CB2", "Sophie Martine", "200", "2026-10-15", email="sophie.cb@exemple-mail.fr"),
            Owed("CB3", "Léa Li", "300", "2026-10-16", email="lea.cb@exemple-mail.fr"),
        ),
        _PERSON,
    ),
    Case(
        "03-fec-ledger.txt",
        (Owed("FEC-3001", "DUPONT Jean", "1200"), Owed("FEC-3003", "SARL Boulangerie Léon", "2400")),
    ),
    Case(
        "04-sign-column-D-C.csv",
        (
            Owed("DC33001", "Nils Holm", "500", "2026-10-14"),
            Owed("DC33003", "Eva Strand", "75", "2026-10-16"),
        ),
        _ROWS,
    ),
    Case(
        "04-sign-column-dc0.csv",
        (Owed("Z0A", "Nils Holm", "500", "2026-10-14"), Owed("Z0C", "Eva Strand", "75", "2026-10-16")),
        _ROWS,
    ),
    Case(
        "04-sign-column-dc5.csv",
        (Owed("Z5A", "Nils Holm", "500", "2026-10-14"), Owed("Z5C", "Eva Strand", "75", "2026-10-16")),
        _ROWS,
    ),
    Case(
        "05-nl-phones.xlsx",
        (
            Owed("EX20001", "J. van den Berg", "1234.56", "2026-10-15", "+31612345678"),
            Owed("EX20002", "Bakkerij De Korst B.V.", "250", "2026-10-28", "+31206241111"),
        ),
        _PHONE,
    ),
    Case(
        "05-de-phones.csv",
        (
            Owed("LX23001", "Ute Schröder", "119", "2026-10-15", "+49341123456"),
            Owed("LX23002", "Haus & Hof GmbH", "690", "2026-10-28", "+49301234567"),
            Owed("LX23003", "Cem Yılmaz", "59.50", "2026-10-30", "+4915123456789"),  # noqa: RUF001 - a Turkish name
        ),
        _PHONE,
    ),
    Case(
        "05-es-phones.csv",
        (
            Owed("F260021001", "María José Pérez Gómez", "1210", "2026-10-14", "+34612345678"),
            Owed("F260021003", "Talleres Ruiz S.L.", "2000", "2026-10-16", "+34934567890"),
        ),
        _PHONE,
    ),
    Case(
        "05-ch-phones.csv",
        (
            Owed("CH25001", "Keller Reto", "1234.50", "2026-10-15", "+41791234567", "CHF"),
            Owed("CH25002", "Bäckerei Huber AG", "12345", "2026-10-30", "+41787654321", "CHF"),
        ),
        _PHONE,
    ),
    Case(
        "06-suggestion-loses-sign-and-currency.csv",
        (
            Owed("PD1", "June Whit", "1200.50", "2026-10-14", currency="USD"),
            Owed("PD8", "Ann Oak", "90", "2026-10-28", currency="USD"),
            Owed("PD9", "Ann Oak", "91", "2026-10-28", currency="USD"),
            Owed("PD10", "Ann Oak", "92", "2026-10-28", currency="USD"),
        ),
        answer={"signs": {"$": "USD"}},
    ),
    Case(
        "07-statuses-fr.csv",
        (Owed("SX6", "Nom G", "10", "2026-10-14"), Owed("SX7", "Nom H", "10", "2026-10-14")),
        _ROWS,
        open=frozenset({"SX8"}),
    ),
    Case(
        "08-069-refused.csv",
        (
            Owed("CB-12001", "Zoé Lambert", "120", "2026-09-15", "+33698765432"),
            Owed("CB-12003", "Omar Haddad", "400", "2026-10-27", None, "USD", "Haddad Trading LLC"),
        ),
    ),
    Case(
        "09-float-phones-become-amount.csv",
        (
            Owed("B13A", "Al Bo", "10", "2026-10-14", "+33612345601"),
            Owed("B13B", "Cy Do", "20", "2026-10-15", "+33612345602"),
        ),
    ),
    Case(
        "10-mixed-encodings-half.csv",
        tuple(Owed(f"MF{number}", "Lefèvre Théo", "10", f"2026-10-{10 + number}") for number in range(6)),
    ),
    Case(
        "11-keuro.csv",
        (Owed("KE1", "Ana Bo", "10500", "2026-10-14"), Owed("KE2", "Bob Co", "2000", "2026-10-15")),
        frozenset({"amount_unit"}),
    ),
    Case(
        "12-partial-status.xlsx",
        (
            Owed("AK-53001", "Rita Voss", "150.50", "2026-10-14", "+4915123456753"),
            Owed("AK-53003", "Sven Wolf", "400", "2026-10-16"),
        ),
    ),
    Case(
        "14-merged-cells.xlsx",
        (
            Owed("MG37001", "Hugo Blanc", "100", "2026-09-14", email="hugo.blanc37@exemple-mail.fr"),
            Owed("MG37002", "Hugo Blanc", "200", "2026-10-14", email="hugo.blanc37@exemple-mail.fr"),
            Owed("MG37003", "Hugo Blanc", "300", "2026-11-14", email="hugo.blanc37@exemple-mail.fr"),
            Owed("MG37004", "Clara Noir", "50", "2026-09-15", email="clara.noir37@exemple-mail.fr"),
            Owed("MG37005", "Clara Noir", "60", "2026-10-15", email="clara.noir37@exemple-mail.fr"),
        ),
    ),
    Case(
        "16-xero-invoices.csv",
        (Owed("INV-10001", "Delia Marsh", "260", "2026-10-15", currency="GBP"),),
    ),
    Case(
        "17-zoho-lakh.csv",
        (
            Owed("INV-16001", "Ravi Menon", "118000", "2026-10-05", "+919812345678", "INR"),
            Owed("INV-16003", "Birch Foods Pvt Ltd", "400", "2026-10-25", currency="USD"),
        ),
    ),
    Case(
        "18-odoo-company-contact.xlsx",
        (
            Owed("INV/2026/17001", "Brandon Freeman", "1200", "2026-10-08", company="Azure Interior"),
            Owed("INV/2026/17003", "Jules Fontaine", "150", "2026-10-19"),
        ),
    ),
    Case(
        "19-client-total-proposed.csv",
        (
            Owed("CG56001", "Soleil SARL", "100", "2026-10-14"),
            Owed("CG56002", "Soleil SARL", "250", "2026-10-15"),
            Owed("CG56003", "Lune SAS", "80", "2026-10-16"),
        ),
        answer={"columns": {"Montant facture": "amount"}},
    ),
    Case(
        "20-axonaut-contact.csv",
        (
            Owed("55001", "Moulin SARL", "1000", "2026-10-14"),
            Owed("55002", "Rémi Ollier", "60", "2026-10-15"),
        ),
    ),
    Case(
        "21-xero-aged-grouped.xlsx",
        (
            Owed("INV-9001", "Aled Pryce", "410.25", "2026-10-03", currency=None),
            Owed("INV-9002", "Aled Pryce", "99.90", "2026-11-12", currency=None),
            Owed("INV-9003", "Marlow Dental Ltd", "1500", "2026-09-19", currency=None),
        ),
        answer={"currency": "GBP"},
    ),
    Case("22-gap-1000.csv", (Owed("GAP1000", "Nil Ada", "10", "2026-10-14"),)),
    Case(
        "24-balance-agee.xlsx",
        (
            Owed("C6001", "Lefèvre Camille", "120.50"),
            Owed("C6002", "Garage du Port SARL", "750"),
            Owed("C6003", "Nguyen Thi Mai", "1080"),
        ),
        answer={"columns": {"Code": "reference"}},
    ),
    Case(
        "25-sap-nettofaellig.txt",
        (
            Owed("1800014001|SAP-14001", "Seidel Maschinenbau GmbH", "11900", "2026-10-02"),
            Owed("1800014003|SAP-14003", "Kraus, Petra", "238", "2026-10-28"),
        ),
    ),
    Case(
        "26-contacts.csv",
        (
            Owed("CM48001", "Guy Noël", "100", "2026-10-14", "+33612345648", "EUR", "Verrerie SA"),
            Owed("CM48002", "Luce Picard", "200", "2026-10-15", "+33123456790"),
            Owed("CM48003", "Verrerie SA", "300", "2026-10-16", ""),
        ),
    ),
    Case(
        "27-jpy.csv",
        (
            Owed("JP51001", "Kenji Mori", "12500", "2026-10-14", currency="JPY"),
            Owed("JP51002", "Yui Abe", "980000", "2026-10-15", currency="JPY"),
        ),
        asks_nothing=True,
    ),
    Case("28-apostrophes.csv", (Owed("B7A", "Al Bo", "1200.50", "2026-10-14", "+33612345601"),)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file.partition(".")[0])
async def test_a_file_becomes_the_debts_that_it_holds(sender: Sender, case: Case) -> None:
    answer = await _sent(sender, case.file)
    if answer["waiting_for"] is not None:
        assert not case.asks_nothing
        if await _concerned(sender, answer["id"]) & case.may_ask:
            return
        answer = await _answered(sender, answer["id"], case.answer)
    _is_imported(answer)
    await _holds(sender, case)


async def test_a_code_that_stands_for_anybody_changes_nobody(sender: Sender) -> None:
    earlier = await _imported(sender, "02a-code-client-divers.csv", {})
    before = await _people(sender)
    later = await _imported(sender, "02b-later-file-overwrites-debtor.csv", {})
    together = await _people(sender)
    assert {name: together[name] for name in before} == before
    assert together["CC1"][0] == "Autre Personne"
    assert together["CC2"][0] == "Ivo Ka"
    assert (await sender.call("POST", f"/imports/{later}/undo")).status == 202
    assert (await sender.work(later))["state"] == "undone"
    assert {name: who for name, who in (await _people(sender)).items() if name in before} == before
    assert earlier != later


async def test_no_suggestion_changes_a_sign_or_a_currency(sender: Sender) -> None:
    import_id = await _imported(sender, "06-suggestion-loses-sign-and-currency.csv", {"signs": {"$": "USD"}})
    findings = await sender.findings(import_id)
    assert {finding["line"] for finding in findings if finding["outcome"] == "rejected"} == set(range(3, 9))
    for finding in findings:
        suggestion = finding["suggestion"]
        assert suggestion is None or (suggestion.startswith("-") and re.search(r"\$|USD", suggestion)), (
            finding
        )
    before = await _by_reference(sender)
    accepted = sorted({finding["code"] for finding in findings})
    answered = await sender.call("POST", f"/imports/{import_id}/corrections", {"accept": accepted})
    assert answered.status == 202, answered.body
    await sender.work(import_id)
    assert await _by_reference(sender) == before


async def test_both_encodings_of_a_file_are_said(sender: Sender) -> None:
    answer = await _sent(sender, "10-mixed-encodings-half.csv")
    assert "mixed-encoding" in {note["code"] for note in answer["notes"]}


async def test_a_part_paid_without_a_remainder_is_warned_about(sender: Sender) -> None:
    answer = await _sent(sender, "12-partial-status.xlsx")
    _is_imported(answer)
    findings = await sender.findings(answer["id"])
    assert 4 in {finding["line"] for finding in findings if finding["outcome"] == "warned"}, findings


async def test_instalments_of_an_invoice_are_two_debts(sender: Sender) -> None:
    await _imported(sender, "13-instalments.csv", {"instalments": "split"})
    debts = await sender.debts()
    first, second, third = sorted(debts, key=lambda debt: (debt["reference"][:7], debt["due_date"]))
    assert third["reference"] == "EC42002"
    assert first["reference"] != second["reference"]
    for debt, due in ((first, "2026-09-30"), (second, "2026-10-31")):
        assert debt["reference"].startswith("EC42001")
        assert (debt["due_date"], Decimal(str(debt["amount"]))) == (due, 500)
        assert debt["debtor"]["name"] == "Yann Le Gall"


async def test_naming_the_column_of_what_is_owed_frees_the_other(sender: Sender) -> None:
    import_id = await sender.sent((_CASES / "15-put-422-two-amounts.csv").read_bytes(), "?auto=false")
    assert (await sender.work(import_id))["waiting_for"] is not None
    await _put(sender, import_id, {"columns": {"Reste dû TTC": "amount"}})
    answer = await _answered(sender, import_id, {})
    _is_imported(answer)
    await _holds(
        sender,
        Case(
            "15-put-422-two-amounts.csv",
            (
                Owed("FA00007001", "Duchêne Élodie", "1234.56", "2026-10-05", "+33611223344"),
                Owed("FA00007003", "Okonkwo Chidi", "7500.25", "2026-10-20", "+33755443322"),
            ),
        ),
    )


async def test_an_empty_column_is_nobodys_name(sender: Sender) -> None:
    answer = await _sent(sender, "16-xero-invoices.csv")
    fields = await _fields(sender, answer["id"])
    assert fields["*ContactName"] == "name"
    assert fields["TrackingName1"] is None


async def test_company_and_contact_are_not_first_and_last_name(sender: Sender) -> None:
    await _imported(sender, "18-odoo-company-contact.xlsx", {})
    debtor = (await _by_reference(sender))["INV/2026/17001"]["debtor"]
    assert debtor["company"] == "Azure Interior"
    assert (debtor["first_name"], debtor["last_name"]) in {(None, None), ("Brandon", "Freeman")}


async def test_a_customers_total_is_not_proposed_as_an_amount(sender: Sender) -> None:
    answer = await _sent(sender, "19-client-total-proposed.csv")
    assert (await _fields(sender, answer["id"]))["Total dû client"] not in {"amount", "amount_invoiced"}


async def test_a_cell_far_outside_the_table_does_not_keep_it_from_being_read(sender: Sender) -> None:
    # A child has a limit of memory.
    import_id = await sender.sent((_CASES / "23-far-cell.xlsx").read_bytes(), "?auto=true")
    answer = await by_crew(sender, import_id)
    assert answer["error"] is None
    assert "Client" in await _fields(sender, answer["id"])


async def test_heads_and_totals_of_pages_are_no_rows(sender: Sender) -> None:
    import_id = await _imported(sender, "24-balance-agee.xlsx", {"columns": {"Code": "reference"}})
    # The customer who is owed something is the one row that is refused.
    assert {finding["line"] for finding in await sender.findings(import_id)} == {11}


async def test_nettofaellig_is_the_due_date(sender: Sender) -> None:
    answer = await _sent(sender, "25-sap-nettofaellig.txt")
    assert (await _fields(sender, answer["id"]))["Nettofällig"] == "due_date"


async def _sent(sender: Sender, file: str) -> dict[str, Any]:
    return await sender.imported((_CASES / file).read_bytes())


async def _imported(sender: Sender, file: str, answer: Mapping[str, Any]) -> str:
    """Have a file imported, what it asks answered, and return its id."""
    body = await _sent(sender, file)
    if body["waiting_for"] is not None:
        body = await _answered(sender, body["id"], answer)
    _is_imported(body)
    return str(body["id"])


async def _answered(sender: Sender, import_id: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    await _put(sender, import_id, {**answer, "confirm": True})
    return await sender.work(import_id)


async def _put(sender: Sender, import_id: str, value: Mapping[str, Any]) -> None:
    answered = await sender.call("PUT", f"/imports/{import_id}/mapping", value)
    assert answered.status == 200, answered.body.decode()


def _is_imported(answer: Mapping[str, Any]) -> None:
    assert answer["state"] == "completed", (answer["state"], answer["waiting_for"], answer["error"])


async def _concerned(sender: Sender, import_id: str) -> set[str]:
    """What an import's questions concern: their codes and fields, and their columns' fields and headers."""
    mapping = await sender.get(f"/imports/{import_id}/mapping")
    columns = {column["index"]: column for column in mapping["columns"]}
    concerned = set()
    for question in mapping["questions"]:
        concerned |= {question["code"], question["field"]}
        for index in question["columns"]:
            concerned |= {columns[index]["field"], columns[index]["header"]}
    return concerned


async def _holds(sender: Sender, case: Case) -> None:
    debts = await _by_reference(sender)
    left = debts.keys() - case.open
    for due in case.owed:
        reference = next((name for name in due.reference.split("|") if name in debts), None)
        assert reference is not None, f"{due.reference} is no debt"
        left -= {reference}
        _is_owed(debts[reference], due)
    assert not left, f"nobody owes {sorted(left)}"
    await _are_told_apart(case, debts)


def _is_owed(debt: Mapping[str, Any], owed_debt: Owed) -> None:
    debtor = debt["debtor"]
    assert Decimal(str(debt["balance"])) == Decimal(owed_debt.amount)
    assert owed_debt.currency in {None, debt["currency"]}
    assert owed_debt.due in {None, debt["due_date"]}
    assert owed_debt.phone in {None, debtor["phone"] or ""}
    assert owed_debt.email in {None, debtor["email"]}
    names = {_words(debtor["name"]), _words(debtor["company"])}
    names.add(_words(f"{debtor['first_name'] or ''} {debtor['last_name'] or ''}"))
    for name in (owed_debt.name, owed_debt.company or owed_debt.name):
        assert _words(name) in names, (name, debtor)


async def _are_told_apart(case: Case, debts: Mapping[str, Mapping[str, Any]]) -> None:
    """People of different names are different debtors."""
    people: dict[str, set[str]] = {}
    for due in case.owed:
        for name in due.reference.split("|"):
            if name in debts:
                people.setdefault(debts[name]["debtor"]["id"], set()).add(due.company or due.name)
    assert all(len(names) == 1 for names in people.values()), people


def _words(name: str | None) -> frozenset[str]:
    words = frozenset(re.findall(r"[\w&]+", (name or "").casefold()))
    return words - {"m", "mme", "mr", "mrs"}


async def _by_reference(sender: Sender) -> dict[str, dict[str, Any]]:
    return {debt["invoice_reference"] or debt["reference"]: debt for debt in await sender.debts()}


async def _people(sender: Sender) -> dict[str, tuple[Any, Any, Any]]:
    """The name, the e-mail address and the debtor of each debt."""
    return {
        name: (debt["debtor"]["name"], debt["debtor"]["email"], debt["debtor"]["id"])
        for name, debt in (await _by_reference(sender)).items()
    }


async def _fields(sender: Sender, import_id: str) -> dict[str, str | None]:
    mapping = await sender.get(f"/imports/{import_id}/mapping")
    return {column["header"]: column["field"] for column in mapping["columns"]}
