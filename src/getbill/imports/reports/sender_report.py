"""Result files for senders without API access: the outcome of an import, and the rows to correct."""

from collections.abc import AsyncIterator
from typing import Any

from getbill.companies import Workspace
from getbill.imports import findings, queries, runs, serializers
from getbill.imports.model import Import
from getbill.imports.reports import row_report
from getbill.kit.database import Database


async def build_report(database: Database, workspace: Workspace, import_: Import) -> dict[str, Any]:
    """Return the outcome of an import as the API shows it, with the number of rows per finding code."""
    key = queries.keys_of(workspace, import_).main
    plan = runs.plan_of(workspace, import_) if import_.plan is not None and key is not None else None
    report = serializers.serialize_import(import_, workspace.now(), import_.language, key, plan)
    return report | {"codes": await row_report.count_codes(database, workspace, import_)}


def describe_columns(workspace: Workspace, import_: Import) -> dict[str, Any]:
    """Return the mapping of a file's columns and the open questions, as the API shows them."""
    return serializers.serialize_mapping(runs.plan_of(workspace, import_), import_.language)


async def first_findings(
    database: Database, workspace: Workspace, import_: Import, limit: int
) -> list[dict[str, Any]]:
    """Return the first findings, as the API shows them."""
    rows = await row_report.list_rows(database, workspace, import_, (None, None), (-1, limit))
    return [finding for row in rows for finding in findings.serialize_row(row, import_.language)][:limit]


async def rows_to_correct(
    database: Database, workspace: Workspace, import_: Import
) -> tuple[str, AsyncIterator[bytes]] | None:
    """Return the extension and the bytes of a file with the rejected rows; None where there are none."""
    key = queries.keys_of(workspace, import_).main
    if not import_.rejected or import_.plan is None or key is None:
        return None
    kind = runs.plan_of(workspace, import_).layout.kind
    file = await row_report.write_rejected_rows(database, workspace, import_, kind, import_.language)
    return kind, row_report.read_blocks(file)
