"""Creation, decision and withdrawal of todos, and their deletion for an erased debt."""

from uuid import UUID

from getbill.kit import ids
from getbill.kit.database import Statement, Transaction
from getbill.kit.messages import Message, message
from getbill.todos.model import KINDS, OBSOLETE, Todo, TodoDecided

_ASK = Statement(
    "todos.ask",
    "Put a question to a person; one that is open already stays as it is.",
    """
    INSERT INTO todos (workspace_id, id, type, subject_id, debt_id, created_at, reason, reason_fr)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (workspace_id, type, subject_id) WHERE decided_at IS NULL DO NOTHING
    """,
)
_CLOSE = Statement(
    "todos.close",
    "Write down what was decided on an open question.",
    """
    UPDATE todos SET decided_at = $3, decision = $4, decided_by = $5
    WHERE workspace_id = $1 AND id = $2 AND decided_at IS NULL
    RETURNING *
    """,
)
_WITHDRAW = Statement(
    "todos.withdraw",
    "A question answered itself.",
    f"""
    UPDATE todos SET decided_at = $4, decision = '{OBSOLETE}'
    WHERE workspace_id = $1 AND type = $2 AND subject_id = $3 AND decided_at IS NULL
    """,
)
_ERASE = Statement(
    "todos.erase",
    "Drop the questions about an erased debt.",
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
    """Create a todo at the transaction's edge, unless the same one is open already."""
    assert type_ in KINDS, type_  # noqa: S101 - a todo of an unknown type could not be decided
    # Stored in its current wording: it stays readable if a later version changes it.
    reasons = (str(reason), reason.translated("fr")) if reason is not None else (None, None)
    tx.defer(_ASK, workspace_id, ids.new(), type_, subject_id, debt_id, tx.now, *reasons)


def ask_again(tx: Transaction, todo: Todo) -> None:
    """Create a todo again whose decision covered only a part of its subject."""
    about = (todo.workspace_id, ids.new(), todo.type, todo.subject_id, todo.debt_id)
    tx.defer(_ASK, *about, tx.now, todo.reason, todo.reason_fr)


async def close(tx: Transaction, todo: Todo, decision: str, by: str) -> Todo:
    """Record a decision; raise TodoDecided if the todo is no longer open.

    The todo's debt is locked first.
    """
    row = await tx.fetchrow(_CLOSE, todo.workspace_id, todo.id, tx.now, decision, by)
    if row is None:
        raise TodoDecided(message("The todo {todo} is already decided.", todo=ids.show("todo", todo.id)))
    return Todo.from_row(row)


def withdraw(tx: Transaction, workspace_id: UUID, type_: str, subject_id: UUID) -> None:
    """Withdraw an open todo at the transaction's edge: there is nothing left to decide."""
    tx.defer(_WITHDRAW, workspace_id, type_, subject_id, tx.now)


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Delete every todo of an erased debt."""
    await tx.execute(_ERASE, workspace_id, debt_id)
