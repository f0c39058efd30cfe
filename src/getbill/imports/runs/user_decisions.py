"""What a person decides on an import: what its columns are, to go on, to correct rows, to take all of it back.

Each decision stands on the import's row and wakes the worker; nothing is done here that takes long.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill import mapping, sheets, todos
from getbill.companies import Workspace
from getbill.imports import queries, reading_plan, rows
from getbill.imports.findings import Row
from getbill.imports.model import WAKE, Import, ImportCannotMove, State, Task
from getbill.imports.reading_plan import Plan
from getbill.imports.runs import saved_mappings, transitions
from getbill.imports.runs.tasks import first_step, waiting_state
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError, one_field, refusal
from getbill.kit.messages import LANGUAGES, Message, Written, excerpt, joined, message
from getbill.mapping import ColumnsCollide, FieldUnknown
from getbill.vault import Key

_CHANGE_PLAN = Statement(
    "imports.change_plan",
    "Keep how a file would be read now, and whether anything is left to ask.",
    "UPDATE imports SET plan = $3, state = $4, is_changed = true WHERE workspace_id = $1 AND id = $2",
)
_GO_ON = Statement(
    "imports.go_on",
    "A person decided: this is to be done next, by whoever takes it.",
    # Undoing begins before the first line, which in a batch is 0.
    """
    UPDATE imports SET state = $3, task = $4, accepts = $5, is_dry_run = $6, is_confirmed = true, error = NULL,
        problem = NULL, ended_at = NULL, tries = 0, cursor = CASE WHEN $4 = 'undo' THEN -1 ELSE 0 END,
        kept = CASE WHEN $4 = 'undo' THEN 0 ELSE kept END, fence = fence + $7::int,
        leased_until = CASE WHEN $7 = 1 THEN NULL ELSE leased_until END
    WHERE workspace_id = $1 AND id = $2
    """,
)
_DISCARD = Statement(
    "imports.discard",
    "Nobody wants a file imported.",
    "UPDATE imports SET state = 'undone', task = NULL WHERE workspace_id = $1 AND id = $2",
)
_ROWS = Statement(
    "imports.rows_to_correct",
    "Refused rows at some lines, with what they were corrected to before.",
    """
    SELECT f.*, c.sealed AS corrected FROM import_findings f
    LEFT JOIN import_corrections c ON c.workspace_id = f.workspace_id AND c.import_id = f.import_id AND c.line = f.line
    WHERE f.workspace_id = $1 AND f.import_id = $2 AND f.line = ANY($3) AND f.outcome = 'rejected'
    """,
)
_WAITING: Final = frozenset({"needs_mapping", "mapped"})
# While nothing was made of a file, it is put away rather than taken back.
_BEFORE_IMPORT: Final = _WAITING | {"uploaded", "checking", "checked", "failed"}
_CORRECTABLE: Final = frozenset({"checked", "completed", "failed"})


class MappingNotCertain(ImportCannotMove):
    """A mapping with open questions imports nothing."""

    code = "mapping-not-certain"
    title = message("The mapping has open questions")
    way_out = (
        "Answer each of `questions` in `GET /imports/{id}/mapping` by changing the mapping, then confirm it."
    )


def key_of(workspace: Workspace, found: Import) -> Key:
    """Return the key of what an import keeps; raise ImportCannotMove where that is gone."""
    key = queries.keys_of(workspace, found).own
    if key is None:
        raise ImportCannotMove(
            message("What this import kept of its rows was dropped, 30 days after it came.")
        )
    return key


def plan_of(workspace: Workspace, found: Import) -> Plan:
    """Return how a file would be read; raise ImportCannotMove while nobody has looked, or where it was dropped."""
    if found.plan is None:
        raise ImportCannotMove(message("The file is not read yet, or what was known of it was dropped."))
    return reading_plan.opened(found.plan, key_of(workspace, found), found.id)


async def change_mapping(
    tx: Transaction, workspace: Workspace, import_id: UUID, changes: Mapping[str, Any]
) -> tuple[Import, Plan]:
    """Change what columns are, before anything is imported."""
    found = await _waiting(tx, workspace, import_id)
    plan = plan_of(workspace, found)
    changes = dict(changes)
    if (is_wanted := changes.pop("hidden_rows", None)) is not None:
        plan = plan.with_hidden_rows(is_wanted=is_wanted)
    try:
        plan = plan.mapped(mapping.changed(plan.mapping, changes, plan.profile))
    except (ColumnsCollide, FieldUnknown) as error:
        code = "columns-collide" if isinstance(error, ColumnsCollide) else "unknown"
        raise one_field("/columns", code, error.detail) from None
    return await _keep(tx, workspace, found, plan), plan


async def _keep(tx: Transaction, workspace: Workspace, found: Import, plan: Plan) -> Import:
    state = waiting_state(plan)
    found.check_move(state)
    sealed = plan.seal(key_of(workspace, found), found.id)
    await tx.execute(_CHANGE_PLAN, workspace.id, found.id, sealed, state)
    return found.but(plan=sealed, state=state)


async def _waiting(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    found = await queries.lock(tx, workspace, import_id)
    if found.source == "batch" or found.state not in _WAITING:
        raise ImportCannotMove(
            message("The import is being read. Ask again in a moment.")
            if found.state == "uploaded"
            else message("The import is {state}; its mapping is settled.", state=found.state)
        )
    return found


async def confirm(
    tx: Transaction,
    workspace: Workspace,
    import_id: UUID,
    *,
    by: UUID | None = None,
    is_dry_run: bool | None = None,
) -> Import:
    """Accept what is proposed, remember it for such files of this sender, and go on.

    Raises MappingNotCertain where something must be answered that nothing could be proposed for.
    """
    found = await _waiting(tx, workspace, import_id)
    plan = plan_of(workspace, found)
    plan = plan.mapped(mapping.confirmed(plan.mapping))
    if not plan.mapping.is_certain:
        raise MappingNotCertain(_asked(plan), extra={"id": found.shown_id})
    found = await _keep(tx, workspace, found, plan)
    place = found.sender, plan.layout.signature
    saved_mappings.remember(tx, workspace, place, (plan.mapping, plan.layout), by)
    await saved_mappings.read_again(tx, workspace.id, place, found.id)
    todos.withdraw(tx, workspace.id, transitions.TODO, found.id)
    found = found.but(is_dry_run=found.is_dry_run if is_dry_run is None else is_dry_run)
    return await _go_on(tx, found, *first_step(found))


def _asked(plan: Plan) -> Message:
    questions = plan.mapping.questions[:3]
    return joined(
        [
            Written({language: mapping.said(one.code, one.facts, language) for language in LANGUAGES})
            for one in questions
        ]
    )


async def start(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Import a file that was only checked."""
    found = await queries.lock(tx, workspace, import_id)
    if found.state != "checked":
        raise ImportCannotMove(
            message("Only a checked import is started; this one is {state}.", state=found.state)
        )
    key_of(workspace, found)
    await _forget_pass(tx, found)
    found = found.but(is_dry_run=False)
    return await _go_on(tx, found, *first_step(found))


async def _forget_pass(tx: Transaction, found: Import) -> None:
    await tx.execute(transitions.UNCOUNT, found.workspace_id, found.id)
    await transitions.forget_findings(tx, found.workspace_id, found.id)


async def correct(
    tx: Transaction,
    workspace: Workspace,
    import_id: UUID,
    patches: Sequence[tuple[int, str | int, Any]],
    accepts: Sequence[str],
) -> Import:
    """Correct rows by hand (line, column, value) and accept suggestions by the kind of their finding, then go on."""
    found = await queries.lock(tx, workspace, import_id)
    if found.state not in _CORRECTABLE or found.error not in {None, "findings"}:
        raise ImportCannotMove(message("The import is {state}: nothing can be corrected.", state=found.state))
    key = key_of(workspace, found)
    plan = None if found.source == "batch" else plan_of(workspace, found)
    rows = await tx.fetch(_ROWS, workspace.id, found.id, sorted({line for line, _, _ in patches}))
    _patch(tx, (workspace, found), (key, plan), _by_line(found, key, rows), patches)
    if found.state == "completed":
        return await _go_on(tx, found, "correcting", "correct", accepts)
    if found.state == "checked":
        await tx.execute(transitions.NOTHING_MADE, workspace.id, found.id)
        found = found.but(created=0, updated=0)
    return await _go_on(tx, found, "checking", "correct", accepts)


def _by_line(found: Import, key: Key, imported_rows: Sequence[Record]) -> dict[int, Row]:
    return {row["line"]: rows.corrected(key, found.id, row) for row in imported_rows}


def _patch(
    tx: Transaction,
    place: tuple[Workspace, Import],
    read: tuple[Key, Plan | None],
    rows_by_line: Mapping[int, Row],
    patches: Sequence[tuple[int, str | int, Any]],
) -> None:
    (workspace, found), (key, plan) = place, read
    wrong: list[FieldError] = []
    for number, (line, column, value) in enumerate(patches):
        row = rows_by_line.get(line)
        if row is None:
            wrong.append(
                FieldError(
                    f"/corrections/{number}/line",
                    "unknown",
                    message("Line {line} is no refused row.", line=line),
                )
            )
        elif plan is None:
            rows.put_field(row, str(column), value)
        elif (index := _column(plan.layout, column)) is None:
            wrong.append(
                FieldError(
                    f"/corrections/{number}/column",
                    "unknown",
                    message("There is no one column '{column}'.", column=excerpt(column)),
                )
            )
        else:
            rows.put_cell(row, index, "" if value is None else value)
    if wrong:
        raise refusal(wrong)
    for row in rows_by_line.values():
        rows.keep(tx, (workspace, found.id), key, row)


def _column(layout: sheets.Layout, named: str | int) -> int | None:
    text = str(named).strip()
    for candidates in (
        [one for one in layout.columns if one.header.strip().casefold() == text.casefold()],
        [one for one in layout.columns if one.letter == text.upper()],
        [one for one in layout.columns if str(one.index) == text],
    ):
        if len(candidates) == 1:
            return candidates[0].index
    return None


async def undo(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Take back a whole import, also one that is still going on."""
    found = await queries.lock(tx, workspace, import_id)
    if found.state == "undoing":
        return found
    if found.state in _BEFORE_IMPORT and not found.has_made:
        return await discard(tx, workspace, import_id)
    if found.state == "undone":
        raise ImportCannotMove(message("The import was undone before."))
    key_of(workspace, found)
    await tx.execute(rows.FORGET_REASONS, workspace.id, found.id)
    # Whatever it was about to become, and should all or nothing be taking it back already: its owner wants it undone.
    return await _go_on(tx, found, "undoing", "undo", is_taken_over=True)


async def discard(tx: Transaction, workspace: Workspace, import_id: UUID) -> Import:
    """Put a file away of which nothing was imported."""
    found = await queries.lock(tx, workspace, import_id)
    if found.state not in _BEFORE_IMPORT or found.has_made:
        raise ImportCannotMove(message("The import is {state}: undo it instead.", state=found.state))
    await tx.execute(_DISCARD, workspace.id, found.id)
    await _forget_pass(tx, found)
    await transitions.drop_all(tx, workspace.id, found.id, found.file_id)
    todos.withdraw(tx, workspace.id, transitions.TODO, found.id)
    return found.but(state="undone", task=None, plan=None, created=0, updated=0)


async def _go_on(
    tx: Transaction,
    found: Import,
    state: State,
    task: Task,
    accepts: Sequence[str] = (),
    *,
    is_taken_over: bool = False,
) -> Import:
    found.check_move(state)
    values = (state, task, list(accepts), found.is_dry_run, int(is_taken_over))
    await tx.execute(_GO_ON, found.workspace_id, found.id, *values)
    tx.wakes.add(WAKE)
    return found.but(state=state, task=task, error=None, problem=None, ended_at=None, cursor=0)
