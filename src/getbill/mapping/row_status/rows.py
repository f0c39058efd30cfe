"""Rows with a row status: those that may be debts whatever a column says, and the step that rejects the others."""

from collections import Counter
from collections.abc import Mapping, Sequence

from getbill import sheets
from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import CERTAIN, ColumnMapping
from getbill.mapping.row_status.model import (
    ANY_VALUE,
    CODES,
    MARK_CHARS_MAX,
    NEGATIVE_MOST,
    TYPES_MIN,
    RowStatus,
)
from getbill.mapping.row_status.words import status_of
from getbill.mapping.values import NOTHING, BodyDraft, CellFinding, Step, text_of


class FirstRows:
    """The first rows, with those that may be debts whatever the meaning of a column's values."""

    def __init__(
        self,
        columns: Sequence[ColumnMapping],
        candidates: Sequence[Candidate],
        column_readings: Sequence[tuple[ColumnMapping, Candidate, dict[str, str | None]]],
        head: SampleRows,
    ) -> None:
        self._rows = head.rows
        self._read = {candidate.column.index: readings for _, candidate, readings in column_readings}
        self._filled_most = max(map(_filled_count, head.rows), default=0)
        self._refused = {
            candidate.column.index: {
                at
                for at, cells in enumerate(head.rows)
                if reading_of(readings, text_of(cells[candidate.column.index])) in CODES
            }
            for _, candidate, readings in column_readings
        }
        due = [
            amount.profile
            for column, amount in zip(columns, candidates, strict=True)
            if column.field == Field.AMOUNT
            and column.confidence >= CERTAIN
            and head.share_negative(amount.profile) < NEGATIVE_MOST
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
            if readings.get(value) not in CODES and (live[value] or everywhere[value] < counted[value])
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
        if "kind" not in candidate.concepts:
            return None
        for other in candidates:
            types = self._read.get(other.column.index) or {
                value: status_of(value) for value in other.profile.values if value.strip()
            }
            if other is candidate or len(types) < TYPES_MIN or not all(types.values()):
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


def reading_of(readings: Mapping[str, str | None], text: str | None) -> str | None:
    """Return the row status of a cell, also in a column where every mark has the same one."""
    if not text or text in readings:
        return readings.get(text or "")
    return None if text.casefold() in NOTHING else readings.get(ANY_VALUE)


def _filled_count(cells: Sequence[sheets.Cell]) -> int:
    return sum(1 for cell in cells if text_of(cell))


def _may_be_only(candidate: Candidate, value: str) -> bool:
    """Return whether a value on every row with a debt needs no meaning: a code, or a document type."""
    return len(value) <= MARK_CHARS_MAX or "status" not in candidate.concepts


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
            code = CODES.get(status, "row_is_partly_paid")
            draft.findings.append(
                CellFinding(index, None, text, code, facts, is_warning=status == "partly_paid")
            )

    return refuse
