"""Profiler of one column: it reads cells in blocks, within limited memory whatever the file's length.

A cell's pattern is its text with digits and letters masked (`999,99 AAA`). Properties of a pattern are
counted once per pattern; properties of a cell (its date, its currency, a leading zero) are checked cell by
cell.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from getbill.sheets import cells
from getbill.sheets.cell_patterns import AROUND_NUMBERS, CellPattern, describe_pattern
from getbill.sheets.cells import clean
from getbill.sheets.model import Cell, CellKind, Column, ColumnProfile, DateShape, NumberShape

# Limits: distinct values counted, values kept with their counts, and samples shown.
DISTINCT_MAX = 10_000
VALUES_MAX = 200
SAMPLES_MAX = 20
_WAYS_MAX = 5_000
_DAYS_MAX = 50_000
# A column with more values than this is not a list of currencies or countries.
_WORDS_MAX = 500
_MISSES_MAX = 1_000
_BESIDE_MAX = 1_000
_SERIALS_MIN = 2_000
_NO_NOTATION = "?"
# Length of a numeric date, after which its time begins.
_DAY_CHARS = 10
_KIND_OF_TYPE = {
    date: CellKind.DATE,
    datetime: CellKind.DATE,
    bool: CellKind.YES_NO,
    int: CellKind.NUMBER,
    float: CellKind.NUMBER,
}
_EXACT = frozenset({CellKind.PHONE, CellKind.DATE})
_BARE = re.compile(r"9{1,7}(?:[.,]9+)?")
_CHECKED = frozenset({CellKind.SIREN, CellKind.SIRET})
_AROUND_MOST = "0123456789.,+-() \u00a0\u202f\u2014"
_DIGITS = re.compile(r"\d(?:[\d.,\s'\u2019\u2018]*\d)?")
_DIGIT = re.compile(r"\d")
_TYPED_NUMBERS = (int, float)


@dataclass(slots=True)
class ColumnProfiler:
    """Statistics of a column so far."""

    column: Column
    # Whether its workbook counts days from 1904.
    is_1904: bool = False
    rows: int = 0
    filled: int = 0
    distinct: set[Cell] = field(default_factory=set)
    values: Counter[str] = field(default_factory=Counter)
    patterns: dict[bytes, CellPattern] = field(default_factory=dict)
    # Counts by cell, and by pattern for patterns beyond the limit.
    exact: Counter[CellKind] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    currencies: Counter[str] = field(default_factory=Counter)
    typed: Counter[type] = field(default_factory=Counter)
    typed_day_max: int = 0
    # Numbers that are serial dates, and not dates without separators (50126 is also 5 January 2026).
    counted: int = 0
    instants: int = 0
    midnights: int = 0

    def add(self, cells: Sequence[Cell]) -> None:
        """Add the cells of the next block of rows."""
        self.rows += len(cells)
        types = set(map(type, cells))
        if types == {str} and "" not in cells:
            self._add_texts(cells)  # type: ignore[arg-type] # all of them are texts
            return
        if texts := [cell for cell in cells if cell and type(cell) is str]:
            self._add_texts(texts)
        if types - {str, type(None)}:
            self._add_typed([cell for cell in cells if type(cell) is not str and cell is not None])

    def _add_texts(self, values: Sequence[str]) -> None:
        self.filled += len(values)
        counts: Counter[str] = Counter()
        if len(self.distinct) < DISTINCT_MAX:
            unique = set(values)
            self.distinct.update(unique)
            # Few distinct values: each is inspected once. Otherwise counting them first only adds cost.
            if len(unique) * 4 < len(values):
                counts = Counter(values)
                values = list(counts)
            if len(self.distinct) <= VALUES_MAX:
                self.values.update(counts or values)
        patterns = cells.patterns(values)
        inspected = self._count_patterns(patterns, values, counts)
        if inspected:
            for pattern, cell in zip(patterns, values, strict=True):
                if pattern in inspected:
                    self._inspect(cell, inspected[pattern], counts[cell] if counts else 1)

    def _count_patterns(
        self, patterns: list[bytes], cells: Sequence[str], counts: Counter[str]
    ) -> dict[bytes, CellPattern]:
        """Count the cells of each pattern, and return the patterns whose cells must be inspected."""
        if counts:
            pattern_counts: Counter[bytes] = Counter()
            for pattern, count in zip(patterns, counts.values(), strict=True):
                pattern_counts[pattern] += count
        else:
            pattern_counts = Counter(patterns)
        if not pattern_counts.keys() <= self.patterns.keys():
            self._add_patterns(dict(zip(patterns, cells, strict=True)), pattern_counts)
        inspected = {}
        has_words = len(self.distinct) <= _WORDS_MAX
        for pattern, count in pattern_counts.items():
            cell_pattern = self.patterns.get(pattern)
            if cell_pattern is not None:
                cell_pattern.count += count
                if cell_pattern.is_inspected or (has_words and cell_pattern.is_word):
                    inspected[pattern] = cell_pattern
        return inspected

    def _add_patterns(self, examples: dict[bytes, str], pattern_counts: Counter[bytes]) -> None:
        for pattern, example in examples.items():
            if pattern in self.patterns:
                continue
            cell_pattern = describe_pattern(pattern.decode("utf-8", "replace"), example)
            if len(self.patterns) < _WAYS_MAX:
                self.patterns[pattern] = cell_pattern
            else:
                # Beyond the limit, only the properties of the pattern are counted, not those of its cells.
                self.exact.update(dict.fromkeys(cell_pattern.kinds, pattern_counts[pattern]))

    def _inspect(self, cell: str, cell_pattern: CellPattern, count: int) -> None:
        if cell_pattern.is_rare:
            cell = self._inspect_rare(cell, cell_pattern, count)
        if cell_pattern.is_word and len(self.distinct) <= _WORDS_MAX:
            for kind in cells.word_kinds(cell):
                self.exact[kind] += count
        if cell_pattern.is_phone and cell.lstrip("( ")[:1] in {"+", "0"}:
            self.exact[CellKind.PHONE] += count
        if cell_pattern.is_day:
            self._inspect_day(cell, cell_pattern, count)
        if cell_pattern.has_currency:
            affix = cell.strip(_AROUND_MOST)
            self.currencies[affix if affix in self.currencies else self._affix(affix, cell)] += count
        if cell_pattern.is_doubtful and (digit := _DIGIT.search(cell)) and digit[0] == "0":
            cell_pattern.zeros += count

    def _affix(self, affix: str, cell: str) -> str:
        """Return the text beside the digits of a cell, in the form in which it is counted."""
        affix = affix.strip(AROUND_NUMBERS)
        # The point of an abbreviation such as `Fr.`, not a decimal mark.
        point = "." if affix and cell.endswith(f"{affix}.") else ""
        affix = _DIGITS.sub("1", affix) + point
        # A column of codes with few letters looks like amounts, and has thousands of such texts.
        return affix if len(self.currencies) < _BESIDE_MAX else _NO_NOTATION

    def _inspect_rare(self, cell: str, cell_pattern: CellPattern, count: int) -> str:
        """Count rare properties of a cell, and return it without a spreadsheet's marks."""
        cell = clean(cell)
        if cell_pattern.is_serial:
            self._inspect_serial(cell, count)
            cell_pattern.inspected += count
            # Postal codes and other five-digit numbers: the column has no dates, and further checks are
            # skipped.
            if (
                cell_pattern.inspected > _SERIALS_MIN
                and self.exact[CellKind.SERIAL_DATE] < 0.9 * cell_pattern.inspected
            ):
                cell_pattern.is_serial = False
                cell_pattern.is_inspected = cell_pattern.is_float
        if cell_pattern.is_float and cell[-1] == "0":
            self.exact[CellKind.WHOLE_FLOAT] += count
        return cell

    def _inspect_serial(self, cell: str, count: int) -> None:
        if not self.is_1904 and cells.LIKELY_FIRST <= int(cell[:5]) <= cells.LIKELY_LAST:
            self.exact[CellKind.SERIAL_DATE] += count
            if not "01" <= cell[1:3] <= "12":
                self.counted += count

    def _inspect_day(self, cell: str, cell_pattern: CellPattern, count: int) -> None:
        if cell_pattern.is_instant:
            self.instants += count
            self.midnights += count if cells.is_midnight(cell) else 0
        # A numeric date without its time, so that a column of date-times has few distinct dates.
        day = _day_of(cell) if len(cell) > _DAY_CHARS and cell[:2].isdigit() else cell
        if day not in self.days:
            if not cells.date_readings(day):
                day = cell.strip()
            if not cells.date_readings(day):
                cell_pattern.misses += 1
                # Checks stop where most cells with the form of a date are not dates, such as eight-digit
                # codes.
                cell_pattern.is_day = (
                    cell_pattern.misses < _MISSES_MAX or cell_pattern.misses < 4 * self.exact[CellKind.DATE]
                )
                return
        self.exact[CellKind.DATE] += count
        if day in self.days or len(self.days) < _DAYS_MAX:
            self.days[day] += count

    def _add_typed(self, values: list[Cell]) -> None:
        self.filled += len(values)
        if len(self.distinct) < DISTINCT_MAX:
            self.distinct.update(values)
        self.typed.update(map(type, values))
        for cell in values:
            if isinstance(cell, date):
                self.typed_day_max = max(self.typed_day_max, cell.day)
                self.instants += 1
                self.midnights += cells.is_midnight(cell)
            elif type(cell) in _TYPED_NUMBERS and cells.SERIAL_FIRST <= cell < cells.SERIAL_LAST + 1:  # type: ignore[operator]
                self._inspect_serial(str(cell), 1)
        if len(self.distinct) <= VALUES_MAX:
            self.values.update(_value_text(cell) for cell in values)

    def profile(self) -> ColumnProfile:
        """Return the column's profile, after all rows were added."""
        samples = self._samples()
        return ColumnProfile(
            column=self.column,
            rows=self.rows,
            filled=self.filled,
            distinct=len(self.distinct),
            samples=samples,
            values=dict(self.values.most_common()) if len(self.distinct) <= VALUES_MAX else {},
            kinds=self._kinds(samples),
            number=self._number(),
            date=self._date(),
            currencies=self._currency_counts(),
        )

    def _kinds(self, samples: Iterable[Cell]) -> dict[CellKind, int]:
        counts = Counter(self.exact)
        # One cell such as 12.5 shows that the others are fractions too.
        if counts[CellKind.WHOLE_FLOAT] < sum(
            cell_pattern.count for cell_pattern in self.patterns.values() if cell_pattern.is_float
        ):
            del counts[CellKind.WHOLE_FLOAT]
        for cell_pattern in self.patterns.values():
            pattern_kinds = cell_pattern.kinds - (
                _EXACT | {CellKind.NUMBER} if cell_pattern.has_currency else _EXACT
            )
            counts.update(dict.fromkeys(pattern_kinds, cell_pattern.count))
        counts[CellKind.NUMBER] += sum(
            count for affix, count in self.currencies.items() if cells.is_amount_affix(affix)
        )
        for type_, count in self.typed.items():
            counts[_KIND_OF_TYPE.get(type_, CellKind.TEXT)] += count
        counts[CellKind.INTEGER] += self.typed[int]
        for kind in _CHECKED & counts.keys():
            if not _most_pass_luhn(samples, 9 if kind is CellKind.SIREN else 14):
                del counts[kind]
        return {kind: count for kind, count in counts.most_common() if count}

    def _samples(self) -> tuple[Cell, ...]:
        # The order of a set varies between runs; a sample must not.
        ordered = sorted(self.distinct, key=lambda cell: (type(cell).__name__, str(cell)))
        step = max(1, len(ordered) // SAMPLES_MAX)
        return tuple(ordered[::step][:SAMPLES_MAX])

    def _number(self) -> NumberShape | None:
        bodies: Counter[str] = Counter()
        for cell_pattern in self.patterns.values():
            if CellKind.NUMBER not in cell_pattern.kinds:
                continue
            plain = cells.pattern(cells.body_of(cell_pattern.example) or "")
            bodies[plain] += cell_pattern.count - cell_pattern.zeros
            bodies["0" + plain[1:]] += cell_pattern.zeros
        shape = cells.decide_number_shape((body, count) for body, count in bodies.items() if count)
        if shape is None and self.typed.keys() & {int, float}:
            shape = NumberShape(".", "", is_certain=True, why="typed")
        marks = self._marks() if shape and self.currencies else ""
        return replace(shape, marks=marks) if shape and marks else shape

    def _currency_counts(self) -> dict[str, int]:
        """Count the currencies beside the numbers, as written."""
        counts: Counter[str] = Counter()
        for affix, count in self.currencies.items():
            if currency := cells.currency_and_mark(affix)[0]:
                counts[currency] += count
        return dict(counts.most_common())

    def _marks(self) -> str:
        marks = {mark for affix in self.currencies if (mark := cells.currency_and_mark(affix)[1])}
        return "".join(sorted(map(cells.mark_letter, marks)))

    def _has_serials(self) -> bool | None:
        """Return whether the column's bare numbers are serial dates; None where it has none."""
        bare = sum(
            cell_pattern.count
            for cell_pattern in self.patterns.values()
            if _BARE.fullmatch(cells.pattern(clean(cell_pattern.example)))
        )
        bare += sum(self.typed[type_] for type_ in _TYPED_NUMBERS)
        return 2 * self.counted > bare if bare else None

    def _date(self) -> DateShape | None:
        shape = self._written_date()
        has_serials = self._has_serials()
        if shape is None and has_serials:
            return DateShape("serial", is_certain=True, why="serials", has_serials=True)
        if shape is None or (has_serials is None and not self.midnights):
            return shape
        midnights: Literal["none", "some", "all"] = "some" if self.midnights else "none"
        if self.midnights and self.midnights == self.instants:
            midnights = "all"
        return replace(shape, has_serials=has_serials, midnights=midnights)

    def _written_date(self) -> DateShape | None:
        shape = cells.decide_date_shape(self.days.items())
        if not any(issubclass(kind, date) for kind in self.typed):
            return shape
        if shape is None:
            return DateShape("ymd", is_certain=True, why="typed")
        # An English spreadsheet converts 02/03 of a French export to 3 February and leaves 13/03 as text; a
        # French one does the same to a US export.
        if shape.why == "day_above_12" and self.typed_day_max <= 12:
            return replace(shape, is_certain=False, why="half_converted")
        return shape


def _most_pass_luhn(samples: Iterable[Cell], length: int) -> bool:
    texts = ["".join(str(sample).split()) for sample in samples]
    right_length = [text for text in texts if len(text) == length and text.isdigit()]
    passing = sum(1 for text in right_length if cells.passes_luhn(text))
    return bool(right_length) and passing >= 0.8 * len(right_length)


def _value_text(cell: Cell) -> str:
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _day_of(cell: str) -> str:
    """Return a numeric date without its time: 2026-09-04T10:00 and 4/9/2026 10:00, not 2026-09-0417."""
    day, space, _ = cell.partition(" ")
    return day if space else cell.partition("T")[0]
