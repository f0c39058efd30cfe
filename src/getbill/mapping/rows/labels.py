"""Labels that contradict a row's debt: a credit note, a note of a dispute or a payment.

Whole values that are known states belong to `row_status`; this module reads sentences. A credit note is
rejected, the others cause a warning.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from getbill import sheets
from getbill.mapping.model import ColumnMapping, Field
from getbill.mapping.values import BodyDraft, CellFinding, Step
from getbill.mapping.vocabulary import parse_header

_OF_TEXTS: Final = frozenset({"note", "object", "quality"})
_REMEMBERED_MAX: Final = 20_000
# Without accents, and in lower case.
_CREDIT: Final = re.compile(
    r"(?:facture d.)?avoirs? (?:sur|du|de|n|no|client|partiel|av)\b|note de credit\b|gutschrift\b|stornorechnung\b|rechnungskorrektur\b"
    r"|credit (?:note|memo)\b|creditnota\b|creditfactuur\b|nota (?:di|de) credito\b|factura rectificativa\b|abono (?:de|por|factura)\b"
    r"|kreditnota\b|kreditfaktura\b|korekta\b|dobropis\b|knjizno odobrenje\b|odobrenje po racunu\b|faktura korygujaca\b|storno (?:faktury|factura|racuna)\b"
    r"|sztorno(?:zas| szamla)\b|jovairas\b|iade faturas|πιστωτικο (?:τιμολογιο|για|επι)|кредитно известие\b|књижно одобрење\b"
)
_DOUBT: Final = re.compile(
    r"\b(?:(?:liquidation|redressement) judiciaire|procedures? collectives?|surendettement|(?<!sans )(?<!hors )(?<!pas de )(?<!aucun )litige\b|litigieu|(?:cheque|virement|paiement|reglement) recu|contestee?\b|irrecouvrable"
    r"|passee? en perte|abandon de creance|ne pas relancer|decede|(?:deja|a ete) (?:paye|regle)|(?:payee?|reglee?|soldee?)s? (?:le|par|ce)\b"
    r"|insolven|bankrupt|disputed\b|in dispute|written off|do not (?:chase|contact)|deceased|already paid|paid (?:on|by|in full)\b"
    r"|payment plan|ratenzahlung|bestritten|strittig|reklamation|uneinbringlich|verstorben|bereits (?:be|ge)zahlt|bezahlt am"
    r"|concurso de acreedores|en disputa|incobrable|ya pagad|pagad[oa] el|contestat[oa]\b|inesigibile|fallimento|gia pagat|pagat[oa] il"
    r"|faillissement|failliet|betwist|oninbaar|reeds betaald|betaald op|incobravel|insolvenc|konkur[sz]|exekuc|komornik|upad[l\u0142]osc|stecaj|faliment|felszamolas|vegrehajtas|iflas|icra takib|konkordato|πτωχευ|несъстоятелн|стечај"
    r"|sporn[aey]\b|sporno\b|utuzen|ovrha\b|izvrsb|vitatott|litigiu\b|vec placen|juz zap[l\u0142]ac|jiz uhrazen|uz zaplaten|mar kifizet|tvist|attente d.avoir|avoir a emettre)"
)


# Number series of credit notes: AV-2026-004, GS12, CN-002.
_CREDIT_NUMBER: Final = re.compile(
    r"\s*(?:avo?|avoir|kfs|dobropis|dob|gs|cn|crn|nc|ncr|crm)[-_ /.]?\d", re.IGNORECASE
)


def steps(columns: Sequence[ColumnMapping], profile: sheets.Profile) -> list[Step]:
    """Return the steps that check a row's texts and numbers; none where no column has any."""
    texts = [_text_step(column) for column in columns if _holds_texts(column)]
    return texts + [_number_step(column) for column in columns if _is_of_two_series(column, profile)]


def _text_step(column: ColumnMapping) -> Step:
    index = column.index
    cached_code_of = lru_cache(_REMEMBERED_MAX)(code_of)

    def check_text(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = cells[index]
        if text.__class__ is not str or not text:
            return
        if code := cached_code_of(text):
            draft.findings.append(_finding(column, text, code))

    return check_text


def _number_step(column: ColumnMapping) -> Step:
    index, matches = column.index, _CREDIT_NUMBER.match

    def check_number(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = cells[index]
        if text.__class__ is str and matches(text):
            draft.findings.append(_finding(column, text, "row_text_doubt"))

    return check_number


def _finding(column: ColumnMapping, text: str, code: str) -> CellFinding:
    facts = {"value": text, "header": column.header or column.letter}
    return CellFinding(column.index, None, text, code, facts, is_warning=code == "row_text_doubt")


def code_of(text: str) -> str:
    """Return the finding code for a text that contradicts its row; empty where none applies."""
    plain = sheets.fold(text)
    if _CREDIT.match(plain):
        return "row_is_credit"
    return "row_text_doubt" if _DOUBT.search(plain) else ""


def _is_of_two_series(column: ColumnMapping, profile: sheets.Profile) -> bool:
    """Return whether a column numbers documents, most of them not as credit notes."""
    if column.field not in {Field.REFERENCE, Field.INVOICE_REFERENCE}:
        return False
    texts = [str(sample) for sample in profile.column(column.index).samples]
    return 2 * sum(1 for text in texts if _CREDIT_NUMBER.match(text)) < len(texts)


def _holds_texts(column: ColumnMapping) -> bool:
    if column.field not in {None, Field.OBJECT, Field.METADATA}:
        return False
    return bool(parse_header(column.header).concepts & _OF_TEXTS)
