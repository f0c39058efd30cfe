"""Tables on a sheet: the header row, skipped rows, customer groups and adjacent tables."""

from getbill.sheets.tables.adjacent_tables import without_tables_beside
from getbill.sheets.tables.customer_groups import Headings, detect_groups, is_heading, mark_heading
from getbill.sheets.tables.headers import WORDS, find_table, usually_filled
from getbill.sheets.tables.skipped_rows import INITIALS, MARKS, STARTS, SkipRules
