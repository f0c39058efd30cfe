"""A route as FastAPI has it, with its arguments found the short way where all of them are of our own kinds.

FastAPI asks of every argument at every request what it is; that took half of a read's time. A route that takes the
request, texts of its path, and dependencies that take the request alone needs no such questions: it is called with
those, in their order. Any other route goes FastAPI's way, and OpenAPI sees no difference.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """A route for `APIRouter(route_class=Route)`."""

    _straight: Handler | None = None

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        if not _is_simple(self.dependant) or not _answers_itself(self.endpoint):
            return super().get_route_handler()
        self._straight = _handler(self.endpoint, self.dependant)
        return self._straight

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a simple route has no use for the stacks that close what dependencies opened."""
        if self._straight is None or scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self._straight(Request(scope, receive, send))
        await response(scope, receive, send)


def gather(into: Router, *routers: Router) -> None:
    """Put the routes of some routers, whole as they are, into another.

    `include_router` also does, and then matches every request twice.
    """
    for router in routers:
        into.routes.extend(router.routes)


def _is_simple(dependant: Dependant) -> bool:
    return (
        not dependant.query_params
        and all(
            part.field_info.annotation is str and not part.field_info.metadata
            for part in dependant.path_params
        )
        and all(_takes_the_request(one) for one in dependant.dependencies)
        and _takes_nothing_else(dependant)
    )


def _takes_the_request(dependant: Dependant) -> bool:
    call = dependant.call
    is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
    if not is_async or dependant.request_param_name is None:
        return False
    parameters = (dependant.dependencies, dependant.path_params, dependant.query_params)
    return not any(parameters) and _takes_nothing_else(dependant)


def _takes_nothing_else(dependant: Dependant) -> bool:
    return not any(
        (
            dependant.header_params,
            dependant.cookie_params,
            dependant.body_params,
            dependant.websocket_param_name,
            dependant.http_connection_param_name,
            dependant.response_param_name,
            dependant.background_tasks_param_name,
            dependant.security_scopes_param_name,
        )
    )


def _answers_itself(endpoint: Callable[..., Any]) -> bool:
    returned = inspect.get_annotations(endpoint, eval_str=True).get("return")
    return (
        inspect.iscoroutinefunction(endpoint) and inspect.isclass(returned) and issubclass(returned, Response)
    )


def _handler(endpoint: Callable[..., Awaitable[Response]], dependant: Dependant) -> Handler:
    asked = [(one.name, one.call) for one in dependant.dependencies if one.call is not None]
    parts = [part.name for part in dependant.path_params]
    request_name = dependant.request_param_name

    async def handle(request: Request) -> Response:
        values: dict[str, Any] = {}
        for name, call in asked:
            found = await call(request)
            if name is not None:
                values[name] = found
        for part in parts:
            values[part] = request.path_params[part]
        if request_name is not None:
            values[request_name] = request
        return await endpoint(**values)

    return handle
