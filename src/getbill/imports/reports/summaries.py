"""Summary of a file for the person who decides on it: its name, sender, row count and open questions."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from getbill.companies import Workspace
from getbill.imports import queries, runs, serializers
from getbill.imports.model import Import
from getbill.kit import json
from getbill.kit.database import Database, Transaction


async def summaries(
    database: Database | Transaction, workspace: Workspace, import_ids: Collection[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Return a summary of each of these imports that exists, by its id."""
    if not import_ids:
        return {}
    imports = await queries.find_many(database, workspace, import_ids)
    return {import_.id: _summary(workspace, import_) for import_ in imports}


def _summary(workspace: Workspace, import_: Import) -> dict[str, Any]:
    return {
        "name": import_.name,
        "source": import_.source,
        "sender": import_.sender,
        "received_at": json.instant(import_.received_at),
        "rows": import_.rows_total,
        "questions": _questions(workspace, import_) if serializers.waiting_for(import_) else [],
    }


def _questions(workspace: Workspace, import_: Import) -> list[dict[str, str]]:
    """Return the open questions in each language; differences from the sender's earlier files come first."""
    if import_.plan is None or queries.keys_of(workspace, import_).main is None:
        return []
    plan = runs.plan_of(workspace, import_)
    questions = [
        *(serializers.layout_warning(facts) for _, facts in plan.warnings),
        *(note.message for note in plan.doubts),
        *(question.message for question in plan.mapping.questions),
    ]
    return [question.in_each_language() for question in questions]
