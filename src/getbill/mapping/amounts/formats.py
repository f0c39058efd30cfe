"""Number and date formats of a file, and the questions where its cells are ambiguous.

The formats that a file shows are stored with its mapping, and the sender's next file is checked against them.
"""

import re
from dataclasses import replace
from datetime import date

from getbill import sheets
from getbill.kit import money
from getbill.mapping.amounts import sums
from getbill.mapping.columns import texts_of
from getbill.mapping.cross_column_evidence import read_cell
from getbill.mapping.fields import AMOUNTS, DATES, Field
from getbill.mapping.model import ColumnMapping, Currency, Question
from getbill.mapping.vocabulary import currency_of, parse_header

# Reasons that make a format certain: some cell of the file shows it, here or in another column.
_SHOWN = frozenset({"decimal_seen", "day_above_12", "other_columns"})
# Currencies that have cents by the standard and none on invoices.
_WHOLE = frozenset({"HUF", "IDR"})
_WEAK = frozenset({"other_columns", "years_close"})
_ROWS_MIN = 6
_TURNED = sheets.DateShape("dmy", is_certain=True, why="answered", is_turned=True)
_SHORT_YEARS = re.compile(r"\d{2}-\d{2}-\d{2}")


def decide_formats(
    columns: list[ColumnMapping], profile: sheets.Profile, currency: Currency | None
) -> tuple[dict[int, str], dict[int, str], list[Question]]:
    """Return the decimal marks and date orders that the cells show, and questions where they are ambiguous.

    `currency` applies to rows without one; None while it is an open question.
    """
    marks: dict[int, str] = {}
    orders: dict[int, str] = {}
    questions: list[Question] = []
    for column in columns:
        column_profile = profile.column(column.index)
        if column.field in AMOUNTS and column_profile.filled:
            mark = _mark(column, columns, profile, currency)
            if mark is None:
                questions.append(_question("number_format", column, column_profile, (",", ".")))
            elif mark:
                marks[column.index] = mark
        if column.field in DATES and column_profile.filled:
            order = _order(column, columns, profile)
            if order is None:
                questions.append(_date_question(column, column_profile))
            elif order:
                orders[column.index] = order
    return marks, orders, questions


def _mark(
    column: ColumnMapping, columns: list[ColumnMapping], profile: sheets.Profile, currency: Currency | None
) -> str | None:
    """Return the decimal mark of a column, empty where there is none to keep; None where it is ambiguous."""
    column_profile = profile.column(column.index)
    shape = column_profile.number
    if shape is None:
        return ""
    codes = _codes(column, columns, profile, currency)
    is_weak = shape.why == "other_columns"
    if (is_weak or not shape.is_certain) and (mark := sums.decimal_of(column_profile, profile)):
        return mark
    if shape.is_certain and not (is_weak and any(money.decimals(code) > 2 for code in codes)):
        return shape.decimal if shape.why in _SHOWN else ""
    # Without decimals, the mark can only be a thousands separator.
    is_whole = bool(codes) and all(money.decimals(code) == 0 or code in _WHOLE for code in codes)
    return (
        ""
        if is_whole and shape.why == "decimal_ambiguous" and _is_of_one_mark(column_profile, shape)
        else None
    )


def _is_of_one_mark(column_profile: sheets.ColumnProfile, shape: sheets.NumberShape) -> bool:
    return not any(shape.decimal in text for text in [*texts_of(column_profile), *column_profile.values])


def _codes(
    column: ColumnMapping, columns: list[ColumnMapping], profile: sheets.Profile, currency: Currency | None
) -> set[str]:
    """Return the currencies of a column's amounts; empty where one of them is unknown."""
    if code := parse_header(column.header).currency:
        return {code}
    signs = currency.signs if currency else {}
    currency_column = next((other for other in columns if other.field == Field.CURRENCY), None)
    texts = [*profile.column(column.index).currencies]
    is_named = (
        bool(texts)
        and sum(profile.column(column.index).currencies.values()) == profile.column(column.index).filled
    )
    if currency_column:
        named = profile.column(currency_column.index)
        if named.filled and not named.values:
            return set()
        texts += named.values
        is_named = is_named or named.filled == named.rows
    codes = {_code(text, signs) for text in texts}
    if not is_named:
        codes.add(currency.code if currency else "")
    return set() if "" in codes else codes


def _code(text: str, signs: object) -> str:
    codes = currency_of(text)
    if len(codes) == 1:
        return codes[0]
    codes_by_sign = dict(signs)  # type: ignore[call-overload]
    return str(codes_by_sign.get(text.casefold(), codes_by_sign.get(text, "")))


def _order(column: ColumnMapping, columns: list[ColumnMapping], profile: sheets.Profile) -> str | None:
    """Return the date order of a column, empty where there is none to keep; None where it is ambiguous."""
    shape = profile.column(column.index).date
    if shape is None:
        return ""
    if shape.why == "half_converted":
        return None
    wrong = {}
    if not shape.is_certain or shape.why in _WEAK:
        wrong = _due_before_invoice(columns, profile)
    if shape.is_certain:
        is_doubted = wrong.get(shape.order, 0) > 0 and 0 in wrong.values()
        return None if is_doubted else shape.order if shape.why in _SHOWN else ""
    if shape.why != "order_ambiguous":
        return None
    right = [order for order, count in wrong.items() if count == 0]
    other_counts = [count for order, count in wrong.items() if order not in right]
    return right[0] if len(right) == 1 and other_counts and min(other_counts) > 0 else None


def _due_before_invoice(columns: list[ColumnMapping], profile: sheets.Profile) -> dict[str, int]:
    """Return, by order of day and month, the number of rows whose due date would precede the invoice date.

    Empty where the evidence is insufficient: too few rows, or less than half of them.
    """
    dated = {column.field: profile.column(column.index) for column in columns if column.field in DATES}
    invoiced, due = dated.get(Field.INVOICE_DATE), dated.get(Field.DUE_DATE)
    if invoiced is None or due is None:
        return {}
    wrong: dict[str, int] = {}
    for order in ("dmy", "mdy"):
        pairs = [
            (first, second)
            for first, second in zip(_days(invoiced, profile, order), _days(due, profile, order), strict=True)
            if first and second
        ]
        wrong[order] = sum(1 for first, second in pairs if second < first)
        if len(pairs) < _ROWS_MIN:
            return {}
    return wrong if 2 * max(wrong.values()) >= len(profile.head) else {}


def _days(column_profile: sheets.ColumnProfile, profile: sheets.Profile, order: str) -> list[date | None]:
    shape = column_profile.date
    if shape is None:
        return [None] * len(profile.head)
    if not shape.is_certain or shape.why in _WEAK:
        shape = replace(shape, order=order)  # type: ignore[arg-type]
    read = sheets.date_reader(shape)
    return [read_cell(read, row[column_profile.column.index]) for row in profile.head]


def _date_question(column: ColumnMapping, column_profile: sheets.ColumnProfile) -> Question:
    if column_profile.date and column_profile.date.why == "half_converted":
        return _turned_dates_question(column, column_profile)
    has_short_years = any(_SHORT_YEARS.fullmatch(text) for text in texts_of(column_profile))
    return _question(
        "date_order", column, column_profile, ("dmy", "mdy", *(["ymd"] if has_short_years else []))
    )


def _turned_dates_question(column: ColumnMapping, column_profile: sheets.ColumnProfile) -> Question:
    """Ask whether a spreadsheet swapped day and month of the cells that it stored as dates."""
    typed = [sample for sample in column_profile.samples if isinstance(sample, date)]
    pairs = [(day, read_cell(sheets.date_reader(_TURNED), day)) for day in typed]
    swapped = next(((day, turned) for day, turned in pairs if turned and day.day != day.month), None)
    facts = {"header": column.header or column.letter}
    facts |= (
        {"date": _iso(swapped[0]), "swapped": _iso(swapped[1])} if swapped else {"date": "", "swapped": ""}
    )
    return Question("dates_turned", (column.index,), column.field, ("turned", "kept"), None, facts)


def _iso(day: date) -> str:
    return day.isoformat()[:10]


def _question(
    code: str, column: ColumnMapping, column_profile: sheets.ColumnProfile, options: tuple[str, ...]
) -> Question:
    facts = {"header": column.header or column.letter, "examples": texts_of(column_profile)[:3]}
    return Question(code, (column.index,), column.field, options, None, facts)
