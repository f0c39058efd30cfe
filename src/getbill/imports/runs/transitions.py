"""The end of an import's task: what is stored with the move to the next state.

Every move checks the fence: a process whose lease was lost changes nothing.
"""

from typing import Any
from uuid import UUID

from getbill import todos, vault
from getbill.companies import Workspace
from getbill.imports import actions, moves, queries, reading_plan, rows
from getbill.imports.model import Import, LeaseLost, State, Task, problem_context
from getbill.imports.reading_plan import ReadingPlan
from getbill.imports.rows import ImportPass
from getbill.kit import clock, json
from getbill.kit.database import Statement, Transaction
from getbill.kit.messages import LANGUAGES, Message

TODO = "import_mapping"

_STORE_PLAN = Statement(
    "imports.store_plan",
    "Store the reading plan of a file.",
    """
    UPDATE imports SET plan = $3, signature = $4, rows_total = $5, is_confirmed = $6 WHERE workspace_id = $1 AND id = $2
    """,
)
_SETTLE = Statement(
    "imports.settle_task",
    "Store the outcome of a task that the import has moved on from.",
    # Undoing begins before the first line, which in a batch is 0.
    """
    UPDATE imports SET error = $3, problem = $4, ended_at = $5, accepts = '{}', rows_total = coalesce($6, rows_total),
        cursor = CASE WHEN task = 'undo' THEN -1 ELSE cursor END
    WHERE workspace_id = $1 AND id = $2
    RETURNING is_unwanted
    """,
)
_REWIND = Statement(
    "imports.rewind",
    "Reset the counts for a new pass over the rows, if the import's fence still holds.",
    """
    UPDATE imports SET cursor = 0, rows_done = 0, created = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0,
        warnings = 0, undone = 0, kept = 0, restored = 0, begun_at = $4
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task IS NOT NULL
    RETURNING id
    """,
)
CLEAR_CREATED = Statement(
    "imports.clear_created",
    "Clear the number of created and updated debts after a dry run.",
    "UPDATE imports SET created = 0, updated = 0 WHERE workspace_id = $1 AND id = $2",
)
CLEAR_COUNTS = Statement(
    "imports.clear_counts",
    "Clear the counts of a pass that is repeated.",
    """
    UPDATE imports SET cursor = 0, rows_done = 0, created = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0,
        warnings = 0
    WHERE workspace_id = $1 AND id = $2
    """,
)
_DELETE_FINDINGS = Statement(
    "imports.delete_findings",
    "Delete the findings of an import.",
    "DELETE FROM import_findings WHERE workspace_id = $1 AND import_id = $2",
)
_DELETE_CORRECTIONS = Statement(
    "imports.delete_corrections",
    "Delete the corrected rows of an import.",
    "DELETE FROM import_corrections WHERE workspace_id = $1 AND import_id = $2",
)
_KEEP_PLAN = Statement(
    "imports.keep_plan",
    "Replace the reading plan by one without samples, once the file is deleted.",
    "UPDATE imports SET plan = $3, is_unwanted = false WHERE workspace_id = $1 AND id = $2",
)
_CLEAR_PLAN = Statement(
    "imports.clear_plan",
    "Clear the reading plan and all other personal data of an import.",
    "UPDATE imports SET plan = NULL, problem = NULL, drop_at = NULL WHERE workspace_id = $1 AND id = $2",
)


async def save_plan(
    tx: Transaction, work: ImportPass, plan: ReadingPlan, state: State, task: Task | None
) -> None:
    """Save a file's plan, then continue or wait."""
    await moves.move_import(tx, work.import_, state, task)
    sealed = plan.seal(work.key, work.import_.id)
    values = (sealed, plan.layout.signature, plan.profile.rows, task is not None)
    await tx.execute(_STORE_PLAN, *work.primary_key, *values)
    await rows.index_samples(tx, work.workspace, work.import_.id, plan)


async def complete_task(
    tx: Transaction, work: ImportPass, state: State, task: Task | None = None, rows_total: int | None = None
) -> None:
    """Complete a task and move to the next state."""
    ended_at = clock.wall() if task is None else None
    moved = await moves.move_import(tx, work.import_, state, task)
    await _store_outcome(tx, work.workspace, moved, (None, None, ended_at, rows_total))


async def fail(
    tx: Transaction, workspace: Workspace, import_: Import, code: str, messages: tuple[Message, Message]
) -> None:
    """Fail an import, with the message and the way out.

    Where its stored data and its key were dropped, only the code gives the reason.
    """
    key = queries.keys_of(workspace, import_).main
    texts = {language: [text.translated(language) for text in messages] for language in LANGUAGES}
    problem = None if key is None else key.seal(json.write(texts), problem_context(import_.id))
    moved = await moves.move_import(tx, import_, State.FAILED)
    await _store_outcome(tx, workspace, moved, (code, problem, clock.wall(), None))
    if code != "findings":
        # The file is not used again, and the people in it were never indexed.
        await drop_file(tx, workspace, await queries.lock(tx, workspace, import_.id))
    todos.withdraw(tx, workspace.id, TODO, import_.id)


async def _store_outcome(
    tx: Transaction, workspace: Workspace, import_: Import, outcome: tuple[Any, ...]
) -> None:
    is_unwanted = await tx.fetchval(_SETTLE, workspace.id, import_.id, *outcome)
    if is_unwanted and import_.task is None and import_.state is not State.CHECKED:
        # A person in the file was erased while the file was needed.
        await drop_file(tx, workspace, await queries.lock(tx, workspace, import_.id))


async def rewind(tx: Transaction, work: ImportPass) -> None:
    """Restart the pass over the rows from the first, without findings."""
    _require_lease(await tx.fetchval(_REWIND, *work.primary_key, work.import_.fence, clock.wall()))
    await delete_findings(tx, *work.primary_key)
    await tx.execute(rows.CLEAR_REASONS, *work.primary_key)


async def delete_findings(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Delete the findings of an import's rows."""
    await tx.execute(_DELETE_FINDINGS, workspace_id, import_id)
    await rows.delete_rows(tx, workspace_id, import_id)


def _require_lease(row_id: UUID | None) -> None:
    if row_id is None:
        raise LeaseLost


async def drop_file(tx: Transaction, workspace: Workspace, import_: Import) -> None:
    """Drop an import's bytes and the samples in its plan; the findings of rejected rows are kept."""
    primary_key = import_.workspace_id, import_.id
    # A correction that became a debt would still hold the file's values.
    await tx.execute(_DELETE_CORRECTIONS, *primary_key)
    await tx.execute(actions.DELETE_CHUNKS, *primary_key)
    await vault.drop_key(tx, import_.workspace_id, import_.file_id)
    plan, key = None, queries.keys_of(workspace, import_).main
    if import_.plan is not None and key is not None:
        plan = reading_plan.open_plan(import_.plan, key, import_.id).scrubbed().seal(key, import_.id)
    await tx.execute(_KEEP_PLAN, *primary_key, plan)
    await rows.delete_lines(tx, *primary_key, [rows.SAMPLES])


async def drop_all(tx: Transaction, workspace_id: UUID, import_id: UUID, file_id: UUID) -> None:
    """Delete all personal data of an import; its existence and its counts remain."""
    primary_key = workspace_id, import_id
    for statement in (actions.DELETE_CHUNKS, _DELETE_FINDINGS, _DELETE_CORRECTIONS, rows.DELETE_CHANGES):
        await tx.execute(statement, *primary_key)
    await rows.delete_people(tx, *primary_key)
    await vault.drop_key(tx, workspace_id, import_id)
    await vault.drop_key(tx, workspace_id, file_id)
    await tx.execute(_CLEAR_PLAN, *primary_key)
