"""Findings: messages about a row of an import, with the line as its sender sees it and a correction.

A rejected row has exactly one entry, which names all of its errors and keeps the row itself, so that it can
be corrected here or exported. Messages are stored in French and in English, sealed with the import's key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from asyncpg import Record

from getbill import mapping, sheets
from getbill.imports.findings import messages, suggestions
from getbill.imports.model import finding_context
from getbill.kit import ids, json, validation
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError
from getbill.kit.messages import locale_of
from getbill.vault import Key

# Codes of body validation beside those of the field types.
_OF_BODIES: Final = frozenset(
    {
        "before-invoice",
        "birthdate",
        "characters",
        "disagrees",
        "duplicate-reference",
        "expensive-destination",
        "has-money",
        "has-promise",
        "missing",
        "phone",
        "reference-taken",
        "required",
        "third-party-only",
        "too-large",
        "too-many-decimals",
        "twice",
        "unknown",
        "unknown-field",
    }
)
# Every code that a finding can have.
CODES: Final = (
    validation.CODES
    | _OF_BODIES
    | frozenset(messages.codes())
    | frozenset(code.replace("_", "-") for code in mapping.codes())
)

Severity = Literal["error", "warning"]
RowOutcome = Literal["rejected", "skipped", "warned"]

_VALUE_CHARACTERS_MAX: Final = 200

_INSERT = Statement(
    "imports.insert_finding",
    "Insert the findings of a row.",
    """
    INSERT INTO import_findings (workspace_id, import_id, line, index, outcome, codes, sealed, debt_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """,
)


@dataclass(slots=True)
class Finding:
    """One message about a row; `column` is the cell's index, `pointer` the field of a body."""

    code: str
    en: str
    fr: str
    column: int | None = None
    header: str | None = None
    pointer: str | None = None
    value: Any = None
    suggestion: Any = None
    severity: Severity = "error"

    def message(self, language: str) -> str:
        """Return the message in French (`fr`) or English."""
        return self.fr if locale_of(language) == "fr" else self.en


@dataclass(slots=True)
class ImportRow:
    """A row with findings: its line, its outcome, and the row itself."""

    line: int
    index: int
    outcome: RowOutcome
    findings: list[Finding]
    temp_id: Any = None
    reference: str | None = None
    # For a file, the cells as read; for a batch, the body.
    cells: Sequence[sheets.Cell] | None = None
    body: Mapping[str, Any] | None = None
    debt_id: UUID | None = None
    # A value that a person corrected is not doubted again.
    is_sure: bool = False
    # The body parsed from the row, kept while the row is processed.
    parsed_body: Mapping[str, Any] | None = None


def from_cell(cell_finding: mapping.CellFinding, headers: Mapping[int, str]) -> Finding:
    """Return a cell reader's message as a finding."""
    detail = cell_finding.message
    return Finding(
        cell_finding.code.replace("_", "-"),
        str(detail),
        detail.translated("fr"),
        column=cell_finding.column,
        header=None if cell_finding.column is None else headers.get(cell_finding.column),
        value=_clip_value(cell_finding.value),
        suggestion=cell_finding.suggestion,
        severity="warning" if cell_finding.is_warning else "error",
    )


def from_error(error: FieldError, raw: Mapping[str, Any] | None = None, *, is_cell: bool = False) -> Finding:
    """Return a body validation error as a finding, with the submitted value.

    A cell's suggestion is text, as cells are written; a body's suggestion has the type of its field.
    """
    value = _value_at(raw, error.pointer)
    suggestion = suggestions.suggest_value(error, value, raw)
    detail = messages.name_field(error.pointer, error.detail) if is_cell else error.detail
    return Finding(
        error.code,
        str(detail),
        detail.translated("fr"),
        pointer=error.pointer,
        value=_clip_value(value),
        suggestion=str(suggestion) if is_cell and suggestion is not None else suggestion,
    )


def from_code(code: str, facts: Mapping[str, Any] | None = None, **members: Any) -> Finding:
    """Return a finding with an import code."""
    detail = messages.message_of(code, facts or {})
    return Finding(code, str(detail), detail.translated("fr"), **members)


def reference_of(body: Any) -> str | None:
    """Return the reference in a body, whatever its other errors."""
    if not isinstance(body, Mapping):
        return None
    reference = body.get("reference", body.get("internal_id"))
    if (
        isinstance(reference, bool)
        or not isinstance(reference, str | int | Decimal)
        or not str(reference).strip()
    ):
        return None
    return str(reference).strip()[:_VALUE_CHARACTERS_MAX]


def _value_at(raw: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        raw = raw.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(raw, Mapping) else None
    return raw


def _clip_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | dict):
        text = json.write(value).decode()
    else:
        text = value.isoformat() if isinstance(value, date) else str(value)
    return text[:_VALUE_CHARACTERS_MAX]


def write(tx: Transaction, workspace_id: UUID, import_id: UUID, key: Key, rows: Iterable[ImportRow]) -> None:
    """Save the findings of some rows when the transaction is sent."""
    for row in rows:
        codes = sorted({finding.code for finding in row.findings})
        sealed = seal_row(import_id, key, row)
        tx.defer(
            _INSERT, workspace_id, import_id, row.line, row.index, row.outcome, codes, sealed, row.debt_id
        )


def seal_row(import_id: UUID, key: Key, row: ImportRow) -> bytes:
    """Return a row with its findings, sealed for its line."""
    content = {
        "findings": [_finding_json(finding) for finding in row.findings],
        "temp_id": row.temp_id,
        "reference": row.reference,
        "cells": None if row.cells is None else cells_out(row.cells),
        "body": row.body,
        "is_sure": row.is_sure,
    }
    return key.seal(json.write(content), finding_context(import_id, row.line))


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {name: value for name, value in asdict(finding).items() if value is not None}


def cells_out(cells: Sequence[sheets.Cell]) -> list[Any]:
    """Return cells in a form that JSON can store: it has no dates, so a list of one text stands for them."""
    return [[cell.isoformat()] if isinstance(cell, date) else cell for cell in cells]


def cells_in(stored: Sequence[Any]) -> list[sheets.Cell]:
    """Return cells written by `cells_out`."""
    return [_read_cell(cell) for cell in stored]


def open_row(row: Record, key: Key) -> ImportRow:
    """Return a decrypted row of `import_findings`."""
    content = json.read(key.open(row["sealed"], finding_context(row["import_id"], row["line"])))
    cells = content["cells"]
    return ImportRow(
        line=row["line"],
        index=row["index"],
        outcome=row["outcome"],
        findings=[Finding(**finding) for finding in content["findings"]],
        temp_id=content["temp_id"],
        # Rows stored by an earlier version have the reference in their body only.
        reference=content.get("reference") or reference_of(content["body"]),
        cells=None if cells is None else cells_in(cells),
        body=content["body"],
        debt_id=row["debt_id"],
        is_sure=content["is_sure"],
    )


def _read_cell(cell: Any) -> sheets.Cell:
    if isinstance(cell, list):
        text: str = cell[0]
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    if isinstance(cell, Decimal):
        return float(cell)
    cell_value: sheets.Cell = cell
    return cell_value


def serialize_row(row: ImportRow, language: str) -> list[dict[str, Any]]:
    """Return a row's findings as the API shows them."""
    return [
        {
            "line": row.line,
            "index": row.index,
            "temp_id": row.temp_id,
            "reference": row.reference,
            "column": finding.header
            or (finding.pointer if finding.column is None else sheets.letter(finding.column)),
            "letter": None if finding.column is None else sheets.letter(finding.column),
            "value": finding.value,
            "code": finding.code,
            "severity": finding.severity,
            "message": finding.message(language),
            "suggestion": finding.suggestion,
            "outcome": row.outcome,
            "debt_id": ids.show("debt", row.debt_id) if row.debt_id else None,
        }
        for finding in row.findings
    ]
