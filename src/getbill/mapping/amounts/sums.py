"""Arithmetic evidence for an ambiguous decimal mark: only one reading adds up with other columns."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import combinations

from getbill import sheets
from getbill.mapping.cross_column_evidence import read_cell

_CENT = Decimal("0.011")
_ROWS_MIN = 2
# Limit for comparing pairs of columns: more columns of numbers than this are not a ledger.
_COLUMNS_MAX = 16

Numbers = list[Decimal | None]


def decimal_of(column_profile: sheets.ColumnProfile, profile: sheets.Profile) -> str | None:
    """Return the decimal mark under which a column adds up with others, where only one does."""
    adding = [
        mark
        for mark in (",", ".")
        if _adds_up(_column_numbers(column_profile, profile, mark), _other_columns(column_profile, profile))
    ]
    return adding[0] if len(adding) == 1 else None


def _other_columns(column_profile: sheets.ColumnProfile, profile: sheets.Profile) -> list[Numbers]:
    """Return the other columns of numbers whose decimal mark is known."""
    sure = [
        other
        for other in profile.columns
        if other is not column_profile
        and other.number
        and other.number.is_certain
        and other.number.why != "other_columns"
        and other.share(sheets.CellKind.NUMBER) >= 0.5
    ]
    return [
        _column_numbers(other, profile, other.number.decimal) for other in sure[:_COLUMNS_MAX] if other.number
    ]


def _column_numbers(column_profile: sheets.ColumnProfile, profile: sheets.Profile, mark: str) -> Numbers:
    shape = column_profile.number
    if shape is None:
        return []
    if shape.decimal != mark:
        shape = replace(shape, decimal=mark, thousands={",": ".", ".": ","}[mark])  # type: ignore[arg-type]
    read = sheets.number_reader(shape)
    return [read_cell(read, row[column_profile.column.index]) for row in profile.head]


def _adds_up(numbers: Numbers, other_columns: list[Numbers]) -> bool:
    return any(_are_equal(numbers, sums) for sums in _sums(other_columns))


def _sums(columns: list[Numbers]) -> Iterator[Numbers]:
    """Yield each other column, and the sums and differences of each pair with amounts in the same rows."""
    yield from columns
    for first, second in combinations(columns, 2):
        pairs = list(zip(first, second, strict=True))
        if sum(1 for left, right in pairs if left and right) < _ROWS_MIN:
            continue
        yield [None if left is None else left + (right or 0) for left, right in pairs]
        yield [None if left is None else left - (right or 0) for left, right in pairs]
        yield [None if right is None else right - (left or 0) for left, right in pairs]


def _are_equal(numbers: Numbers, other_numbers: Numbers) -> bool:
    pairs = [
        (number, other)
        for number, other in zip(numbers, other_numbers, strict=True)
        if number and other is not None
    ]
    return len(pairs) >= _ROWS_MIN and all(abs(number - other) < _CENT for number, other in pairs)
