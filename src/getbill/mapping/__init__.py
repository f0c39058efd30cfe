"""Mapping: what the columns of a creditor's file are, proposed with reasons, asked where unsure, and remembered.

`propose` reads headers in six languages and the cells below them, `changed` takes a human's answers, `recalled`
meets a known layout again, and `compose` makes rows into bodies as POST /debts takes them.
"""

from getbill.mapping.amounts.units import Unit
from getbill.mapping.amounts.verification import verified
from getbill.mapping.changes import changed, difference, recalled
from getbill.mapping.messages import codes, said, tongue
from getbill.mapping.model import (
    Alternative,
    Column,
    ColumnsCollide,
    Currency,
    Field,
    FieldUnknown,
    Mapping,
    Question,
    Reason,
    confirmed,
)
from getbill.mapping.proposal import propose
from getbill.mapping.row_status.words import Status
from getbill.mapping.rows.composition import Composer, compose
from getbill.mapping.rows.repeats import Instalments, looked_through
from getbill.mapping.values.cells import CellFinding

__all__ = [
    "Alternative",
    "CellFinding",
    "Column",
    "ColumnsCollide",
    "Composer",
    "Currency",
    "Field",
    "FieldUnknown",
    "Instalments",
    "Mapping",
    "Question",
    "Reason",
    "Status",
    "Unit",
    "changed",
    "codes",
    "compose",
    "confirmed",
    "difference",
    "looked_through",
    "propose",
    "recalled",
    "said",
    "tongue",
    "verified",
]
