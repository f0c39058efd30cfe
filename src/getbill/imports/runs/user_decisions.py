"""A person's decisions on an import: its mapping, to continue, to correct rows, to undo it.

Each decision is stored on the import's row and notifies the worker; nothing slow is done here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill import mapping, sheets, todos
from getbill.companies import Workspace
from getbill.imports import due, moves, queries, reading_plan, rows
from getbill.imports.findings import ImportRow
from getbill.imports.model import Import, ImportCannotMove, State, Task
from getbill.imports.reading_plan import ReadingPlan
from getbill.imports.runs import saved_mappings, transitions
from getbill.imports.runs.tasks import first_step, waiting_state
from getbill.kit import clock
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError, one_field, refusal
from getbill.kit.messages import Message, excerpt, joined, message
from getbill.mapping import ColumnsCollide, FieldUnknown
from getbill.vault import Key

_CHANGE_PLAN = Statement(
    "imports.change_plan",
    "Replace the reading plan by a person's.",
    "UPDATE imports SET plan = $3, is_changed = true WHERE workspace_id = $1 AND id = $2",
)
_BEGIN_TASK = Statement(
    "imports.begin_task",
    "Begin the task that a person's decision gave an import.",
    # Undoing begins before the first line, which in a batch is 0.
    """
    UPDATE imports SET accepts = $3, is_dry_run = $4, is_confirmed = true, error = NULL, problem = NULL,
        ended_at = NULL, cursor = CASE WHEN task = 'undo' THEN -1 ELSE 0 END,
        kept = CASE WHEN task = 'undo' THEN 0 ELSE kept END, fence = fence + $5::int,
        lease_until = CASE WHEN $5 = 1 THEN NULL ELSE lease_until END
    WHERE workspace_id = $1 AND id = $2
    """,
)
_LIST_CORRECTABLE = Statement(
    "imports.list_correctable",
    "Refused rows at some lines, with their former corrections.",
    """
    SELECT f.*, c.sealed AS corrected FROM import_findings f
    LEFT JOIN import_corrections c ON c.workspace_id = f.workspace_id AND c.import_id = f.import_id AND c.line = f.line
    WHERE f.workspace_id = $1 AND f.import_id = $2 AND f.line = ANY($3) AND f.outcome = 'rejected'
    """,
)
_WAITING: Final = frozenset({State.NEEDS_MAPPING, State.MAPPED})
# While no debt was created from a file, it is discarded rather than undone.
_BEFORE_IMPORT: Final = _WAITING | {State.UPLOADED, State.CHECKING, State.CHECKED, State.FAILED}
_CORRECTABLE: Final = frozenset({State.CHECKED, State.COMPLETED, State.FAILED})


class MappingNotCertain(ImportCannotMove):
    """The mapping has open questions, so nothing can be imported."""

    code = "mapping-not-certain"
    title = message("The mapping has open questions")
    way_out = "Answer every item of `questions` in `GET /imports/{id}/mapping` by changing the mapping, then confirm it."


def key_of(workspace: Workspace, import_: Import) -> Key:
    """Return the key of an import's stored data; raise ImportCannotMove where it was dropped."""
    key = queries.keys_of(workspace, import_).main
    if key is None:
        raise ImportCannotMove(message("The rows of this import were deleted 30 days after it was received."))
    return key


def plan_of(workspace: Workspace, import_: Import) -> ReadingPlan:
    """Return a file's reading plan; raise ImportCannotMove before it is read or after it was dropped."""
    if import_.plan is None:
        raise ImportCannotMove(message("The file has not been read yet, or its data has been deleted."))
    return reading_plan.open_plan(import_.plan, key_of(workspace, import_), import_.id)


async def change_mapping(
    tx: Transaction, workspace: Workspace, import_id: UUID, changes: Mapping[str, Any]
) -> tuple[Import, ReadingPlan]:
    """Change the mapping of columns, before anything is imported."""
    import_ = await _lock_waiting(tx, workspace, import_id)
    plan = plan_of(workspace, import_)
    changes = dict(changes)
    if (is_included := changes.pop("hidden_rows", None)) is not None:
        plan = plan.with_hidden_rows(is_included=is_included)
    try:
        plan = plan.with_mapping(mapping.apply_changes(plan.mapping, changes, plan.profile))
    except (ColumnsCollide, FieldUnknown) as error:
        code = "columns-collide" if isinstance(error, ColumnsCollide) else "unknown"
        raise one_field("/columns", code, error.detail) from None
    return await _save_plan(tx, workspace, import_, plan), plan


async def _save_plan(tx: Transaction, workspace: Workspace, import_: Import, plan: ReadingPlan) -> Import:
    import_ = await moves.move_import(tx, import_, waiting_state(plan))
    sealed = plan.seal(key_of(workspace, import_), import_.id)
    await tx.execute(_CHANGE_PLAN, workspace.id, import_.id, sealed)
    return import_.with_values(plan=sealed)


async def _lock_waiting(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    import_ = await queries.lock(tx, workspace, import_id)
    if import_.source == "batch" or import_.state not in _WAITING:
        raise ImportCannotMove(
            message("The import is being read. Repeat the request in a moment.")
            if import_.state is State.UPLOADED
            else message("The import is {state}; its mapping can no longer be changed.", state=import_.state)
        )
    return import_


async def confirm(
    tx: Transaction,
    workspace: Workspace,
    import_id: UUID,
    *,
    by: UUID | None = None,
    is_dry_run: bool | None = None,
) -> Import:
    """Accept the proposed mapping, save it for such files of this sender, and continue.

    Raises MappingNotCertain where a question without a proposed answer is open.
    """
    import_ = await _lock_waiting(tx, workspace, import_id)
    plan = plan_of(workspace, import_)
    plan = plan.with_mapping(mapping.confirm(plan.mapping))
    if not plan.mapping.is_certain:
        raise MappingNotCertain(_questions_text(plan), extra={"id": import_.public_id})
    import_ = await _save_plan(tx, workspace, import_, plan)
    layout_key = import_.sender, plan.layout.signature
    saved_mappings.save_mapping(tx, workspace, layout_key, (plan.mapping, plan.layout), by)
    await saved_mappings.read_again(tx, workspace.id, layout_key, import_.id)
    todos.withdraw(tx, workspace.id, transitions.TODO, import_.id)
    import_ = import_.with_values(is_dry_run=import_.is_dry_run if is_dry_run is None else is_dry_run)
    return await _queue_task(tx, import_, *first_step(import_))


def _questions_text(plan: ReadingPlan) -> Message:
    return joined([question.message for question in plan.mapping.questions[:3]])


async def start(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Import a file after its dry run."""
    import_ = await queries.lock(tx, workspace, import_id)
    if import_.state is not State.CHECKED:
        raise ImportCannotMove(
            message("Only a checked import can be started; this one is {state}.", state=import_.state)
        )
    key_of(workspace, import_)
    await _reset_pass(tx, import_)
    import_ = import_.with_values(is_dry_run=False)
    return await _queue_task(tx, import_, *first_step(import_))


async def _reset_pass(tx: Transaction, import_: Import) -> None:
    await tx.execute(transitions.CLEAR_COUNTS, import_.workspace_id, import_.id)
    await transitions.delete_findings(tx, import_.workspace_id, import_.id)


async def correct(
    tx: Transaction,
    workspace: Workspace,
    import_id: UUID,
    patches: Sequence[tuple[int, str | int, Any]],
    accepts: Sequence[str],
) -> Import:
    """Correct rows by patches (line, column, value) and accept suggestions by finding code, then continue."""
    import_ = await queries.lock(tx, workspace, import_id)
    if import_.state not in _CORRECTABLE or import_.error not in {None, "findings"}:
        raise ImportCannotMove(message("The import is {state} and cannot be corrected.", state=import_.state))
    key = key_of(workspace, import_)
    plan = None if import_.source == "batch" else plan_of(workspace, import_)
    rows = await tx.fetch(
        _LIST_CORRECTABLE, workspace.id, import_.id, sorted({line for line, _, _ in patches})
    )
    _patch(tx, (workspace, import_), (key, plan), _by_line(import_, key, rows), patches)
    if import_.state is State.COMPLETED:
        return await _queue_task(tx, import_, State.CORRECTING, Task.CORRECT, accepts)
    if import_.state is State.CHECKED:
        await tx.execute(transitions.CLEAR_CREATED, workspace.id, import_.id)
        import_ = import_.with_values(created=0, updated=0)
    return await _queue_task(tx, import_, State.CHECKING, Task.CORRECT, accepts)


def _by_line(import_: Import, key: Key, imported_rows: Sequence[Record]) -> dict[int, ImportRow]:
    return {row["line"]: rows.corrected_row(key, import_.id, row) for row in imported_rows}


def _patch(
    tx: Transaction,
    target: tuple[Workspace, Import],
    reading: tuple[Key, ReadingPlan | None],
    rows_by_line: Mapping[int, ImportRow],
    patches: Sequence[tuple[int, str | int, Any]],
) -> None:
    (workspace, import_), (key, plan) = target, reading
    errors: list[FieldError] = []
    for number, (line, column, value) in enumerate(patches):
        row = rows_by_line.get(line)
        if row is None:
            errors.append(
                FieldError(
                    f"/corrections/{number}/line",
                    "unknown",
                    message("Line {line} is not a rejected row.", line=line),
                )
            )
        elif plan is None:
            rows.put_field(row, str(column), value)
        elif (index := _find_column(plan.layout, column)) is None:
            errors.append(
                FieldError(
                    f"/corrections/{number}/column",
                    "unknown",
                    message("The column '{column}' does not exist or is not unique.", column=excerpt(column)),
                )
            )
        else:
            rows.put_cell(row, index, "" if value is None else value)
    if errors:
        raise refusal(errors)
    for row in rows_by_line.values():
        rows.save_correction(tx, (workspace, import_.id), key, row)


def _find_column(layout: sheets.Layout, label: str | int) -> int | None:
    text = str(label).strip()
    for candidates in (
        [column for column in layout.columns if column.header.strip().casefold() == text.casefold()],
        [column for column in layout.columns if column.letter == text.upper()],
        [column for column in layout.columns if str(column.index) == text],
    ):
        if len(candidates) == 1:
            return candidates[0].index
    return None


async def undo(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Undo a whole import, also while it is running."""
    import_ = await queries.lock(tx, workspace, import_id)
    if import_.state is State.UNDOING:
        return import_
    if import_.state in _BEFORE_IMPORT and not import_.has_debts:
        return await discard(tx, workspace, import_id)
    if import_.state is State.UNDONE:
        raise ImportCannotMove(message("The import is already undone."))
    key_of(workspace, import_)
    await tx.execute(rows.CLEAR_REASONS, workspace.id, import_.id)
    # This applies whatever the next state was, even during the rollback of all-or-nothing: its owner wants it
    # undone.
    return await _queue_task(tx, import_, State.UNDOING, Task.UNDO, raises_fence=True)


async def discard(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Discard a file from which nothing was imported."""
    import_ = await queries.lock(tx, workspace, import_id)
    if import_.state not in _BEFORE_IMPORT or import_.has_debts:
        raise ImportCannotMove(message("The import is {state}: undo it instead.", state=import_.state))
    import_ = await moves.move_import(tx, import_, State.UNDONE)
    await _reset_pass(tx, import_)
    await transitions.drop_all(tx, workspace.id, import_.id, import_.file_id)
    todos.withdraw(tx, workspace.id, transitions.TODO, import_.id)
    return import_.with_values(plan=None, created=0, updated=0)


async def _queue_task(
    tx: Transaction,
    import_: Import,
    state: State,
    task: Task,
    accepts: Sequence[str] = (),
    *,
    raises_fence: bool = False,
) -> Import:
    import_ = await moves.move_import(tx, import_, state, task)
    values = (list(accepts), import_.is_dry_run, int(raises_fence))
    await tx.execute(_BEGIN_TASK, import_.workspace_id, import_.id, *values)
    due.note_imports(tx, import_.workspace_id, clock.wall())
    return import_.with_values(error=None, problem=None, ended_at=None, cursor=0)
