"""Storage of a checked batch: accepted rows for the worker, refused rows with their reasons."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from getbill import creditors, debts
from getbill.companies import Workspace
from getbill.debts import NewDebt
from getbill.imports import actions as imports
from getbill.imports import findings, moves, rows
from getbill.imports.actions import ImportDraft
from getbill.imports.batch.checks import CheckedBatch, Chunk, refused_row, rows_of, without_rows
from getbill.imports.findings import ImportRow
from getbill.imports.model import Import, ImportOptions, State, Task
from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import FieldError
from getbill.kit.messages import excerpt, message

_COUNT_REFUSED = Statement(
    "imports.count_refused",
    "Count the rows of a batch that were refused on receipt.",
    """
    UPDATE imports SET rejected = $3, rows_done = $3, ended_at = $4
    WHERE workspace_id = $1 AND id = $2
    """,
)

_AT_ONCE: Final = 100
_CREDITOR_FIELD: Final = b'"creditor_id"'


@dataclass(slots=True)
class StoredBatch:
    """A batch whose accepted rows are stored, before it becomes an import."""

    draft: ImportDraft
    checked_batch: CheckedBatch

    @property
    def accepted(self) -> int:
        """Number of accepted rows."""
        return self.checked_batch.total - len(self.checked_batch.refused_rows)


async def refuse_existing_references(
    database: Database, workspace: Workspace, checked_batch: CheckedBatch
) -> None:
    """Refuse rows whose reference belongs to a debt with other values; equal values mean the same debt."""
    for chunk in checked_batch.chunks:
        existing_debts = await debts.find_references(database, workspace.id, chunk.references)
        if existing_debts:
            _refuse_conflicts(workspace, checked_batch, chunk, existing_debts)


def _refuse_conflicts(
    workspace: Workspace, checked_batch: CheckedBatch, chunk: Chunk, existing_debts: dict[str, Any]
) -> None:
    # The rows are in the order of their references.
    rows = [
        row for row, name in zip(rows_of(chunk.rows), chunk.references, strict=True) if name in existing_debts
    ]
    conflicts: list[ImportRow] = []
    for (index, temp_id, body), new in zip(
        rows, debts.parse_bodies(workspace, [body for _, _, body in rows]), strict=True
    ):
        assert isinstance(new, NewDebt)  # noqa: S101 - it was accepted a moment ago
        debt_id, before = existing_debts[new.reference]
        if debts.fingerprint(workspace, new) != before:
            public_id = ids.show("debt", debt_id)
            detail = message(
                "The reference '{reference}' belongs to {debt}, which was created with other values.",
                reference=excerpt(new.reference),
                debt=public_id,
            )
            row = refused_row(index, temp_id, body, [FieldError("/reference", "reference-taken", detail)])
            row.debt_id = debt_id
            conflicts.append(row)
    _refuse(checked_batch, chunk, conflicts)


async def refuse_unknown_creditors(
    database: Database, workspace: Workspace, checked_batch: CheckedBatch
) -> None:
    """Refuse rows whose `creditor_id` names no creditor, or another one than their `company`."""
    for chunk in checked_batch.chunks:
        if _CREDITOR_FIELD not in chunk.rows:
            continue
        rows = [row for row in rows_of(chunk.rows) if row[2].get("creditor_id") is not None]
        bodies = debts.parse_bodies(workspace, [body for _, _, body in rows])
        choices = [new.creditor_choice for new in bodies if isinstance(new, NewDebt)]
        errors = await creditors.choice_errors(database, workspace, choices)
        _refuse(
            checked_batch,
            chunk,
            [
                refused_row(*row, [errors[choice]])
                for row, choice in zip(rows, choices, strict=True)
                if choice in errors
            ],
        )


def _refuse(checked_batch: CheckedBatch, chunk: Chunk, refused_rows: list[ImportRow]) -> None:
    """Move rows of a chunk to the refused ones."""
    if refused_rows:
        chunk.rows = without_rows(chunk.rows, [row.index for row in refused_rows])
        checked_batch.refused_rows += refused_rows
        checked_batch.refused_rows.sort(key=lambda row: row.index)


async def store_batch(
    database: Database, workspace: Workspace, options: ImportOptions, checked_batch: CheckedBatch
) -> StoredBatch:
    """Store the accepted rows of a batch, sealed; `finish_batch` makes them an import."""
    draft = await imports.begin_draft(database, workspace, options)
    assert draft is not None  # noqa: S101 - its id is new
    batch = StoredBatch(draft, checked_batch)
    try:
        for chunk in checked_batch.chunks:
            await draft.store_chunk(database, chunk.rows)
    except BaseException:
        await imports.drop_draft(database, draft)
        raise
    return batch


async def finish_batch(tx: Transaction, batch: StoredBatch) -> Import:
    """Turn a stored batch into an import for the worker, and store its refused rows."""
    checked_batch, draft = batch.checked_batch, batch.draft
    import_ = await imports.finish_draft(tx, draft, task=Task.IMPORT, rows_total=checked_batch.total)
    key = draft.workspace.vault.unwrap(import_.key, import_.workspace_id, import_.id) if import_.key else None
    assert key is not None  # noqa: S101 - an import's key goes only with the import
    for first in range(0, len(checked_batch.refused_rows), _AT_ONCE):
        refused_rows = checked_batch.refused_rows[first : first + _AT_ONCE]
        findings.write(tx, import_.workspace_id, import_.id, key, refused_rows)
        rows.index_rows(tx, draft.workspace, import_.id, refused_rows)
        # Other requests have waited for some milliseconds.
        await asyncio.sleep(0)
    await tx.execute(
        _COUNT_REFUSED,
        import_.workspace_id,
        import_.id,
        len(checked_batch.refused_rows),
        None if batch.accepted else clock.wall(),
    )
    return import_ if batch.accepted else await moves.move_import(tx, import_, State.COMPLETED)
