"""Row status columns: which rows of an export are due, by state, document type or ledger side.

An export of all invoices also has paid, cancelled and disputed ones and credit notes, with amounts that look
like debts. A known value decides about its rows; a column with an unknown value raises one question about all
of its values. A column with two values beside an amount may be its sign: its header explains it, or it raises
a question.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from getbill import sheets
from getbill.mapping.columns import Candidate, has_fractions
from getbill.mapping.cross_column_evidence import Head
from getbill.mapping.model import CERTAIN, ColumnMapping, ColumnReason, Field, Question
from getbill.mapping.row_status.words import (
    LISTS,
    STATUSES,
    Status,
    mark_of,
    normalize_words,
    status_of,
    vocabulary,
)
from getbill.mapping.values import NOTHING, BodyDraft, CellFinding, Step, text_of
from getbill.mapping.vocabulary import CONCEPTS, JOINING, normalize, parse_header

# By column, by value: the row status. An empty table: the column is ignored.
RowStatus = Mapping[int, Mapping[str, str]]
# Stands for every value of a column in which all marks have the same meaning.
ANY_VALUE: Final = "*"

_CODES: Final = {"paid": "row_is_settled", "credit": "row_is_credit", "excluded": "row_is_excluded"}
_ISSUED: Final = frozenset(LISTS.words("issued", "values"))
_OPEN: Final = frozenset(LISTS.words("open", "values"))
_WAITING: Final = frozenset(LISTS.words("waiting", "values"))
_OTHERS_STATES: Final = LISTS.members("others_states", "concepts", CONCEPTS)
# A column with fewer values distinguishes nothing.
_TYPES_MIN: Final = 2
# A column of document types has at most this many values.
_TYPES_MAX: Final = 12
# Greater numbers are not signs but codes of known lists.
_SIGN_MAX: Final = 12
_NEGATIVE_MOST: Final = 0.8
_NOTE_CHARS_MIN: Final = 6
_SUPPLIERS: Final = frozenset(LISTS.words("suppliers", "values"))
_YES: Final = frozenset(LISTS.words("yes", "values"))
_NO: Final = frozenset(LISTS.words("no", "values"))
# Row status by flag: for a concept of its header, the status where the flag is set, and where it is not.
_FLAGS: Final[tuple[tuple[str, Status, Status], ...]] = (
    ("disputed", "excluded", "open"),
    ("cancelled", "paid", "open"),
    ("lettering", "paid", "open"),
    ("credit_note", "credit", "open"),
    ("paid", "paid", "open"),
    ("open", "open", "paid"),
)
_SETTLED: Final = LISTS.members("settled", "concepts", CONCEPTS)
_NOT_YET: Final = LISTS.pattern("not_yet")
_PAYMENT_PAPER: Final = LISTS.pattern("payment_description", r"^(?:{})$")
_TELLING: Final = LISTS.members("telling", "concepts", CONCEPTS)
_ABOUT_OTHERS: Final = LISTS.members("about_others", "concepts", CONCEPTS)
_FREE_TEXT: Final = LISTS.members("free_text", "concepts", CONCEPTS)
_OF_SIGNS: Final = LISTS.members("signs", "concepts", CONCEPTS)
_DASHES: Final = frozenset("-\u2013\u2014")
_ZEROS: Final = ("0", "0,00", "0.00", "0,0", "0.0", "0,00 €", "€0.00", "- €")
_VALUES_MAX: Final = 40
_VALUE_CHARS_MAX: Final = 40
_TITLES: Final = frozenset(LISTS.words("titles", "values"))
# A mark is no longer than this; longer values are words.
_MARK_CHARS_MAX: Final = 3
_PAYMENT: Final = LISTS.pattern("payment")
# Fewer codes may share a prefix by chance.
_CUSTOMERS_MIN: Final = 3
# Minimum share of unknown headers for a file in another language.
_FOREIGN_MIN: Final = 0.3
_ENDED: Final = LISTS.pattern("ended")
_BOOKED: Final = LISTS.pattern("booked", r"^(?:is )?(?:{})$")
_CANCELLED: Final = LISTS.pattern("cancelled")
_TO_COME: Final = LISTS.pattern("to_come", r"\b(?:{})\b")
_TO_DO: Final = LISTS.pattern("to_do", r"(?:{})\b")
_NOT_DAYS: Final = LISTS.pattern("not_days", r"\b(?:{})\b|[\W_]")


@dataclass(frozen=True, slots=True)
class RowStatusDecision:
    """Row statuses by column and value, the questions, and the columns whose every value is known."""

    statuses: dict[int, dict[str, str]]
    questions: list[Question]
    explained: frozenset[int]
    # Whether a column marks paid rows: the others are due in full, or in part where it says so.
    tracks_payment: bool


def decide_row_status(
    columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: Head
) -> RowStatusDecision:
    """Decide the row status of values; a column with an unknown value is one question."""
    statuses: dict[int, dict[str, str]] = {}
    questions: list[Question] = []
    explained: set[int] = set()
    tracks_payment = False
    column_readings: list[tuple[ColumnMapping, Candidate, dict[str, str | None]]] = []
    for column, candidate in zip(columns, candidates, strict=True):
        if column.field not in {None, Field.OBJECT, Field.METADATA} or not candidate.profile.filled:
            continue
        values = _column_statuses(candidate, columns, candidates, head)
        if values is not None:
            column_readings.append((column, candidate, values))
    if _tells_sign(columns, candidates, column_readings, head):
        column_readings = [
            reading for reading in column_readings if not _is_only_sign(reading[1], reading[2])
        ]
    rows = _Rows(columns, candidates, column_readings, head)
    for column, candidate, values in column_readings:
        readings = rows.explained(candidate, values)
        if not all(readings.values()) and (types := rows.as_types(candidate, candidates)):
            readings = types
        known_statuses = {value: status for value, status in readings.items() if status}
        is_flag = bool(candidate.tokens.concepts & {"paid", "open"})
        is_day = known_statuses.get(ANY_VALUE) == "paid" and bool(
            candidate.tokens.concepts & {"paid", "payment"}
        )
        tracks_payment |= (
            is_flag or is_day or any(_PAYMENT.search(normalize(value)) for value in known_statuses)
        )
        if known_statuses and (
            len(known_statuses) < len(readings) or set(known_statuses.values()) != {"open"}
        ):
            statuses[column.index] = known_statuses
        if len(known_statuses) == len(readings):
            explained.add(column.index)
        else:
            questions.append(
                status_question(column, candidate.profile, readings, examples(columns, candidate, head))
            )
    statuses |= _collective_accounts(columns, head)
    return RowStatusDecision(statuses, questions, frozenset(explained), tracks_payment)


def _tells_sign(
    columns: Sequence[ColumnMapping],
    candidates: Sequence[Candidate],
    column_readings: Sequence[tuple[ColumnMapping, Candidate, dict[str, str | None]]],
    head: Head,
) -> bool:
    """Return whether credits are visible already: by document type, or as negative amounts."""
    types = any("credit" in values.values() and all(values.values()) for _, _, values in column_readings)
    return types or any(
        0 < head.share_negative(candidate.profile) < _NEGATIVE_MOST
        for column, candidate in zip(columns, candidates, strict=True)
        if column.field in {Field.AMOUNT, Field.AMOUNT_INVOICED} and column.confidence >= CERTAIN
    )


def _is_only_sign(candidate: Candidate, values: Mapping[str, str | None]) -> bool:
    """Return whether a column only has two unexplained short marks, one in every row.

    A mark beside blanks may mean a hold.
    """
    return (
        not any(values.values())
        and len(values) == _TYPES_MIN
        and candidate.profile.filled == candidate.profile.rows
        and not candidate.tokens.concepts & _OF_SIGNS
        and all(len(value) <= _MARK_CHARS_MAX for value in values)
        and not _are_sides(values)
        and not _is_state(candidate, values)
    )


def _collective_accounts(columns: Sequence[ColumnMapping], head: Head) -> dict[int, dict[str, str]]:
    """Exclude the collective account whose code begins all customer accounts: 430 above 43000011."""
    statuses: dict[int, dict[str, str]] = {}
    for column in columns:
        if column.field == Field.DEBTOR_REFERENCE:
            codes = sorted({text for cells in head.rows if (text := text_of(cells[column.index]))}, key=len)
            first, other_codes = codes[:1], codes[1:]
            if len(other_codes) >= _CUSTOMERS_MIN and all(
                code.startswith(first[0]) and len(code) > len(first[0]) + 1 for code in other_codes
            ):
                statuses[column.index] = {first[0]: "excluded"}
    return statuses


def _column_statuses(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: Head
) -> dict[str, str | None] | None:
    """Return the row status of a column's values, given the other columns; None where it has none."""
    has_remainder = any(
        column.field == Field.AMOUNT and other.tokens.concepts & {"open", "overdue"}
        for column, other in zip(columns, candidates, strict=True)
    )
    values = _settlement_day_status(candidate, has_remainder=has_remainder) or _read_values(candidate)
    if values is None:
        return _states_beside_amounts(candidate, columns, candidates, head)
    if _is_order_type(candidate) and any(column.field == Field.INVOICE_REFERENCE for column in columns):
        # An order with an invoice number was invoiced.
        return {value: "open" if status == "paid" else status for value, status in values.items()}
    has_payments = any(map(_is_of_payment, candidates)) or any(
        column.field in {Field.AMOUNT_PAID, Field.AMOUNT} for column in columns
    )
    if _is_of_order(candidate) and has_payments:
        return {
            value: status for value, status in values.items() if _CANCELLED.search(normalize(value))
        } or None
    if not has_remainder:
        return values
    if _is_remainder_after(candidate, columns, candidates, head):
        return None
    return _without_closed(candidate, values, columns, candidates, head)


def _is_of_payment(candidate: Candidate) -> bool:
    """Return whether a header names the state of a payment."""
    concepts = candidate.tokens.concepts
    return "status" in concepts and bool(concepts & {"payment", "paid"})


def _is_of_order(candidate: Candidate) -> bool:
    """Return whether a header names the state of an order, without a payment."""
    concepts = candidate.tokens.concepts
    return {"order", "status"} <= concepts and not concepts & {"invoice", "payment", "paid", "open"}


def _is_order_type(candidate: Candidate) -> bool:
    """Return whether a header names types of orders."""
    concepts = candidate.tokens.concepts
    return {"order", "kind"} <= concepts and "status" not in concepts


_Remainder = Literal["nothing", "part", "all"]


def _remainders_by_value(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: Head
) -> dict[str, set[_Remainder]]:
    """Return, by a column's values, how much of the invoiced amount remains in their first rows."""
    profiles = {
        column.field: other.profile for column, other in zip(columns, candidates, strict=True) if column.field
    }
    if Field.AMOUNT not in profiles:
        return {}
    due = head.numbers(profiles[Field.AMOUNT])
    whole = head.numbers(profiles[Field.AMOUNT_INVOICED]) if Field.AMOUNT_INVOICED in profiles else due
    remainders: dict[str, set[_Remainder]] = {}
    for cells, remainder, total in zip(head.rows, due, whole, strict=True):
        if remainder is not None and (value := text_of(cells[candidate.column.index])):
            is_part = total is not None and abs(remainder) < abs(total)
            remainders.setdefault(value, set()).add(
                "nothing" if not remainder else "part" if is_part else "all"
            )
    return remainders


def _states_beside_amounts(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: Head
) -> dict[str, str | None] | None:
    """Read a column as states, where remaining amounts show it and most headers are unknown.

    A value whose rows all have a remaining amount of zero means paid; other unknown values raise a question.
    """
    values = [value for value in candidate.profile.values if value.strip()]
    unknown = sum(1 for other in candidates if not other.is_known and other.column.header)
    if candidate.is_known or unknown < _FOREIGN_MIN * len(candidates):
        return None
    is_repeated = candidate.profile.filled > len(values)
    if not is_repeated or len(values) > _TYPES_MAX or any(any(map(str.isdigit, value)) for value in values):
        return None
    remainders = _remainders_by_value(candidate, columns, candidates, head)
    kinds = {kind for shares in remainders.values() for kind in shares}
    if not kinds >= {"nothing", "all"} or any(
        "nothing" in shares and len(shares) > 1 for shares in remainders.values()
    ):
        return None
    paid = {value for value, shares in remainders.items() if shares == {"nothing"}}
    return {value: status_of(value) or ("paid" if value in paid else None) for value in values}


def _without_closed(
    candidate: Candidate,
    values: dict[str, str | None],
    columns: Sequence[ColumnMapping],
    candidates: Sequence[Candidate],
    head: Head,
) -> dict[str, str | None]:
    """Check values that mean paid against remaining amounts: completed, closed, and "no" for open.

    A value does not mean paid where some of its rows have a remaining amount; where all have one, it raises a
    question.
    """
    is_of_open = "open" in candidate.tokens.concepts
    noes = {value for value in values if is_of_open and normalize_words(value) in _NO}
    ends = {
        value
        for value, status in values.items()
        if status == "paid" and (_ENDED.search(normalize(value)) or value in noes)
    }
    if not ends:
        return values
    remainders = _remainders_by_value(candidate, columns, candidates, head)
    if any(remainders.get(value, set()) - {"nothing"} for value in ends & noes):
        return {value: "open" if value in noes else status for value, status in values.items()}
    mixed = {
        value
        for value in ends
        if remainders.get(value, set()) - {"nothing"} and "nothing" in remainders[value]
    }
    never = {value for value in ends if remainders.get(value) and "nothing" not in remainders[value]}
    return {
        value: "open" if value in mixed else None if value in never else status
        for value, status in values.items()
    }


def _is_remainder_after(
    candidate: Candidate, columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: Head
) -> bool:
    """Return whether the remaining amount already reflects reconciliation: it is zero in a marked row."""
    if "lettering" not in candidate.tokens.concepts:
        return False
    remainders = [
        other.profile
        for column, other in zip(columns, candidates, strict=True)
        if column.field == Field.AMOUNT
    ]
    marks = [text_of(cells[candidate.column.index]) for cells in head.rows]
    return any(
        mark and number == 0
        for other in remainders
        for mark, number in zip(marks, head.numbers(other), strict=True)
    )


class _Rows:
    """The first rows, with those that may be debts whatever the meaning of a column's values."""

    def __init__(
        self,
        columns: Sequence[ColumnMapping],
        candidates: Sequence[Candidate],
        column_readings: Sequence[tuple[ColumnMapping, Candidate, dict[str, str | None]]],
        head: Head,
    ) -> None:
        self._rows = head.rows
        self._read = {candidate.column.index: readings for _, candidate, readings in column_readings}
        self._filled_most = max(map(_filled_count, head.rows), default=0)
        self._refused = {
            candidate.column.index: {
                at
                for at, cells in enumerate(head.rows)
                if _reading(readings, text_of(cells[candidate.column.index])) in _CODES
            }
            for _, candidate, readings in column_readings
        }
        due = [
            amount.profile
            for column, amount in zip(columns, candidates, strict=True)
            if column.field == Field.AMOUNT
            and column.confidence >= CERTAIN
            and head.share_negative(amount.profile) < _NEGATIVE_MOST
        ]
        # Rows without a positive amount due.
        self._empty = {
            at for amount in due for at, number in enumerate(head.numbers(amount)) if not number or number < 0
        }

    def explained(self, candidate: Candidate, readings: dict[str, str | None]) -> dict[str, str | None]:
        """Return the values that need a meaning: one that occurs only in rows without debt needs none.

        A code that is then the only one left, and on every row with a debt, has no meaning for them.
        """
        if all(readings.values()):
            return readings
        index = candidate.column.index
        elsewhere = self._empty.union(*(rows for column, rows in self._refused.items() if column != index))
        everywhere: Counter[str] = Counter()
        live: Counter[str] = Counter()
        for at, cells in enumerate(self._rows):
            value = text_of(cells[index]) or ""
            everywhere[value] += 1
            live[value] += at not in elsewhere and (bool(value) or not self._is_sparse(cells))
        counted = candidate.profile.values
        owed_values = {
            value
            for value in counted
            if readings.get(value) not in _CODES and (live[value] or everywhere[value] < counted[value])
        }
        unknown = {value for value in owed_values if value in readings and not readings[value]}
        if (
            len(unknown) == 1
            and owed_values == unknown
            and _may_be_only(candidate, next(iter(unknown)))
            and not live[""]
        ):
            return {v: "open" if v in unknown else s for v, s in readings.items() if s or v in unknown}
        return readings if unknown else {v: s for v, s in readings.items() if s}

    def as_types(self, candidate: Candidate, candidates: Sequence[Candidate]) -> dict[str, str | None] | None:
        """Read a column through the document types beside it, where both correspond one to one."""
        if "kind" not in candidate.tokens.concepts:
            return None
        for other in candidates:
            types = self._read.get(other.column.index) or {
                value: status_of(value) for value in other.profile.values if value.strip()
            }
            if other is candidate or len(types) < _TYPES_MIN or not all(types.values()):
                continue
            pairs = {
                (value, text_of(cells[other.column.index]) or "")
                for cells in self._rows
                if (value := text_of(cells[candidate.column.index]))
            }
            values = {value for value, _ in pairs}
            if len(pairs) == len(values) == len(
                {document_type for _, document_type in pairs}
            ) and values == set(filter(str.strip, candidate.profile.values)):
                return {value: types.get(document_type) for value, document_type in pairs}
        return None

    def _is_sparse(self, cells: Sequence[sheets.Cell]) -> bool:
        """Return whether a row has less than half the cells of the fullest: a total, a heading."""
        return 2 * _filled_count(cells) < self._filled_most


def _reading(readings: Mapping[str, str | None], text: str | None) -> str | None:
    """Return the row status of a cell, also in a column where every mark has the same one."""
    if not text or text in readings:
        return readings.get(text or "")
    return None if text.casefold() in NOTHING else readings.get(ANY_VALUE)


def _filled_count(cells: Sequence[sheets.Cell]) -> int:
    return sum(1 for cell in cells if text_of(cell))


def _may_be_only(candidate: Candidate, value: str) -> bool:
    """Return whether a value on every row with a debt needs no meaning: a code, or a document type."""
    return len(value) <= _MARK_CHARS_MAX or "status" not in candidate.tokens.concepts


def status_question(
    column: ColumnMapping,
    profile: sheets.ColumnProfile,
    readings: Mapping[str, str | None],
    rows: Mapping[str, str],
) -> Question:
    """Return the question about the row status of a column's values, with counts and an example of each."""
    values = [
        {
            "value": value,
            "rows": profile.values.get(value, 0),
            "status": status,
            "example": rows.get(value, ""),
        }
        for value, status in readings.items()
    ]
    unclear = [
        f"{value} ({profile.values.get(value, 0)})" for value, status in readings.items() if not status
    ]
    facts: dict[str, Any] = {"header": column.header or column.letter, "unclear": unclear, "values": values}
    return Question("row_status", (column.index,), None, STATUSES, None, facts)


def examples(columns: Sequence[ColumnMapping], candidate: Candidate, head: Head) -> dict[str, str]:
    """Return, for each value of a column, one of its rows: reference, name and amount as written."""
    example_columns = [
        column.index
        for column in columns
        if column.field
        in {
            Field.REFERENCE,
            Field.INVOICE_REFERENCE,
            Field.NAME,
            Field.COMPANY,
            Field.LAST_NAME,
            Field.AMOUNT,
        }
        | {Field.AMOUNT_INVOICED, Field.AMOUNT_PAID}
    ]
    rows: dict[str, str] = {}
    for cells in head.rows:
        value = text_of(cells[candidate.column.index])
        if value and value not in rows:
            rows[value] = " · ".join(text for index in example_columns if (text := text_of(cells[index])))
    return rows


def refusal_step(row_status: RowStatus, columns: Mapping[int, str], *, has_remainder: bool) -> Step | None:
    """Return the step that rejects rows that are not due; None where no column marks any.

    With `has_remainder`, an amount column accounts for part payments, which then need no warning.
    """
    tables = {
        index: {
            value.strip().casefold(): status
            for value, status in values.items()
            if status != "open" or ANY_VALUE in values
        }
        for index, values in row_status.items()
    }
    tables = {index: values for index, values in tables.items() if values}
    if not tables:
        return None

    def refuse(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        for index, values in tables.items():
            text = text_of(cells[index])
            status = values.get(text.casefold()) if text else None
            if status is None and text and ANY_VALUE in values and text.casefold() not in NOTHING:
                status = values[ANY_VALUE]
            if status in {None, "open"} or (status == "partly_paid" and has_remainder):
                continue
            facts = {"value": text, "header": columns[index]}
            code = _CODES.get(status, "row_is_partly_paid")
            draft.findings.append(
                CellFinding(index, None, text, code, facts, is_warning=status == "partly_paid")
            )

    return refuse


def _settlement_day_status(candidate: Candidate, *, has_remainder: bool) -> dict[str, str | None] | None:
    """Read the date on which some rows were paid, cancelled or disputed; None for any other column.

    Where a column has the remaining amount, a payment date adds nothing.
    """
    profile, tokens = candidate.profile, candidate.tokens
    is_day = max(profile.share(sheets.CellKind.DATE), profile.share(sheets.CellKind.SERIAL_DATE)) >= CERTAIN
    is_other = tokens.concepts & {"due", "open", "invoice", "issue", "terms"}
    if not is_day or is_other or profile.filled >= profile.rows:
        return None
    status = _day_status(candidate)
    if status in {"paid", "partly_paid"} and has_remainder and "cancelled" not in tokens.concepts:
        return None
    return {ANY_VALUE: status} if status else None


def _day_status(candidate: Candidate) -> str | None:
    """Return the row status for a date header: a payment, a dispute, a death."""
    header, concepts = normalize(candidate.column.header), candidate.tokens.concepts
    word = status_of(" ".join(_NOT_DAYS.sub(" ", header).split()))
    if word in {"paid", "credit", "excluded"}:
        return None if _NOT_YET.search(header) else word
    if "disputed" in concepts:
        return "excluded"
    if not concepts & _SETTLED or _NOT_YET.search(header):
        return None
    return "partly_paid" if "booking" in concepts else "paid"


def leave_out_closing_days(candidates: Iterable[Candidate]) -> None:
    """Leave out dates of events that end a debt (payment, liquidation, death): they are not due dates."""
    for candidate in candidates:
        dates = {Field.INVOICE_DATE, Field.DUE_DATE}
        if (
            candidate.may_be(dates)
            and candidate.is_known
            and _settlement_day_status(candidate, has_remainder=False)
        ):
            candidate.set_claims(
                [], ColumnReason("not_ours", {"header": candidate.column.header or candidate.column.letter})
            )


def _read_values(candidate: Candidate) -> dict[str, str | None] | None:
    """Return the row status of each value of a column; None for a column unrelated to what is due."""
    profile, concepts = candidate.profile, candidate.tokens.concepts
    if "lettering" in concepts:
        return _lettering_statuses(profile)
    if "disputed" in concepts and profile.share(sheets.CellKind.NUMBER) >= CERTAIN and has_fractions(profile):
        # Disputed amounts: zero means no dispute.
        return {**dict.fromkeys(_ZEROS, "open"), ANY_VALUE: "excluded"}
    flags = _read_flags(candidate)
    if flags or not profile.values:
        return flags
    if not _may_tell(candidate):
        return _known_states(candidate)
    if "journal" in concepts or _are_journals(candidate):
        return _journal_statuses(profile)
    readings: dict[str, str | None] = {value: status_of(value) for value in profile.values if value.strip()}
    return _word_statuses(candidate, readings)


def _journal_statuses(profile: sheets.ColumnProfile) -> dict[str, str | None] | None:
    journals = vocabulary().journals
    if len(profile.values) == 1 or not any(mark_of(value) in journals for value in profile.values):
        return None
    return {value: journals.get(mark_of(value)) for value in profile.values if value.strip()}


def _are_journals(candidate: Candidate) -> bool:
    """Return whether all values are ledger journals, of sales and of payments, whatever the header."""
    profile, journals = candidate.profile, vocabulary().journals
    marks = {journals.get(mark_of(value)) for value in profile.values if value.strip()}
    return marks >= {"open", "paid"} and None not in marks and not candidate.tokens.concepts & _ABOUT_OTHERS


def _known_states(candidate: Candidate) -> dict[str, str | None] | None:
    """Read a column with an unrelated header, where every value is a state and some are not due."""
    values = [value for value in candidate.profile.values if value.strip()]
    readings = {value: status_of(value) for value in values}
    is_decisive = all(readings.values()) and set(readings.values()) - {"open"} and len(readings) > 1
    are_words = all(len(value) > _MARK_CHARS_MAX for value in values)
    return readings if is_decisive and are_words and not candidate.tokens.concepts & _OTHERS_STATES else None


def _word_statuses(candidate: Candidate, readings: dict[str, str | None]) -> dict[str, str | None] | None:
    if _has_issued(readings):
        # Beside "issued", "open" may mean not issued.
        readings = {v: None if normalize_words(v) in _OPEN else s for v, s in readings.items()}
    if any(normalize_words(value) in _OPEN for value in readings):
        # Beside "open", "waiting" may mean waiting for release.
        readings = {v: None if normalize_words(v) in _WAITING else s for v, s in readings.items()}
    concepts = candidate.tokens.concepts
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
        concepts & _ABOUT_OTHERS or len(readings) > _VALUES_MAX or _are_customers(candidate, readings)
    ):
        return None
    if sides := _side_statuses(candidate, list(readings)):
        return sides
    if "kind" in concepts:
        types = vocabulary().types
        readings = {value: status or types.get(_type_of(value)) for value, status in readings.items()}
    if _is_state(candidate, readings) or _may_be_sign(candidate):
        return readings
    return {v: s for v, s in readings.items() if s and s != "open"} or None


def _are_customers(candidate: Candidate, values: Iterable[str]) -> bool:
    """Return whether the values of a column of types are types of customers."""
    customer_kinds = vocabulary().customers
    return "kind" in candidate.tokens.concepts and all(
        normalize_words(value) in customer_kinds for value in values
    )


def _type_of(value: str) -> str:
    """Return a document type code for comparison, without the letter of its series: FAC A."""
    text = normalize_words(value)
    return text[:-2] if len(text) > _MARK_CHARS_MAX and text[-2] == " " else text


def _are_states(readings: Mapping[str, str | None], *, all_of_them: bool) -> bool:
    """Return whether values are states: all of them in texts, most of them below a province header."""
    known_count = sum(1 for status in readings.values() if status)
    return known_count == len(readings) if all_of_them else 2 * known_count > len(readings)


def _has_issued(readings: Iterable[str]) -> bool:
    return any(normalize_words(value) in _ISSUED for value in readings)


def _text_statuses(candidate: Candidate, readings: dict[str, str | None]) -> dict[str, str | None] | None:
    """Read clear words in texts; two marks of ledger sides are not texts."""
    concepts = candidate.tokens.concepts
    if not concepts & _ABOUT_OTHERS and _are_sides(readings):
        return _side_statuses(candidate, list(readings)) or readings
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
    words = vocabulary().words
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
    concepts = candidate.tokens.concepts
    if concepts & {"invoice", "document", "payment", "paid", "open", "disputed", "credit_note"}:
        return False
    words = normalize_words(candidate.column.header).split()
    return "status" in concepts and (
        bool(concepts & {"debtor", "reminder"}) or not vocabulary().elsewhere.isdisjoint(words)
    )


def _is_payment(value: str) -> bool:
    """Return whether a text is only the word for a received payment."""
    return bool(_PAYMENT_PAPER.match(normalize_words(value)))


def _are_sides(values: Iterable[str]) -> bool:
    """Return whether two values are the marks of debit and credit in a ledger: S and H, FAC and AVO."""
    marks = {mark_of(value) for value in values if value.strip()}
    sides = vocabulary().mark_sides
    return (
        len(marks) == 2
        and not all(map(str.isdigit, marks))
        and any(marks & sides.get(mark, frozenset()) for mark in marks)
    )


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
        telling = candidate.tokens.concepts & (_TELLING | _FREE_TEXT | {"province"})
        return bool(telling) or _are_sides(profile.values)
    return all(len(value) <= _VALUE_CHARS_MAX for value in profile.values)


def _are_amounts(profile: sheets.ColumnProfile) -> bool:
    """Return whether a column contains amounts, even if most are a dash for zero."""
    dashes = sum(rows for value, rows in profile.values.items() if value.strip() in _DASHES)
    numbers = profile.share(sheets.CellKind.NUMBER) * profile.filled
    return bool(numbers) and 2 * (numbers + dashes) >= profile.filled and has_fractions(profile)


def _lettering_statuses(profile: sheets.ColumnProfile) -> dict[str, str | None] | None:
    """Return the row status of reconciliation marks: any mark means settled, except words such as no."""
    words = {value: normalize_words(value) for value in profile.values if value.strip()}
    if words and all(word in _YES | _NO for word in words.values()):
        return {value: "paid" if word in _YES else "open" for value, word in words.items()}
    refused: dict[str, str | None] = {
        value: "open" for value, word in words.items() if word in _NO or status_of(value) == "open"
    }
    return refused | {ANY_VALUE: "paid"}


def _read_flags(candidate: Candidate) -> dict[str, str | None] | None:
    """Read a column of yes and no, or of crosses and blanks, by its header; other words are states."""
    profile, concepts = candidate.profile, candidate.tokens.concepts
    words = {value: normalize_words(value) for value in profile.values if value.strip()}
    # Zeros may be amounts.
    if not _are_flags(words) or (set(words.values()) == {"0"} and "open" in concepts):
        return None
    for concept, when_set, otherwise in _FLAGS:
        if concept in concepts:
            return _flag_statuses(words, when_set, otherwise, knows_states=concept in {"paid", "open"})
    if _BOOKED.search(normalize(candidate.column.header)) and "date" not in concepts:
        # A document that is not posted yet is a draft.
        return _flag_statuses(words, "open", "paid", knows_states=False)
    status = status_of(candidate.column.header)
    if status == "open" and _TO_DO.match(normalize(candidate.column.header)):
        return {value: "open" if word in _YES else None for value, word in words.items()}
    if status not in {None, "open"}:
        return _flag_statuses(words, str(status), "open", knows_states=False)
    return None


def _are_flags(words: Mapping[str, str]) -> bool:
    """Return whether most words are yes and no; other numbers beside 0 and 1 make them amounts."""
    flags = [word for word in words.values() if word in _YES | _NO]
    other_words = set(words.values()) - _YES - _NO
    are_numbers = any(word.replace(" ", "").isdigit() for word in other_words)
    return bool(flags) and 2 * len(flags) >= len(words) and not are_numbers


def _flag_statuses(
    words: Mapping[str, str], when_set: str, otherwise: str, *, knows_states: bool
) -> dict[str, str | None]:
    """Return the row status of flags; with `knows_states`, other words are read as states."""
    return {
        value: when_set
        if word in _YES
        else otherwise
        if word in _NO
        else status_of(value)
        if knows_states
        else None
        for value, word in words.items()
    }


def _side_statuses(candidate: Candidate, values: Sequence[str]) -> dict[str, str | None] | None:
    """Read a column of two sides: debit and credit, invoice and credit note."""
    folded = {value: mark_of(value) for value in values}
    terms = vocabulary()
    marks = set(folded.values())
    for sides, needs_header in ((terms.word_sides, False), (terms.mark_sides, True)):
        for debit, credits_ in sides.items():
            credit = marks & credits_
            other_marks = marks - {debit} - credits_ - terms.charges - terms.settling
            is_of_sides = "sides" in candidate.tokens.concepts or _names_sides(candidate, debit, credits_)
            if not credit or (debit not in marks and not is_of_sides):
                continue
            if any(status_of(other) is None for other in other_marks) or not (
                not needs_header or _is_clear(candidate, debit, credit)
            ):
                continue
            return {
                value: "open" if mark == debit or mark in terms.charges else "credit" if mark in credits_
                else "paid" if mark in terms.settling else status_of(value)
                for value, mark in folded.items()
            }  # fmt: skip
    return None


def _names_sides(candidate: Candidate, debit: str, credits_: frozenset[str]) -> bool:
    """Return whether a header itself names both sides: S/H, Dr/Cr, Debit/Credit, +/-."""
    parts = [part for part in re.split(r"[\s/|()]+", candidate.column.header.casefold()) if part]
    return debit in parts and bool(credits_ & set(parts))


def _is_clear(candidate: Candidate, debit: str, credit: set[str]) -> bool:
    """Return whether marks can only be sides: plus and minus, two-letter codes, or a header of sides."""
    if debit in {"+", "1"} or (min(map(len, {debit, *credit})) > 1 and not debit.isdigit()):
        return True
    concepts = candidate.tokens.concepts
    return (
        _names_sides(candidate, debit, frozenset(credit))
        or {"debit", "credit"} <= concepts
        or bool(concepts & {"document", "credit_note"})
        or "sides" in concepts
    )


def _is_state(candidate: Candidate, readings: Mapping[str, str | None]) -> bool:
    """Return whether a column has states or document types, whose every value must be known."""
    concepts = candidate.tokens.concepts
    is_constant = len(readings) == 1 and candidate.profile.filled == candidate.profile.rows
    if concepts & {"status", "disputed"} or (_is_plain_type(candidate, readings) and not is_constant):
        return True
    if "kind" in concepts and concepts & {"document", "invoice"} and not is_constant:
        return True
    # Words below a payment header that only some rows have, or some of which are states.
    is_of_payment = bool(concepts & {"payment", "paid"}) and not concepts & {"date", "number", "reference"}
    if is_of_payment and (any(readings.values()) or 0 < candidate.profile.filled < candidate.profile.rows):
        return True
    understood = sum(1 for status in readings.values() if status)
    return understood * 2 >= len(readings) and any(status != "open" for status in readings.values() if status)


def _is_plain_type(candidate: Candidate, readings: Mapping[str, str | None]) -> bool:
    """Return whether a header only means type, and its few values are not types of customers."""
    tokens = candidate.tokens
    if tokens.concepts != {"kind"} or tokens.unknown or len(readings) > _TYPES_MAX:
        return False
    customer_kinds = vocabulary().customers
    return not any(normalize_words(value) in customer_kinds for value in readings)


def _may_be_sign(candidate: Candidate) -> bool:
    """Return whether a column has two unexplained values, or one beside blanks."""
    profile = candidate.profile
    values = {value.strip().casefold() for value in profile.values if value.strip()}
    if len(values) > 2 or (len(values) == 1 and profile.filled == profile.rows):
        return False
    if _is_explained(candidate, values):
        return False
    if len(values) == 1 and not candidate.tokens.concepts & _OF_SIGNS and not _is_mark(next(iter(values))):
        return False
    # In a file of few rows, texts without repetition are not marks.
    is_repeated = profile.filled > len(values) or profile.filled < profile.rows
    return is_repeated or all(len(value) <= _MARK_CHARS_MAX for value in values)


def _is_mark(value: str) -> bool:
    """Return whether a value beside blanks may be a mark: short, a cross, or a word of states."""
    return len(value) <= _MARK_CHARS_MAX or value in _YES or status_of(value) is not None


def _is_explained(candidate: Candidate, values: set[str]) -> bool:
    """Return whether the header explains the values, or they do themselves: ages, codes, known flags."""
    concepts = candidate.tokens.concepts
    if _are_sides(values):
        return False
    is_amount = (
        bool(concepts & {"debit", "credit"}) and candidate.profile.share(sheets.CellKind.NUMBER) >= CERTAIN
    )
    if is_amount or (candidate.is_known and not concepts & _OF_SIGNS):
        return True
    if "flag" in concepts and not concepts & {"credit", "debit"} and values <= _YES | _NO:
        return True
    words = normalize_words(candidate.column.header).split()
    return _are_of_others(candidate, values) or not vocabulary().explained.isdisjoint(words)


def _are_of_others(candidate: Candidate, values: set[str]) -> bool:
    """Return whether values explain themselves: ages, long codes, people, places, payment methods."""
    marks = {mark_of(value) for value in values}
    return (
        all(value.isdigit() and (len(value) > _MARK_CHARS_MAX or int(value) > _SIGN_MAX) for value in values)
        or all("bucket" in parse_header(value).concepts and not value.isdigit() for value in values)
        or all(_is_person(value) for value in candidate.profile.values if value.strip())
        or all(_is_place(value) for value in candidate.profile.values if value.strip())
        or marks <= vocabulary().ways_to_pay
    )


def _is_place(value: str) -> bool:
    """Return whether a text looks like a street and number, or a building, without billing words."""
    words = normalize_words(value).split()
    texts = [word for word in words if not word.isdigit()]
    is_known = any(word in vocabulary().words for word in texts if word not in JOINING)
    return len(words) > 2 and len(texts) < len(words) and len(texts) > 1 and not is_known


def _is_person(value: str) -> bool:
    """Return whether a text looks like a person's name, without billing words."""
    parts = [part for part in re.split(r"[\s,.]+", value.strip()) if len(part) > 1]
    words = [normalize_words(part).replace(" ", "") for part in parts]
    if parts and words[0] in _TITLES and value.strip() != parts[0] and value.strip()[len(parts[0])] in " .":
        return True
    is_known = any(word in vocabulary().words or parse_header(word).concepts for word in words)
    return (
        len(parts) > 1
        and all(part[0].isupper() and part.replace("-", "").isalpha() for part in parts)
        and not is_known
    )


def remaining_question(question: Question, statuses: Mapping[str, str]) -> Question | None:
    """Return the question about the values still unknown; None where none is left."""
    statuses_by_value = {value.strip().casefold(): status for value, status in statuses.items()}
    values = [
        {**value, "status": statuses_by_value.get(str(value["value"]).strip().casefold(), value["status"])}
        for value in question.facts["values"]
    ]
    unclear = [f"{value['value']} ({value['rows']})" for value in values if not value["status"]]
    return (
        replace(question, facts={**question.facts, "unclear": unclear, "values": values}) if unclear else None
    )
