"""Tasks of an import in the child process: read, check, import, correct, undo.

The process works under its initial fence and may be killed at any time: settled rows are committed with the
cursor, and the next process continues from there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import closing, suppress
from itertools import islice
from typing import Any, Final
from uuid import UUID

import structlog

from getbill import companies, sheets, todos
from getbill.companies import Workspace
from getbill.imports import queries, reading_plan, rows
from getbill.imports.files import FileGone, ImportFile
from getbill.imports.model import CHUNK_ROWS, Import, LeaseLost, State, Task
from getbill.imports.reading_plan import ReadingPlan
from getbill.imports.rows import ImportPass, Instalments, Line, RowReader
from getbill.imports.runs import saved_mappings, transitions
from getbill.kit import json
from getbill.kit.database import Database
from getbill.kit.messages import Message, message
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

# Number of rows read before other coroutines that wait for the database may run.
_TURN_ROWS: Final = 100
# Chunk size where debts may be updated one by one, since one refusal repeats the chunk.
_CHANGING_ROWS: Final = 100
_LINES_MAX: Final = 2**63 - 1

_GONE: Final = message("The file no longer exists."), message("Send it again.")
_CHANGED: Final = (
    message(
        "The debts changed after the check of this all-or-nothing import, so the debts it had created were removed."
    ),
    message(
        "The report lists the rejected rows and the debts that were kept. Correct the rows, or send the file with mode=partial."
    ),
)
_FINDINGS: Final = (
    message("The all-or-nothing import has invalid rows: nothing was created."),
    message("Correct the rows, here or in the file, or send the file with mode=partial."),
)


async def run(database: Database, vault: Vault, workspace_id: UUID, import_id: UUID, fence: int) -> None:
    """Run the tasks on an import's row, one after another, while the fence holds."""
    workspace = await companies.workspace(database, vault, workspace_id)
    with closing(ImportFile()) as import_file:
        while True:
            import_ = await queries.find(database, workspace, import_id)
            if import_.task is None or import_.fence != fence:
                return
            try:
                await _run_task(import_.task, database, workspace, import_, import_file)
            except LeaseLost:
                return
            except sheets.Unreadable as error:
                problem = error.message, error.way_out
                await _fail(database, workspace, import_, error.code.replace("_", "-"), problem)
            except FileGone:
                await _fail(database, workspace, import_, "file-gone", _GONE)


async def _run_task(
    task: Task, database: Database, workspace: Workspace, import_: Import, import_file: ImportFile
) -> None:
    key = queries.keys_of(workspace, import_).main
    if key is None:
        raise FileGone
    await _TASKS[task](ImportPass(database, workspace, import_, key), import_file)


async def _fail(
    database: Database, workspace: Workspace, import_: Import, code: str, problem: tuple[Message, Message]
) -> None:
    with suppress(LeaseLost):
        async with database.transaction(workspace.now()) as tx:
            await transitions.fail(tx, workspace, import_, code, problem)


async def read(work: ImportPass, import_file: ImportFile) -> None:
    """Read a whole file and save its plan; continue where no question is open."""
    import_, workspace = work.import_, work.workspace
    sheet = await import_file.sheet(work.database, workspace, import_)
    layout_key = import_.sender, reading_plan.without_own_columns(sheet.layout).signature
    saved_mapping = await saved_mappings.find_mapping(work.database, workspace, *layout_key)
    plan = await asyncio.to_thread(
        reading_plan.make, sheet, workspace, saved_mapping.mapping, saved_mapping.layout_before
    )
    must_be_saved = import_.source == "sftp"
    has_warnings = bool(plan.warnings or plan.doubts)
    is_clear = plan.mapping.is_certain and not has_warnings and (plan.is_remembered or not must_be_saved)
    async with work.database.transaction(workspace.now()) as tx:
        if import_.is_auto and is_clear:
            await transitions.save_plan(tx, work, plan, *first_step(import_))
            # It may have waited before its layout was confirmed.
            todos.withdraw(tx, workspace.id, transitions.TODO, import_.id)
            return
        if (
            import_.is_auto
            and not plan.is_remembered
            and await saved_mappings.is_confirmed(tx, workspace.id, layout_key)
        ):
            # The layout was confirmed since the lookup: the file is read again.
            return
        await transitions.save_plan(tx, work, plan, waiting_state(plan), None)
        if import_.is_auto:
            # The sender does not watch this import: a person must decide.
            todos.create(tx, workspace.id, transitions.TODO, import_.id, None)


def waiting_state(plan: ReadingPlan) -> State:
    """Return the state of a file that waits for a person: with an open question, or ready to confirm."""
    return State.MAPPED if plan.mapping.is_certain else State.NEEDS_MAPPING


def first_step(import_: Import) -> tuple[State, Task]:
    """Return the state and task after a confirmed mapping: the dry run where requested, else the import."""
    if import_.is_dry_run or import_.mode == "all_or_nothing":
        return State.CHECKING, Task.CHECK
    return State.IMPORTING, Task.IMPORT


async def check(work: ImportPass, import_file: ImportFile) -> None:
    """Check every row against the file and existing debts, without creating any debt."""
    import_ = work.import_
    async with work.database.transaction(work.workspace.now()) as tx:
        await transitions.rewind(tx, work)
    work = ImportPass(work.database, work.workspace, import_.with_values(cursor=0, rows_done=0), work.key)
    seen_references: rows.SeenReferences = {}
    rejected = 0
    async for lines, cursor in await _checked_chunks(work, import_file):
        rejected += (await rows.examine_rows(work, lines, cursor, seen_references)).rejected
    async with work.database.transaction(work.workspace.now()) as tx:
        if import_.mode == "all_or_nothing" and rejected:
            await tx.execute(transitions.CLEAR_CREATED, *work.primary_key)
            await transitions.fail(tx, work.workspace, import_, "findings", _FINDINGS)
        elif import_.is_dry_run:
            await transitions.complete_task(tx, work, State.CHECKED)
        else:
            await transitions.rewind(tx, work)
            await transitions.complete_task(tx, work, State.IMPORTING, Task.IMPORT)


async def import_rows(work: ImportPass, import_file: ImportFile) -> None:
    """Create the debts of every row that is not settled yet."""
    pending: asyncio.Task[None] | None = None
    try:
        # The next chunk is read while one is being written.
        async for lines, cursor in await _checked_chunks(work, import_file):
            if pending is not None:
                await pending
            pending = asyncio.create_task(rows.create_debts(work, lines, cursor))
        if pending is not None:
            await pending
    except BaseException:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        raise
    async with work.database.transaction(work.workspace.now()) as tx:
        import_ = await queries.lock(tx, work.workspace, work.import_.id)
        if import_.mode == "all_or_nothing" and import_.rejected:
            # The debts changed between the check and the import: what was created is undone.
            await transitions.complete_task(tx, work, State.ROLLING_BACK, Task.UNDO)
        else:
            await transitions.complete_task(tx, work, State.COMPLETED, rows_total=import_.rows_done)


async def correct(work: ImportPass, import_file: ImportFile) -> None:
    """Create debts from the corrected rows."""
    await rows.accept_suggestions(work)
    if work.import_.state is State.CHECKING:
        async with work.database.transaction(work.workspace.now()) as tx:
            await transitions.complete_task(tx, work, *first_step(work.import_))
        return
    await rows.import_corrected(work, await _instalments_again(work, import_file))
    async with work.database.transaction(work.workspace.now()) as tx:
        await transitions.complete_task(tx, work, State.COMPLETED)


async def undo(work: ImportPass, _opened: ImportFile) -> None:
    """Undo every debt and every change without later activity."""
    await rows.undo_debts(work)
    await rows.restore_changes(work)
    async with work.database.transaction(work.workspace.now()) as tx:
        if work.import_.state is State.ROLLING_BACK:
            # Corrections restart the import, so its file is still needed.
            await transitions.fail(tx, work.workspace, work.import_, "findings", _CHANGED)
        else:
            await transitions.complete_task(tx, work, State.UNDONE)
            await tx.execute(rows.EMPTY_CHANGES, *work.primary_key)
            await transitions.drop_file(
                tx, work.workspace, await queries.lock(tx, work.workspace, work.import_.id)
            )


_TASKS: Final[Mapping[Task, Callable[[ImportPass, ImportFile], Awaitable[None]]]] = {
    Task.READ: read,
    Task.CHECK: check,
    Task.IMPORT: import_rows,
    Task.CORRECT: correct,
    Task.UNDO: undo,
}


async def _checked_chunks(work: ImportPass, import_file: ImportFile) -> AsyncIterator[tuple[list[Line], int]]:
    """Return the rows of an import from its cursor on, in checked chunks, each with the cursor after it."""
    import_ = work.import_
    if import_.source == "batch":
        return _batch_chunks(work)
    assert import_.plan is not None  # noqa: S101 - a file is read before it is passed over
    plan = reading_plan.open_plan(import_.plan, work.key, import_.id)
    return _file_chunks(
        work, plan, await import_file.sheet(work.database, work.workspace, import_, plan.layout)
    )


async def _file_chunks(
    work: ImportPass, plan: ReadingPlan, sheet: sheets.Sheet
) -> AsyncIterator[tuple[list[Line], int]]:
    import_ = work.import_
    reader = RowReader(work.workspace, work.workspace.now().date(), plan)
    instalments = await _instalments(work, reader, plan, sheet)
    imported_rows, index = sheet.rows(import_.cursor), import_.rows_done
    limit = _CHANGING_ROWS if import_.on_duplicate == "update" else CHUNK_ROWS
    has_corrections = await rows.has_corrections(work)
    while chunk := list(islice(imported_rows, limit)):
        corrected = await rows.corrected_cells(work, chunk[0].line, chunk[-1].line) if has_corrections else {}
        lines: list[Line] = []
        for first in range(0, len(chunk), _TURN_ROWS):
            part = [
                reader.compose(
                    row if row.line not in corrected else sheets.Row(row.line, corrected[row.line]),
                    index + number,
                    is_sure=row.line in corrected,
                )
                for number, row in enumerate(chunk[first : first + _TURN_ROWS], first)
            ]
            if instalments:
                instalments.apply(part)
            reader.check(part)
            lines += part
            await asyncio.sleep(0)
        index += len(chunk)
        yield lines, chunk[-1].line


async def _instalments_again(work: ImportPass, import_file: ImportFile) -> Instalments | None:
    """Return the instalments, for rows that were corrected after their file was imported.

    Their amounts are not in a sum that is a debt already.
    """
    if work.import_.source == "batch" or work.import_.plan is None:
        return None
    plan = reading_plan.open_plan(work.import_.plan, work.key, work.import_.id)
    if plan.mapping.instalments is None:
        return None
    reader = RowReader(work.workspace, work.workspace.now().date(), plan)
    sheet = await import_file.sheet(work.database, work.workspace, work.import_, plan.layout)
    return await _instalments(work, reader, plan, sheet, as_imported=plan.mapping.instalments == "merge")


async def _instalments(
    work: ImportPass, reader: RowReader, plan: ReadingPlan, sheet: sheets.Sheet, *, as_imported: bool = False
) -> Instalments | None:
    """Return the instalments of each reference, where a person chose a mode, among the rows as corrected."""
    mode = plan.mapping.instalments
    if mode is None:
        return None
    corrected = {} if as_imported else await rows.corrected_cells(work, 0, _LINES_MAX)
    imported_rows = (
        sheets.Row(row.line, corrected[row.line]) if row.line in corrected else row for row in sheet.rows()
    )
    return await asyncio.to_thread(rows.gather_instalments, mode, reader, imported_rows)


async def _batch_chunks(work: ImportPass) -> AsyncIterator[tuple[list[Line], int]]:
    reader = RowReader(work.workspace, work.workspace.now().date(), None)
    number = work.import_.cursor
    async for chunk in queries.chunks(work.database, work.workspace, work.import_, number):
        rows: Sequence[Any] = json.read(chunk)
        lines: list[Line] = []
        for first in range(0, len(rows), _TURN_ROWS):
            part = [
                # The sender was already notified of the accepted rows.
                Line(index, index, None, body, temp_id, is_sure=True)
                for index, temp_id, body in rows[first : first + _TURN_ROWS]
            ]
            reader.check(part)
            lines += part
            await asyncio.sleep(0)
        number += 1
        yield lines, number
