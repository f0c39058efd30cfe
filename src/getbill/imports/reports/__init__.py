"""Reports of an import, for the person who decides on it and for the sender of the file."""

from getbill.imports.reports.row_report import blocks, codes, listed, rejected, rows, unknown_codes

__all__ = ["blocks", "codes", "listed", "rejected", "rows", "unknown_codes"]
