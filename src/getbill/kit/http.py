"""HTTP as every route speaks it: JSON bodies read by our own parser, answers by our own writer, problems.

A route takes `Annotated[NewDebt, body(NewDebt)]` and gets a checked value, or the caller gets every wrong
field at once. FastAPI's own body reading goes through floats and answers NaN with 500.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import asyncpg
import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from getbill.kit import json
from getbill.kit.errors import (
    BadRequest,
    FieldError,
    Invalid,
    OtherStatus,
    Problem,
    Unavailable,
    UnsupportedMediaType,
)

_log = structlog.get_logger(__name__)

_JSON_TYPES = frozenset(
    {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}
)


_OWN_FIELDS = frozenset({b"content-length", b"content-type"})


class JsonAnswer(Response):
    """A JSON answer that is written already; nothing has to be found out about its headers.

    A header that is given replaces ours of that name.
    """

    media_type = "application/json"

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        fields = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        for name, value in headers.items() if headers else ():
            key = name.lower().encode("latin-1")
            if key in _OWN_FIELDS:
                fields = [field for field in fields if field[0] != key]
            fields.append((key, value.encode("latin-1")))
        self.raw_headers = fields


def answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer; decimals keep their digits."""
    return JsonAnswer(status, json.write(value), headers)


def problem(error: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return an RFC 9457 answer."""
    members = error.body()
    return Response(
        json.write(members),
        members["status"],
        {**error.headers, **(headers or {})},
        media_type="application/problem+json",
    )


def pointer(location: tuple[int | str, ...]) -> str:
    """Write where a field stands as an RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _wrong(error: Any) -> FieldError:
    location = error["loc"]
    if error["type"] == "extra_forbidden":
        return FieldError(pointer(location), "unknown-field", f"There is no field {location[-1]!r} here.")
    if error["type"] == "missing":
        return FieldError(pointer(location), "missing", f"The field {location[-1]!r} is required.")
    message = str(error["msg"]).removeprefix("Value error, ")
    return FieldError(pointer(location), str(error["type"]).replace("_", "-"), message)


def invalid(error: ValidationError, more: Sequence[FieldError] = ()) -> Invalid:
    """Return the refusal that names every wrong field of a body."""
    wrong = [
        _wrong(one) for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    named = {one.pointer for one in wrong}
    return refusal([*wrong, *(one for one in more if one.pointer not in named)])


def refusal(wrong: Sequence[FieldError]) -> Invalid:
    """Return the refusal of these fields."""
    return Invalid(" ".join(one.detail for one in wrong[:3]), errors=wrong)


async def read_json(request: Request) -> Any:
    """Read a request's JSON body; raise 415 for another type or charset, 400 for what is not JSON."""
    return json.read(await read_json_bytes(request))


async def read_json_bytes(request: Request) -> bytes:
    """Return the bytes of a request's JSON body, unread; raise 415 for another type or charset, 400 for none."""
    content_type = request.headers.get("content-type", "")
    if content_type not in _JSON_TYPES:
        _check_content_type(content_type)
    raw = await request.body()
    if not raw:
        raise BadRequest("The body is empty. Send a JSON object.")
    return raw


def _check_content_type(content_type: str) -> None:
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() != "application/json":
        sent = f"{kind.strip()!r}" if kind.strip() else "no content type"
        raise UnsupportedMediaType(f"Send application/json, not {sent}.")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(f"Send JSON in UTF-8, not in {value}.")


class JsonBody:
    """A dependency that reads and checks a body; OpenAPI shows its `model`."""

    def __init__(self, model: type[BaseModel], *, optional: bool) -> None:
        self.model = model
        self.optional = optional
        self._adapter: TypeAdapter[Any] = TypeAdapter(model)
        # What a model says is wrong between its fields, from the raw body, so that all comes at once.
        self._across: Callable[[dict[str, Any]], list[FieldError]] | None = getattr(model, "across", None)
        # And what is wrong for this caller, such as a name that only their workspace knows.
        self._across_for: Callable[[dict[str, Any], Any], list[FieldError]] | None
        self._across_for = getattr(model, "across_for", None)

    async def __call__(self, request: Request) -> Any:
        """Return the checked body of a request."""
        if self.optional and not await request.body():
            value: Any = {}
        else:
            value = await read_json(request)
        return self.check(value, request.scope.get("state", {}).get("caller"))

    def check(self, value: Any, caller: Any = None) -> Any:
        """Return a parsed body as its model; raise Invalid naming every wrong field."""
        across = self._across(value) if self._across and isinstance(value, dict) else []
        if self._across_for and caller is not None and isinstance(value, dict):
            across += self._across_for(value, caller)
        try:
            checked = self._adapter.validate_python(value)
        except ValidationError as error:
            raise invalid(error, across) from None
        if across:
            raise refusal(across)
        return checked


def body(model: type[BaseModel], *, optional: bool = False) -> Any:
    """Have a route read its JSON body as this model; an optional one may be left out altogether."""
    return Depends(JsonBody(model, optional=optional))


def refuse_unknown_parameters(request: Request) -> None:
    """Raise 400 for a query parameter where a call has none; calls that have some refuse others themselves."""
    if request.scope["query_string"] and not request.scope["route"].dependant.query_params:
        names = ", ".join(dict.fromkeys(request.query_params)) or "given"
        raise BadRequest(f"This call has no query parameters; there is none called {names}.")


def etag(version: int) -> str:
    """Return the strong entity tag of a row's version (RFC 9110 section 8.8.3)."""
    return f'"{version}"'


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Return every route of an application, those of the routers it includes too."""
    return iter_route_contexts(app.routes)


def json_bodies(route: Any) -> list[JsonBody]:
    """Return the bodies that a route's dependencies read."""
    found: list[JsonBody] = []
    waiting = list(getattr(getattr(route, "dependant", None), "dependencies", ()))
    while waiting:
        dependant = waiting.pop()
        if isinstance(dependant.call, JsonBody):
            found.append(dependant.call)
        waiting.extend(dependant.dependencies)
    return found


def _wrong_parameter(error: Any) -> FieldError:
    name = str(error["loc"][-1])
    code = str(error["type"]).replace("_", "-")
    if error["type"] == "extra_forbidden":
        return FieldError(name, "unknown-parameter", f"There is no query parameter {name!r} here.")
    return FieldError(name, code, f"{name}: " + str(error["msg"]).removeprefix("Value error, "))


def _parameter(error: RequestValidationError) -> Problem:
    wrong = [_wrong_parameter(one) for one in error.errors()]
    return BadRequest(" ".join(one.detail for one in wrong[:3]), errors=wrong)


async def _on_problem(_request: Request, error: Exception) -> Response:
    return problem(cast("Problem", error))


async def _on_parameters(_request: Request, error: Exception) -> Response:
    return problem(_parameter(cast("RequestValidationError", error)))


async def _on_http(request: Request, error: Exception) -> Response:
    known = cast("HTTPException", error)
    detail = str(known.detail)
    headers = dict(known.headers or {})
    if known.status_code == 404:
        detail = f"There is nothing at {request.url.path}."
    elif known.status_code == 405:
        detail = f"{request.method} is not allowed at {request.url.path}."
        headers["Allow"] = ", ".join(_methods(request))
    return problem(OtherStatus(known.status_code, detail, headers))


def _methods(request: Request) -> list[str]:
    """Return every method a path has; the routes of one path know only their own, and the first path that fits is it."""
    found: set[str] = set()
    meant: str | None = None
    for route in routes_of(request.app):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(request.url.path):
            meant = meant or str(route.path)
            if route.path == meant:
                found.update(route.methods or ())
    return sorted(found)


# The database is away, full, or held by somebody else for too long: none of it is the request's fault.
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
)


async def _on_crash(request: Request, error: Exception) -> Response:
    if isinstance(error, _AWAY):
        _log.warning("database_away", path=request.url.path, error=type(error).__name__)
        away = (
            "The database does not answer, or somebody holds what this needs. Repeat the request in a moment."
        )
        return problem(Unavailable(away, headers={"Retry-After": "1"}))
    # The text of an exception may hold personal data; its type and the request's id lead to the trace.
    _log.error("request_failed", path=request.url.path, error=type(error).__name__, exc_info=error)
    return problem(Problem("The error has been logged; the request may be repeated."))


def handle_problems(app: FastAPI) -> None:
    """Have every refusal and every crash of the application answered as a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_parameters)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_crash)
