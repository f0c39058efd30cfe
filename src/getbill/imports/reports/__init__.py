"""Reports of an import, for the person who decides on it and for the sender of the file."""

from getbill.imports.reports.row_report import (
    count_codes,
    list_rows,
    read_blocks,
    unknown_codes,
    write_findings,
    write_rejected_rows,
)
