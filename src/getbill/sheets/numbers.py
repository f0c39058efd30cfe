"""Amounts as people write them: 1 234,56 EUR and CHF 1'234.50, read exactly or not at all.

Which sign is the decimal one is decided over the whole column; a cell that could be two numbers under what
the column says is refused, because a thousandfold debt is worse than a question.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from getbill.sheets.model import Cell, NumberShape
from getbill.sheets.signs import currencies_of
from getbill.sheets.texts import read_text
from getbill.sheets.words import CellWrong

Decimals = Literal[".", ","]
_SIGNS: tuple[Decimals, Decimals] = (",", ".")
# No-break, narrow no-break, figure and thin spaces part thousands as the plain one does.
_SPACES = " \u00a0\u202f\u2007\u2009"
_APOSTROPHES = "'\u2019"
# The hyphen last, where it is itself between brackets.
_MINUS = "\u2212-"
_CURRENCY = r"[A-Za-z$]{1,3}[$.]?|[\u20ac\u00a3\u00a5\u20b9\u20ba\u20bd\u20aa]|[Ee]uros?|FCFA|z\u0142|K\u010d"
_WRITTEN = re.compile(
    rf"(?P<open>\()?(?P<before>[+{_MINUS}])?\s*(?P<first>{_CURRENCY})?\s*(?P<after>[+{_MINUS}])?\s*"
    rf"(?P<body>[.,]?\d(?:[\d.,{_SPACES}{_APOSTROPHES}]*\d)?)"
    rf"(?:[.,][-\u2013\u2014]{{1,2}})?\s*(?P<last>{_CURRENCY})?\s*(?P<behind>[{_MINUS}])?(?P<close>\))?"
)
_WRITTEN_MAX = 60
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[Ee][+]?\d{1,2}")
_ERROR = re.compile(r"#[A-Z0-9/?!]{2,}[?!]?|#+")
_GROUPS: dict[tuple[Decimals, str], re.Pattern[str]] = {
    (decimal, group): re.compile(rf"[1-9]\d{{0,2}}(?:{signs}\d{{3}})+(?:{re.escape(decimal)}\d+)?")
    for decimal, other in zip(_SIGNS, reversed(_SIGNS), strict=True)
    for group, signs in (
        (other, re.escape(other)),
        (" ", f"[{_SPACES}]"),
        ("'", f"[{_APOSTROPHES}]"),
    )
}
_PLAIN = {decimal: re.compile(rf"\d*(?:{re.escape(decimal)}\d+)?") for decimal in _SIGNS}
_GROUPING = str.maketrans("", "", _SPACES + _APOSTROPHES)

Reading = tuple[Decimals, str]


def read_number(cell: Cell, shape: NumberShape) -> Decimal:
    """Return the number a cell holds, or raise `CellWrong`; a currency beside it is left aside."""
    return number_reader(shape)(cell)


@lru_cache(maxsize=256)
def number_reader(shape: NumberShape) -> Callable[[Cell], Decimal]:
    """Return the fast reader of a column's numbers, made once for the column."""
    decimal = re.escape(shape.decimal)
    parted = _SPACES + (shape.thousands if shape.thousands in {".", ","} else "")
    plain = re.compile(rf"-?\d+(?:{decimal}\d+)?", re.ASCII).fullmatch
    grouped = re.compile(
        rf"(-?(?:[1-9]\d{{0,2}}(?:[{parted}]\d{{3}})+|\d+)(?:{decimal}\d+)?)(?:\s?\u20ac|\s?EUR)?", re.ASCII
    ).fullmatch
    table = str.maketrans({shape.decimal: ".", **dict.fromkeys(parted, "")})

    def read(cell: Cell) -> Decimal:
        if type(cell) is str:
            if plain(cell):
                return Decimal(cell.replace(",", ".") if decimal == "," else cell)
            if written := grouped(cell):
                return Decimal(written[1].translate(table))
            return _read_slowly(cell.strip(), shape)
        if type(cell) is int:
            return Decimal(cell)
        if type(cell) is float:
            # A spreadsheet keeps fifteen digits; what lies behind them is the machine's rounding.
            return Decimal(f"{cell:.15g}")
        raise CellWrong("cell_empty" if cell is None else "number_invalid", value=read_text(cell))

    return read


def currency_beside(cell: Cell) -> str | None:
    """Return the sign or code written beside a number, as written; None where there is none."""
    written = _WRITTEN.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return (written["first"] or written["last"]) if written else None


def is_number(text: str) -> bool:
    """Tell whether the text is a number somebody could mean, with a currency beside it or not."""
    written = _WRITTEN.fullmatch(text)
    return bool(written and _is_currency(written) and readings(written["body"]))


def is_shortened(text: str) -> bool:
    """Tell whether a spreadsheet wrote a long number short, as 1.2E+11."""
    return bool(_SHORTENED.fullmatch(text))


def is_formula_error(text: str) -> bool:
    """Tell whether the text is what a formula that fails shows."""
    return bool(_ERROR.fullmatch(text))


def readings(body: str) -> frozenset[Reading]:
    """Return every (decimal sign, thousands sign) under which the digits and their separators are a number."""
    if body.isdigit():
        return _WHOLE
    plain = {(decimal, "") for decimal in _SIGNS if _PLAIN[decimal].fullmatch(body)}
    return frozenset(plain | {reading for reading, pattern in _GROUPS.items() if pattern.fullmatch(body)})


_WHOLE: frozenset[Reading] = frozenset({(",", ""), (".", "")})


def body_of(text: str) -> str | None:
    """Return the digits of a number with their separators, without sign and currency."""
    written = _WRITTEN.fullmatch(text)
    return written["body"] if written and _is_currency(written) else None


def decide(bodies: Iterable[tuple[str, int]]) -> NumberShape | None:
    """Return how a column writes numbers, from the bodies seen and how often; None where there are none."""
    votes = {",": 0, ".": 0}
    unsure: dict[str, int] = {",": 0, ".": 0}
    groups: dict[Reading, int] = {}
    whole = 0
    for body, count in bodies:
        possible = readings(body)
        decimals = {decimal for decimal, _ in possible}
        if len(decimals) == 1:
            votes[next(iter(decimals))] += count
        elif possible and any(group in {",", "."} for _, group in possible):
            unsure["," if "," in body else "."] += count
        elif possible:
            whole += count
        for reading in possible:
            if reading[1]:
                groups[reading] = groups.get(reading, 0) + count
    if not whole and not any(votes.values()) and not any(unsure.values()):
        return None
    return _decided(votes, unsure, groups)


def _decided(votes: dict[str, int], unsure: dict[str, int], groups: dict[Reading, int]) -> NumberShape:
    comma, point = votes[","], votes["."]
    doubtful = sum(unsure.values())
    decimal: Decimals
    if comma or point:
        decimal = "," if comma >= point else "."
        # One point among ten thousand commas is a slip of that cell, not the column's way.
        is_mixed = min(comma, point) * 100 > max(comma, point)
        is_certain = not (is_mixed and doubtful)
        why = "mixed_decimals" if is_mixed else "decimal_seen"
    elif doubtful:
        # 1.234 alone: amounts with three decimals are rare, so the sign more likely parts thousands.
        decimal = "," if unsure["."] >= unsure[","] else "."
        is_certain, why = False, "decimal_ambiguous"
    else:
        decimal, is_certain, why = ",", True, "whole_numbers"
        if any(group == "'" for _, group in groups):
            decimal = "."
    seen = {group: count for (sign, group), count in groups.items() if sign == decimal}
    thousands = max(seen, key=lambda group: seen[group], default="")
    return NumberShape(decimal, thousands, is_certain, why)


def _read_slowly(text: str, shape: NumberShape) -> Decimal:
    """Read a number with a currency, a sign behind it or apostrophes; refuse what could be two numbers."""
    if not text:
        raise CellWrong("cell_empty")
    if len(text) > _WRITTEN_MAX:
        raise CellWrong("number_invalid", value=f"{text[:_WRITTEN_MAX]}\u2026")
    if is_formula_error(text):
        raise CellWrong("formula_error", value=text)
    written = _WRITTEN.fullmatch(text)
    if not written or not _is_currency(written) or bool(written["open"]) != bool(written["close"]):
        code = "digits_lost" if is_shortened(text) else "number_invalid"
        raise CellWrong(code, _without_words(text), value=text)
    body = written["body"]
    decimal = _decimal_of(body, shape)
    if decimal is None:
        code = "number_ambiguous" if readings(body) else "number_invalid"
        raise CellWrong(code, value=text)
    digits = body.translate(_GROUPING).replace("." if decimal == "," else ",", "").replace(decimal, ".")
    number = Decimal(digits)
    signs = (written["before"] or "") + (written["after"] or "") + (written["behind"] or "")
    is_negative = any(sign in signs for sign in _MINUS) or written["open"]
    return -number if is_negative else number


def _decimal_of(body: str, shape: NumberShape) -> Decimals | None:
    """Return the decimal sign of one cell: the column's, unless only the other one makes it a number."""
    possible = readings(body)
    groups = {shape.thousands, "", " ", "'"}
    if any(decimal == shape.decimal and group in groups for decimal, group in possible):
        return shape.decimal
    decimals = {decimal for decimal, _ in possible}
    return decimals.pop() if len(decimals) == 1 else None


def _is_currency(written: re.Match[str]) -> bool:
    """Tell whether what stands beside the digits is a currency, on one side only."""
    first, last = written["first"], written["last"]
    if first and last:
        return False
    beside = first or last
    return not beside or bool(currencies_of(beside))


def _without_words(text: str) -> str | None:
    """Return the number in the text without the words around it, if there is exactly one way to read it."""
    found = _DIGITS.findall(text)
    if len(found) != 1:
        return None
    number: str = found[0]
    is_sure = number.isdigit() or len({decimal for decimal, _ in readings(number)}) == 1
    return number if is_sure else None


_DIGITS = re.compile(rf"\d(?:[\d.,{_SPACES}]*\d)?")
