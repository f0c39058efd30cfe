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
from getbill.sheets.cells.notations import DASHES, SPACES, currency_and_mark, is_amount_affix, mark_letter
from getbill.sheets.cells.numbers import body_of, decide_number_shape, number_readings
from getbill.sheets.cells.text import clean, is_formula, read_text
from getbill.sheets.cells.types import kinds_of, passes_luhn, pattern, patterns, word_kinds
