"""Taking in a batch that was checked: what is accepted is stored for the worker, what is refused is kept with its reasons."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from getbill import debts
from getbill.companies import Workspace
from getbill.debts import NewDebt
from getbill.imports import actions as imports
from getbill.imports import findings, rows
from getbill.imports.actions import Draft
from getbill.imports.batch.checks import Checked, Chunk, refused, rows_of, without
from getbill.imports.findings import Row
from getbill.imports.model import Import, Wanted
from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import FieldError
from getbill.kit.messages import excerpt, message

_TAKE_IN = Statement(
    "imports.take_in_batch",
    "A batch was checked when it came: so many of its rows are settled already, as refused.",
    """
    UPDATE imports SET rejected = $3, rows_done = $3, state = CASE WHEN $4 THEN 'importing' ELSE 'completed' END,
        task = CASE WHEN $4 THEN 'import' END, ended_at = CASE WHEN $4 THEN NULL ELSE $5::timestamptz END
    WHERE workspace_id = $1 AND id = $2
    """,
)

_AT_ONCE: Final = 100


@dataclass(slots=True)
class Taken:
    """A batch with its accepted rows stored, and not yet an import."""

    draft: Draft
    checked: Checked

    @property
    def accepted(self) -> int:
        """How many rows are accepted."""
        return self.checked.total - len(self.checked.refused)


async def refuse_taken(database: Database, workspace: Workspace, checked: Checked) -> None:
    """Refuse rows whose reference belongs to a debt made from other values; the same values are the same debt."""
    for chunk in checked.chunks:
        taken = await debts.taken(database, workspace.id, chunk.references)
        if taken:
            _refuse_others(workspace, checked, chunk, taken)


def _refuse_others(workspace: Workspace, checked: Checked, chunk: Chunk, taken: dict[str, Any]) -> None:
    # The rows stand in the order of their references.
    rows = [row for row, name in zip(rows_of(chunk.rows), chunk.references, strict=True) if name in taken]
    others: list[Row] = []
    for (index, temp_id, body), new in zip(
        rows, debts.read_many(workspace, [body for _, _, body in rows]), strict=True
    ):
        assert isinstance(new, NewDebt)  # noqa: S101 - it was accepted a moment ago
        debt_id, before = taken[new.reference]
        if debts.fingerprint(workspace, new) != before:
            shown = ids.show("debt", debt_id)
            detail = message(
                "The reference '{reference}' belongs to {debt}, made from other values.",
                reference=excerpt(new.reference),
                debt=shown,
            )
            row = refused(index, temp_id, body, [FieldError("/reference", "reference-taken", detail)])
            row.debt_id = debt_id
            others.append(row)
    if others:
        chunk.rows = without(chunk.rows, [one.index for one in others])
        checked.refused += others
        checked.refused.sort(key=lambda one: one.index)


async def store(database: Database, workspace: Workspace, wanted: Wanted, checked: Checked) -> Taken:
    """Store the accepted rows of a batch, sealed; they are nothing until `settle` makes them an import."""
    draft = await imports.begin(database, workspace, wanted)
    assert draft is not None  # noqa: S101 - its id is new
    taken = Taken(draft, checked)
    try:
        for chunk in checked.chunks:
            await draft.put(database, chunk.rows)
    except BaseException:
        await imports.drop(database, draft)
        raise
    return taken


async def settle(tx: Transaction, taken: Taken) -> Import:
    """Make a stored batch an import that the worker goes on with, and keep what was refused."""
    checked, draft = taken.checked, taken.draft
    made = await imports.finish(tx, draft, task="import", rows_total=checked.total)
    key = draft.workspace.vault.unwrap(made.key, made.workspace_id, made.id) if made.key else None
    assert key is not None  # noqa: S101 - an import's key goes only with the import
    for first in range(0, len(checked.refused), _AT_ONCE):
        some = checked.refused[first : first + _AT_ONCE]
        findings.write(tx, made.workspace_id, made.id, key, some)
        rows.keep_rows(tx, draft.workspace, made.id, some)
        # Others have waited for some milliseconds.
        await asyncio.sleep(0)
    await tx.execute(
        _TAKE_IN, made.workspace_id, made.id, len(checked.refused), taken.accepted > 0, clock.wall()
    )
    return made
