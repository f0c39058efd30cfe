"""Date parsing, with the order of day and month decided over the whole column.

02/03/2026 alone is ambiguous. A column in which some first number is above 12 settles the order for all of
its cells; a column without one remains a question.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from getbill.sheets.cells.text import LISTS, clean, read_text
from getbill.sheets.messages import CellWrong
from getbill.sheets.model import Cell, DateShape, fold

Order = Literal["dmy", "mdy", "ymd"]

_TIME = (
    r"(?:(?:[T,]|\s)\s*(?:[a\u00e0]s?\s+|um\s+)?\d{1,2}\s?[:hH.]\s?(?:\d{2})?(?::?\d{2}(?:[.,]\d+)?)?"
    r"\s*(?:[AaPp]\.?[Mm]\.?|Uhr)?\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_WEEKDAY = r"(?:[^\W\d]{2,12}\.?,?\s+)?"
_TRIPLE = re.compile(
    rf"{_WEEKDAY}(\d{{4}}|\d{{1,2}})\s?([./\u00b7-]|\s)\s?(\d{{1,2}})\s?\2\s?(\d{{4}}|\d{{1,2}})\.?{_TIME}"
)
_COMPACT = re.compile(rf"(\d{{8}}){_TIME}")
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(\d{{1,2}})(?:\.|er|st|nd|rd|th|\u00ba)?[\s-]*(?:de\s+)?([^\W\d]{{3,12}})\.?[\s,-]*(?:de[l]?\s+)?'?(\d{{4}}|\d{{2}}){_TIME}"
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}([^\W\d]{{3,12}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_TIME}"
)
_YEAR_FIRST = re.compile(rf"(\d{{4}})[\s-]+([^\W\d]{{3,12}})\.?[\s-]+(\d{{1,2}}){_TIME}")

_MONTH = {name: int(month) for name, month in LISTS.concepts_by_word("months").items()}
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
# Midnight in Europe, East Africa and India, expressed in UTC.
_MIDNIGHT = re.compile(r"(?:2[123]:00|18:30)(?::00(?:\.0+)?)?(?:Z|[+]00:?00)$")
# A typed date-time has no zone: these are midnights of central Europe, in a file written by a browser.
_TYPED_MIDNIGHTS = frozenset({time(22), time(23)})
# After this time the last second of a day is the next midnight, less a floating-point error.
_ROUNDED_UP = time(23, 59, 59, 500_000)
# Day 0 of spreadsheet serial dates, which treat 1900 as a leap year.
_SERIAL_ZERO = date(1899, 12, 30)
SERIAL_FIRST, SERIAL_LAST = 36_526, 73_050  # 2000-01-01 to 2099-12-31
# The serial dates of a column of debt dates without five-digit amounts are in these years.
LIKELY_FIRST, LIKELY_LAST = 40_179, 53_327  # 2010-01-01 to 2045-12-31
_YEAR_MIN, _YEAR_MAX = 1900, 2199
_MEMORY_MAX = 20_000
_WRITTEN_MAX = 60
# Days misread as years spread over more years than this; real years do not.
_SCATTERED = 15
_RECENT = frozenset(range(2010, 2046))
_ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
# Two-digit years up to this one are in this century, as in POSIX.
_PIVOT = 69


def read_date(cell: Cell, shape: DateShape) -> date:
    """Return the date in a cell, or raise `CellWrong`; a time of day is ignored."""
    return date_reader(shape)(cell)


@lru_cache(maxsize=256)
def date_reader(shape: DateShape) -> Callable[[Cell], date]:
    """Return a fast reader for a column's dates, created once per column; it caches the dates it has read."""
    cache: dict[Cell, date] = {}

    def read(cell: Cell) -> date:
        if type(cell) is str:
            day = cache.get(cell)
            if day is None:
                day = _read_date_text(clean(cell), shape)
                if len(cache) < _MEMORY_MAX:
                    cache[cell] = day
            return day
        return _read_typed_date(cell, shape)

    return read


def is_date(text: str) -> bool:
    """Return whether the text is a possible date."""
    return bool(date_readings(text))


def has_form(text: str) -> bool:
    """Return whether the text has the form of a date, even of a day that does not exist."""
    return bool(_TRIPLE.fullmatch(text) or _COMPACT.fullmatch(text) or _DAY_FIRST.fullmatch(text))


def is_midnight(cell: Cell) -> bool:
    """Return whether a UTC date-time is midnight in a time zone further east."""
    if isinstance(cell, datetime):
        return cell.time() in _TYPED_MIDNIGHTS
    return isinstance(cell, str) and bool(_MIDNIGHT.search(cell))


def date_readings(text: str) -> dict[Order, date]:
    """Return every order under which the text is a date, with that date."""
    if named := _date_with_month_name(text):
        return dict.fromkeys(_ORDERS, named)
    parts = _numeric_readings(text)
    readings = {}
    for order, (year, month, day) in parts.items():
        if reading := _day(year, month, day):
            readings[order] = reading
    return readings


def decide_date_shape(values: Iterable[tuple[str, int]]) -> DateShape | None:
    """Return a column's date format from its values and their counts; None where there are none."""
    only: dict[Order, int] = {"dmy": 0, "mdy": 0, "ymd": 0}
    several = 0
    shared: set[Order] = set(_ORDERS)
    years: dict[Order, set[int]] = {order: set() for order in _ORDERS}
    any_seen = False
    for text, count in values:
        days = date_readings(text)
        if not days:
            continue
        any_seen = True
        if len(set(days.values())) == 1 and len(days) > 1:
            continue
        if len(days) == 1:
            only[next(iter(days))] += count
        else:
            several += count
            shared &= set(days)
        for order, day in days.items():
            years[order].add(day.year)
    return _decide_order(only, several, shared, years) if any_seen else None


def _decide_order(
    only: dict[Order, int], several: int, shared: set[Order], years: dict[Order, set[int]]
) -> DateShape:
    if not several and not any(only.values()):
        return DateShape("dmy", is_certain=True, why="all_agree")
    # Dates that begin with the year do not show the order of day and month in other cells.
    sure = max(only["dmy"], only["mdy"])
    slips = min(only["dmy"], only["mdy"])
    if sure:
        order: Order = "dmy" if only["dmy"] >= only["mdy"] else "mdy"
        # One impossible date among hundreds is an error of that cell.
        is_mixed = slips * 100 > sure
        return DateShape(order, is_certain=not is_mixed, why="mixed_orders" if is_mixed else "day_above_12")
    if not several:
        return DateShape("ymd", is_certain=True, why="year_first")
    if len(shared) > 1 and "ymd" in shared:
        shared = _of_few_years(shared, years)
    if len(shared) == 1:
        return DateShape(shared.pop(), is_certain=True, why="years_close")
    return DateShape("dmy", is_certain=False, why="order_ambiguous")


def _of_few_years(shared: set[Order], years: dict[Order, set[int]]) -> set[Order]:
    """Return the orders under which all dates are in a few recent years: a wrong one reads days as years."""
    spans = {order: max(years[order]) - min(years[order]) for order in shared}
    narrow = min(spans.values())
    plausible = {order for order, span in spans.items() if span < 2 * narrow + _SCATTERED}
    is_recent = all(years[order] <= _RECENT for order in plausible)
    return plausible if narrow <= 12 and is_recent else shared


def _read_date_text(text: str, shape: DateShape) -> date:
    if not text:
        raise CellWrong("cell_empty")
    if len(text) > _WRITTEN_MAX:
        raise CellWrong("date_invalid", value=f"{text[:_WRITTEN_MAX]}\u2026")
    if (shape.order == "serial" or shape.has_serials) and _SERIAL.fullmatch(text):
        return _serial(int(text[:5]))
    days = date_readings(text)
    if shape.midnights == "all" and is_midnight(text):
        days = {order: day + timedelta(days=1) for order, day in days.items()}
    order = "ymd" if shape.order == "serial" else shape.order
    if order in days:
        return days[order]
    if not days:
        raise CellWrong("date_impossible" if has_form(text) else "date_invalid", value=text)
    if len(days) == 1 and "ymd" in days:
        return days["ymd"]
    distinct_days = set(days.values())
    if len(days) > 1 and len(distinct_days) == 1:
        return distinct_days.pop()
    raise CellWrong(
        "date_impossible", distinct_days.pop().isoformat() if len(distinct_days) == 1 else None, value=text
    )


def _read_typed_date(cell: Cell, shape: DateShape) -> date:
    if isinstance(cell, date):
        day = _day_of(cell, shape) if isinstance(cell, datetime) else cell
        if shape.is_turned and day.day <= 12:
            day = date(day.year, day.day, day.month)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        # Where most numbers of a column are not serial dates, the others are not either.
        if shape.has_serials is False and cell <= SERIAL_LAST:
            raise CellWrong("date_invalid", value=read_text(cell))
        return _serial(int(cell))
    else:
        raise CellWrong("cell_empty" if cell is None else "date_invalid", value=read_text(cell))
    if not _YEAR_MIN <= day.year <= _YEAR_MAX:
        raise CellWrong("date_impossible", value=day.isoformat())
    return day


def _day_of(instant: datetime, shape: DateShape) -> date:
    is_next = instant.time() >= _ROUNDED_UP or (shape.midnights == "all" and is_midnight(instant))
    return instant.date() + timedelta(days=1) if is_next else instant.date()


def _serial(number: int) -> date:
    """Return the date of a spreadsheet serial number."""
    if SERIAL_FIRST <= number <= SERIAL_LAST:
        return _SERIAL_ZERO + timedelta(days=number)
    text = str(number)
    if len(text) == 8 and (days := date_readings(text)) and "ymd" in days:
        return days["ymd"]
    raise CellWrong("date_invalid", value=text)


def _date_with_month_name(text: str) -> date | None:
    """Return a date whose month is a word."""
    if text.isascii() and not any(sign.isalpha() for sign in text):
        return None
    for pattern, at in ((_DAY_FIRST, (3, 2, 1)), (_MONTH_FIRST, (3, 1, 2)), (_YEAR_FIRST, (1, 2, 3))):
        match = pattern.fullmatch(text)
        month = _MONTH.get(fold(match[at[1]])) if match else None
        if match and month:
            return _day(_year(match[at[0]]), month, int(match[at[2]]))
    return None


def _numeric_readings(text: str) -> dict[Order, tuple[int, int, int]]:
    """Return year, month and day of a numeric date, under each order its digits allow."""
    if match := _TRIPLE.fullmatch(text):
        first, second, third = match[1], match[3], match[4]
        if len(first) == 4:
            return {} if len(third) == 4 else {"ymd": (int(first), int(second), int(third))}
        year = _year(third)
        readings: dict[Order, tuple[int, int, int]] = {
            "dmy": (year, int(second), int(first)),
            "mdy": (year, int(first), int(second)),
        }
        # A two-digit year comes first only between hyphens.
        if len(third) <= 2 and match[2] == "-" and len(first) == 2:
            readings["ymd"] = (_year(first), int(second), int(third))
        return readings if len(third) != 1 else {}
    if match := _COMPACT.fullmatch(text):
        digits = match[1]
        return {
            "dmy": (int(digits[4:]), int(digits[2:4]), int(digits[:2])),
            "mdy": (int(digits[4:]), int(digits[:2]), int(digits[2:4])),
            "ymd": (int(digits[:4]), int(digits[4:6]), int(digits[6:])),
        }
    return {}


def _year(text: str) -> int:
    number = int(text)
    if len(text) > 2:
        return number
    return number + (2000 if number < _PIVOT else 1900)


def _day(year: int, month: int, day: int) -> date | None:
    if not _YEAR_MIN <= year <= _YEAR_MAX:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
