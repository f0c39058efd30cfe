"""Amount parsing: 1 234,56 EUR and CHF 1'234.50, read exactly or refused.

The decimal mark is decided over the whole column. A cell that is ambiguous under the column's format is
refused, because a debt of a thousand times the amount is worse than a question.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from getbill.sheets.cells import notations
from getbill.sheets.cells.notations import APOSTROPHES, SPACES, WRITTEN_MAX
from getbill.sheets.cells.text import clean, read_text
from getbill.sheets.messages import CellWrong
from getbill.sheets.model import Cell, NumberShape

Decimals = Literal[".", ","]
_SIGNS: tuple[Decimals, Decimals] = (",", ".")
# A fraction of a cent left by floating point is not an amount.
_ROUNDING = Decimal("0.000001")
_FOUR_PLACES = Decimal("0.0001")
_ROUNDED_FROM = 6
_LONG = 9
_CENTS_PLACES = 2
_CENTS = re.compile(r"[.,]\d\d$")
_EXACT_MAX = 10**15
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[Ee][+]?\d{1,2}")
_ERROR = re.compile(r"#[A-Z0-9/?!]{2,}[?!]?|#+")
_OF_ASIA = r"|[1-9]\d?(?:,\d{2})+,\d{3}|[1-9]\d{0,3}(?:,\d{4}){2,}"
# Groups of three digits, and Indian and Chinese groups, which only a comma separates; groups of four only if
# repeated.
_GROUPS: dict[tuple[Decimals, str], re.Pattern[str]] = {
    (decimal, group): re.compile(
        rf"(?:[1-9]\d{{0,2}}(?:{signs}\d{{3}})+{asian_groups})(?:{re.escape(decimal)}\d+)?"
    )
    for decimal, other in zip(_SIGNS, reversed(_SIGNS), strict=True)
    for group, signs, asian_groups in (
        (other, re.escape(other), _OF_ASIA if other == "," else ""),
        (" ", f"[{SPACES}]", ""),
        ("'", f"[{APOSTROPHES}]", ""),
    )
}
_PLAIN = {decimal: re.compile(rf"\d*(?:{re.escape(decimal)}\d+)?") for decimal in _SIGNS}
_GROUPING = str.maketrans("", "", SPACES + APOSTROPHES)

NumberReading = tuple[Decimals, str]


def read_number(cell: Cell, shape: NumberShape) -> Decimal:
    """Return the number in a cell, or raise `CellWrong`; a currency beside it is ignored."""
    return number_reader(shape)(cell)


@lru_cache(maxsize=256)
def number_reader(shape: NumberShape) -> Callable[[Cell], Decimal]:
    """Return a fast reader for a column's numbers, created once per column."""
    decimal = re.escape(shape.decimal)
    other = shape.thousands if shape.thousands in {".", ","} and shape.thousands != shape.decimal else ""
    parted = rf"(?:[{SPACES}]\d{{3}})+" + (rf"|(?:{re.escape(other)}\d{{3}})+" if other else "")
    places = r"\d{1,6}" if shape.places > _CENTS_PLACES else r"\d{1,2}"
    plain = re.compile(rf"-?\d+(?:{decimal}{places})?", re.ASCII).fullmatch
    grouped = re.compile(
        rf"(-?(?:[1-9]\d{{0,2}}(?:{parted})|\d+)(?:{decimal}{places})?)(?:\s?\u20ac|\s?EUR)?", re.ASCII
    ).fullmatch
    table = str.maketrans({shape.decimal: ".", **dict.fromkeys(SPACES + other, "")})

    def read(cell: Cell) -> Decimal:
        if type(cell) is str:
            if plain(cell):
                return Decimal(cell.replace(",", ".") if decimal == "," else cell)
            if match := grouped(cell):
                return Decimal(match[1].translate(table))
            return _read_slowly(cell, shape)
        if type(cell) is int:
            return Decimal(cell)
        if type(cell) is float:
            # A spreadsheet stores fifteen digits; later digits are rounding errors.
            digits = f"{cell:.15g}"
            # Eight characters have at most six decimals.
            return Decimal(digits) if len(digits) < _LONG else _round(Decimal(digits))
        raise CellWrong("cell_empty" if cell is None else "number_invalid", value=read_text(cell))

    return read


def currency_beside(text: str) -> str:
    """Return the currency symbol or code beside a number, as written; empty where there is none."""
    notation = notations.parse_notation(text)
    return notation.currency if notation else ""


def is_number(text: str) -> bool:
    """Return whether the text is a possible number, with or without a currency."""
    notation = notations.parse_notation(text)
    if notation is None:
        return notations.is_zero(text)
    # C00123, CR2024 and D-13 are codes: a mark or magnitude stands beside cents or a currency, or follows as
    # a word.
    is_word = text[:1].isdigit() and (len(notation.mark) > 1 or (notation.power > 0 and not notation.is_k))
    is_bare = not (notation.mark or notation.power)
    is_amount = is_bare or is_word or notation.currency or _CENTS.search(notation.body)
    return bool(is_amount and not notation.problem and number_readings(notation.body))


def is_shortened(text: str) -> bool:
    """Return whether a spreadsheet abbreviated a long number, as in 1.2E+11."""
    return bool(_SHORTENED.fullmatch(text))


def is_formula_error(text: str) -> bool:
    """Return whether the text is the error value of a formula."""
    return bool(_ERROR.fullmatch(text))


def number_readings(body: str) -> frozenset[NumberReading]:
    """Return every (decimal mark, thousands separator) under which the digits are a number."""
    if body.isdigit():
        return _WHOLE
    plain = {(decimal, "") for decimal in _SIGNS if _PLAIN[decimal].fullmatch(body)}
    return frozenset(plain | {reading for reading, pattern in _GROUPS.items() if pattern.fullmatch(body)})


_WHOLE: frozenset[NumberReading] = frozenset({(",", ""), (".", "")})


def body_of(text: str) -> str | None:
    """Return the digits of a number with their separators, without sign and currency."""
    notation = notations.parse_notation(text)
    return notation.body if notation else None


class _Votes:
    """Counts of the number formats in a column."""

    def __init__(self) -> None:
        self.decimals = {",": 0, ".": 0}
        self.unsure = {",": 0, ".": 0}
        self.groups: dict[NumberReading, int] = {}
        self.whole = 0
        self.places = 0

    def add(self, body: str, count: int) -> None:
        """Count the cells written like one body."""
        possible = number_readings(body)
        decimals = {decimal for decimal, _ in possible}
        if len(decimals) == 1:
            decimal = next(iter(decimals))
            self.decimals[decimal] += count
            self.places = max(self.places, len(body) - 1 - body.rfind(decimal) if decimal in body else 0)
        elif possible and any(group in {",", "."} for _, group in possible):
            self.unsure["," if "," in body else "."] += count
        elif possible:
            self.whole += count
        for reading in possible:
            if reading[1]:
                self.groups[reading] = self.groups.get(reading, 0) + count

    def thousands(self, decimal: Decimals) -> str:
        """Return the thousands separator used with a decimal mark."""
        counts = {group: count for (sign, group), count in self.groups.items() if sign == decimal}
        return max(counts, key=lambda group: counts[group], default="")


def decide_number_shape(bodies: Iterable[tuple[str, int]]) -> NumberShape | None:
    """Return a column's number format from its bodies and their counts; None where there are none."""
    votes = _Votes()
    for body, count in bodies:
        votes.add(body, count)
    if not votes.whole and not any(votes.decimals.values()) and not any(votes.unsure.values()):
        return None
    return _decide_decimal(votes)


def _decide_decimal(votes: _Votes) -> NumberShape:
    comma, point = votes.decimals[","], votes.decimals["."]
    doubtful = sum(votes.unsure.values())
    decimal: Decimals
    places = 3
    if comma or point:
        decimal = "," if comma >= point else "."
        # One point among ten thousand commas is an error of that cell, not the column's format.
        is_mixed = min(comma, point) * 100 > max(comma, point)
        # One 80.5 among many cells like 1.200: the many have a thousands separator, or three decimals.
        is_mixed = is_mixed or votes.unsure[decimal] > votes.decimals[decimal]
        is_certain = not (is_mixed and doubtful)
        why = "mixed_decimals" if is_mixed else "decimal_seen"
        places = votes.places or 3
    elif doubtful:
        # 1.234 alone: amounts with three decimals are rare, so the mark is probably a thousands separator.
        decimal = "," if votes.unsure["."] >= votes.unsure[","] else "."
        is_certain, why = False, "decimal_ambiguous"
    else:
        decimal, is_certain, why = ",", True, "whole_numbers"
        if any(group == "'" for _, group in votes.groups):
            decimal = "."
    return NumberShape(decimal, votes.thousands(decimal), is_certain, why, places=places)


def _read_slowly(cell: str, shape: NumberShape) -> Decimal:
    """Return a number with text around it; raise `CellWrong` for an ambiguous one."""
    text = clean(cell)
    if not text:
        raise CellWrong("cell_empty")
    if len(text) > WRITTEN_MAX:
        raise CellWrong("number_invalid", value=f"{text[:WRITTEN_MAX]}\u2026")
    if is_formula_error(text):
        raise CellWrong("formula_error", value=text)
    notation = notations.parse_notation(text)
    if notation is None:
        if notations.is_zero(text):
            return Decimal(0)
        code = "digits_lost" if is_shortened(text) else "number_invalid"
        raise CellWrong(code, _without_words(text, shape), value=text)
    if problem := _problem(notation, shape):
        raise CellWrong(problem, value=text)
    number = _round(_magnitude(notation.body, shape, text)) * Decimal(10) ** notation.power
    return -number if notation.is_negative else number


def _magnitude(body: str, shape: NumberShape, text: str) -> Decimal:
    decimal = _decimal_of(body, shape)
    if decimal is None:
        code = "number_ambiguous" if number_readings(body) else "number_invalid"
        raise CellWrong(code, value=text)
    return Decimal(
        body.translate(_GROUPING).replace("." if decimal == "," else ",", "").replace(decimal, ".")
    )


def _problem(notation: notations.Notation, shape: NumberShape) -> str:
    """Return the error code for text that makes the amount ambiguous in this column; empty for none."""
    mark = notation.mark
    if notation.problem == "crore_or_credit" and "d" in shape.marks:
        return ""
    if notation.problem:
        return "magnitude_unclear" if notation.problem == "crore_or_credit" else notation.problem
    is_alone = len(mark) == 1 and not set(notations.PARTNERS[mark]) & set(shape.marks)
    # In the Nordic countries K is a credit as well as a thousand.
    is_kredit = notation.is_k and ("d" in shape.marks or bool(_CENTS.search(notation.body)))
    return "sign_unclear" if is_alone or is_kredit else ""


def _round(number: Decimal) -> Decimal:
    """Return the number without floating-point residue after its fourth decimal."""
    if -number.as_tuple().exponent <= _ROUNDED_FROM or abs(number) > _EXACT_MAX:  # type: ignore[operator]
        return number
    near = number.quantize(_FOUR_PLACES)
    return near if abs(number - near) < _ROUNDING else number


def _decimal_of(body: str, shape: NumberShape) -> Decimals | None:
    """Return the decimal mark of one cell: the column's, unless the cell is a number only with the other."""
    possible = number_readings(body)
    groups = {shape.thousands, "", " ", "'"}
    decimals = {decimal for decimal, _ in possible}
    if shape.places <= _CENTS_PLACES and len(decimals) > 1 and ("." in body or "," in body):
        # 1.200 where other cells have two decimals: a third decimal, or a thousand typed by another person.
        groups = {shape.thousands} - {""}
    if any(decimal == shape.decimal and group in groups for decimal, group in possible):
        return shape.decimal
    return decimals.pop() if len(decimals) == 1 else None


def _without_words(text: str, shape: NumberShape) -> str | None:
    """Return the amount without words that do not change it, where that is an amount in this column."""
    remaining = notations.without_words(text)
    notation = notations.parse_notation(remaining) if remaining else None
    if notation is None or _problem(notation, shape) or "-" in text:
        return None
    return remaining if _decimal_of(notation.body, shape) else None
