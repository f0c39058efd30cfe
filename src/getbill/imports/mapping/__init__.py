"""Mapping: what the columns of a creditor's file are, proposed with reasons, asked where unsure, and remembered.

`propose` reads headers in six languages and the cells below them, `changed` takes a human's answers, `recalled`
meets a known layout again, and `compose` makes rows into bodies as POST /debts takes them.
"""

from getbill.imports.mapping.cells import CellFinding
from getbill.imports.mapping.changes import changed, difference, recalled
from getbill.imports.mapping.compose import Composer, compose
from getbill.imports.mapping.model import (
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
from getbill.imports.mapping.propose import propose
from getbill.imports.mapping.repeats import Instalments, looked_through
from getbill.imports.mapping.said import codes, said, tongue
from getbill.imports.mapping.status_words import Status
from getbill.imports.mapping.units import Unit
from getbill.imports.mapping.verification import verified

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
