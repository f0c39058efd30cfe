"""The rows of an import: reading, checking, creating, updating, correcting and undoing them."""

from getbill.imports.rows.corrections import (
    accept,
    any_of,
    between,
    corrected,
    keep,
    put_cell,
    put_field,
    settle,
)
from getbill.imports.rows.create import LeaseLost, Work, make
from getbill.imports.rows.dry_run import Seen, examine
from getbill.imports.rows.failures import hold
from getbill.imports.rows.instalments import Instalments, gathered
from getbill.imports.rows.people import (
    SAMPLES,
    forget,
    forget_lines,
    forget_rows,
    hashes_of,
    is_named,
    keep_rows,
    keep_samples,
    lines_of,
    without,
)
from getbill.imports.rows.reader import Line, Reader
from getbill.imports.rows.restore import give_back
from getbill.imports.rows.snapshots import EMPTY, FORGET, FORGET_REASONS
from getbill.imports.rows.undo import kept, take_back

__all__ = [
    "EMPTY",
    "FORGET",
    "FORGET_REASONS",
    "SAMPLES",
    "Instalments",
    "LeaseLost",
    "Line",
    "Reader",
    "Seen",
    "Work",
    "accept",
    "any_of",
    "between",
    "corrected",
    "examine",
    "forget",
    "forget_lines",
    "forget_rows",
    "gathered",
    "give_back",
    "hashes_of",
    "hold",
    "is_named",
    "keep",
    "keep_rows",
    "keep_samples",
    "kept",
    "lines_of",
    "make",
    "put_cell",
    "put_field",
    "settle",
    "take_back",
    "without",
]
