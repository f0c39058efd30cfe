"""Routes of todos, open and decided. Deciding is in `todo_decisions.api`."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller
from getbill.companies import Workspace
from getbill.kit import http, ids
from getbill.kit.database import Database
from getbill.kit.http import Route, answer, language_headers, language_of, problems
from getbill.todos import queries, wire
from getbill.todos.model import Todo
from getbill.todos.wire import TodoList, TodoQuery, TodoShown

router = APIRouter(prefix="/external-api/v1/todos", tags=["Todos"], route_class=Route)

Summaries = Callable[[Database, Workspace, Collection[UUID]], Awaitable[Mapping[UUID, dict[str, Any]]]]
Reads = Annotated[Caller, Depends(access.requires("debts:read"))]


@router.get("", response_model=TodoList, responses=problems(400, 404))
async def list_todos(request: Request, caller: Reads, query: Annotated[TodoQuery, Query()]) -> Response:
    """List open and decided todos, the newest first, by page or by cursor."""
    database: Database = request.app.state.database
    filters = wire.todo_filter(query, caller.workspace)
    todos = await queries.find_page(database, caller.workspace.id, filters)
    total = await queries.count(database, caller.workspace.id, filters, http.EXACT_MAX + 1)
    cursor = wire.cursor_after(caller.workspace, todos, query.limit)
    pages = http.pagination(total, query.page, query.limit, cursor)
    files = await _files(request, caller, todos)
    language = language_of(request)
    data = [wire.serialize_todo(todo, files.get(todo.subject_id), language) for todo in todos[: query.limit]]
    return answer(200, {"data": data, "pagination": pages}, language_headers(language))


@router.get("/{todo_id}", response_model=TodoShown, responses=problems(404))
async def get_todo(request: Request, caller: Reads, todo_id: str) -> Response:
    """Return a todo with its possible decisions, or the decision made."""
    database: Database = request.app.state.database
    todo = await queries.find(database, caller.workspace.id, ids.read("todo", todo_id))
    files = await _files(request, caller, [todo])
    language = language_of(request)
    return answer(
        200, wire.serialize_todo(todo, files.get(todo.subject_id), language), language_headers(language)
    )


async def _files(request: Request, caller: Caller, todos: Sequence[Todo]) -> Mapping[UUID, dict[str, Any]]:
    # Imports are in a package above this one: the application provides their summaries.
    summaries: Summaries = request.app.state.summaries
    import_ids = [todo.subject_id for todo in todos if todo.kind.subject == "import"]
    return await summaries(request.app.state.database, caller.workspace, import_ids)
