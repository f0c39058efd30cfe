"""Column profiles of a sheet, over all of its rows and not the first hundred.

A column with an ambiguous number or date format adopts the format of the file's other columns, where they
agree: one program wrote them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from getbill.sheets.column_profiler import ColumnProfiler
from getbill.sheets.model import DATES_FROM_1904, Cell, ColumnProfile, Profile
from getbill.sheets.reader import Sheet

_BLOCK = 2_000
_HEAD = 50


def profile(sheet: Sheet, rows_max: int | None = None) -> Profile:
    """Profile each column over all rows, or over the first `rows_max`.

    Rows with an error as a whole are counted and not profiled.
    """
    is_1904 = any(note.code == DATES_FROM_1904 for note in sheet.layout.notes)
    profilers = [ColumnProfiler(column, is_1904) for column in sheet.layout.columns]
    rows = 0
    head: tuple[Sequence[Cell], ...] = ()
    cells = (row.cells for row in sheet.rows() if row.wrong is None)
    if rows_max is not None:
        cells = islice(cells, rows_max)  # type: ignore[assignment]
    while block := list(islice(cells, _BLOCK)):
        rows += len(block)
        head = head or tuple(block[:_HEAD])
        columns = list(zip(*block, strict=True))
        for profiler in profilers:
            profiler.add(columns[profiler.column.index])
    return Profile(
        rows, _agree_on_shapes([profiler.profile() for profiler in profilers]), sheet.left_out, head
    )


def _agree_on_shapes(columns: list[ColumnProfile]) -> tuple[ColumnProfile, ...]:
    """Let ambiguous columns adopt the format of the certain ones, where those agree."""
    numbers = [column.number for column in columns if column.number and column.number.why == "decimal_seen"]
    days = [column.date for column in columns if column.date and column.date.why == "day_above_12"]
    decimals = {shape.decimal for shape in numbers}
    orders = {shape.order for shape in days}
    decimal = decimals.pop() if len(decimals) == 1 else None
    order = orders.pop() if len(orders) == 1 else None
    return tuple(_follow_shapes(column, decimal, order) for column in columns)


def _follow_shapes(
    column: ColumnProfile,
    decimal: Literal[".", ","] | None,
    order: Literal["dmy", "mdy", "ymd", "serial"] | None,
) -> ColumnProfile:
    number, day = column.number, column.date
    # The others' format is adopted where it makes the mark a thousands separator; an amount with three
    # decimals is confirmed by a person.
    if number and number.why == "decimal_ambiguous" and decimal == number.decimal:
        number = replace(number, is_certain=True, why="other_columns")
    if order and day and day.why == "order_ambiguous":
        day = replace(day, order=order, is_certain=True, why="other_columns")
    return replace(column, number=number, date=day)
