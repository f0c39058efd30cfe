"""Vertically merged cells of a workbook: their value applies to every row they span.

An amount applies to the first row alone: three rows that share one invoice do not owe it three times.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from getbill.kit.text.word_lists import WordLists
from getbill.sheets.model import Cell, Layout, fold

_LISTS = WordLists(Path(__file__).with_name("merges.toml"))
_AMOUNT_HEADER = _LISTS.pattern("amount", r"\b({})\b")
_NOT_AN_AMOUNT = _LISTS.pattern("no_amount", r"\b({})\b")


class Merge(NamedTuple):
    """A vertically merged cell: its column, and its first and last row as displayed."""

    column: int
    first: int
    last: int


class MergedCells:
    """Fills merged cells row by row; rows must arrive in order."""

    def __init__(self, merges: Sequence[Merge], layout: Layout) -> None:
        amounts = {column.index for column in layout.columns if is_amount(column.header)}
        data_merges = (
            merge for merge in merges if merge.column not in amounts and merge.last >= layout.data_line
        )
        self._pending = sorted(data_merges, key=lambda merge: -merge.first)
        self._open: list[tuple[Merge, list[Cell]]] = []

    def complete(self, line: int, cells: list[Cell], why: str | None) -> tuple[str | None, list[Cell]]:
        """Fill the row with the values of the cells that span it."""
        self._open = [(merge, value) for merge, value in self._open if merge.last >= line]
        while self._pending and self._pending[-1].first <= line:
            merge = self._pending.pop()
            value = cells[merge.column] if merge.first == line and merge.column < len(cells) else None
            if merge.last >= line:
                self._open.append((merge, [value]))
        for merge, (value,) in self._open:
            # A fraction is an amount whatever the header says.
            is_blank = merge.column < len(cells) and cells[merge.column] in {None, ""}
            if is_blank and value not in {None, ""} and not (isinstance(value, float) and value % 1):
                cells[merge.column] = value
        return why, cells


def is_amount(header: str) -> bool:
    """Return whether a header names an amount, which is not repeated on every row of a merged cell."""
    text = fold(header)
    return bool(_AMOUNT_HEADER.search(text)) and not _NOT_AN_AMOUNT.search(text)


def columns_of(merges: Sequence[Merge], data_line: int) -> tuple[int, ...]:
    """Return the columns with cells merged over several data rows."""
    return tuple(sorted({merge.column for merge in merges if merge.last > max(merge.first, data_line)}))
