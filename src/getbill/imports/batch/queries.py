"""Queries for the findings of a batch's rows."""

from typing import Any, Final

from getbill.companies import Workspace
from getbill.imports import findings
from getbill.imports import queries as imports
from getbill.imports.findings import ImportRow
from getbill.imports.model import Import
from getbill.kit.database import Database, Statement

# Maximum number of findings included in a response.
FINDINGS_MAX: Final = 100

_FIRST = Statement(
    "imports.first_findings",
    "The first rows of an import of which something is said.",
    "SELECT * FROM import_findings WHERE workspace_id = $1 AND import_id = $2 ORDER BY line LIMIT $3",
)
_COUNT = Statement(
    "imports.count_findings",
    "Of how many rows of an import is something said?",
    "SELECT count(*) FROM import_findings WHERE workspace_id = $1 AND import_id = $2",
)


async def find_error_report(
    database: Database, workspace: Workspace, import_: Import, language: str
) -> dict[str, Any]:
    """Return the first findings of an import, and the URL of the rest."""
    key = imports.keys_of(workspace, import_).main
    rows: list[ImportRow] = []
    if key is not None:
        records = await database.fetch(_FIRST, workspace.id, import_.id, FINDINGS_MAX)
        rows = [findings.open_row(row, key) for row in records]
    total: int = await database.fetchval(_COUNT, workspace.id, import_.id)
    return error_report(import_, rows, total, language)


def error_report(import_: Import, rows: list[ImportRow], total: int, language: str) -> dict[str, Any]:
    """Return the first findings of an import's rows; `total` is the number of rows with findings."""
    first_findings = [
        finding for row in rows[:FINDINGS_MAX] for finding in findings.serialize_row(row, language)
    ]
    is_all = total <= FINDINGS_MAX and len(first_findings) <= FINDINGS_MAX
    return {
        "rows": total,
        "findings": first_findings[:FINDINGS_MAX],
        "more": None if is_all else f"/external-api/v1/imports/{import_.shown_id}/report",
    }
