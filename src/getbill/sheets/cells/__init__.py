"""Cells: their text, type, dates, numbers and currencies."""

from getbill.sheets.cells.dates import (
    LIKELY_FIRST,
    LIKELY_LAST,
    SERIAL_FIRST,
    SERIAL_LAST,
    date_readings,
    decide_date_shape,
    has_form,
    is_midnight,
)
from getbill.sheets.cells.notations import DASHES, SPACES, beside, is_beside, letter
from getbill.sheets.cells.numbers import body_of, decide_number_shape, number_readings
from getbill.sheets.cells.text import clean, is_formula, read_text
from getbill.sheets.cells.types import of, of_word, passes_luhn, pattern, patterns

__all__ = [
    "DASHES",
    "LIKELY_FIRST",
    "LIKELY_LAST",
    "SERIAL_FIRST",
    "SERIAL_LAST",
    "SPACES",
    "beside",
    "body_of",
    "clean",
    "date_readings",
    "decide_date_shape",
    "decide_number_shape",
    "has_form",
    "is_beside",
    "is_formula",
    "is_midnight",
    "letter",
    "number_readings",
    "of",
    "of_word",
    "passes_luhn",
    "pattern",
    "patterns",
    "read_text",
]
