"""Failures of an import: a failing row is rejected with its reason, and the rest of the file continues.

Failing rows are found by trial: halves of a chunk are created in transactions that are rolled back. An import
that fails as a whole is quarantined.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from getbill import quarantine
from getbill.imports import due, findings
from getbill.imports.rows.reader import Line
from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import Message, counted, joined, message
from getbill.quarantine import Item

_log = structlog.get_logger(__name__)

_HOLD = Statement(
    "imports.hold_import",
    "Hold an import back from the workers.",
    "UPDATE imports SET lease_until = 'infinity' WHERE workspace_id = $1 AND id = $2 AND task IS NOT NULL",
)
_REQUEUE = Statement(
    "imports.requeue_import",
    "Requeue an import that was held, with all its attempts.",
    """
    UPDATE imports SET lease_until = NULL, crashes = 0 WHERE workspace_id = $1 AND id = $2 AND task IS NOT NULL
    RETURNING id
    """,
)


# Creates some rows in a transaction and rolls it back; raises only their failure.
Trial = Callable[[Sequence[Line]], Awaitable[None]]


class TrialRolledBack(Exception):
    """A trial succeeded, and its transaction is rolled back."""


async def refuse_failing(
    database: Database,
    primary_key: tuple[UUID, UUID],
    lines: Sequence[Line],
    trial: Trial,
) -> bool:
    """Reject the rows of an import that fail on their own in a trial; return whether there are any."""
    failed: list[Message] = []

    async def refuse(line: Line, error: Exception) -> None:
        reason = quarantine.reason_of(error)
        _log.error("import_row_failed", line=line.line, reason=reason, exc_info=quarantine.unexpected(error))
        line.new = None
        line.findings.append(findings.from_code("row-failed", {"why": reason}))
        failed.append(message("line {line}: {why}", line=line.line, why=reason))

    await quarantine.isolate_failures(lines, trial, refuse)
    if failed:
        await _quarantine_rows(database, primary_key, failed)
    return bool(failed)


async def _quarantine_rows(
    database: Database, primary_key: tuple[UUID, UUID], failed: Sequence[Message]
) -> None:
    """Quarantine the rows as one entry: the report of their import has each of them."""
    remainder = counted("And {count} more row.", "And {count} more rows.", count=len(failed) - 1)
    reason = joined([failed[0], remainder]) if len(failed) > 1 else failed[0]
    workspace_id, import_id = primary_key
    async with database.transaction(clock.wall()) as tx:
        await quarantine.add(tx, Item(workspace_id, "row", import_id), reason)


async def end_trial(database: Database, tx: Transaction) -> None:
    """Send the trial's statements, then raise TrialRolledBack; a failing statement raises its own error."""
    await database.before_commit(tx)
    await tx.send()
    raise TrialRolledBack


async def hold_import(database: Database, primary_key: tuple[UUID, UUID], error: Exception) -> None:
    """Quarantine an import that cannot be processed."""
    await database.execute(_HOLD, *primary_key)
    await quarantine.add_separately(database, Item(primary_key[0], "import", primary_key[1]), error)


async def requeue_import(tx: Transaction, workspace_id: UUID, import_id: UUID) -> bool:
    """Queue an import again; return whether it had a pending task."""
    due.note_imports(tx, workspace_id, clock.wall())
    return await tx.fetchval(_REQUEUE, workspace_id, import_id) is not None
