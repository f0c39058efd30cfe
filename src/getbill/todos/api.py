"""The routes of todos: what waits for a person, and what was decided. Deciding is `decisions.api`."""

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
from getbill.kit.http import Route, answer, language_of, problems, spoken
from getbill.todos import queries, wire
from getbill.todos.model import Todo
from getbill.todos.wire import TodoList, TodoQuery, TodoShown

router = APIRouter(prefix="/external-api/v1/todos", tags=["Todos"], route_class=Route)

Summaries = Callable[[Database, Workspace, Collection[UUID]], Awaitable[Mapping[UUID, dict[str, Any]]]]
Reads = Annotated[Caller, Depends(access.requires("debts:read"))]


@router.get("", response_model=TodoList, responses=problems(400, 404))
async def list_todos(request: Request, caller: Reads, query: Annotated[TodoQuery, Query()]) -> Response:
    """List what waits for a person or was decided, the newest first, by page or by cursor."""
    database: Database = request.app.state.database
    wanted = wire.wanted(query, caller.workspace)
    found = await queries.page(database, caller.workspace.id, wanted)
    total = await queries.count(database, caller.workspace.id, wanted, http.EXACT_MAX + 1)
    cursor = wire.cursor_after(caller.workspace, found, query.limit)
    pages = http.pagination(total, query.page, query.limit, cursor)
    files = await _files(request, caller, found)
    language = language_of(request)
    data = [wire.shown(one, files.get(one.subject_id), language) for one in found[: query.limit]]
    return answer(200, {"data": data, "pagination": pages}, spoken(language))


@router.get("/{todo_id}", response_model=TodoShown, responses=problems(404))
async def get_todo(request: Request, caller: Reads, todo_id: str) -> Response:
    """Return one question, with what can be decided or what was."""
    database: Database = request.app.state.database
    found = await queries.find(database, caller.workspace.id, ids.read("todo", todo_id))
    files = await _files(request, caller, [found])
    language = language_of(request)
    return answer(200, wire.shown(found, files.get(found.subject_id), language), spoken(language))


async def _files(request: Request, caller: Caller, found: Sequence[Todo]) -> Mapping[UUID, dict[str, Any]]:
    # What is imported stands above us: the application says who knows of it.
    summaries: Summaries = request.app.state.summaries
    wanted = [one.subject_id for one in found if one.kind.subject == "import"]
    return await summaries(request.app.state.database, caller.workspace, wanted)
