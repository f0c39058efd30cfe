"""Creation, decision and withdrawal of todos, and their deletion for an erased debt."""

from uuid import UUID

from getbill.kit import ids
from getbill.kit.database import Statement, Transaction
from getbill.kit.messages import Message, message
from getbill.kit.money import Money
from getbill.todos.model import KINDS, OBSOLETE, Todo, TodoDecided

_ASK = Statement(
    "todos.insert_todo",
    "Insert a todo; an open one is kept, with its amount as it is now.",
    """
    INSERT INTO todos (workspace_id, id, type, subject_id, debt_id, created_at, reason, reason_fr, minor, currency)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (workspace_id, type, subject_id) WHERE decided_at IS NULL
    DO UPDATE SET minor = excluded.minor, reason = excluded.reason, reason_fr = excluded.reason_fr
    WHERE excluded.minor IS NOT NULL
    """,
)
_CLOSE = Statement(
    "todos.close_todo",
    "Close an open todo with a decision.",
    """
    UPDATE todos SET decided_at = $3, decision = $4, decided_by = $5
    WHERE workspace_id = $1 AND id = $2 AND decided_at IS NULL
    RETURNING *
    """,
)
_WITHDRAW = Statement(
    "todos.withdraw_todo",
    "Close an open todo that is obsolete.",
    f"""
    UPDATE todos SET decided_at = $4, decision = '{OBSOLETE}'
    WHERE workspace_id = $1 AND type = $2 AND subject_id = $3 AND decided_at IS NULL
    """,
)
_SET_AMOUNT = Statement(
    "todos.update_amount",
    "Update the amount of an open todo.",
    """
    UPDATE todos SET minor = $4, reason = $5, reason_fr = $6
    WHERE workspace_id = $1 AND type = $2 AND subject_id = $3 AND decided_at IS NULL
    """,
)
_ERASE = Statement(
    "todos.delete_todos",
    "Delete the todos about an erased debt.",
    "DELETE FROM todos WHERE workspace_id = $1 AND debt_id = $2",
)


def create(
    tx: Transaction,
    workspace_id: UUID,
    type_: str,
    subject_id: UUID,
    debt_id: UUID | None,
    *,
    reason: Message | None = None,
) -> None:
    """Create a todo before the commit, unless the same one is open already."""
    assert type_ in KINDS, type_  # noqa: S101 - a todo of an unknown type could not be decided
    # Stored in its current wording: it stays readable if a later version changes it.
    reasons = (str(reason), reason.translated("fr")) if reason is not None else (None, None)
    tx.defer(_ASK, workspace_id, ids.new(), type_, subject_id, debt_id, tx.now, *reasons, None, None)


def ask_about_amount(
    tx: Transaction, workspace_id: UUID, type_: str, debt_id: UUID, amount: Money, reason: Message
) -> None:
    """Create a todo about an amount of a debt before the commit; an open one gets this amount."""
    reasons = str(reason), reason.translated("fr")
    about = type_, debt_id, debt_id
    tx.defer(_ASK, workspace_id, ids.new(), *about, tx.now, *reasons, amount.minor, amount.currency)


def change_amount(
    tx: Transaction, workspace_id: UUID, type_: str, subject_id: UUID, amount: Money, reason: Message
) -> None:
    """Change the amount of a todo that is still open, before the commit."""
    reasons = str(reason), reason.translated("fr")
    tx.defer(_SET_AMOUNT, workspace_id, type_, subject_id, amount.minor, *reasons)


def ask_again(tx: Transaction, todo: Todo) -> None:
    """Create a todo again whose decision covered only a part of its subject."""
    about = (todo.workspace_id, ids.new(), todo.type, todo.subject_id, todo.debt_id)
    tx.defer(_ASK, *about, tx.now, todo.reason, todo.reason_fr, todo.minor, todo.currency)


async def close(tx: Transaction, todo: Todo, decision: str, by: str) -> Todo:
    """Record a decision; raise TodoDecided if the todo is no longer open.

    The todo's debt is locked first.
    """
    row = await tx.fetchrow(_CLOSE, todo.workspace_id, todo.id, tx.now, decision, by)
    if row is None:
        raise TodoDecided(message("The todo {todo} is already decided.", todo=ids.show("todo", todo.id)))
    return Todo.from_row(row)


def withdraw(tx: Transaction, workspace_id: UUID, type_: str, subject_id: UUID) -> None:
    """Withdraw an open todo before the commit: there is nothing left to decide."""
    tx.defer(_WITHDRAW, workspace_id, type_, subject_id, tx.now)


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Delete every todo of an erased debt."""
    await tx.execute(_ERASE, workspace_id, debt_id)
