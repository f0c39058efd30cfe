"""Comparison of columns in the first rows: whether the amount due is the one invoiced less the one paid."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from getbill import sheets
from getbill.mapping.vocabulary import VAT_RATES
from getbill.sheets import ColumnProfile

_CENT = Decimal("0.011")
# Fewer rows do not show a rule.
_LIVE_MIN = 3
# Fewer rows than this are not evidence.
_ROWS_MIN = 2
# A number's series and its value: INV-2026-, 0418.
SERIAL = re.compile(r"^(.*?)(\d{1,18})\D{0,3}$")
# Some documents are dated before the previous one.
_GROWING = 0.9


class SampleRows:
    """The first rows of a sheet, with cells read as numbers and dates where possible."""

    def __init__(self, profile: sheets.Profile) -> None:
        self._rows = profile.head
        self._numbers: dict[int, list[Decimal | None]] = {}

    @property
    def rows(self) -> Sequence[Sequence[sheets.Cell]]:
        """The cells of the first rows."""
        return self._rows

    def numbers(self, profile: ColumnProfile) -> list[Decimal | None]:
        """Return a column's numbers, None for a cell that is not one."""
        index = profile.column.index
        if index not in self._numbers:
            reader = sheets.number_reader(profile.number) if profile.number else None
            self._numbers[index] = [read_cell(reader, row[index]) for row in self._rows]
        return self._numbers[index]

    def are_equal(self, first: ColumnProfile, second: ColumnProfile) -> bool:
        """Return whether two amount columns are equal in every row."""
        pairs = self._pairs(first, second)
        return len(pairs) >= _ROWS_MIN and all(abs(left - right) < _CENT for left, right in pairs)

    def is_difference(self, balance: ColumnProfile, plus: ColumnProfile, minus: ColumnProfile) -> bool:
        """Return whether a column is in every row one column less another, and not always zero."""
        zero = Decimal(0)
        rows = list(zip(self.numbers(balance), self.numbers(plus), self.numbers(minus), strict=True))
        balances = [
            (remainder, (more or zero) - (less or zero))
            for remainder, more, less in rows
            if remainder is not None
        ]
        return any(remainder for remainder, _ in balances) and all(
            abs(remainder - net) < _CENT for remainder, net in balances
        )

    def is_part_of(self, part: ColumnProfile, whole: ColumnProfile) -> bool:
        """Return whether a column equals another amount in some rows, and is less of it in the others."""
        pairs = [(left, right) for left, right in self._pairs(part, whole) if right]
        same = sum(1 for left, right in pairs if abs(left - right) < _CENT)
        is_within = all(abs(left) <= abs(right) + _CENT and left * right >= 0 for left, right in pairs)
        return is_within and len(pairs) > _ROWS_MIN and len(pairs) > same and 3 * same >= len(pairs)

    def is_zero(self, profile: ColumnProfile) -> bool:
        """Return whether a column contains only zeros."""
        return bool(self._rows) and not any(self.numbers(profile))

    def differ(self, first: ColumnProfile, second: ColumnProfile) -> bool:
        """Return whether two amount columns differ in some row."""
        return any(abs(left - right) >= _CENT for left, right in self._pairs(first, second))

    def share_within(self, small: ColumnProfile, large: ColumnProfile) -> float:
        """Return the share of rows filled in `small` in which that amount is at most the other."""
        pairs = [pair for pair in self._pairs(small, large) if pair[0] > 0]
        return (
            sum(1 for left, right in pairs if abs(left) <= abs(right) + _CENT) / len(pairs) if pairs else 1.0
        )

    def share_adding_up(
        self,
        due: ColumnProfile,
        invoiced: ColumnProfile,
        paid: ColumnProfile,
        other: ColumnProfile | None = None,
    ) -> float:
        """Return the share of rows in which due is invoiced less paid, and less another amount if given.

        A row with nothing due and nothing paid was cancelled: it counts only if there are too few other rows.
        """
        other_amounts = self.numbers(other) if other else [None] * len(self._rows)
        columns: list[Sequence[Decimal | None]] = [
            self.numbers(due),
            self.numbers(invoiced),
            self.numbers(paid),
            other_amounts,
        ]
        rows = [row for row in zip(*columns, strict=True) if row[0] is not None and row[1] is not None]
        live = [row for row in rows if row[0] or row[2] or row[3]]
        fits = [
            abs(abs(total or 0) - abs(received or 0) - abs(more or 0) - abs(remainder or 0)) < _CENT
            for remainder, total, received, more in (live if len(live) >= _LIVE_MIN else rows)
        ]
        return sum(fits) / len(fits) if fits else 1.0

    def share_negative(self, profile: ColumnProfile) -> float:
        """Return the share of negative amounts."""
        amounts = [number for number in self.numbers(profile) if number]
        return sum(1 for number in amounts if number < 0) / len(amounts) if amounts else 0.0

    def is_running(
        self, balance: ColumnProfile, amount: ColumnProfile, keys: Sequence[ColumnProfile]
    ) -> bool:
        """Return whether a column is the other's running total, over all rows or per customer."""
        pairs = list(zip(self.numbers(balance), self.numbers(amount), strict=True))
        return any(_runs(pairs, groups) for groups in ([""] * len(pairs), *map(self._texts, keys)))

    def is_running_of_sides(
        self, balance: ColumnProfile, sides: Sequence[ColumnProfile], keys: Sequence[ColumnProfile]
    ) -> bool:
        """Return whether a column is the running total of one column less another, debits and credits."""
        debits, credits_ = (self.numbers(side) for side in sides)
        zero = Decimal(0)
        net = [
            None if debit is None and credit is None else (debit or zero) - abs(credit or zero)
            for debit, credit in zip(debits, credits_, strict=True)
        ]
        pairs = list(zip(self.numbers(balance), net, strict=True))
        # One credit that a balance continues from is sufficient: a credit line alone would be below zero.
        return any(
            _runs(pairs, groups, least=1) or _runs_without_sign(pairs, groups)
            for groups in ([""] * len(pairs), *map(self._texts, keys))
        )

    def is_total_of(self, total: ColumnProfile, amount: ColumnProfile, keys: Sequence[ColumnProfile]) -> bool:
        """Return whether a column repeats, on each line of a customer, the sum of the lines."""
        pairs = list(zip(self.numbers(total), self.numbers(amount), strict=True))
        return any(_sums_up(pairs, self._texts(key)) for key in keys)

    def differs_only_beside(self, first: ColumnProfile, second: ColumnProfile, text: ColumnProfile) -> bool:
        """Return whether two columns of numbers are equal in every row without a text in a third column."""
        pairs = zip(self.numbers(first), self.numbers(second), self._texts(text), strict=True)
        return all(left == right or beside for left, right, beside in pairs)

    def has_open(
        self, amount: ColumnProfile, marks: Sequence[ColumnProfile], names: Sequence[ColumnProfile]
    ) -> bool:
        """Return whether some customer's row has an amount and no reconciliation mark."""
        columns, people = ([self._texts(profile) for profile in group] for group in (marks, names))
        return any(
            number
            and not any(texts[at] for texts in columns)
            and (not people or any(texts[at] for texts in people))
            for at, number in enumerate(self.numbers(amount))
        )

    def offsets(self, credit: ColumnProfile, debit: ColumnProfile, names: Sequence[ColumnProfile]) -> bool:
        """Return whether a customer has a credit equal to one of their debits: it may be the payment."""
        people = list(zip(*(self._texts(name) for name in names), strict=True)) or [()] * len(self._rows)
        debits = set(zip(people, self.numbers(debit), strict=True))
        return any(
            (person, number) in debits
            for person, number in zip(people, self.numbers(credit), strict=True)
            if number
        )

    def is_sum(self, total: ColumnProfile, parts: Sequence[ColumnProfile]) -> bool:
        """Return whether a column is in every row the sum of others."""
        columns = [self.numbers(part) for part in parts]
        pairs = [
            (number, sum((column[at] or Decimal(0) for column in columns), Decimal(0)))
            for at, number in enumerate(self.numbers(total))
            if number is not None
        ]
        return all(abs(number - summed) < _CENT for number, summed in pairs)

    def includes_tax(self, amount: ColumnProfile, tax: ColumnProfile) -> bool:
        """Return whether a tax at a rate in use is included in the amount in every row, not added to it."""
        pairs = [(gross, part) for gross, part in self._pairs(amount, tax) if gross and part]
        within = all(_is_at_rate(part, gross - part) for gross, part in pairs)
        return (
            len(pairs) >= _ROWS_MIN and within and not all(_is_at_rate(part, gross) for gross, part in pairs)
        )

    def are_shared(self, code: ColumnProfile, names: Sequence[ColumnProfile]) -> bool:
        """Return whether most rows have a code that occurs with different names: it identifies no one."""
        codes = self._texts(code)
        people = list(zip(*(self._texts(name) for name in names), strict=True)) or [()] * len(codes)
        beside: dict[str, set[tuple[str, ...]]] = {}
        for text, person in zip(codes, people, strict=True):
            if text and any(person):
                beside.setdefault(text, set()).add(person)
        rows = [text for text, person in zip(codes, people, strict=True) if text and any(person)]
        return 2 * sum(1 for text in rows if len(beside[text]) > 1) > len(rows)

    def _texts(self, profile: ColumnProfile) -> list[str]:
        return [str(row[profile.column.index] or "").strip().casefold() for row in self._rows]

    def is_named_by(self, code: ColumnProfile, text: ColumnProfile) -> bool:
        """Return whether codes and texts correspond one to one, some of them in several rows."""
        pairs = [pair for pair in zip(self._texts(code), self._texts(text), strict=True) if all(pair)]
        different = set(pairs)
        codes, texts = {left for left, _ in different}, {right for _, right in different}
        return len(different) == len(codes) == len(texts) < len(pairs) and len(codes) > 1

    def counts_rows(self, profile: ColumnProfile) -> bool:
        """Return whether a column only numbers the rows: 1, 2, 3, but not FT 1, FT 2 (FT is a currency)."""
        if profile.currencies:
            return False
        numbers = [number for number in self.numbers(profile) if number is not None]
        first = numbers[0] if numbers else None
        return len(numbers) > 1 and first in {0, 1} and numbers == [first + at for at in range(len(numbers))]

    def is_never_after(self, earlier: ColumnProfile, later: ColumnProfile) -> bool:
        """Return whether one column's date never follows the other's, and mostly precedes it."""
        pairs = [
            (first, second)
            for first, second in zip(self._dates(earlier), self._dates(later), strict=True)
            if first and second
        ]
        if len(pairs) < _ROWS_MIN:
            return False
        return all(first <= second for first, second in pairs) and any(
            first < second for first, second in pairs
        )

    def grows_with(self, numbers: ColumnProfile, days: ColumnProfile, rows_min: int = _ROWS_MIN) -> bool:
        """Return whether numbers of one series increase with their rows' dates, which are not all equal."""
        series: dict[str, list[tuple[date, int]]] = {}
        for row, day in zip(self._rows, self._dates(days), strict=True):
            number = SERIAL.match(sheets.read_text(row[numbers.column.index]))
            if number and day:
                series.setdefault(number[1], []).append((day, int(number[2])))
        in_order = [
            (earlier, later)
            for lines in series.values()
            for earlier, later in pairwise(sorted(lines))
            if earlier[0] < later[0]
        ]
        growing = sum(1 for earlier, later in in_order if earlier[1] < later[1])
        return growing >= rows_min - 1 and growing >= _GROWING * len(in_order)

    def _dates(self, profile: ColumnProfile) -> list[date | None]:
        reader = sheets.date_reader(profile.date) if profile.date else None
        return [read_cell(reader, row[profile.column.index]) for row in self._rows]

    def _pairs(self, first: ColumnProfile, second: ColumnProfile) -> list[tuple[Decimal, Decimal]]:
        return [
            (left, right)
            for left, right in zip(self.numbers(first), self.numbers(second), strict=True)
            if left is not None and right is not None
        ]


def read_cell(reader: Callable[[Any], Any] | None, cell: sheets.Cell) -> Any:
    """Return a reader's result for a cell; None where it is empty or invalid."""
    if reader is None or cell is None or cell == "":
        return None
    try:
        return reader(cell)
    except sheets.CellWrong:
        return None


_ROUNDED = Decimal("0.02")


def _is_at_rate(tax: Decimal, net: Decimal) -> bool:
    return any(abs(net * rate / 100 - tax) <= _ROUNDED for rate in VAT_RATES)


Pair = tuple[Decimal | None, Decimal | None]


def _runs(pairs: Sequence[Pair], groups: Sequence[str], least: int = _ROWS_MIN) -> bool:
    """Return whether each balance is its group's previous one plus the amount, beginning with the amount."""
    before: dict[str, Decimal] = {}
    steps = 0
    for (balance, amount), group in zip(pairs, groups, strict=True):
        if balance is None or amount is None:
            continue
        if group in before:
            steps += amount != 0
            if abs(before[group] + amount - balance) >= _CENT:
                return False
        elif abs(balance - amount) >= _CENT:
            return False
        before[group] = balance
    return steps >= least


def _runs_without_sign(pairs: Sequence[Pair], groups: Sequence[str]) -> bool:
    """Return whether each balance is its group's running total, with its sign in a separate column."""
    sums: dict[str, Decimal] = {}
    steps = 0
    for (balance, amount), group in zip(pairs, groups, strict=True):
        if balance is None or amount is None:
            continue
        steps += group in sums and amount != 0
        sums[group] = sums.get(group, Decimal(0)) + amount
        if abs(abs(sums[group]) - abs(balance)) >= _CENT:
            return False
    return steps > 0


def _sums_up(pairs: Sequence[Pair], groups: Sequence[str]) -> bool:
    """Return whether the lines of each group repeat their sum, and some group has several lines."""
    totals: dict[str, set[Decimal]] = {}
    sums: dict[str, list[Decimal]] = {}
    for (total, amount), group in zip(pairs, groups, strict=True):
        if total is None or amount is None or not group:
            continue
        totals.setdefault(group, set()).add(total)
        sums.setdefault(group, []).append(amount)
    several = [group for group, amounts in sums.items() if len(amounts) > 1]
    return (
        bool(several)
        and all(len(values) == 1 for values in totals.values())
        and all(abs(sum(sums[group]) - max(totals[group])) < _CENT for group in several)
    )
