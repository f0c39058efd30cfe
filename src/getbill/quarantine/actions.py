"""Quarantining of failed items, their retry, and their removal once they succeeded."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from getbill import todos
from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction, is_transient
from getbill.kit.messages import Message, message
from getbill.quarantine.model import (
    INSTALLATION,
    Item,
    Kind,
    QuarantineEntry,
    cause_of,
    public_id_of,
    reason_of,
    retry_delays,
    unexpected,
)

_log = structlog.get_logger(__name__)

TODO: Final = "set_aside"
# An item that was retried this long ago without failing again has succeeded.
_PROVEN: Final = timedelta(minutes=15)

_UPSERT = Statement(
    "quarantine.upsert_item",
    "Quarantine an item, or record that it failed again.",
    """
    INSERT INTO quarantine AS q (workspace_id, id, kind, subject_id, debt_id, reason, since, failed_at, next_try_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7::timestamptz + make_interval(secs => ($8::float8[])[1]))
    ON CONFLICT (workspace_id, kind, subject_id) DO UPDATE SET reason = excluded.reason, tries = q.tries + 1,
        failed_at = excluded.failed_at, retried_at = NULL,
        next_try_at = excluded.failed_at + make_interval(secs => ($8::float8[])[q.tries + 1])
    RETURNING id
    """,
)
_RETRIED = Statement(
    "quarantine.mark_retried",
    "Mark an item as retried.",
    "UPDATE quarantine SET retried_at = $3, next_try_at = NULL WHERE workspace_id = $1 AND id = $2",
)
_DELETE = Statement(
    "quarantine.delete_by_subject",
    "Delete the item of a subject.",
    "DELETE FROM quarantine WHERE workspace_id = $1 AND kind = $2 AND subject_id = $3 RETURNING id, reason",
)
_DISMISS = Statement(
    "quarantine.dismiss_item",
    "Delete an item that a person dismissed.",
    "DELETE FROM quarantine WHERE workspace_id = $1 AND id = $2",
)
_RECOVERED = Statement(
    "quarantine.list_recovered",
    "Items that have not failed again for some time after a retry.",
    "SELECT * FROM quarantine WHERE retried_at < $1 LIMIT 500",
)
_ERASE = Statement(
    "quarantine.erase_items",
    "Delete the items of an erased debt.",
    "DELETE FROM quarantine WHERE workspace_id = $1 AND debt_id = $2 RETURNING reason",
)
_HAS_REASON = Statement(
    "quarantine.has_reason",
    "Whether an item with this reason is left.",
    "SELECT EXISTS (SELECT FROM quarantine WHERE workspace_id = $1 AND reason = $2)",
)
_ALL_RETRIED = Statement(
    "quarantine.mark_all_retried",
    "Mark all items with a reason as retried.",
    """
    UPDATE quarantine SET retried_at = $4, next_try_at = NULL
    WHERE workspace_id = $1 AND kind = $2 AND reason = $3 AND retried_at IS NULL
    """,
)


async def add(tx: Transaction, item: Item, reason: Message, *, is_shared: bool = False) -> None:
    """Quarantine an item with its reason, and create a todo in its workspace.

    A reason shared with other items, such as their common template, has one todo.
    """
    row_id = await tx.fetchval(
        _UPSERT,
        item.workspace_id,
        ids.new(),
        item.kind,
        item.subject_id,
        item.debt_id,
        str(reason),
        clock.wall(),
        retry_delays(item.kind),
    )
    if is_shared:
        create_shared_todo(tx, item.workspace_id, reason)
    elif item.workspace_id != INSTALLATION:
        question = message("{kind} {id}: {why}", kind=item.kind, id=public_id_of(item), why=reason)
        todos.create(tx, item.workspace_id, TODO, row_id, item.debt_id, reason=question)


def create_shared_todo(tx: Transaction, workspace_id: UUID, reason: Message) -> None:
    """Create the todo for all items that failed for one reason, unless it is open already."""
    todos.create(tx, workspace_id, TODO, cause_of(workspace_id, str(reason)), None, reason=reason)


async def add_separately(database: Database, item: Item, error: BaseException) -> None:
    """Quarantine an item in a transaction of its own.

    The reason is logged, with the traceback if the reason alone is not enough.
    """
    reason = reason_of(error)
    _log.error(
        "item_quarantined",
        kind=item.kind,
        subject=str(item.subject_id),
        reason=reason,
        exc_info=unexpected(error),
    )
    async with database.transaction(clock.wall()) as tx:
        await add(tx, item, reason)


async def mark_retried(tx: Transaction, entry: QuarantineEntry) -> None:
    """Mark an item as retried; it is removed unless it fails again."""
    await tx.execute(_RETRIED, entry.workspace_id, entry.id, clock.wall())


async def mark_all_retried(tx: Transaction, workspace_id: UUID, kind: Kind, reason: str) -> None:
    """Mark all items of a kind that failed for a reason as retried."""
    await tx.execute(_ALL_RETRIED, workspace_id, kind, reason, clock.wall())


async def dismiss(tx: Transaction, entry: QuarantineEntry) -> None:
    """Remove an item that a person decided to leave as it is."""
    await tx.execute(_DISMISS, entry.workspace_id, entry.id)


async def resolve(tx: Transaction, item: Item) -> bool:
    """Remove an item that succeeded, with its todo; return whether it was quarantined."""
    row = await tx.fetchrow(_DELETE, item.workspace_id, item.kind, item.subject_id)
    if row is not None and item.workspace_id != INSTALLATION:
        todos.withdraw(tx, item.workspace_id, TODO, row["id"])
        await _withdraw_shared(tx, item.workspace_id, row["reason"])
    return row is not None


async def resolve_separately(database: Database, item: Item) -> None:
    """Resolve an item in a transaction of its own; one that cannot be resolved is logged and stays."""
    try:
        async with database.transaction(clock.wall()) as tx:
            await resolve(tx, item)
    except Exception as error:
        if is_transient(error):
            raise
        _log.error("item_not_resolved", kind=item.kind, subject=str(item.subject_id), exc_info=error)


async def _withdraw_shared(tx: Transaction, workspace_id: UUID, reason: str) -> None:
    """Withdraw the todo shared by all items that failed for a reason, once none of them is left."""
    if not await tx.fetchval(_HAS_REASON, workspace_id, reason):
        todos.withdraw(tx, workspace_id, TODO, cause_of(workspace_id, reason))


async def remove_proven(database: Database) -> int:
    """Remove the retried items that succeeded, and return their number."""
    rows = await database.fetch(_RECOVERED, clock.wall() - _PROVEN)
    for row in rows:
        await resolve_separately(database, QuarantineEntry.from_row(row).item)
    return len(rows)


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Remove the items of an erased debt."""
    for row in await tx.fetch(_ERASE, workspace_id, debt_id):
        await _withdraw_shared(tx, workspace_id, row["reason"])
