"""The routes of todos: what waits for a person, and what was decided. Deciding is `decisions.api`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller
from getbill.kit import ids, paging
from getbill.kit.db import Database
from getbill.kit.http import answer
from getbill.kit.routes import Route
from getbill.kit.shapes import problems
from getbill.todos import queries, wire
from getbill.todos.wire import TodoList, TodoQuery, TodoShown

router = APIRouter(prefix="/external-api/v1/todos", tags=["Todos"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debts:read"))]


@router.get("", response_model=TodoList, responses=problems(400, 404))
async def list_todos(request: Request, caller: Reads, query: Annotated[TodoQuery, Query()]) -> Response:
    """List what waits for a person or was decided, the newest first, by page or by cursor."""
    database: Database = request.app.state.database
    wanted = wire.wanted(query)
    found = await queries.page(database, caller.workspace.id, wanted)
    total = await queries.count(database, caller.workspace.id, wanted, paging.EXACT_MAX + 1)
    cursor = wire.cursor_after(found, query.limit)
    pages = paging.pagination(total, query.page, query.limit, cursor)
    return answer(200, {"data": [wire.shown(one) for one in found[: query.limit]], "pagination": pages})


@router.get("/{todo_id}", response_model=TodoShown, responses=problems(404))
async def get_todo(request: Request, caller: Reads, todo_id: str) -> Response:
    """Return one question, with what can be decided or what was."""
    database: Database = request.app.state.database
    found = await queries.find(database, caller.workspace.id, ids.read("todo", todo_id))
    return answer(200, wire.shown(found))
