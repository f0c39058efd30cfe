"""Row statuses of a column's values: words of states, journals, notes."""

from collections.abc import Iterable, Mapping
from typing import Final

from getbill import sheets
from getbill.mapping.columns import Candidate, has_fractions
from getbill.mapping.model import CERTAIN
from getbill.mapping.row_status.flags import lettering_statuses, read_flags
from getbill.mapping.row_status.model import ANY_VALUE, CUSTOMERS, MARK_CHARS_MAX, OTHER_SUBJECTS
from getbill.mapping.row_status.sides import are_sides, side_statuses
from getbill.mapping.row_status.signs import is_state, may_be_sign
from getbill.mapping.row_status.words import LISTS, STATUSES, mark_of, normalize_words, states, status_of
from getbill.mapping.vocabulary import CONCEPTS

_ISSUED: Final = frozenset(LISTS.words("issued", "values"))
_OPEN: Final = frozenset(LISTS.words("open", "values"))
_WAITING: Final = frozenset(LISTS.words("waiting", "values"))
_OTHERS_STATES: Final = LISTS.members("others_states", "concepts", CONCEPTS)
_NOTE_CHARS_MIN: Final = 6
_SUPPLIERS: Final = frozenset(LISTS.words("suppliers", "values"))
_PAYMENT_PAPER: Final = LISTS.pattern("payment_description", r"^(?:{})$")
_TELLING: Final = LISTS.members("telling", "concepts", CONCEPTS)
_FREE_TEXT: Final = LISTS.members("free_text", "concepts", CONCEPTS)
# Row status of journals, and of codes of document types below a header of types.
_JOURNALS: Final = LISTS.concepts_by_word("journals", STATUSES)
_TYPES: Final = LISTS.concepts_by_word("types", STATUSES)
# Header words for the state of something else: goods, customers.
_ELSEWHERE: Final = frozenset(LISTS.words("elsewhere", "headers"))
_DASHES: Final = frozenset("-\u2013\u2014")
_ZEROS: Final = ("0", "0,00", "0.00", "0,0", "0.0", "0,00 €", "€0.00", "- €")
_VALUES_MAX: Final = 40
_VALUE_CHARS_MAX: Final = 40
_TO_COME: Final = LISTS.pattern("to_come", r"\b(?:{})\b")


def read_values(candidate: Candidate) -> dict[str, str | None] | None:
    """Return the row status of each value of a column; None for a column unrelated to what is due."""
    profile, concepts = candidate.profile, candidate.concepts
    if "lettering" in concepts:
        return lettering_statuses(profile)
    if "disputed" in concepts and profile.share(sheets.CellKind.NUMBER) >= CERTAIN and has_fractions(profile):
        # Disputed amounts: zero means no dispute.
        return {**dict.fromkeys(_ZEROS, "open"), ANY_VALUE: "excluded"}
    flags = read_flags(candidate)
    if flags or not profile.values:
        return flags
    if not _may_tell(candidate):
        return _known_states(candidate)
    if "journal" in concepts or _are_journals(candidate):
        return _journal_statuses(profile)
    readings: dict[str, str | None] = {value: status_of(value) for value in profile.values if value.strip()}
    return _word_statuses(candidate, readings)


def _journal_statuses(profile: sheets.ColumnProfile) -> dict[str, str | None] | None:
    if len(profile.values) == 1 or not any(mark_of(value) in _JOURNALS for value in profile.values):
        return None
    return {value: _JOURNALS.get(mark_of(value)) for value in profile.values if value.strip()}


def _are_journals(candidate: Candidate) -> bool:
    """Return whether all values are ledger journals, of sales and of payments, whatever the header."""
    profile = candidate.profile
    marks = {_JOURNALS.get(mark_of(value)) for value in profile.values if value.strip()}
    return marks >= {"open", "paid"} and None not in marks and not candidate.concepts & OTHER_SUBJECTS


def _known_states(candidate: Candidate) -> dict[str, str | None] | None:
    """Read a column with an unrelated header, where every value is a state and some are not due."""
    values = [value for value in candidate.profile.values if value.strip()]
    readings = {value: status_of(value) for value in values}
    is_decisive = all(readings.values()) and set(readings.values()) - {"open"} and len(readings) > 1
    are_words = all(len(value) > MARK_CHARS_MAX for value in values)
    return readings if is_decisive and are_words and not candidate.concepts & _OTHERS_STATES else None


def _word_statuses(candidate: Candidate, readings: dict[str, str | None]) -> dict[str, str | None] | None:
    if _has_issued(readings):
        # Beside "issued", "open" may mean not issued.
        readings = {v: None if normalize_words(v) in _OPEN else s for v, s in readings.items()}
    if any(normalize_words(value) in _OPEN for value in readings):
        # Beside "open", "waiting" may mean waiting for release.
        readings = {v: None if normalize_words(v) in _WAITING else s for v, s in readings.items()}
    concepts = candidate.concepts
    is_of_states = bool(concepts & {"status", "disputed", "credit_note"})
    if is_of_states:
        readings = {value: status or _note_status(value, anywhere=True) for value, status in readings.items()}
    is_text = bool(concepts & _FREE_TEXT) and not is_of_states
    if (
        (is_text or ("province" in concepts and not is_of_states))
        and set(readings.values()) - {None, "open"}
        and _are_states(readings, all_of_them=is_text)
    ):
        return readings
    if is_text or _is_elsewhere(candidate):
        return _text_statuses(candidate, readings)
    if not is_of_states and (
        concepts & OTHER_SUBJECTS or len(readings) > _VALUES_MAX or _are_customers(candidate, readings)
    ):
        return None
    if sides := side_statuses(candidate, list(readings)):
        return sides
    if "kind" in concepts:
        readings = {value: status or _TYPES.get(_type_of(value)) for value, status in readings.items()}
    if is_state(candidate, readings) or may_be_sign(candidate):
        return readings
    return {v: s for v, s in readings.items() if s and s != "open"} or None


def _are_customers(candidate: Candidate, values: Iterable[str]) -> bool:
    """Return whether the values of a column of types are types of customers."""
    return "kind" in candidate.concepts and all(normalize_words(value) in CUSTOMERS for value in values)


def _type_of(value: str) -> str:
    """Return a document type code for comparison, without the letter of its series: FAC A."""
    text = normalize_words(value)
    return text[:-2] if len(text) > MARK_CHARS_MAX and text[-2] == " " else text


def _are_states(readings: Mapping[str, str | None], *, all_of_them: bool) -> bool:
    """Return whether values are states: all of them in texts, most of them below a province header."""
    known_count = sum(1 for status in readings.values() if status)
    return known_count == len(readings) if all_of_them else 2 * known_count > len(readings)


def _has_issued(readings: Iterable[str]) -> bool:
    return any(normalize_words(value) in _ISSUED for value in readings)


def _text_statuses(candidate: Candidate, readings: dict[str, str | None]) -> dict[str, str | None] | None:
    """Read clear words in texts; two marks of ledger sides are not texts."""
    concepts = candidate.concepts
    if not concepts & OTHER_SUBJECTS and are_sides(readings):
        return side_statuses(candidate, list(readings)) or readings
    is_note = "note" in concepts
    ending = {"credit", "excluded", "paid"} if is_note else {"credit", "excluded"}
    is_stage = bool(concepts & {"priority", "reminder"})
    statuses = {
        v: s or _note_status(v, anywhere=is_stage) if is_note or is_stage else s for v, s in readings.items()
    }
    return {v: s for v, s in statuses.items() if s in ending or _is_payment(v)} or None


def _note_status(value: str, *, anywhere: bool = False) -> str | None:
    """Return the row status in a note, by its first word or a phrase: litige dégât des eaux, ne pas relancer.

    In a stage any word decides, unless it is still to come: dossier avocat, avant contentieux.
    """
    words = states()
    text = normalize_words(value)
    words_read = text.split(" ") if anywhere and not _TO_COME.search(text) else text.split(" ", 1)[:1]
    if any(
        len(word) >= _NOTE_CHARS_MIN and words.get(word) == "excluded" and word not in _SUPPLIERS
        for word in words_read
    ):
        return "excluded"
    phrases = (phrase for phrase, status in words.items() if status == "excluded" and phrase.count(" ") > 1)
    return "excluded" if any(f" {phrase} " in f" {text} " for phrase in phrases) else None


def _is_elsewhere(candidate: Candidate) -> bool:
    """Return whether a header names the state of something other than the document: goods, customers."""
    concepts = candidate.concepts
    if concepts & {"invoice", "document", "payment", "paid", "open", "disputed", "credit_note"}:
        return False
    words = normalize_words(candidate.column.header).split()
    return "status" in concepts and (
        bool(concepts & {"debtor", "reminder"}) or not _ELSEWHERE.isdisjoint(words)
    )


def _is_payment(value: str) -> bool:
    """Return whether a text is only the word for a received payment."""
    return bool(_PAYMENT_PAPER.match(normalize_words(value)))


def _may_tell(candidate: Candidate) -> bool:
    """Return whether a column may have states, types or sides, by its header or its short values."""
    profile = candidate.profile
    shapes = (
        sheets.CellKind.EMAIL,
        sheets.CellKind.DATE,
        sheets.CellKind.PHONE,
        sheets.CellKind.IBAN,
        sheets.CellKind.URL,
    )
    if any(profile.share(kind) >= 0.5 for kind in shapes) or _are_amounts(profile):
        return False
    if candidate.is_known and not candidate.tokens.unknown:
        telling = candidate.concepts & (_TELLING | _FREE_TEXT | {"province"})
        return bool(telling) or are_sides(profile.values)
    return all(len(value) <= _VALUE_CHARS_MAX for value in profile.values)


def _are_amounts(profile: sheets.ColumnProfile) -> bool:
    """Return whether a column contains amounts, even if most are a dash for zero."""
    dashes = sum(rows for value, rows in profile.values.items() if value.strip() in _DASHES)
    numbers = profile.share(sheets.CellKind.NUMBER) * profile.filled
    return bool(numbers) and 2 * (numbers + dashes) >= profile.filled and has_fractions(profile)
