"""Row status columns: which rows of an export are due, by state, document type or ledger side.

An export of all invoices also has paid, cancelled and disputed ones and credit notes, with amounts that look
like debts. A known value decides about its rows; a column with an unknown value raises one question about all
of its values. A column with two values beside an amount may be its sign: its header explains it, or it raises
a question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import CERTAIN, ColumnMapping, Question
from getbill.mapping.row_status.columns import column_statuses
from getbill.mapping.row_status.model import (
    ANY_VALUE,
    MARK_CHARS_MAX,
    NEGATIVE_MOST,
    SIGN_CONCEPTS,
    TYPES_MIN,
)
from getbill.mapping.row_status.questions import examples, status_question
from getbill.mapping.row_status.rows import FirstRows
from getbill.mapping.row_status.sides import are_sides
from getbill.mapping.row_status.signs import is_state
from getbill.mapping.row_status.words import LISTS
from getbill.mapping.values import text_of
from getbill.mapping.vocabulary import normalize

_PAYMENT: Final = LISTS.pattern("payment")
# Fewer codes may share a prefix by chance.
_CUSTOMERS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class RowStatusDecision:
    """Row statuses by column and value, the questions, and the columns whose every value is known."""

    statuses: dict[int, dict[str, str]]
    questions: list[Question]
    explained: frozenset[int]
    # Whether a column marks paid rows: the others are due in full, or in part where it says so.
    tracks_payment: bool


def decide_row_status(
    columns: Sequence[ColumnMapping], candidates: Sequence[Candidate], head: SampleRows
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
        values = column_statuses(candidate, columns, candidates, head)
        if values is not None:
            column_readings.append((column, candidate, values))
    if _tells_sign(columns, candidates, column_readings, head):
        column_readings = [
            reading for reading in column_readings if not _is_only_sign(reading[1], reading[2])
        ]
    rows = FirstRows(columns, candidates, column_readings, head)
    for column, candidate, values in column_readings:
        readings = rows.explained(candidate, values)
        if not all(readings.values()) and (types := rows.as_types(candidate, candidates)):
            readings = types
        known_statuses = {value: status for value, status in readings.items() if status}
        is_flag = bool(candidate.concepts & {"paid", "open"})
        is_day = known_statuses.get(ANY_VALUE) == "paid" and bool(candidate.concepts & {"paid", "payment"})
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
    head: SampleRows,
) -> bool:
    """Return whether credits are visible already: by document type, or as negative amounts."""
    types = any("credit" in values.values() and all(values.values()) for _, _, values in column_readings)
    return types or any(
        0 < head.share_negative(candidate.profile) < NEGATIVE_MOST
        for column, candidate in zip(columns, candidates, strict=True)
        if column.field in {Field.AMOUNT, Field.AMOUNT_INVOICED} and column.confidence >= CERTAIN
    )


def _is_only_sign(candidate: Candidate, values: Mapping[str, str | None]) -> bool:
    """Return whether a column only has two unexplained short marks, one in every row.

    A mark beside blanks may mean a hold.
    """
    return (
        not any(values.values())
        and len(values) == TYPES_MIN
        and candidate.profile.filled == candidate.profile.rows
        and not candidate.concepts & SIGN_CONCEPTS
        and all(len(value) <= MARK_CHARS_MAX for value in values)
        and not are_sides(values)
        and not is_state(candidate, values)
    )


def _collective_accounts(columns: Sequence[ColumnMapping], head: SampleRows) -> dict[int, dict[str, str]]:
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
