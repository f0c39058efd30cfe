"""Queries for todos: one, or a page of open or decided ones."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.todos.model import Todo

_CONDITIONS = """
    workspace_id = $1 AND ($2::text[] IS NULL OR type = ANY($2))
      AND ($3::boolean IS NULL OR (decided_at IS NULL) = $3) AND ($4::uuid IS NULL OR debt_id = $4)
    """
_FIND = Statement("todos.find", "One question.", "SELECT * FROM todos WHERE workspace_id = $1 AND id = $2")
_PAGE = Statement(
    "todos.page",
    "A page of questions, the newest first.",
    f"""
    SELECT * FROM todos WHERE {_CONDITIONS} AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6))
    ORDER BY created_at DESC, id DESC LIMIT $7 OFFSET $8
    """,
)
_COUNT = Statement(
    "todos.count",
    "How many questions are there, as far as a page says?",
    f"SELECT count(*) FROM (SELECT FROM todos WHERE {_CONDITIONS} LIMIT $5) AS counted",
)


@dataclass(frozen=True, slots=True)
class TodoFilter:
    """Filter of a list of todos; None leaves a condition out."""

    types: list[str] | None
    is_open: bool | None
    debt_id: UUID | None
    limit: int
    offset: int = 0
    after: tuple[datetime, UUID] | None = None


async def find(database: Database | Transaction, workspace_id: UUID, todo_id: UUID) -> Todo:
    """Return a todo; raise NotFound if the workspace has none with this id."""
    row = await database.fetchrow(_FIND, workspace_id, todo_id)
    if row is None:
        raise NotFound(message("There is no todo {todo}.", todo=ids.show("todo", todo_id)))
    return Todo.from_row(row)


async def find_page(database: Database, workspace_id: UUID, filters: TodoFilter) -> list[Todo]:
    """Return a page of todos, the newest first."""
    at, identifier = filters.after or (None, None)
    position = (at, identifier, filters.limit, filters.offset)
    rows = await database.fetch(_PAGE, *_conditions(workspace_id, filters), *position)
    return [Todo.from_row(row) for row in rows]


async def count(database: Database, workspace_id: UUID, filters: TodoFilter, limit: int) -> int:
    """Return the number of todos that match, at most `limit`."""
    return int(await database.fetchval(_COUNT, *_conditions(workspace_id, filters), limit))


def _conditions(workspace_id: UUID, filters: TodoFilter) -> tuple[object, ...]:
    return workspace_id, filters.types, filters.is_open, filters.debt_id
