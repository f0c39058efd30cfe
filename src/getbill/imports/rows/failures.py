"""What fails of an import: a row is refused with its reason, and the rest of the file goes on; an import is set aside.

Which rows fail is found by trying: halves of a chunk are made in transactions that are taken back again.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from getbill import quarantine
from getbill.imports import findings
from getbill.imports.rows.reader import Line
from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import Message, counted, joined, message
from getbill.quarantine import Item

_log = structlog.get_logger(__name__)

_HOLD = Statement(
    "imports.hold",
    "Have nobody work on an import until it is put back.",
    "UPDATE imports SET leased_until = 'infinity' WHERE workspace_id = $1 AND id = $2 AND task IS NOT NULL",
)
_REQUEUE = Statement(
    "imports.put_back",
    "Have an import worked on again, with all its tries before it.",
    """
    UPDATE imports SET leased_until = NULL, tries = 0 WHERE workspace_id = $1 AND id = $2 AND task IS NOT NULL
    RETURNING id
    """,
)


# Makes some rows in a transaction and takes them back; raises only what fails.
Trial = Callable[[Sequence[Line]], Awaitable[None]]


class TrialRolledBack(Exception):
    """A trial went well; what it did is taken back."""


async def refuse_failing(
    database: Database,
    primary_key: tuple[UUID, UUID],
    lines: Sequence[Line],
    trial: Trial,
) -> bool:
    """Refuse the rows of an import that fail by themselves in a trial; tell whether there are any."""
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
    """Set the rows aside as one: the report of their import has each of them."""
    remainder = counted("And {count} more row.", "And {count} more rows.", count=len(failed) - 1)
    reason = joined([failed[0], remainder]) if len(failed) > 1 else failed[0]
    workspace_id, import_id = primary_key
    async with database.transaction(clock.wall()) as tx:
        await quarantine.add(tx, Item(workspace_id, "row", import_id), reason)


async def end_trial(database: Database, tx: Transaction) -> None:
    """End a trial: write what it would write, and take it back. Raises what fails, else TakenBack."""
    await database.edge(tx)
    await tx.send()
    raise TrialRolledBack


async def hold_import(database: Database, primary_key: tuple[UUID, UUID], error: Exception) -> None:
    """Set an import aside on which nobody can work."""
    await database.execute(_HOLD, *primary_key)
    await quarantine.add_separately(database, Item(primary_key[0], "import", primary_key[1]), error)


async def requeue_import(tx: Transaction, workspace_id: UUID, import_id: UUID) -> bool:
    """Have an import worked on again; tell whether there was anything left to do."""
    return await tx.fetchval(_REQUEUE, workspace_id, import_id) is not None
