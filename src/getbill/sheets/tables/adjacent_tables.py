"""Adjacent tables on a sheet, separated by blank columns: the first is read, the others are reported."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from getbill.sheets.model import Cell, Column, Layout, Note, fold
from getbill.sheets.tables.headers import known_words

_SAME_MIN = 2
_ENDS_BEFORE = 2


def without_tables_beside(layout: Layout, rows: Sequence[Sequence[Cell]]) -> Layout:
    """Return the layout of the first table alone, if these first rows contain others beside it."""
    first, *other_blocks = _column_blocks(layout.columns)
    beside = [block for block in other_blocks if _is_table_of_its_own(first, block, rows)]
    if (
        not beside
        or len(beside) < len(other_blocks)
        or any(_known_header_count(block) > _known_header_count(first) for block in beside)
    ):
        return layout
    width = first[-1].index + 1
    headers = ", ".join(column.header for block in beside for column in block if column.header)
    note = Note("tables_side_by_side", {"columns": headers})
    return replace(layout, columns=tuple(first), width=width, notes=(*layout.notes, note))


def _column_blocks(columns: Sequence[Column]) -> list[list[Column]]:
    blocks: list[list[Column]] = [[]]
    for column in columns:
        if blocks[-1] and column.index > blocks[-1][-1].index + 1:
            blocks.append([])
        blocks[-1].append(column)
    return blocks


def _known_header_count(block: Sequence[Column]) -> int:
    return sum(1 for column in block if known_words(column.header))


def _is_table_of_its_own(
    first: Sequence[Column], block: Sequence[Column], rows: Sequence[Sequence[Cell]]
) -> bool:
    """Return whether columns repeat the first table's headers, or end before it without gaps."""
    if len(first) < _SAME_MIN or len(block) < _SAME_MIN:
        return False
    first_headers = {fold(column.header) for column in first if column.header}
    if sum(1 for column in block if fold(column.header) in first_headers) >= _SAME_MIN:
        return True
    filled = [_holds(row, block) for row in rows]
    length = len(list(takewhile(bool, filled)))
    has_numbers = any(isinstance(row[column.index], int | float) for row in rows[:length] for column in block)
    is_shorter = 0 < length == sum(filled) <= len(rows) - _ENDS_BEFORE
    return is_shorter and has_numbers and all(_holds(row, first) for row in rows)


def _holds(row: Sequence[Cell], block: Sequence[Column]) -> bool:
    return any(row[column.index] not in {None, ""} for column in block if column.index < len(row))
