"""Patterns of cells: what the first cell with a pattern says of all of them."""

import re
from dataclasses import dataclass

from getbill.sheets import cells
from getbill.sheets.cells import clean
from getbill.sheets.model import CellKind

_WORD_CHARS = 40
# Spreadsheet serial dates of this century, with or without the time of day. Two decimals are those of an
# amount.
_SERIAL = re.compile(r"9{5}(?:[.,](?:9|9{3,}))?")
_WHOLE_FLOAT = re.compile(r"9+[.,]9")
_INSTANT = re.compile(r"9{4}-99-99[A ]99:99(?::99(?:\.9+)?)?(?:A|[+-]99:?99)")
AROUND_NUMBERS = "0123456789.,+-()<>[];'\u2019\u2018\u2014" + cells.SPACES + cells.DASHES


@dataclass(slots=True)
class CellPattern:
    """One pattern of a column's cells."""

    example: str
    kinds: frozenset[CellKind]
    count: int = 0
    # Number of its cells that begin with a zero, where that matters.
    zeros: int = 0
    is_day: bool = False
    # Number of cells with the form of a date that are not dates.
    misses: int = 0
    is_phone: bool = False
    is_word: bool = False
    has_currency: bool = False
    # A number such as 9.999, which is ambiguous unless it begins with a zero.
    is_doubtful: bool = False
    # A number of five digits, which may be a date; a number with one decimal, which may be a whole number.
    is_serial: bool = False
    inspected: int = 0
    is_float: bool = False
    is_instant: bool = False
    # It has a spreadsheet's apostrophe or invisible characters around it.
    is_marked: bool = False
    # Any of these three.
    is_rare: bool = False

    # Whether each of its cells must be inspected, for any of these but the word.
    is_inspected: bool = False


def describe_pattern(pattern: str, example: str) -> CellPattern:
    """Return the properties of a pattern, from its first cell."""
    looks = cells.kinds_of(example)
    cell_pattern = CellPattern(example, looks)
    cleaned = clean(example)
    plain = cells.pattern(cleaned)
    cell_pattern.is_marked = cleaned != example
    cell_pattern.is_day = CellKind.DATE in looks or cells.has_form(cleaned[:_WORD_CHARS])
    cell_pattern.is_instant = bool(_INSTANT.fullmatch(plain))
    cell_pattern.is_phone = CellKind.PHONE in looks
    cell_pattern.is_word = (
        len(pattern) <= _WORD_CHARS and ("9" not in pattern or pattern == "9") and "@" not in pattern
    )
    if CellKind.NUMBER in looks:
        cell_pattern.is_serial = bool(_SERIAL.fullmatch(plain))
        cell_pattern.is_float = bool(_WHOLE_FLOAT.fullmatch(plain))
        cell_pattern.has_currency = bool(plain.strip(AROUND_NUMBERS))
        body = cells.body_of(cleaned) or ""
        cell_pattern.is_doubtful = ("." in body or "," in body) and len(
            {sign for sign, _ in cells.number_readings(body)}
        ) > 1
    cell_pattern.is_rare = cell_pattern.is_marked or cell_pattern.is_serial or cell_pattern.is_float
    cell_pattern.is_inspected = (
        cell_pattern.is_day
        or cell_pattern.is_phone
        or cell_pattern.has_currency
        or cell_pattern.is_doubtful
        or cell_pattern.is_serial
        or cell_pattern.is_float
    )
    return cell_pattern
