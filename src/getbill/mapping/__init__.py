"""Column mapping of a creditor's file: proposed with reasons, confirmed where uncertain, and saved.

`propose` reads headers in six languages and the cells below them, `apply_changes` applies a person's answers,
`recall` applies a saved mapping to a known layout, and `compose` turns rows into bodies of POST /debts.
"""

from getbill.mapping.amounts.units import Unit
from getbill.mapping.amounts.verification import verify
from getbill.mapping.changes import apply_changes, difference, recall
from getbill.mapping.fields import Field
from getbill.mapping.messages import codes
from getbill.mapping.model import (
    ColumnMapping,
    ColumnReason,
    ColumnsCollide,
    FieldUnknown,
    Mapping,
    Question,
    confirm,
)
from getbill.mapping.proposal import propose
from getbill.mapping.row_status.words import Status
from getbill.mapping.rows.composition import Composer, compose
from getbill.mapping.rows.repeats import Instalments, check_repeats
from getbill.mapping.values.cells import CellFinding
