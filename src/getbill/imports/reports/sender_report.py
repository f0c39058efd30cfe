"""What is put back to whoever sent a file and does not ask over the API: what became of it, and the rows to correct."""

from collections.abc import AsyncIterator
from typing import Any

from getbill.companies import Workspace
from getbill.imports import findings, queries, runs, serializers
from getbill.imports.model import Import
from getbill.imports.reports import row_report
from getbill.kit.database import Database


async def account(database: Database, workspace: Workspace, found: Import) -> dict[str, Any]:
    """Return what became of an import as the API tells it, with how many rows have findings of each kind."""
    key = queries.keys_of(workspace, found).own
    plan = runs.plan_of(workspace, found) if found.plan is not None and key is not None else None
    told = serializers.shown(found, workspace.now(), found.language, key, plan)
    return told | {"codes": await row_report.codes(database, workspace, found)}


def columns(workspace: Workspace, found: Import) -> dict[str, Any]:
    """Return what a file's columns were taken for and what is asked, as the API tells it."""
    return serializers.mapping_shown(runs.plan_of(workspace, found), found.language)


async def said_of_rows(
    database: Database, workspace: Workspace, found: Import, most: int
) -> list[dict[str, Any]]:
    """Return the first findings, as the API tells them."""
    rows = await row_report.rows(database, workspace, found, (None, None), (-1, most))
    return [one for row in rows for one in findings.shown(row, found.language)][:most]


async def rows_to_correct(
    database: Database, workspace: Workspace, found: Import
) -> tuple[str, AsyncIterator[bytes]] | None:
    """Return the ending and the bytes of a file with the rows that became no debt; None where there are none."""
    key = queries.keys_of(workspace, found).own
    if not found.rejected or found.plan is None or key is None:
        return None
    kind = runs.plan_of(workspace, found).layout.kind
    file = await row_report.rejected(database, workspace, found, kind, found.language)
    return kind, row_report.blocks(file)
