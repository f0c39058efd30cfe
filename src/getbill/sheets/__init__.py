"""Sheets: tables exported by creditors, CSV and XLSX, read unchanged and written safely.

Reading decides the encoding, the delimiter, the header and each column's number and date format over the
whole file, reports each decision with its certainty, and never guesses a single cell.
"""

from getbill.sheets.cells.currency_symbols import country_of, currencies_of
from getbill.sheets.cells.dates import date_reader, is_midnight, read_date
from getbill.sheets.cells.numbers import currency_beside, number_reader, read_number
from getbill.sheets.cells.text import AROUND_TEXT, clean, drop_zero_fraction, read_text
from getbill.sheets.messages import CellWrong, Unreadable
from getbill.sheets.model import (
    Cell,
    CellKind,
    Column,
    ColumnProfile,
    DateShape,
    Layout,
    Note,
    NumberShape,
    Profile,
    ReadChoices,
    ReadLimits,
    Row,
    SkippedRows,
    fold,
    letter,
)
from getbill.sheets.profiles import profile
from getbill.sheets.reader import Sheet, open  # noqa: A004 - read as `sheets.open`
from getbill.sheets.writer import write_csv, write_xlsx
