"""Tables on a sheet: the header row, skipped rows, customer groups and adjacent tables."""

from getbill.sheets.tables.adjacent_tables import without_tables_beside
from getbill.sheets.tables.customer_groups import Headings, grouped, is_heading, marked
from getbill.sheets.tables.headers import WORDS, find, usually_filled
from getbill.sheets.tables.skipped_rows import INITIALS, MARKS, STARTS, Leaving

__all__ = [
    "INITIALS",
    "MARKS",
    "STARTS",
    "WORDS",
    "Headings",
    "Leaving",
    "find",
    "grouped",
    "is_heading",
    "marked",
    "usually_filled",
    "without_tables_beside",
]
