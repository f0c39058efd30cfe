"""A FastAPI route with a shortcut for arguments that are all of our own kinds.

FastAPI inspects every argument at every request; that took half the time of a read. A route that takes the
request, path texts, and dependencies that take the request alone needs no inspection: it is called with
those, in their order, before the layers that only other routes need. The others go through FastAPI; OpenAPI
sees no difference.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine
from re import Pattern
from typing import Any, cast

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

UNMATCHED = "unmatched"
# What `kit.ids.show` returns.
_ID = re.compile(r"[a-z]{1,16}_[0-7][0-9a-hjkmnp-tv-z]{25}")


def route_template(scope: Scope) -> str:
    """Return the template of the route that matches a request; `unmatched` if there is none."""
    route = scope.get("route")
    return UNMATCHED if route is None else str(route.path)


def template_with_ids(scope: Scope) -> str:
    """Return the route's template with the ids of the path filled in, and no other input."""
    path = route_template(scope)
    if "{" in path:
        for name, value in scope.get("path_params", {}).items():
            if _ID.fullmatch(str(value)):
                path = path.replace(f"{{{name}}}", value)
    return path


class Route(APIRoute):
    """A route for `APIRouter(route_class=Route)`."""

    direct_handler: Handler | None = None

    def get_route_handler(self) -> Handler:
        """Return the request handler."""
        if not _is_simple(self.dependant) or not _answers_itself(self.endpoint):
            return super().get_route_handler()
        self.direct_handler = _handler(self.endpoint, self.dependant)
        return self.direct_handler


class DirectRouter:
    """An ASGI application that answers requests for simple routes itself and passes all others on.

    What a route raises goes to the application's exception handlers; without one it propagates.
    """

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self._app = app
        self._api = api
        self._routes: dict[tuple[str, int], list[tuple[Pattern[str], Route | None]]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._find(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        if route is None or route.direct_handler is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await route.direct_handler(request)
        except Exception as error:
            handler = self._handler_of(error)
            if handler is None:
                raise
            response = await handler(request, error)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> Route | None:
        if self._routes is None:
            self._routes = _index(self._api)
        path = scope["path"]
        for pattern, route in self._routes.get((scope["method"], path.count("/")), ()):
            match = pattern.match(path)
            if match is not None:
                # The first match answers, as in Starlette.
                if route is not None:
                    scope["path_params"] = match.groupdict()
                    scope["route"] = route
                    scope["endpoint"] = route.endpoint
                return route
        return None

    def _handler_of(self, error: Exception) -> Any:
        handlers = self._api.exception_handlers
        return next((handlers[kind] for kind in type(error).__mro__[:-3] if kind in handlers), None)


def _index(api: FastAPI) -> dict[tuple[str, int], list[tuple[Pattern[str], Route | None]]]:
    """Return the routes by method and number of slashes; None stands for one that is not simple."""
    routes_by_key: dict[tuple[str, int], list[tuple[Pattern[str], Route | None]]] = {}
    for route in api.routes:
        pattern = getattr(route, "path_regex", None)
        simple = route if isinstance(route, Route) and route.direct_handler is not None else None
        for method in getattr(route, "methods", None) or ():
            key = (method, cast("Any", route).path.count("/"))
            routes_by_key.setdefault(key, []).append((cast("Pattern[str]", pattern), simple))
    return routes_by_key


def include_routes(into: Router, *routers: Router) -> None:
    """Add the routes of some routers, unchanged, to another.

    `include_router` does so too, but then matches every request twice.
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
        and all(_takes_the_request(dependency) for dependency in dependant.dependencies)
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
    dependencies = [
        (dependency.name, dependency.call)
        for dependency in dependant.dependencies
        if dependency.call is not None
    ]
    parts = [part.name for part in dependant.path_params]
    request_name = dependant.request_param_name

    async def handle(request: Request) -> Response:
        values: dict[str, Any] = {}
        for name, call in dependencies:
            value = await call(request)
            if name is not None:
                values[name] = value
        for part in parts:
            values[part] = request.path_params[part]
        if request_name is not None:
            values[request_name] = request
        return await endpoint(**values)

    return handle
