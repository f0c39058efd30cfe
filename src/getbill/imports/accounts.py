"""What is put back to whoever sent a file and does not ask over the API: what became of it, and the rows to correct."""

from collections.abc import AsyncIterator
from typing import Any

from getbill.companies import Workspace
from getbill.imports import deciding, queries, reports, wire
from getbill.imports.model import Import
from getbill.kit.db import Database


async def account(database: Database, workspace: Workspace, found: Import) -> dict[str, Any]:
    """Return what became of an import as the API tells it, with how many rows have findings of each kind."""
    key = queries.keys_of(workspace, found).own
    plan = deciding.plan_of(workspace, found) if found.plan is not None and key is not None else None
    told = wire.shown(found, workspace.now(), found.language, key, plan)
    return told | {"codes": await reports.codes(database, workspace, found)}


async def rejected_rows(
    database: Database, workspace: Workspace, found: Import
) -> tuple[str, AsyncIterator[bytes]] | None:
    """Return the ending and the bytes of a file with the rows that became no debt; None where there are none."""
    key = queries.keys_of(workspace, found).own
    if not found.rejected or found.plan is None or key is None:
        return None
    kind = deciding.plan_of(workspace, found).layout.kind
    file = await reports.rejected(database, workspace, found, kind, found.language)
    return kind, reports.blocks(file)
