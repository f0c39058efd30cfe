"""Suggestions for unmatched paths: without the trailing slash, or below the API's base path.

A GET is redirected. Any other request is refused with the right address: many clients repeat a redirected
POST without its body, unnoticed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import Request

from getbill.kit.messages import Message, message

_HOME: Final = "/docs"
_BASE: Final = "/external-api/v1"


@dataclass(frozen=True, slots=True)
class IntendedAddress:
    """The probable address of a request without a route."""

    location: str
    sentence: Message
    # The status of the redirect; None if the request is refused instead.
    redirect: int | None = None


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Return every route of an application, including those of its routers."""
    return iter_route_contexts(app.routes)


def intended_address(request: Request) -> IntendedAddress | None:
    """Return the probable address of a request without a route; None if there is no likely one."""
    path: str = request.scope["path"]
    plain = path.rstrip("/")
    if plain in {"", _BASE, _BASE.rpartition("/")[0]}:
        return _home(request)
    if plain != path:
        methods = _methods_at(request.app, plain)
        if methods:
            return _without_slash(request, plain, methods)
    below = f"{_BASE}{plain}"
    if not path.startswith(_BASE) and _methods_at(request.app, below):
        sentence = message(
            "The API is under {base}: send the request to {path}.", base=_BASE, path=_quoted(below)
        )
        return IntendedAddress(below, sentence)
    return None


def _home(request: Request) -> IntendedAddress | None:
    if "GET" not in _methods_at(request.app, _HOME):
        return None
    sentence = message("The API is at {path}, and the OpenAPI document at /openapi.json.", path=_HOME)
    # Temporary: something else may be at the root one day.
    return IntendedAddress(_HOME, sentence, 307 if request.method == "GET" else None)


def _without_slash(request: Request, plain: str, methods: set[str]) -> IntendedAddress:
    query = request.scope["query_string"].decode("latin-1")
    location = _quoted(plain) + (f"?{query}" if query else "")
    redirect = 308 if request.method == "GET" and "GET" in methods else None
    sentence = message("Send the request to {path}, without the trailing slash.", path=_quoted(plain))
    return IntendedAddress(location, sentence, redirect)


def _quoted(path: str) -> str:
    return quote(path, safe="/:@!$&'()*+,;=~-._")


def _methods_at(app: FastAPI, path: str) -> set[str]:
    """Return the methods of every route that matches a path."""
    methods: set[str] = set()
    for route in routes_of(app):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and route.methods and pattern.match(path):
            methods |= route.methods
    return methods
