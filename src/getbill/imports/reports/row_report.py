"""The report of an import: every finding for programs, and the rows that became no debt as a file that can be sent again.

That file has the layout the rows came in and two columns more, which say what is wrong and what would be right; they
are known as ours when the file comes back.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import BinaryIO, Literal

from getbill import mapping, sheets
from getbill.companies import Workspace
from getbill.imports import findings, queries, reading_plan
from getbill.imports.findings import Row
from getbill.imports.model import Import, ImportCannotMove
from getbill.imports.reading_plan import FINDING_HEADER, SUGGESTION_HEADER
from getbill.kit.database import Database, Statement
from getbill.kit.messages import Message, excerpt, message
from getbill.vault import Key

Format = Literal["csv", "xlsx"]
Lines = Callable[[Iterator[Row]], Iterator[Sequence[sheets.Cell]]]

_PAGE_ROWS = 1_000
_BLOCK_BYTES = 64 * 1024

_ROWS = Statement(
    "imports.findings",
    "What is said of an import's rows, in the order of the file: of one outcome, or of one code, where it is named.",
    """
    SELECT * FROM import_findings
    WHERE workspace_id = $1 AND import_id = $2 AND line > $3 AND ($4::text IS NULL OR outcome = $4)
      AND ($5::text IS NULL OR $5 = ANY(codes))
    ORDER BY line LIMIT $6
    """,
)
_CODES = Statement(
    "imports.codes",
    "How many rows have findings of each kind?",
    """
    SELECT code, f.outcome, count(*) AS rows FROM import_findings f, unnest(f.codes) AS code
    WHERE f.workspace_id = $1 AND f.import_id = $2 GROUP BY code, f.outcome ORDER BY count(*) DESC, code
    """,
)
_COLUMNS = {
    "en": ("Line", "Column", "Value", "Code", "Severity", "Message", "Suggestion"),
    "fr": ("Ligne", "Colonne", "Valeur", "Code", "Gravité", "Message", "Suggestion"),
}


async def rows(
    database: Database,
    workspace: Workspace,
    found: Import,
    wanted: tuple[str | None, str | None],
    place: tuple[int, int],
) -> list[Row]:
    """Return what is said of an import's rows: `wanted` is outcome and code, `place` the line before and how many."""
    key = queries.keys_of(workspace, found).own
    if key is None:
        return []
    after, limit = place
    records = await database.fetch(_ROWS, workspace.id, found.id, after, *wanted, limit)
    return [findings.opened(record, key) for record in records]


async def codes(database: Database, workspace: Workspace, found: Import) -> list[dict[str, object]]:
    """Return how many rows have findings of each kind."""
    return [dict(row) for row in await database.fetch(_CODES, workspace.id, found.id)]


async def unknown_codes(
    database: Database, workspace: Workspace, found: Import, named: Sequence[str]
) -> list[tuple[int, Message]]:
    """Return the place of each code that no finding has, and the sentence that refuses it.

    A code of an earlier version counts where the report still has it.
    """
    doubtful = [(place, code) for place, code in enumerate(named) if code not in findings.CODES]
    if not doubtful:
        return []
    there = list(dict.fromkeys(row["code"] for row in await codes(database, workspace, found)))
    return [(place, _unknown_code(code, there)) for place, code in doubtful if code not in there]


def _unknown_code(code: str, there: Sequence[object]) -> Message:
    if not there:
        return message("No finding has the code '{code}'.", code=excerpt(code))
    return message(
        "No finding has the code '{code}'. Those of this import have: {codes}.",
        code=excerpt(code),
        codes=there,
    )


async def rejected(
    database: Database, workspace: Workspace, found: Import, kind: Format, language: str
) -> BinaryIO:
    """Return the rows that became no debt as a file, in the layout they came in, with what is wrong in two columns.

    Raises ImportCannotMove where an import keeps no rows any more, or never had a layout.
    """
    key = queries.keys_of(workspace, found).own
    if key is None or found.plan is None:
        raise ImportCannotMove(
            message("The rows of this import are gone, or it is a batch: read the report as JSON.")
        )
    layout = reading_plan.opened(found.plan, key, found.id).layout
    header: list[sheets.Cell] = [""] * layout.width
    for column in layout.columns:
        header[column.index] = column.header
    # A file that came back once more has our columns already: they are written anew.
    places = [column.index for column in layout.columns]

    def lines(some: Iterator[Row]) -> Iterator[Sequence[sheets.Cell]]:
        yield [*(header[place] for place in places), FINDING_HEADER, SUGGESTION_HEADER]
        for row in some:
            cells = row.cells or ()
            yield [
                *(cells[place] if place < len(cells) else "" for place in places),
                _told(row, language),
                _suggested(row),
            ]

    return await _written(_Rows(database, workspace, found, key, "rejected"), lines, (kind, layout))


def _told(row: Row, language: str) -> str:
    where = "Ligne" if mapping.tongue(language) == "fr" else "Line"
    said = " ".join(one.told(language) for one in row.findings)
    return f"{where} {row.line}: {said}"


def _suggested(row: Row) -> str:
    return " ".join(
        f"{one.header or ''}: {one.suggestion}" if one.header else str(one.suggestion)
        for one in row.findings
        if one.suggestion is not None
    )


async def listed(
    database: Database, workspace: Workspace, found: Import, kind: Format, language: str
) -> BinaryIO:
    """Return every finding as a file, one in each line."""
    key = queries.keys_of(workspace, found).own
    if key is None:
        raise ImportCannotMove(message("The findings of this import are gone."))
    names = _COLUMNS[mapping.tongue(language)]

    def lines(some: Iterator[Row]) -> Iterator[Sequence[sheets.Cell]]:
        yield names
        for row in some:
            for one in findings.shown(row, language):
                members = ("line", "column", "value", "code", "severity", "message", "suggestion")
                yield ["" if one[name] is None else _as_cell(one[name]) for name in members]

    return await _written(_Rows(database, workspace, found, key, None), lines, (kind, None))


def _as_cell(value: object) -> sheets.Cell:
    return value if isinstance(value, bool | int | float) else str(value)


class _Rows:
    """The rows of an import, fetched a page at a time by whoever writes them in a thread of its own."""

    def __init__(
        self, database: Database, workspace: Workspace, found: Import, key: Key, outcome: str | None
    ) -> None:
        self._database = database
        self._place = workspace.id, found.id
        self._key = key
        self._outcome = outcome
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[Row]:
        after = -1
        while True:
            asked = self._database.fetch(_ROWS, *self._place, after, self._outcome, None, _PAGE_ROWS)
            records = asyncio.run_coroutine_threadsafe(asked, self._loop).result()
            for record in records:
                yield findings.opened(record, self._key)
            if len(records) < _PAGE_ROWS:
                return
            after = records[-1]["line"]


async def _written(some: _Rows, lines: Lines, kind: tuple[Format, sheets.Layout | None]) -> BinaryIO:
    shape, layout = kind
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's

    def write() -> None:
        if shape == "xlsx":
            sheets.write_xlsx(file, lines(iter(some)))
        else:
            sheets.write_csv(file, lines(iter(some)), layout if layout and layout.kind == "csv" else None)
        file.seek(0)

    try:
        await asyncio.to_thread(write)
    except BaseException:
        file.close()
        raise
    return file


async def blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a file's bytes, and let it go."""
    try:
        while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
            yield block
    finally:
        file.close()
