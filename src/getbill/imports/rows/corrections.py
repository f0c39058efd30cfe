"""Corrected rows: a person's patches, and suggestions accepted by kind, which replace cells of the file.

A value that a person corrected is not doubted again, but it must still pass body validation.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports import findings, reading_plan
from getbill.imports.findings import ImportRow
from getbill.imports.model import correction_context
from getbill.imports.rows import create, people
from getbill.imports.rows.create import ImportPass
from getbill.imports.rows.instalments import Instalments
from getbill.imports.rows.reader import Line, RowReader
from getbill.kit import json
from getbill.kit.database import Statement, Transaction
from getbill.vault import Key

_CHUNK: Final = 500

_HAS_CORRECTIONS = Statement(
    "imports.any_correction",
    "Has a person corrected rows of this import?",
    "SELECT EXISTS (SELECT FROM import_corrections WHERE workspace_id = $1 AND import_id = $2)",
)
_BETWEEN = Statement(
    "imports.corrections_between",
    "The corrected rows between two lines.",
    "SELECT line, sealed FROM import_corrections WHERE workspace_id = $1 AND import_id = $2 AND line BETWEEN $3 AND $4",
)
_ACCEPTED = Statement(
    "imports.accepted",
    "Refused rows with findings whose suggestions a person accepted, each with what it was corrected to before.",
    """
    SELECT f.*, c.sealed AS corrected FROM import_findings f
    LEFT JOIN import_corrections c ON c.workspace_id = f.workspace_id AND c.import_id = f.import_id AND c.line = f.line
    WHERE f.workspace_id = $1 AND f.import_id = $2 AND f.line > $3 AND f.outcome = 'rejected' AND f.codes && $4::text[]
    ORDER BY f.line LIMIT $5
    """,
)
_WAITING = Statement(
    "imports.waiting_corrections",
    "Refused rows that a person corrected.",
    """
    SELECT f.*, c.sealed AS corrected FROM import_corrections c
    JOIN import_findings f ON f.workspace_id = c.workspace_id AND f.import_id = c.import_id AND f.line = c.line
    WHERE c.workspace_id = $1 AND c.import_id = $2 AND f.outcome = 'rejected' ORDER BY f.line LIMIT $3
    """,
)
_CORRECT = Statement(
    "imports.correct",
    "Keep a corrected row.",
    """
    INSERT INTO import_corrections (workspace_id, import_id, line, sealed) VALUES ($1, $2, $3, $4)
    ON CONFLICT (workspace_id, import_id, line) DO UPDATE SET sealed = excluded.sealed
    """,
)
_SETTLED = Statement(
    "imports.corrections_settled",
    "Some corrected rows are being settled: what was said of them, and their corrections, are done with.",
    """
    WITH done AS (DELETE FROM import_corrections c WHERE c.workspace_id = $1 AND c.import_id = $2 AND c.line = ANY($3)),
        people AS (DELETE FROM import_people p WHERE p.workspace_id = $1 AND p.import_id = $2 AND p.line = ANY($3))
    DELETE FROM import_findings f WHERE f.workspace_id = $1 AND f.import_id = $2 AND f.line = ANY($3)
    """,
)


async def has_corrections(work: ImportPass) -> bool:
    """Return whether the import has corrected rows."""
    exists: bool = await work.database.fetchval(_HAS_CORRECTIONS, *work.primary_key)
    return exists


async def corrected_cells(work: ImportPass, first: int, last: int) -> Mapping[int, Sequence[sheets.Cell]]:
    """Return the cells of the corrected rows between two lines."""
    rows = await work.database.fetch(_BETWEEN, *work.primary_key, first, last)
    return {
        row["line"]: findings.cells_in(_open_correction(work, row["line"], row["sealed"])) for row in rows
    }


def _open_correction(work: ImportPass, line: int, sealed: bytes) -> Any:
    return json.read(work.key.open(sealed, correction_context(work.import_.id, line)))


def save_correction(tx: Transaction, target: tuple[Workspace, UUID], key: Key, row: ImportRow) -> None:
    """Save a corrected row when the transaction is sent."""
    workspace, import_id = target
    content = findings.cells_out(row.cells) if row.cells is not None else row.body
    sealed = key.seal(json.write(content), correction_context(import_id, row.line))
    tx.defer(_CORRECT, workspace.id, import_id, row.line, sealed)
    people.index_row(tx, workspace, import_id, row)


def corrected_row(work_key: Key, import_id: UUID, record: Record) -> ImportRow:
    """Return a rejected row with its corrections so far."""
    row = findings.open_row(record, work_key)
    if record["corrected"] is not None:
        content = json.read(work_key.open(record["corrected"], correction_context(import_id, row.line)))
        if row.cells is not None:
            row.cells = findings.cells_in(content)
        else:
            row.body = content
    return row


def apply_suggestions(row: ImportRow, codes: frozenset[str]) -> bool:
    """Apply the suggestions of some finding codes to a row; return whether there was one."""
    is_changed = False
    for finding in row.findings:
        if finding.code not in codes or finding.suggestion is None:
            continue
        if row.cells is not None and finding.column is not None:
            put_cell(row, finding.column, finding.suggestion)
            is_changed = True
        elif row.cells is None and finding.pointer:
            put_field(row, finding.pointer, finding.suggestion)
            is_changed = True
    return is_changed


def put_cell(row: ImportRow, column: int, value: sheets.Cell) -> None:
    """Set a cell of a row."""
    cells = list(row.cells or ())
    cells[column] = value
    row.cells = cells


def put_field(row: ImportRow, pointer: str, value: Any) -> None:
    """Set a field of a batch's body."""
    body: dict[str, Any] = json.read(json.write(row.body))
    *parents, last = pointer.strip("/").split("/")
    inside = body
    for name in parents:
        if not isinstance(inside.get(name), dict):
            inside[name] = {}
        inside = inside[name]
    inside[last] = value
    row.body = body


async def accept_suggestions(work: ImportPass) -> None:
    """Correct every rejected row by the suggestions that a person accepted by code."""
    codes = frozenset(work.import_.accepts)
    last = -1
    while codes:
        async with work.database.transaction(work.workspace.now()) as tx:
            records = await tx.fetch(_ACCEPTED, *work.primary_key, last, list(codes), _CHUNK)
            for record in records:
                row = corrected_row(work.key, work.import_.id, record)
                if apply_suggestions(row, codes):
                    save_correction(tx, (work.workspace, work.import_.id), work.key, row)
        if len(records) < _CHUNK:
            return
        last = records[-1]["line"]


async def import_corrected(work: ImportPass, instalments: Instalments | None) -> None:
    """Create debts from the corrected rows; save findings for rows that are rejected again."""
    import_ = work.import_
    plan = reading_plan.open_plan(import_.plan, work.key, import_.id) if import_.plan is not None else None
    reader = RowReader(work.workspace, work.workspace.now().date(), plan)
    while True:
        records = await work.database.fetch(_WAITING, *work.primary_key, _CHUNK)
        if not records:
            return
        rows = [corrected_row(work.key, import_.id, record) for record in records]
        lines = [_read_line(reader, row) for row in rows]
        if instalments:
            instalments.apply(lines)
        reader.check(lines)
        await create.create_debts(work, lines, import_.cursor, drop_earlier=_SETTLED)


def _read_line(reader: RowReader, row: ImportRow) -> Line:
    if row.cells is None:
        return Line(row.line, row.index, None, row.body or {}, row.temp_id, is_sure=True)
    return reader.compose(sheets.Row(row.line, row.cells), row.index, is_sure=True)
