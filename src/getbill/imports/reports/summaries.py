"""What a person reads of a file before they decide on it: which file, from whom, how many rows, and what is asked."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from getbill import mapping
from getbill.companies import Workspace
from getbill.imports import queries, runs, serializers
from getbill.imports.model import Import
from getbill.kit import json
from getbill.kit.database import Database, Transaction

_LANGUAGES = ("fr", "en")


async def summaries(
    database: Database | Transaction, workspace: Workspace, import_ids: Collection[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Return a summary of each of these imports that there is, by its id."""
    if not import_ids:
        return {}
    found = await queries.some(database, workspace, import_ids)
    return {one.id: _summary(workspace, one) for one in found}


def _summary(workspace: Workspace, found: Import) -> dict[str, Any]:
    return {
        "name": found.name,
        "source": found.source,
        "sender": found.sender,
        "received_at": json.instant(found.received_at),
        "rows": found.rows_total,
        "questions": _questions(workspace, found) if serializers.waiting_for(found) else [],
    }


def _questions(workspace: Workspace, found: Import) -> list[dict[str, str]]:
    """Return what is asked in both languages; what looks different from this sender's earlier files comes first."""
    if found.plan is None or queries.keys_of(workspace, found).own is None:
        return []
    plan = runs.plan_of(workspace, found)
    return [
        *({language: serializers.warning(one, language) for language in _LANGUAGES} for one in plan.warnings),
        *({language: note.told(language) for language in _LANGUAGES} for note in plan.doubts),
        *(
            {language: mapping.said(one.code, one.facts, language) for language in _LANGUAGES}
            for one in plan.mapping.questions
        ),
    ]
