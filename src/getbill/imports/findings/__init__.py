"""Findings: what is wrong with a row of an import, and what would be right."""

from getbill.imports.findings.domain_suggestions import meant, mended_address
from getbill.imports.findings.messages import listed, own
from getbill.imports.findings.model import (
    CODES,
    Finding,
    Outcome,
    Row,
    cells_in,
    cells_out,
    of_cell,
    of_error,
    opened,
    reference_of,
    said,
    shown,
    write,
)

__all__ = [
    "CODES",
    "Finding",
    "Outcome",
    "Row",
    "cells_in",
    "cells_out",
    "listed",
    "meant",
    "mended_address",
    "of_cell",
    "of_error",
    "opened",
    "own",
    "reference_of",
    "said",
    "shown",
    "write",
]
