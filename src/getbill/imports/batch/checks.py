"""Validation of a batch, in a separate process: parsing and checking 10,000 rows is too slow for a request.

This module reads no database and holds no key. Invariant: every row is accepted or refused, once.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from getbill import debts, vault
from getbill.companies import Company, OwnScenario, Workspace
from getbill.debts import NewDebt
from getbill.imports import findings
from getbill.imports.findings import ImportRow
from getbill.imports.model import CHUNK_ROWS
from getbill.kit import json
from getbill.kit.clock import WorkspaceClock
from getbill.kit.errors import BadRequest, FieldError, TooLarge, refusal
from getbill.kit.http import pointer, unknown_field
from getbill.kit.messages import message
from getbill.kit.text import names
from getbill.kit.validation import field_subject

ROWS_MAX: Final = 10_000
_NAME_MAX: Final = 200
_FIELDS: Final = frozenset({"debts", "batch_name", "accept_expensive_destination"})
_FLAG: Final = "accept_expensive_destination"


class TooManyRows(TooLarge):
    """The batch has more rows than one request allows."""

    code = "too-many-rows"
    title = message("The batch has too many rows")
    way_out = "Send batches of at most 10,000 rows, or upload the whole list as a file with POST /external-api/v1/imports."


@dataclass(frozen=True, slots=True)
class WorkspaceTerms:
    """The settings of a workspace that the checks need, without its keys."""

    id: UUID
    kind: str
    company: Company
    own_scenarios: dict[str, OwnScenario]
    clock: WorkspaceClock

    @classmethod
    def from_workspace(cls, workspace: Workspace) -> "WorkspaceTerms":
        """Return the terms of a workspace."""
        return cls(
            workspace.id, workspace.kind, workspace.company, dict(workspace.own_scenarios), workspace.clock
        )

    def workspace(self) -> Workspace:
        """Return a workspace with these terms and keys that decrypt nothing."""
        keys = vault.Vault([vault.Key.new()]), vault.Lookup(os.urandom(32))
        return Workspace(self.id, self.kind, self.company, self.clock, *keys, self.own_scenarios)


@dataclass(slots=True)
class Chunk:
    """Accepted rows as stored: JSON of `[[index, temp_id, body], ...]`, and the reference of each."""

    rows: bytes
    references: list[str]


@dataclass(slots=True)
class CheckedBatch:
    """The accepted and refused rows of a batch."""

    name: str | None
    total: int
    chunks: list[Chunk] = field(default_factory=list)
    refused_rows: list[ImportRow] = field(default_factory=list)


def check(body: bytes, terms: WorkspaceTerms) -> CheckedBatch:
    """Check every row of a batch; raise MalformedJson, Invalid or TooManyRows for the body as a whole."""
    batch = json.read(body)
    _check_envelope(batch)
    workspace, rows = terms.workspace(), batch["debts"]
    checked_batch = CheckedBatch((batch.get("batch_name") or "").strip() or None, len(rows))
    first_rows: dict[str, tuple[int, NewDebt]] = {}
    for first in range(0, len(rows), CHUNK_ROWS):
        parsed_rows = [
            _parse_row(first + number, row, batch)
            for number, row in enumerate(rows[first : first + CHUNK_ROWS])
        ]
        outcomes = debts.parse_bodies(workspace, [row.body for row in parsed_rows])
        accepted: list[list[Any]] = []
        references = []
        for row, outcome in zip(parsed_rows, outcomes, strict=True):
            errors = row.errors(outcome, first_rows)
            if isinstance(outcome, NewDebt) and not errors:
                accepted.append([row.index, row.temp_id, row.body])
                references.append(outcome.reference)
            else:
                checked_batch.refused_rows.append(
                    refused_row(row.index, row.temp_id, rows[row.index], errors)
                )
        if accepted:
            checked_batch.chunks.append(Chunk(json.write(accepted), references))
    return checked_batch


def refused_row(index: int, temp_id: str | int | None, row: Any, errors: Iterable[FieldError]) -> ImportRow:
    """Return a rejected row with every reason, worded for its sender."""
    body = row if isinstance(row, dict) else None
    return ImportRow(
        index,
        index,
        "rejected",
        [findings.from_error(error, body) for error in errors],
        temp_id=temp_id,
        reference=findings.reference_of(body),
        body=body,
    )


def _check_envelope(batch: Any) -> None:
    if not isinstance(batch, dict):
        raise BadRequest(message('A batch must be a JSON object: {"debts": [...]}.'))
    errors = [unknown_field(pointer((name,)), name) for name in batch.keys() - _FIELDS]
    rows, name, flag = batch.get("debts"), batch.get("batch_name"), batch.get(_FLAG)
    if not isinstance(rows, list) or not rows:
        errors.append(
            FieldError(
                "/debts",
                "missing",
                message("{subject} is required: a list of debts.", subject=field_subject(("debts",))),
            )
        )
    if not (name is None or (isinstance(name, str) and len(name) <= _NAME_MAX)):
        errors.append(
            FieldError(
                "/batch_name",
                "text",
                message("A name must be a string of at most {most} characters.", most=_NAME_MAX),
            )
        )
    elif hidden := names.hidden_in((name or "").strip()):
        errors.append(FieldError("/batch_name", "characters", names.hidden_character_message(hidden)))
    if not (flag is None or isinstance(flag, bool)):
        errors.append(
            FieldError(
                f"/{_FLAG}",
                "not-true-or-false",
                message("{subject} must be true or false.", subject=field_subject((_FLAG,))),
            )
        )
    if errors:
        raise refusal(sorted(errors, key=lambda error: error.pointer))
    if isinstance(rows, list) and len(rows) > ROWS_MAX:
        raise TooManyRows(
            message(
                "The batch has {rows} rows; a request may have at most {rows_max}.",
                rows=len(rows),
                rows_max=ROWS_MAX,
            ),
            extra={"rows_max": ROWS_MAX},
        )


@dataclass(frozen=True, slots=True)
class _ParsedRow:
    index: int
    temp_id: str | int | None
    body: Any
    field_errors: list[FieldError]

    def errors(
        self, outcome: NewDebt | list[FieldError], first_rows: dict[str, tuple[int, NewDebt]]
    ) -> list[FieldError]:
        """Return every error of a row; of rows with the same reference, the first is accepted."""
        if not isinstance(outcome, NewDebt):
            return [*outcome, *self.field_errors]
        first, first_debt = first_rows.setdefault(outcome.reference, (self.index, outcome))
        if first_debt == outcome:
            return self.field_errors
        detail = message("Row {row} of this batch has the same reference but other values.", row=first)
        return [*self.field_errors, FieldError("/reference", "duplicate-reference", detail)]


def _parse_row(index: int, row: Any, batch: dict[str, Any]) -> _ParsedRow:
    if not isinstance(row, dict):
        return _ParsedRow(index, None, row, [])
    body = dict(row)
    temp_id = body.pop("temp_id", None)
    if batch.get(_FLAG) is not None:
        body.setdefault(_FLAG, batch[_FLAG])
    if temp_id is None or (isinstance(temp_id, str) and len(temp_id) <= _NAME_MAX):
        return _ParsedRow(index, temp_id, body, [])
    if isinstance(temp_id, int) and not isinstance(temp_id, bool):
        return _ParsedRow(index, temp_id, body, [])
    error = FieldError(
        "/temp_id",
        "text",
        message("A temp_id must be a string of at most {most} characters, or an integer.", most=_NAME_MAX),
    )
    return _ParsedRow(index, None, body, [error])


def rows_of(chunk: bytes) -> Iterator[tuple[int, str | int | None, dict[str, Any]]]:
    """Yield the index, `temp_id` and body of each row of a chunk."""
    yield from json.read(chunk)


def without_rows(chunk: bytes, indexes: Sequence[int]) -> bytes:
    """Return a chunk without some of its rows."""
    dropped_indexes = frozenset(indexes)
    return json.write([list(row) for row in rows_of(chunk) if row[0] not in dropped_indexes])
