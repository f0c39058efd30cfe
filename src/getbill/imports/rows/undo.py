"""Undoing an import: every debt it created is archived and frees its reference.

A debt that was contacted about, paid or moved on since stays and is listed with the reason. Changes to
existing debts are restored in the same way (`restore`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from getbill import debts, quarantine
from getbill.companies import Workspace
from getbill.debts import Debt
from getbill.imports import findings
from getbill.imports.model import LeaseLost
from getbill.imports.rows.create import ImportPass
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import message
from getbill.quarantine import Item

_CHUNK: Final = 200
# The statuses of an imported debt that nobody has worked on since.
_UNMOVED: Final = frozenset({debts.Status.PENDING, debts.Status.ON_HOLD})

# A contact that began to leave may have reached its debtor, whatever its status.
_LEFT = """
    EXISTS (SELECT FROM contacts c WHERE c.workspace_id = $1 AND c.debt_id = d.id
            AND c.state IN ('sending', 'accepted', 'unknown', 'delivered', 'bounced', 'answered'))
    """
_NEXT = Statement(
    "imports.list_debts_to_undo",
    "Next debts of an import to undo, from a line on.",
    """
    SELECT d.id, d.import_line FROM debts d
    WHERE d.workspace_id = $1 AND d.import_id = $2 AND d.import_line > $3 AND d.erased_at IS NULL
      AND d.undone_at IS NULL
    ORDER BY d.import_line LIMIT $4
    """,
)
_CONTACTED = Statement(
    "imports.find_contacted",
    "Those of these debts with a contact that was or is being sent.",
    f"SELECT d.id FROM debts d WHERE d.workspace_id = $1 AND d.id = ANY($2) AND {_LEFT}",
)
_ADVANCE = Statement(
    "imports.advance_undo",
    "Advance the undo of an import, if its fence still holds.",
    """
    UPDATE imports SET cursor = $4, undone = undone + $5, kept = kept + $6, crashes = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND task = 'undo'
    RETURNING id
    """,
)
_KEPT_DEBTS = Statement(
    "imports.list_kept_debts",
    "Debts that an undo kept, with the reason.",
    f"""
    SELECT d.id, d.reference, d.import_line AS line, d.status, d.entries_count, d.contacts_count, {_LEFT} AS has_left
    FROM debts d
    WHERE d.workspace_id = $1 AND d.import_id = $2 AND d.undone_at IS NULL AND d.erased_at IS NULL
    ORDER BY d.import_line LIMIT $3
    """,
)
_KEPT_CHANGES = Statement(
    "imports.list_kept_changes",
    "Changes that an undo kept, with the reason.",
    """
    SELECT c.line, c.kept AS code, d.id, d.reference, d.status
    FROM import_changes c JOIN debts d ON d.workspace_id = c.workspace_id AND d.id = c.debt_id
    WHERE c.workspace_id = $1 AND c.import_id = $2 AND c.kept IS NOT NULL ORDER BY c.line LIMIT $3
    """,
)


@dataclass(frozen=True, slots=True)
class UndoLeftover:
    """A debt that the undo kept, with the reason."""

    debt_id: UUID
    line: int
    reference: str | None
    code: str
    facts: Mapping[str, Any]

    def serialize(self, language: str) -> dict[str, Any]:
        """Return the leftover as the API shows it."""
        return {
            "debt_id": ids.show("debt", self.debt_id),
            "line": self.line,
            "reference": self.reference,
            "code": self.code,
            "message": findings.message_of(self.code, self.facts).translated(language),
        }


async def undo_debts(work: ImportPass) -> None:
    """Undo every debt of an import without later activity; a debt that fails to undo stays."""
    line, limit = work.import_.cursor, _CHUNK
    while True:
        try:
            last = await _undo_chunk(work, line, limit)
        except Exception as error:
            if isinstance(error, LeaseLost) or quarantine.is_transient(error):
                raise
            if limit == 1:
                line = await _skip_debt(work, line, error)
            limit = max(1, limit // 4)
        else:
            if last is None:
                return
            line, limit = last, min(_CHUNK, limit * 2)


async def _undo_chunk(work: ImportPass, line: int, limit: int) -> int | None:
    """Undo the next debts after a line; return the last debt's line, None where there was none."""
    async with work.database.transaction(work.workspace.now()) as tx:
        rows = await tx.fetch(_NEXT, *work.primary_key, line, limit)
        if not rows:
            return None
        locked_debts = await debts.lock_many(tx, work.workspace, [row["id"] for row in rows])
        contacted_ids = {
            row["id"] for row in await tx.fetch(_CONTACTED, work.workspace.id, list(locked_debts))
        }
        undone_count = 0
        for debt in locked_debts.values():
            if undo_obstacle(debt, has_left=debt.id in contacted_ids) is None:
                debts.undo(tx, debt)
                undone_count += 1
        await _advance(tx, work, rows[-1]["import_line"], undone_count, len(locked_debts) - undone_count)
    return int(rows[-1]["import_line"])


async def _skip_debt(work: ImportPass, line: int, error: Exception) -> int:
    """Keep the next debt after a line and quarantine it; return its line."""
    async with work.database.transaction(work.workspace.now()) as tx:
        row = await tx.fetchrow(_NEXT, *work.primary_key, line, 1)
        assert row is not None  # noqa: S101 - it has just failed
        await _advance(tx, work, row["import_line"], 0, 1)
        reason = message(
            "line {line} stays: {reason}", line=row["import_line"], reason=quarantine.reason_of(error)
        )
        await quarantine.add(tx, Item(work.workspace.id, "row", work.import_.id), reason)
    return int(row["import_line"])


async def _advance(tx: Transaction, work: ImportPass, line: int, undone_count: int, kept_count: int) -> None:
    if (
        await tx.fetchval(_ADVANCE, *work.primary_key, work.import_.fence, line, undone_count, kept_count)
        is None
    ):
        raise LeaseLost


def undo_obstacle(debt: Debt, *, has_left: bool) -> tuple[str, Mapping[str, Any]] | None:
    """Return the code and facts of what prevents undoing a debt; None where nothing does."""
    return _obstacle(debt.status, debt.entries_count, has_left or debt.contacts_count > 0)


def _obstacle(status: str, entries_count: int, is_contacted: bool) -> tuple[str, Mapping[str, Any]] | None:
    if is_contacted:
        return "contacted", {}
    if entries_count:
        return "money-moved", {}
    if status not in _UNMOVED:
        return "moved-on", {"status": status}
    return None


async def list_leftovers(
    database: Database, workspace: Workspace, import_id: UUID, limit: int
) -> list[UndoLeftover]:
    """Return what the undo of an import kept, debts and then changes, each with the reason."""
    rows = await database.fetch(_KEPT_DEBTS, workspace.id, import_id, limit)
    leftovers = []
    for row in rows:
        reason = _obstacle(row["status"], row["entries_count"], row["has_left"] or row["contacts_count"] > 0)
        if reason is not None:
            leftovers.append(UndoLeftover(row["id"], row["line"], row["reference"], *reason))
    for row in await database.fetch(_KEPT_CHANGES, workspace.id, import_id, limit):
        facts = {"debt": ids.show("debt", row["id"]), "status": row["status"]}
        leftovers.append(UndoLeftover(row["id"], row["line"], row["reference"], row["code"], facts))
    return leftovers[:limit]
