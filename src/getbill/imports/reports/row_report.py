"""Row report of an import: all findings as data, and the rejected rows as a file to correct and upload.

The file has the original layout and two more columns, with the error and the suggested correction; these
columns are recognised when the file is uploaded again.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import BinaryIO, Final, Literal

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports import findings, queries, reading_plan
from getbill.imports.findings import ImportRow
from getbill.imports.model import Import, ImportCannotMove
from getbill.imports.reading_plan import FINDING_HEADER, SUGGESTION_HEADER
from getbill.kit.database import Database, Statement
from getbill.kit.messages import Message, excerpt, message
from getbill.vault import Key

Format = Literal["csv", "xlsx"]
Lines = Callable[[Iterator[ImportRow]], Iterator[Sequence[sheets.Cell]]]

_PAGE_ROWS = 1_000
_BLOCK_BYTES = 64 * 1024

_ROWS = Statement(
    "imports.list_findings",
    "Findings of an import in the order of the file, of one outcome or code if named.",
    """
    SELECT * FROM import_findings
    WHERE workspace_id = $1 AND import_id = $2 AND line > $3 AND ($4::text IS NULL OR outcome = $4)
      AND ($5::text IS NULL OR $5 = ANY(codes))
    ORDER BY line LIMIT $6
    """,
)
_CODES = Statement(
    "imports.count_codes",
    "Number of rows by finding code and outcome.",
    """
    SELECT code, f.outcome, count(*) AS rows FROM import_findings f, unnest(f.codes) AS code
    WHERE f.workspace_id = $1 AND f.import_id = $2 GROUP BY code, f.outcome ORDER BY count(*) DESC, code
    """,
)
# The members of a finding that the report shows, with the headers of their columns.
_COLUMNS: Final = {
    "line": message("Line"),
    "column": message("Column"),
    "value": message("Value"),
    "code": message("Code"),
    "severity": message("Severity"),
    "message": message("Message"),
    "suggestion": message("Suggestion"),
}


async def list_rows(
    database: Database,
    workspace: Workspace,
    import_: Import,
    filters: tuple[str | None, str | None],
    window: tuple[int, int],
) -> list[ImportRow]:
    """Return an import's rows with findings.

    `filters` is outcome and code, `window` the line to start after and the limit.
    """
    key = queries.keys_of(workspace, import_).main
    if key is None:
        return []
    after, limit = window
    records = await database.fetch(_ROWS, workspace.id, import_.id, after, *filters, limit)
    return [findings.open_row(record, key) for record in records]


async def count_codes(database: Database, workspace: Workspace, import_: Import) -> list[dict[str, object]]:
    """Return the number of rows with findings of each kind."""
    return [dict(row) for row in await database.fetch(_CODES, workspace.id, import_.id)]


async def unknown_codes(
    database: Database, workspace: Workspace, import_: Import, named: Sequence[str]
) -> list[tuple[int, Message]]:
    """Return the index of each unknown finding code, with its error message.

    A code of an earlier version is accepted where the report still contains it.
    """
    doubtful = [(place, code) for place, code in enumerate(named) if code not in findings.CODES]
    if not doubtful:
        return []
    there = list(dict.fromkeys(row["code"] for row in await count_codes(database, workspace, import_)))
    return [(place, _unknown_code(code, there)) for place, code in doubtful if code not in there]


def _unknown_code(code: str, there: Sequence[object]) -> Message:
    if not there:
        return message("No finding has the code '{code}'.", code=excerpt(code))
    return message(
        "No finding has the code '{code}'. Those of this import have: {codes}.",
        code=excerpt(code),
        codes=there,
    )


async def write_rejected_rows(
    database: Database, workspace: Workspace, import_: Import, kind: Format, language: str
) -> BinaryIO:
    """Return the rejected rows as a file in their original layout, with their findings in two more columns.

    Raises ImportCannotMove where an import no longer keeps its rows, or never had a layout.
    """
    key = queries.keys_of(workspace, import_).main
    if key is None or import_.plan is None:
        raise ImportCannotMove(
            message("The rows of this import are gone, or it is a batch: read the report as JSON.")
        )
    layout = reading_plan.open_plan(import_.plan, key, import_.id).layout
    header: list[sheets.Cell] = [""] * layout.width
    for column in layout.columns:
        header[column.index] = column.header
    # A file uploaded again already has our columns: they are written anew.
    column_indexes = [column.index for column in layout.columns]

    def lines(rows: Iterator[ImportRow]) -> Iterator[Sequence[sheets.Cell]]:
        yield [*(header[column_index] for column_index in column_indexes), FINDING_HEADER, SUGGESTION_HEADER]
        for row in rows:
            cells = row.cells or ()
            yield [
                *(
                    cells[column_index] if column_index < len(cells) else ""
                    for column_index in column_indexes
                ),
                _finding_text(row, language),
                _suggestion_text(row),
            ]

    return await _write_file(
        _FindingRows(database, workspace, import_, key, "rejected"), lines, (kind, layout)
    )


def _finding_text(row: ImportRow, language: str) -> str:
    text = " ".join(finding.message(language) for finding in row.findings)
    return message("Line {line}: {finding}", line=row.line, finding=text).translated(language)


def _suggestion_text(row: ImportRow) -> str:
    return " ".join(
        f"{finding.header or ''}: {finding.suggestion}" if finding.header else str(finding.suggestion)
        for finding in row.findings
        if finding.suggestion is not None
    )


async def write_findings(
    database: Database, workspace: Workspace, import_: Import, kind: Format, language: str
) -> BinaryIO:
    """Return every finding as a file, one per line."""
    key = queries.keys_of(workspace, import_).main
    if key is None:
        raise ImportCannotMove(message("The findings of this import are gone."))

    def lines(rows: Iterator[ImportRow]) -> Iterator[Sequence[sheets.Cell]]:
        yield [header.translated(language) for header in _COLUMNS.values()]
        for row in rows:
            for record in findings.serialize_row(row, language):
                yield ["" if record[name] is None else _as_cell(record[name]) for name in _COLUMNS]

    return await _write_file(_FindingRows(database, workspace, import_, key, None), lines, (kind, None))


def _as_cell(value: object) -> sheets.Cell:
    return value if isinstance(value, bool | int | float) else str(value)


class _FindingRows:
    """The rows of an import, fetched a page at a time by a writer in another thread."""

    def __init__(
        self, database: Database, workspace: Workspace, import_: Import, key: Key, outcome: str | None
    ) -> None:
        self._database = database
        self._primary_key = workspace.id, import_.id
        self._key = key
        self._outcome = outcome
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[ImportRow]:
        after = -1
        while True:
            query = self._database.fetch(_ROWS, *self._primary_key, after, self._outcome, None, _PAGE_ROWS)
            records = asyncio.run_coroutine_threadsafe(query, self._loop).result()
            for record in records:
                yield findings.open_row(record, self._key)
            if len(records) < _PAGE_ROWS:
                return
            after = records[-1]["line"]


async def _write_file(
    rows: _FindingRows, lines: Lines, kind: tuple[Format, sheets.Layout | None]
) -> BinaryIO:
    shape, layout = kind
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's

    def write() -> None:
        if shape == "xlsx":
            sheets.write_xlsx(file, lines(iter(rows)))
        else:
            sheets.write_csv(file, lines(iter(rows)), layout if layout and layout.kind == "csv" else None)
        file.seek(0)

    try:
        await asyncio.to_thread(write)
    except BaseException:
        file.close()
        raise
    return file


async def read_blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a file's bytes, then close it."""
    try:
        while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
            yield block
    finally:
        file.close()
