"""Verification of amount decisions, made from the first rows, against every row of the file.

Two columns that are equal in fifty rows and differ in the next are not the same; a decision based on it
becomes a question.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from getbill import sheets
from getbill.mapping.amounts.roles import ADDING_UP_MIN, PART_OF_DUE
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import NAMES, Field
from getbill.mapping.model import ColumnMapping, Mapping, Question
from getbill.mapping.values import text_of
from getbill.mapping.vocabulary import parse_header

_BLOCK: Final = 2_000

# Returns whether some rows contradict a decision.
Check = Callable[[SampleRows], bool]


def verify(mapping: Mapping, profile: sheets.Profile, rows: Iterable[sheets.Row]) -> Mapping:
    """Return the mapping with a question for each amount decision that a later row contradicts."""
    checks = list(_checks(mapping, profile))
    if not checks or profile.rows <= len(profile.head):
        return mapping
    questions: list[Question] = []
    for head in _heads(profile, rows):
        for columns, check in checks:
            if check(head):
                questions.append(_question(columns, head))
        checks = [(columns, check) for columns, check in checks if not _is_asked(columns, questions)]
        if not checks:
            break
    return replace(mapping, questions=(*mapping.questions, *questions)) if questions else mapping


def _heads(profile: sheets.Profile, rows: Iterable[sheets.Row]) -> Iterator[SampleRows]:
    cells = (row.cells for row in rows if row.wrong is None)
    while block := tuple(islice(cells, _BLOCK)):
        yield SampleRows(replace(profile, head=block))


def _checks(mapping: Mapping, profile: sheets.Profile) -> Iterator[tuple[tuple[ColumnMapping, ...], Check]]:
    amount = mapping.column_for(Field.AMOUNT) or mapping.column_for(Field.AMOUNT_INVOICED)
    if amount is None:
        return
    due = profile.column(amount.index)
    for column in mapping.columns:
        other = profile.column(column.index)
        if column.field is None and column.reason.code == "same_amounts":
            yield (amount, column), lambda head, other=other: head.differ(due, other)  # type: ignore[misc]
        names = [
            profile.column(mapped_column.index)
            for mapped_column in mapping.columns
            if mapped_column.field in NAMES
        ]
        if column.field is None and column.reason.code == "open_items":
            yield (amount, column), lambda head, other=other, names=names: head.offsets(other, due, names)  # type: ignore[misc]
        if column.field is None and column.reason.code == "open_debits":
            marks = [
                profile.column(mapped_column.index)
                for mapped_column in mapping.columns
                if "lettering" in parse_header(mapped_column.header).concepts
            ]
            yield (
                (amount, column),
                lambda head, other=other, marks=marks, names=names: head.has_open(other, marks, names),  # type: ignore[misc]
            )
    if amount.reason.code == "sum_of_due":
        parts = [
            profile.column(mapped_column.index)
            for mapped_column in mapping.columns
            if mapped_column.reason.code == PART_OF_DUE
        ]
        yield (amount,), lambda head: not head.is_sum(due, parts)
    whole, paid = mapping.column_for(Field.AMOUNT_INVOICED), mapping.column_for(Field.AMOUNT_PAID)
    if amount.reason.code == "less_paid" and whole and paid:
        invoiced_and_paid = profile.column(whole.index), profile.column(paid.index)
        yield (amount, whole), lambda head: head.share_adding_up(due, *invoiced_and_paid) < ADDING_UP_MIN
    if amount.reason.code == "aged":
        ages = [
            profile.column(mapped_column.index)
            for mapped_column in mapping.columns
            if "bucket" in parse_header(mapped_column.header).concepts
        ]
        yield (amount,), lambda head: not head.is_sum(due, ages)


def _is_asked(columns: tuple[ColumnMapping, ...], questions: list[Question]) -> bool:
    return any(question.columns == tuple(column.index for column in columns) for question in questions)


def _question(columns: tuple[ColumnMapping, ...], head: SampleRows) -> Question:
    indexes = tuple(column.index for column in columns)
    cells = next(
        (row for row in head.rows if len({text_of(row[index]) for index in indexes}) > 1), head.rows[0]
    )
    facts = {
        "why": "later_rows",
        "columns": [column.header or column.letter for column in columns],
        "examples": [text_of(cells[index]) for index in indexes],
    }
    return Question("which_amount", indexes, Field.AMOUNT, tuple(map(str, indexes)), None, facts)
