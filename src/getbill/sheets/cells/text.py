"""Text of cells: the visible text, without the spaces around it."""

import re
import unicodedata
from datetime import date, datetime
from pathlib import Path

from getbill.kit.text.word_lists import WordLists
from getbill.sheets.model import Cell

# First characters of a formula; tab and return hide one from a careless check.
LISTS = WordLists(Path(__file__).with_name("cells.toml"))
FORMULA_STARTS = frozenset("=+-@\t\r\n")
# Marks that a spreadsheet writes before a text cell, straight or made curly by an editor.
_ALL_MARKS = "'\u2019\u2018"
_MARKS = frozenset(_ALL_MARKS)
_INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"
)
# Characters that may precede a formula and are skipped: blanks of any width, line breaks, invisible
# characters.
_BLANKS = (
    " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000\0" + _INVISIBLE
)
# A text that neither begins nor ends with one of these needs no cleaning.
AROUND_TEXT = _MARKS | {"="} | frozenset(_INVISIBLE)
# Full-width letters and digits, as Japanese and Chinese software writes them, become plain ones.
_PLAIN = {**dict.fromkeys(map(ord, _INVISIBLE)), **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}}
_AS_FORMULA = re.compile(r'=\s*"([^"]*)"')
_WHOLE_FLOAT = re.compile(r"(\d+)[.,]0+")


def read_text(cell: Cell) -> str:
    """Return the cell's text; empty for an empty cell, a whole number without decimals, a date in ISO form.

    Text markers of a spreadsheet (an apostrophe, `="00123"`) and invisible characters around the text are
    removed.
    """
    if type(cell) is str:
        text = cell.strip()
        if text[:1] in _MARKS or text[:2] == '="':
            text = _strip_marks(text)
        return text if text.isascii() else text.strip(_INVISIBLE + " \u00a0")
    return "" if cell is None else _typed_text(cell)


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may run a text as a formula, even full-width or after invisible spaces."""
    if text[:1].isalnum():
        return False
    start = text.lstrip(_BLANKS)[:1]
    return (
        bool(start) and (start if start.isascii() else unicodedata.normalize("NFKC", start)) in FORMULA_STARTS
    )


def clean(text: str) -> str:
    """Return a number, date or code without invisible characters, text mark and trailing `;`."""
    if not text.isascii():
        text = text.translate(_PLAIN)
    text = text.strip().rstrip(";").rstrip()
    if text[:1] in _MARKS:
        text = text.strip(_ALL_MARKS).strip()
    return _strip_marks(text) if text[:1] == "=" else text


def drop_zero_fraction(text: str) -> str:
    """Return the digits of a whole number stored as a fraction (`12345.0`), any other text unchanged."""
    match = _WHOLE_FLOAT.fullmatch(text)
    return match[1] if match else text


def _strip_marks(text: str) -> str:
    if match := _AS_FORMULA.fullmatch(text):
        return match[1].strip()
    remainder = text[1:].strip()
    # 's-Hertogenbosch and 't Hart keep theirs: a text mark precedes a number, a formula or a code.
    is_code = is_formula(text[1:]) or (
        any(map(str.isdigit, remainder)) and not any(map(str.isspace, remainder))
    )
    if text[:1] in _MARKS and (is_code or _is_amount(remainder)):
        remainder = remainder.rstrip(_ALL_MARKS).rstrip()
        return _strip_marks(remainder) if remainder[:2] == '="' else remainder
    return text


def _is_amount(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in frozenset("(<$\u20ac\u00a3\u2212\u2013")


def _typed_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
