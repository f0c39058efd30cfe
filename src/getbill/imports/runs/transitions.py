"""State transitions of an import at the end of a task.

Every transition checks the fence: a process whose lease was lost changes nothing.
"""

from typing import Any
from uuid import UUID

from getbill import todos, vault
from getbill.companies import Workspace
from getbill.imports import actions, queries, reading_plan, rows
from getbill.imports.model import Import, State, Task, problem_context
from getbill.imports.reading_plan import ReadingPlan
from getbill.imports.rows import ImportPass, LeaseLost
from getbill.kit import clock, json
from getbill.kit.database import Statement, Transaction

TODO = "import_mapping"

_PLANNED = Statement(
    "imports.planned",
    "A file was read: this is how it would be imported, and what is next.",
    """
    UPDATE imports SET plan = $4, signature = $5, rows_total = $6, is_confirmed = $7, state = $8, task = $9, tries = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task IS NOT NULL
    RETURNING id
    """,
)
_SETTLE = Statement(
    "imports.settle",
    "A task is at its end: where the import stands now, and what is next.",
    # Undoing begins before the first line, which in a batch is 0.
    """
    UPDATE imports SET state = $4, task = $5, error = $6, problem = $7, ended_at = $8, accepts = '{}', tries = 0,
        rows_total = coalesce($9, rows_total), cursor = CASE WHEN $5 = 'undo' THEN -1 ELSE cursor END
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task IS NOT NULL
    RETURNING task, is_unwanted
    """,
)
_REWIND = Statement(
    "imports.rewind",
    "Begin a pass over the rows, with nothing counted.",
    """
    UPDATE imports SET cursor = 0, rows_done = 0, created = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0,
        warnings = 0, undone = 0, kept = 0, restored = 0, begun_at = $4
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task IS NOT NULL
    RETURNING id
    """,
)
NOTHING_MADE = Statement(
    "imports.nothing_made",
    "A check counted what would have become of an import's rows, and nothing will.",
    "UPDATE imports SET created = 0, updated = 0 WHERE workspace_id = $1 AND id = $2",
)
UNCOUNT = Statement(
    "imports.uncount",
    "Nothing is counted of a pass that will be made anew.",
    """
    UPDATE imports SET cursor = 0, rows_done = 0, created = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0,
        warnings = 0
    WHERE workspace_id = $1 AND id = $2
    """,
)
_FORGET_FINDINGS = Statement(
    "imports.forget_findings",
    "Drop what was said of an import's rows.",
    "DELETE FROM import_findings WHERE workspace_id = $1 AND import_id = $2",
)
_FORGET_CORRECTIONS = Statement(
    "imports.forget_corrections",
    "Drop the corrected rows of an import.",
    "DELETE FROM import_corrections WHERE workspace_id = $1 AND import_id = $2",
)
_KEEP_PLAN = Statement(
    "imports.keep_plan",
    "Keep how an import is read, without what its cells said; its file is gone.",
    "UPDATE imports SET plan = $3, is_unwanted = false WHERE workspace_id = $1 AND id = $2",
)
_KEEP_NOTHING = Statement(
    "imports.keep_nothing",
    "An import keeps nothing of people any more.",
    "UPDATE imports SET plan = NULL, problem = NULL, drop_at = NULL WHERE workspace_id = $1 AND id = $2",
)


async def save_plan(
    tx: Transaction, work: ImportPass, plan: ReadingPlan, state: State, task: Task | None
) -> None:
    """Save a file's plan, then continue or wait."""
    work.import_.check_transition(state)
    sealed = plan.seal(work.key, work.import_.id)
    values = (sealed, plan.layout.signature, plan.profile.rows, task is not None, state, task)
    _require_lease(await tx.fetchval(_PLANNED, *work.primary_key, work.import_.fence, *values))
    await rows.index_samples(tx, work.workspace, work.import_.id, plan)


async def complete_task(
    tx: Transaction, work: ImportPass, state: State, task: Task | None = None, rows_total: int | None = None
) -> None:
    """Complete a task and move to the next state."""
    ended_at = clock.wall() if task is None else None
    await _end_task(tx, work.workspace, work.import_, state, (task, None, None, ended_at, rows_total))


async def fail(
    tx: Transaction, workspace: Workspace, import_: Import, code: str, messages: dict[str, Any]
) -> None:
    """Fail an import, with the reason as {language: [message, way out]}.

    Where its stored data and its key were dropped, only the code gives the reason.
    """
    key = queries.keys_of(workspace, import_).main
    problem = None if key is None else key.seal(json.write(messages), problem_context(import_.id))
    await _end_task(tx, workspace, import_, "failed", (None, code, problem, clock.wall(), None))
    if code != "findings":
        # The file is not used again, and the people in it were never indexed.
        await drop_file(tx, workspace, await queries.lock(tx, workspace, import_.id))
    todos.withdraw(tx, workspace.id, TODO, import_.id)


async def _end_task(
    tx: Transaction, workspace: Workspace, import_: Import, state: State, values: tuple[Any, ...]
) -> None:
    import_.check_transition(state)
    row = await tx.fetchrow(_SETTLE, workspace.id, import_.id, import_.fence, state, *values)
    if row is None:
        raise LeaseLost
    if row["task"] is None and row["is_unwanted"] and state != "checked":
        # A person in the file was erased while the file was needed.
        await drop_file(tx, workspace, await queries.lock(tx, workspace, import_.id))


async def rewind(tx: Transaction, work: ImportPass) -> None:
    """Restart the pass over the rows from the first, without findings."""
    _require_lease(await tx.fetchval(_REWIND, *work.primary_key, work.import_.fence, clock.wall()))
    await forget_findings(tx, *work.primary_key)
    await tx.execute(rows.FORGET_REASONS, *work.primary_key)


async def forget_findings(tx: Transaction, workspace_id: UUID, import_id: UUID) -> None:
    """Delete the findings of an import's rows."""
    await tx.execute(_FORGET_FINDINGS, workspace_id, import_id)
    await rows.forget_rows(tx, workspace_id, import_id)


def _require_lease(row_id: UUID | None) -> None:
    if row_id is None:
        raise LeaseLost


async def drop_file(tx: Transaction, workspace: Workspace, import_: Import) -> None:
    """Drop an import's bytes and the samples in its plan; the findings of rejected rows are kept."""
    primary_key = import_.workspace_id, import_.id
    # A correction that became a debt would still hold the file's values.
    await tx.execute(_FORGET_CORRECTIONS, *primary_key)
    await tx.execute(actions.FORGET_CHUNKS, *primary_key)
    await vault.drop_key(tx, import_.workspace_id, import_.file_id)
    plan, key = None, queries.keys_of(workspace, import_).main
    if import_.plan is not None and key is not None:
        plan = reading_plan.open_plan(import_.plan, key, import_.id).scrubbed().seal(key, import_.id)
    await tx.execute(_KEEP_PLAN, *primary_key, plan)
    await rows.forget_lines(tx, *primary_key, [rows.SAMPLES])


async def drop_all(tx: Transaction, workspace_id: UUID, import_id: UUID, file_id: UUID) -> None:
    """Delete all personal data of an import; its existence and its counts remain."""
    primary_key = workspace_id, import_id
    for statement in (actions.FORGET_CHUNKS, _FORGET_FINDINGS, _FORGET_CORRECTIONS, rows.FORGET):
        await tx.execute(statement, *primary_key)
    await rows.forget_people(tx, *primary_key)
    await vault.drop_key(tx, workspace_id, import_id)
    await vault.drop_key(tx, workspace_id, file_id)
    await tx.execute(_KEEP_NOTHING, *primary_key)
