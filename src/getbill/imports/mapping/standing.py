"""Rows of an export that nobody owes: credit notes, paid and cancelled invoices, drafts.

An export of all invoices has them between the others, with amounts that look like debts. They are recognised by
their mark in a column of states or kinds, and refused with it, never demanded from anyone.
"""

from collections.abc import Mapping, Sequence

from getbill import sheets
from getbill.imports.mapping.candidates import Candidate
from getbill.imports.mapping.cells import CellFinding, Draft, Step, text_of
from getbill.imports.mapping.headers import plain

_TELLING = frozenset(
    {"status", "kind", "flag", "paid", "payment", "document", "invoice", "credit", "debit", "open"}
)
_SETTLED = [
    "payee",
    "paye",
    "payees",
    "reglee",
    "regle",
    "soldee",
    "solde",
    "acquittee",
    "encaissee",
    "paid",
    "settled",
    "closed",
    "bezahlt",
    "beglichen",
    "ausgeglichen",
    "erledigt",
    "pagada",
    "pagado",
    "cobrada",
    "cobrado",
    "abonada",
    "liquidada",
    "pagata",
    "pagato",
    "saldata",
    "saldato",
    "incassata",
    "incassato",
    "betaald",
    "voldaan",
    "annulee",
    "annule",
    "cancelled",
    "canceled",
    "void",
    "voided",
    "storniert",
    "annulliert",
    "anulada",
    "anulado",
    "annullata",
    "annullato",
    "geannuleerd",
    "brouillon",
    "draft",
    "entwurf",
    "borrador",
    "bozza",
    "concept",
    "paid_in_full",
    "fully_paid",
    "written_off",
    "totalement_payee",
    "entierement_payee",
    "payee_integralement",
    "vollstandig_bezahlt",
]
_CREDITS = [
    "avoir",
    "avoirs",
    "gutschrift",
    "gutschriften",
    "rechnungskorrektur",
    "credit_note",
    "credit_memo",
    "creditnote",
    "creditmemo",
    "nota_de_credito",
    "nota_credito",
    "nota_di_credito",
    "abono",
    "rectificativa",
    "factura_rectificativa",
    "creditnota",
    "creditfactuur",
    "credit_facture",
    "facture_d_avoir",
    "stornorechnung",
    "storno",
    "refund",
    "remboursement",
    "customer_credit_note",
]
_YES = frozenset(
    {"oui", "yes", "ja", "si", "true", "vrai", "wahr", "verdadero", "vero", "waar", "x", "o", "y", "j", "1"}
)
# Marks of one letter or so mean a credit only beside the mark of a debit.
_SIDES = ({"s": "h"}, {"d": "c"}, {"dr": "cr"}, {"soll": "haben"}, {"debit": "credit"}, {"debe": "haber"},
          {"dare": "avere"}, {"debet": "credit"}, {"d": "h"})  # fmt: skip

Marks = Mapping[int, Mapping[str, str]]


def marks(candidates: Sequence[Candidate]) -> dict[int, dict[str, str]]:
    """Return, by column, the cells that say that their row is not owed, each with why: `settled` or `credit`."""
    found: dict[int, dict[str, str]] = {}
    for one in candidates:
        if one.spoken.concepts & _TELLING and (told := _told(one)):
            found[one.column.index] = told
    return found


def step(not_owed: Marks, columns: Mapping[int, str]) -> Step | None:
    """Return the step that refuses rows that are not owed; None where a file has no such marks."""
    told = {
        index: {value.strip().casefold(): why for value, why in values.items()}
        for index, values in not_owed.items()
        if values
    }
    if not told:
        return None

    def refuse(cells: Sequence[sheets.Cell], draft: Draft) -> None:
        for index, values in told.items():
            text = text_of(cells[index])
            if text and (why := values.get(text.casefold())):
                facts = {"value": text, "header": columns[index]}
                draft.findings.append(CellFinding(index, None, text, f"row_is_{why}", facts))

    return refuse


def _told(one: Candidate) -> dict[str, str]:
    values = {value: plain(value).replace("-", " ").replace("'", " ") for value in one.found.values}
    if "paid" in one.spoken.concepts and one.found.share(sheets.Kind.YES_NO) >= 0.9 and len(values) <= 2:
        return {value: "settled" for value, word in values.items() if word in _YES}
    told = {value: "settled" for value, word in values.items() if word.replace(" ", "_") in _SETTLED}
    told |= {value: "credit" for value, word in values.items() if word.replace(" ", "_") in _CREDITS}
    for side in _SIDES:
        (debit, credit), plains = next(iter(side.items())), set(values.values())
        if credit in plains and plains <= {debit, credit, ""}:
            told |= {value: "credit" for value, word in values.items() if word == credit}
    return told
