"""Visits to all workspaces, one after the other: each statement names one workspace."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import structlog

from getbill.companies.queries import workspace_ids
from getbill.kit.database import Database, is_transient

_log = structlog.get_logger(__name__)

# Progress is logged after this many workspaces.
_PROGRESS_EVERY: Final = 1_000

# Does the work of one workspace and returns how much there was, if that is known.
Visit = Callable[[UUID], Awaitable[int | None]]


async def visit_workspaces(database: Database, task: str, visit: Visit) -> int:
    """Visit every workspace and return the sum of the results.

    A workspace that fails is logged and does not stop the others; the first error is raised after all of them. An
    error that concerns the whole database is raised at once.
    """
    total, errors = 0, []
    workspaces = await workspace_ids(database)
    for visited_count, workspace_id in enumerate(workspaces, start=1):
        try:
            total += await visit(workspace_id) or 0
        except Exception as error:
            if is_transient(error):
                raise
            _log.error("workspace_visit_failed", task=task, workspace=str(workspace_id), exc_info=error)
            errors.append(error)
        if visited_count % _PROGRESS_EVERY == 0:
            _log.info("workspaces_visited", task=task, visited=visited_count, of=len(workspaces))
    if errors:
        raise errors[0]
    return total
