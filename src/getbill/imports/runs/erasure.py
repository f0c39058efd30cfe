"""Erasure of a person from stored import data: rows and corrections, samples, files, stored responses.

A file whose rows contain the person is dropped as a whole. A file that waits for a decision stays available
for the other people in it: it no longer shows the erased person, and its bytes are dropped at the end of its
task.
"""

from collections.abc import Iterable
from functools import partial
from typing import Final
from uuid import UUID

from getbill import access
from getbill.companies import Workspace
from getbill.debts import ErasedPerson
from getbill.imports import queries, reading_plan, rows
from getbill.imports.model import Import, State, public_id
from getbill.imports.runs import saved_mappings, transitions
from getbill.kit.database import Statement, Transaction

_DELETE_ROWS: Final = Statement(
    "imports.delete_rows_of_debt",
    "Delete the findings, corrections and people of rows that belong to an erased debt.",
    """
    WITH gone AS (DELETE FROM import_findings WHERE workspace_id = $1 AND debt_id = $2
                  RETURNING import_id, line),
        corrections AS (DELETE FROM import_corrections c USING gone g
                        WHERE c.workspace_id = $1 AND c.import_id = g.import_id AND c.line = g.line),
        people AS (DELETE FROM import_people p USING gone g
                   WHERE p.workspace_id = $1 AND p.import_id = g.import_id AND p.line = g.line)
    SELECT DISTINCT import_id FROM gone
    """,
)
_DELETE_LINES: Final = Statement(
    "imports.delete_lines",
    "Delete the findings, corrections and people of some lines.",
    """
    WITH gone AS (SELECT * FROM unnest($2::uuid[], $3::bigint[]) AS gone (import_id, line)),
        corrections AS (DELETE FROM import_corrections c USING gone g
                        WHERE c.workspace_id = $1 AND c.import_id = g.import_id AND c.line = g.line),
        people AS (DELETE FROM import_people p USING gone g
                   WHERE p.workspace_id = $1 AND p.import_id = g.import_id AND p.line = g.line)
    DELETE FROM import_findings f USING gone g
    WHERE f.workspace_id = $1 AND f.import_id = g.import_id AND f.line = g.line
    """,
)
_MARK_UNWANTED: Final = Statement(
    "imports.mark_unwanted",
    "Mark an import's file for deletion once no task needs it, and replace its plan by one without samples.",
    "UPDATE imports SET is_unwanted = true, plan = coalesce($3, plan) WHERE workspace_id = $1 AND id = $2",
)
_ERASE_NAMES: Final = Statement(
    "imports.erase_file_names",
    "Erase file names that contain a reference of an erased debt; the extension remains.",
    r"""
    UPDATE imports SET name = 'erased' || coalesce(substring(name FROM '\.[[:alnum:]]{1,5}$'), '')
    WHERE workspace_id = $1 AND EXISTS (SELECT FROM unnest($2::text[]) AS reference WHERE name ~*
        ('(^|[^[:alnum:]])' || regexp_replace(reference, '([^[:alnum:]])', '\\\1', 'g') || '($|[^[:alnum:]])'))
    """,
)
# A shorter reference identifies no person and occurs in many names.
_REFERENCE_CHARACTERS_MIN: Final = 3
# A person continues with these imports, and their file is read again then.
_STILL_NEEDED: Final = frozenset({State.NEEDS_MAPPING, State.MAPPED, State.CHECKED})
# The responses of these routes may contain cells of a file.
_ROUTES: Final = tuple(
    f"POST /external-api/v1/imports/{{import_id}}/{verb}" for verb in ("mapping/confirm", "corrections")
)


async def erase(
    tx: Transaction, workspace: Workspace, debt_id: UUID, import_id: UUID | None, person: ErasedPerson
) -> list[UUID]:
    """Erase a debt from stored import data, and its debtor where it was their last.

    Returns the imports that held them. Dropped are the file of the debt, the findings of its rows, and every
    other row, sample and file that names the person.
    """
    hashes = rows.hash_person(workspace.lookup, person)
    debt_rows = await tx.fetch(_DELETE_ROWS, workspace.id, debt_id)
    person_rows = await rows.find_lines(tx, workspace.id, hashes)
    imported_rows = [(entry["import_id"], entry["line"]) for entry in person_rows]
    await tx.execute(
        _DELETE_LINES, workspace.id, [row[0] for row in imported_rows], [row[1] for row in imported_rows]
    )
    import_ids = {entry["import_id"] for entry in (*debt_rows, *person_rows)} | (
        {import_id} if import_id else set()
    )
    # A fixed order, so that two erasures cannot deadlock.
    for entry in sorted(import_ids):
        await _erase_import(tx, workspace, await queries.lock(tx, workspace, entry), hashes)
    await _delete_answers(tx, workspace.id, import_ids)
    references = [text for text in person.references if len(text) >= _REFERENCE_CHARACTERS_MIN]
    if references:
        await tx.execute(_ERASE_NAMES, workspace.id, references)
    if person.identity is not None:
        await saved_mappings.delete_mappings(tx, workspace, partial(rows.is_named, workspace.lookup, hashes))
    return sorted(import_ids)


async def _erase_import(tx: Transaction, workspace: Workspace, import_: Import, hashes: set[bytes]) -> None:
    key = queries.keys_of(workspace, import_).main
    if import_.task is None and import_.state not in _STILL_NEEDED:
        await transitions.drop_file(tx, workspace, import_)
        return
    plan = None
    if import_.plan is not None and key is not None:
        redacted_plan = rows.without_person(
            reading_plan.open_plan(import_.plan, key, import_.id), workspace.lookup, hashes
        )
        plan = redacted_plan.seal(key, import_.id)
    await tx.execute(_MARK_UNWANTED, workspace.id, import_.id, plan)


async def _delete_answers(tx: Transaction, workspace_id: UUID, import_ids: Iterable[UUID]) -> None:
    # The response to an upload names it as an import, a batch's response as a batch.
    public_ids = [
        public_id(source, identifier) for identifier in import_ids for source in ("upload", "batch")
    ]
    urls = [
        f"/external-api/v1/{path}/{identifier}"
        for identifier in public_ids
        for path in ("imports", "debts/batch")
    ]
    if urls:
        await access.delete_answers_at(tx, workspace_id, urls, _ROUTES)
