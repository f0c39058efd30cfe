"""Arithmetic evidence for an open decimal mark: one reading adds up with other columns of the file, the other does not."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import combinations

from getbill import sheets
from getbill.mapping.cross_column_checks import read_cell

_CENT = Decimal("0.011")
_ROWS_MIN = 2
# Pairs of columns are tried: more columns of numbers than this are no ledger.
_COLUMNS_MAX = 16

Numbers = list[Decimal | None]


def decimal_of(found: sheets.ColumnProfile, profile: sheets.Profile) -> str | None:
    """Return the decimal mark under which a column adds up with others, where it does under one only."""
    adding = [mark for mark in (",", ".") if _adds_up(_column(found, profile, mark), _others(found, profile))]
    return adding[0] if len(adding) == 1 else None


def _others(found: sheets.ColumnProfile, profile: sheets.Profile) -> list[Numbers]:
    """Return the other columns of numbers whose decimal mark is known."""
    sure = [
        one
        for one in profile.columns
        if one is not found
        and one.number
        and one.number.is_certain
        and one.number.why != "other_columns"
        and one.share(sheets.Kind.NUMBER) >= 0.5
    ]
    return [_column(one, profile, one.number.decimal) for one in sure[:_COLUMNS_MAX] if one.number]


def _column(found: sheets.ColumnProfile, profile: sheets.Profile, mark: str) -> Numbers:
    shape = found.number
    if shape is None:
        return []
    if shape.decimal != mark:
        shape = replace(shape, decimal=mark, thousands={",": ".", ".": ","}[mark])  # type: ignore[arg-type]
    read = sheets.number_reader(shape)
    return [read_cell(read, row[found.column.index]) for row in profile.head]


def _adds_up(numbers: Numbers, others: list[Numbers]) -> bool:
    return any(_are_equal(numbers, sums) for sums in _sums(others))


def _sums(others: list[Numbers]) -> Iterator[Numbers]:
    """Yield each other column, and the sums and differences of each two that both hold amounts."""
    yield from others
    for first, second in combinations(others, 2):
        pairs = list(zip(first, second, strict=True))
        if sum(1 for left, right in pairs if left and right) < _ROWS_MIN:
            continue
        yield [None if left is None else left + (right or 0) for left, right in pairs]
        yield [None if left is None else left - (right or 0) for left, right in pairs]
        yield [None if right is None else right - (left or 0) for left, right in pairs]


def _are_equal(numbers: Numbers, others: Numbers) -> bool:
    pairs = [(one, other) for one, other in zip(numbers, others, strict=True) if one and other is not None]
    return len(pairs) >= _ROWS_MIN and all(abs(one - other) < _CENT for one, other in pairs)
