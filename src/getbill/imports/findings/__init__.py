"""Findings: errors and warnings for a row of an import, with suggested corrections."""

from getbill.imports.findings.domain_suggestions import suggest_address, suggest_domain
from getbill.imports.findings.messages import field_names, message_of
from getbill.imports.findings.model import (
    CODES,
    Finding,
    ImportRow,
    RowOutcome,
    cells_in,
    cells_out,
    from_cell,
    from_code,
    from_error,
    open_row,
    reference_of,
    serialize_row,
    write,
)
