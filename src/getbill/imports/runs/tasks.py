"""What the child process does with one import: reads it, checks it, makes its debts, corrects rows, takes it back.

It works under the fence it was started with and may be killed at any instant: what it settled is in the database with
the cursor, and whoever comes next goes on from there.
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
from getbill.imports.files import FileGone, Opened
from getbill.imports.model import CHUNK_ROWS, Import, State, Task
from getbill.imports.reading_plan import Plan
from getbill.imports.rows import Instalments, LeaseLost, Line, Reader, Work
from getbill.imports.runs import saved_mappings, transitions
from getbill.kit import failpoints, json
from getbill.kit.database import Database
from getbill.vault import Vault

_log = structlog.get_logger(__name__)

# So many rows are read before whoever waits on the database gets a turn.
_TURN_ROWS: Final = 100
# A chunk in which debts may have to be changed one by one, and one refusal repeats it.
_CHANGING_ROWS: Final = 100

_GONE: Final = {
    "en": ["The file is gone.", "Send it again."],
    "fr": ["Le fichier n'est plus là.", "Envoyez-le de nouveau."],
}
_CHANGED: Final = {
    "en": [
        "The book changed after the check, and the import was to be all or nothing: its debts were taken back.",
        "The report says which rows were refused, and what stayed. Correct the rows; or send it with mode=partial.",
    ],
    "fr": [
        "Le portefeuille a changé après la vérification d'un import tout ou rien : ses créances ont été retirées.",
        "Le rapport dit quelles lignes sont refusées, et ce qui reste. Corrigez-les, ou envoyez avec mode=partial.",
    ],
}
_FINDINGS: Final = {
    "en": [
        "Rows are wrong, and the import was to be all or nothing: nothing was created.",
        "Correct the rows, here or in the file; or send the file with mode=partial.",
    ],
    "fr": [
        "Des lignes sont fausses, et l'import devait être tout ou rien : rien n'a été créé.",
        "Corrigez les lignes, ici ou dans le fichier, ou envoyez le fichier avec mode=partial.",
    ],
}


async def run(database: Database, vault: Vault, workspace_id: UUID, import_id: UUID, fence: int) -> None:
    """Do what an import's row asks for, task after task, for as long as the fence holds."""
    workspace = await companies.workspace(database, vault, workspace_id)
    with closing(Opened()) as opened:
        while True:
            found = await queries.find(database, workspace, import_id)
            if found.task is None or found.fence != fence:
                return
            try:
                await _do(found.task, database, workspace, found, opened)
            except LeaseLost:
                return
            except sheets.Unreadable as error:
                told = {language: list(error.told(language)) for language in ("en", "fr")}
                await _fail(database, workspace, found, error.code.replace("_", "-"), told)
            except FileGone:
                await _fail(database, workspace, found, "file-gone", _GONE)


async def _do(task: Task, database: Database, workspace: Workspace, found: Import, opened: Opened) -> None:
    key = queries.keys_of(workspace, found).own
    if key is None:
        raise FileGone
    await _TASKS[task](Work(database, workspace, found, key), opened)


async def _fail(
    database: Database, workspace: Workspace, found: Import, code: str, told: dict[str, Any]
) -> None:
    with suppress(LeaseLost):
        async with database.transaction(workspace.now()) as tx:
            await transitions.fail(tx, workspace, found, code, told)


async def read(work: Work, opened: Opened) -> None:
    """Read a whole file and say how it would be imported; go on where nothing is left to ask."""
    found, workspace = work.found, work.workspace
    sheet = await opened.sheet(work.database, workspace, found)
    place = found.sender, reading_plan.without_ours(sheet.layout).signature
    known = await saved_mappings.recall(work.database, workspace, *place)
    plan = await asyncio.to_thread(reading_plan.make, sheet, workspace, known.mapping, known.layout_before)
    must_know = found.source == "sftp"
    has_warnings = bool(plan.warnings or plan.doubts)
    is_clear = plan.mapping.is_certain and not has_warnings and (plan.is_remembered or not must_know)
    async with work.database.transaction(workspace.now()) as tx:
        if found.is_auto and is_clear:
            await transitions.planned(tx, work, plan, *first_step(found))
            # It may have waited before its layout was confirmed.
            todos.withdraw(tx, workspace.id, transitions.TODO, found.id)
            return
        if (
            found.is_auto
            and not plan.is_remembered
            and await saved_mappings.is_known(tx, workspace.id, place)
        ):
            # Confirmed since we asked: it is read once more.
            return
        await transitions.planned(tx, work, plan, waiting_state(plan), None)
        if found.is_auto:
            # Whoever sent it does not look: a person must.
            todos.ask(tx, workspace.id, transitions.TODO, found.id, None)


def waiting_state(plan: Plan) -> State:
    """Return where a file stands that a person looks at: a question is open, or all is known and to be confirmed."""
    return "mapped" if plan.mapping.is_certain else "needs_mapping"


def first_step(found: Import) -> tuple[State, Task]:
    """Return what follows a confirmed mapping: a pass that changes nothing where that was asked, or the import."""
    if found.is_dry_run or found.mode == "all_or_nothing":
        return "checking", "check"
    return "importing", "import"


async def check(work: Work, opened: Opened) -> None:
    """Check every row against the file and the book, and make nothing."""
    found = work.found
    async with work.database.transaction(work.workspace.now()) as tx:
        await transitions.rewind(tx, work)
    work = Work(work.database, work.workspace, found.but(cursor=0, rows_done=0), work.key)
    seen: rows.Seen = {}
    rejected = 0
    async for lines, cursor in await _lines(work, opened):
        rejected += (await rows.examine(work, lines, cursor, seen)).rejected
    async with work.database.transaction(work.workspace.now()) as tx:
        if found.mode == "all_or_nothing" and rejected:
            await tx.execute(transitions.NOTHING_MADE, *work.place)
            await transitions.fail(tx, work.workspace, found, "findings", _FINDINGS)
        elif found.is_dry_run:
            await transitions.settle(tx, work, "checked")
        else:
            await transitions.rewind(tx, work)
            await transitions.settle(tx, work, "importing", "import")


async def bring_in(work: Work, opened: Opened) -> None:
    """Make the debts of every row that is not settled yet."""
    pending: asyncio.Task[None] | None = None
    try:
        # While one chunk is being written the next is read.
        async for lines, cursor in await _lines(work, opened):
            if pending is not None:
                await pending
            pending = asyncio.create_task(rows.make(work, lines, cursor))
        if pending is not None:
            await pending
    except BaseException:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        raise
    failpoints.at("imports.all_rows")
    async with work.database.transaction(work.workspace.now()) as tx:
        done = await queries.lock(tx, work.workspace, work.found.id)
        if done.mode == "all_or_nothing" and done.rejected:
            # The book changed between the check and now: what was made is taken back.
            await transitions.settle(tx, work, "rolling_back", "undo")
        else:
            await transitions.settle(tx, work, "completed", rows_total=done.rows_done)


async def correct(work: Work, opened: Opened) -> None:
    """Make debts of the rows that were corrected."""
    await rows.accept(work)
    if work.found.state == "checking":
        async with work.database.transaction(work.workspace.now()) as tx:
            await transitions.settle(tx, work, *first_step(work.found))
        return
    await rows.settle(work, await _instalments_again(work, opened))
    async with work.database.transaction(work.workspace.now()) as tx:
        await transitions.settle(tx, work, "completed")


async def undo(work: Work, _opened: Opened) -> None:
    """Take back every debt and every change that nothing has followed."""
    await rows.take_back(work)
    await rows.give_back(work)
    async with work.database.transaction(work.workspace.now()) as tx:
        if work.found.state == "rolling_back":
            # Corrections start it again, so its file is needed still.
            await transitions.fail(tx, work.workspace, work.found, "findings", _CHANGED)
        else:
            await transitions.settle(tx, work, "undone")
            await tx.execute(rows.EMPTY, *work.place)
            await transitions.drop_file(
                tx, work.workspace, await queries.lock(tx, work.workspace, work.found.id)
            )


_TASKS: Final[Mapping[str, Callable[[Work, Opened], Awaitable[None]]]] = {
    "read": read,
    "check": check,
    "import": bring_in,
    "correct": correct,
    "undo": undo,
}


async def _lines(work: Work, opened: Opened) -> AsyncIterator[tuple[list[Line], int]]:
    """Return the rows of an import from its cursor on, in checked chunks, each with the cursor after it."""
    found = work.found
    if found.source == "batch":
        return _batch(work)
    assert found.plan is not None  # noqa: S101 - a file is read before it is passed over
    plan = reading_plan.opened(found.plan, work.key, found.id)
    return _file(work, plan, await opened.sheet(work.database, work.workspace, found, plan.layout))


async def _file(work: Work, plan: Plan, sheet: sheets.Sheet) -> AsyncIterator[tuple[list[Line], int]]:
    found = work.found
    reader = Reader(work.workspace, work.workspace.now().date(), plan)
    of_references = await _instalments(reader, plan, sheet)
    imported_rows, index = sheet.rows(found.cursor), found.rows_done
    most = _CHANGING_ROWS if found.on_duplicate == "update" else CHUNK_ROWS
    has_corrections = await rows.any_of(work)
    while chunk := list(islice(imported_rows, most)):
        corrected = await rows.between(work, chunk[0].line, chunk[-1].line) if has_corrections else {}
        lines: list[Line] = []
        for first in range(0, len(chunk), _TURN_ROWS):
            some = [
                reader.compose(
                    row if row.line not in corrected else sheets.Row(row.line, corrected[row.line]),
                    index + number,
                    is_sure=row.line in corrected,
                )
                for number, row in enumerate(chunk[first : first + _TURN_ROWS], first)
            ]
            if of_references:
                of_references.apply(some)
            reader.check(some)
            lines += some
            await asyncio.sleep(0)
        index += len(chunk)
        yield lines, chunk[-1].line


async def _instalments_again(work: Work, opened: Opened) -> Instalments | None:
    """Return what becomes of instalments, for rows that were corrected after their file was imported."""
    if work.found.source == "batch" or work.found.plan is None:
        return None
    plan = reading_plan.opened(work.found.plan, work.key, work.found.id)
    if plan.mapping.instalments is None:
        return None
    reader = Reader(work.workspace, work.workspace.now().date(), plan)
    sheet = await opened.sheet(work.database, work.workspace, work.found, plan.layout)
    return await _instalments(reader, plan, sheet)


async def _instalments(reader: Reader, plan: Plan, sheet: sheets.Sheet) -> Instalments | None:
    """Return what becomes of the instalments of each reference, where a person said so."""
    way = plan.mapping.instalments
    return await asyncio.to_thread(rows.gathered, way, reader, sheet.rows()) if way else None


async def _batch(work: Work) -> AsyncIterator[tuple[list[Line], int]]:
    reader = Reader(work.workspace, work.workspace.now().date(), None)
    number = work.found.cursor
    async for chunk in queries.chunks(work.database, work.workspace, work.found, number):
        rows: Sequence[Any] = json.read(chunk)
        lines: list[Line] = []
        for first in range(0, len(rows), _TURN_ROWS):
            some = [
                # Its sender was told already what is accepted.
                Line(index, index, None, body, temp_id, is_sure=True)
                for index, temp_id, body in rows[first : first + _TURN_ROWS]
            ]
            reader.check(some)
            lines += some
            await asyncio.sleep(0)
        number += 1
        yield lines, number
