"""Reading what was said of a batch's rows."""

from typing import Any, Final

from getbill.companies import Workspace
from getbill.imports import findings
from getbill.imports import queries as imports
from getbill.imports.findings import Row
from getbill.imports.model import Import
from getbill.kit.database import Database, Statement

# How many findings an answer shows by itself.
SHOWN_MAX: Final = 100

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


async def report(database: Database, workspace: Workspace, found: Import, language: str) -> dict[str, Any]:
    """Return the first findings of an import, and where the rest is."""
    key = imports.keys_of(workspace, found).own
    rows: list[Row] = []
    if key is not None:
        places = await database.fetch(_FIRST, workspace.id, found.id, SHOWN_MAX)
        rows = [findings.opened(row, key) for row in places]
    total: int = await database.fetchval(_COUNT, workspace.id, found.id)
    return shown(found, rows, total, language)


def shown(found: Import, rows: list[Row], total: int, language: str) -> dict[str, Any]:
    """Return the first findings of an import's rows; `total` rows have any."""
    first = [one for row in rows[:SHOWN_MAX] for one in findings.shown(row, language)]
    is_all = total <= SHOWN_MAX and len(first) <= SHOWN_MAX
    return {
        "rows": total,
        "findings": first[:SHOWN_MAX],
        "more": None if is_all else f"/external-api/v1/imports/{found.shown_id}/report",
    }
