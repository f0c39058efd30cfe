"""JSON request bodies read by our own parser, responses by our own writer, and problem responses.

A route takes `Annotated[NewDebt, body(NewDebt)]` and gets a validated value, or the caller gets every invalid
field at once. FastAPI's own body parsing goes through floats and answers NaN with 500.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast, get_args, get_origin

import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from getbill.kit import database, json
from getbill.kit.errors import (
    BadRequest,
    FieldError,
    Invalid,
    OtherStatus,
    Problem,
    Unavailable,
    UnsupportedMediaType,
    one_parameter,
    refusal,
    summary,
)
from getbill.kit.http import paths, routes
from getbill.kit.http.paths import routes_of
from getbill.kit.messages import excerpt, joined, message, negotiated
from getbill.kit.validation import field_location, field_subject, parameter_subject, wrong_field

_log = structlog.get_logger(__name__)

_JSON_TYPES = frozenset(
    {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}
)


_OWN_FIELDS = frozenset({b"content-length", b"content-type"})


class JsonAnswer(Response):
    """A JSON response whose body is already serialized; its headers need no computation.

    A given header replaces ours of the same name.
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
    """Return a JSON response; decimals keep their digits."""
    return JsonAnswer(status, json.write(value), headers)


def problem(error: Problem, request: Request | Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return an RFC 9457 response in the language that a request accepts."""
    language = language_of(request)
    members = error.document(language)
    return Response(
        json.write(members),
        members["status"],
        {**error.headers, **language_headers(language), **(headers or {})},
        media_type="application/problem+json",
    )


def language_of(request: Request | Scope) -> str:
    """Return the language of a response to a request, by its Accept-Language."""
    return negotiated(
        Headers(scope=request.scope if isinstance(request, Request) else request).get("accept-language")
    )


def language_headers(language: str) -> dict[str, str]:
    """Return the headers of a response whose sentences are in the accepted language."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


def pointer(location: tuple[int | str, ...]) -> str:
    """Return the RFC 6901 pointer of a field's location."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _field_error(error: Any, value: Any) -> FieldError:
    location = field_location(error["loc"], value, is_missing=error["type"] == "missing")
    if error["type"] == "extra_forbidden":
        return unknown_field(pointer(location), error["loc"][-1])
    return wrong_field(error, pointer(location), field_subject(location))


def unknown_field(pointer_text: str, name: Any) -> FieldError:
    """Return the error of a field that the body does not have."""
    detail = message("There is no field '{field}' here. Check its spelling, or omit it.", field=excerpt(name))
    return FieldError(pointer_text, "unknown-field", detail)


def invalid(error: ValidationError, value: Any, cross_field_errors: Sequence[FieldError] = ()) -> Invalid:
    """Return the refusal that lists every invalid field of a body."""
    return refusal(wrong_fields(error, value, cross_field_errors))


def wrong_fields(
    error: ValidationError, value: Any, cross_field_errors: Sequence[FieldError] = ()
) -> list[FieldError]:
    """Return every invalid field of a body, plus the cross-field errors of fields not listed already."""
    errors = [_field_error(entry, value) for entry in error.errors(include_url=False)]
    named_pointers = {entry.pointer for entry in errors}
    return [*errors, *(entry for entry in cross_field_errors if entry.pointer not in named_pointers)]


async def read_json(request: Request) -> Any:
    """Read a request's JSON body; raise 415 for another media type or charset, 400 for invalid JSON."""
    return json.read(await read_json_bytes(request))


async def read_json_bytes(request: Request) -> bytes:
    """Return a request's JSON body unparsed; raise 415 for another media type or charset, 400 for none."""
    content_type = request.headers.get("content-type", "")
    if content_type not in _JSON_TYPES:
        _check_content_type(content_type)
    raw = await request.body()
    if not raw:
        raise BadRequest(message("The body is empty. Send a JSON object."))
    return raw


def _check_content_type(content_type: str) -> None:
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() != "application/json":
        media_type = kind.strip()
        if not media_type:
            raise UnsupportedMediaType(message("The Content-Type is missing. Send application/json."))
        raise UnsupportedMediaType(
            message("The Content-Type is {sent}. Send application/json.", sent=excerpt(media_type))
        )
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(
                message("The charset is {charset}. Send JSON in UTF-8.", charset=excerpt(value))
            )


class JsonBody:
    """A dependency that reads and validates a body; OpenAPI shows its `model`."""

    def __init__(self, model: type[BaseModel], *, optional: bool) -> None:
        self.model = model
        self.optional = optional
        self._adapter: TypeAdapter[Any] = TypeAdapter(model)
        # A model's cross-field errors, from the raw body, so that all errors are reported at once.
        self._cross_field_check: Callable[[dict[str, Any]], list[FieldError]] | None = getattr(
            model, "cross_field_errors", None
        )
        # Errors that depend on the caller, such as a name that only their workspace knows.
        self._caller_check: Callable[[dict[str, Any], Any], list[FieldError]] | None
        self._caller_check = getattr(model, "workspace_errors", None)

    async def __call__(self, request: Request) -> Any:
        """Return the validated body of a request."""
        if self.optional and not await request.body():
            value: Any = {}
        else:
            value = await read_json(request)
        return self.check(value, request.scope.get("state", {}).get("caller"))

    def check(self, value: Any, caller: Any = None) -> Any:
        """Return a parsed body as its model; raise Invalid listing every invalid field."""
        cross_field_errors = (
            self._cross_field_check(value) if self._cross_field_check and isinstance(value, dict) else []
        )
        if self._caller_check and caller is not None and isinstance(value, dict):
            cross_field_errors += self._caller_check(value, caller)
        try:
            checked = self._adapter.validate_python(value)
        except ValidationError as error:
            raise invalid(error, value, cross_field_errors) from None
        if cross_field_errors:
            raise refusal(cross_field_errors)
        return checked


def body(model: type[BaseModel], *, optional: bool = False) -> Any:
    """Declare that a route reads its JSON body as this model; an optional body may be omitted."""
    return Depends(JsonBody(model, optional=optional))


def refuse_unknown_parameters(request: Request) -> None:
    """Raise 400 for a query parameter of a call that has none; other calls refuse unknown ones themselves."""
    if request.scope["query_string"] and not request.scope["route"].dependant.query_params:
        names = [excerpt(name) for name in dict.fromkeys(request.query_params)]
        raise BadRequest(message("This call has no query parameters. Omit: {names}.", names=names[:10]))


def refuse_repeated_parameters(request: Request) -> None:
    """Raise 400 for a single-valued query parameter that was sent more than once."""
    if not request.scope["query_string"]:
        return
    sent = request.query_params.multi_items()
    names = [name for name, count in Counter(name for name, _ in sent).items() if count > 1]
    wrong = [_repeated(name) for name in names if name in _single_parameters(request.scope["route"])]
    if wrong:
        raise BadRequest(summary(wrong), errors=wrong)


def _single_parameters(route: Any) -> frozenset[str]:
    """Return the query parameters of a route that are not lists."""
    parameters: set[str] = set()
    for parameter in route.dependant.query_params:
        model = parameter.field_info.annotation
        is_model = isinstance(model, type) and issubclass(model, BaseModel)
        fields = model.model_fields if is_model else {parameter.alias: parameter.field_info}
        parameters |= {
            field.alias or name for name, field in fields.items() if not _is_list(field.annotation)
        }
    return frozenset(parameters)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


def _repeated(name: str) -> FieldError:
    detail = message(
        "{subject} takes one value but was sent more than once.", subject=parameter_subject(name)
    )
    return FieldError(name, "repeated-parameter", detail)


def refuse_empty_range(first: str, start: Any, last: str, end: Any) -> None:
    """Raise 400 for a range of two parameters that ends before it begins: nothing could match."""
    if start is not None and end is not None and start > end:
        detail = message(
            "The parameter '{first}' is after '{last}', so nothing can match. Swap them, or omit one.",
            first=first,
            last=last,
        )
        raise one_parameter(first, "empty-range", detail)


def json_bodies(route: Any) -> list[JsonBody]:
    """Return the bodies that a route's dependencies read."""
    bodies: list[JsonBody] = []
    dependants = list(getattr(getattr(route, "dependant", None), "dependencies", ()))
    while dependants:
        dependant = dependants.pop()
        if isinstance(dependant.call, JsonBody):
            bodies.append(dependant.call)
        dependants.extend(dependant.dependencies)
    return bodies


def _wrong_parameter(error: Any) -> FieldError:
    # The first part is where it was sent, the second its name; the rest are its members.
    name = str(error["loc"][1] if len(error["loc"]) > 1 else error["loc"][0])
    return wrong_parameter(error, name)


def wrong_parameter(error: Mapping[str, Any], name: str) -> FieldError:
    """Return a pydantic error as an invalid parameter."""
    if error["type"] == "extra_forbidden":
        detail = message(
            "There is no parameter '{name}' here. Check its spelling, or omit it.", name=excerpt(name)
        )
        return FieldError(excerpt(name), "unknown-parameter", detail)
    return wrong_field(error, name, parameter_subject(name))


def _parameter_problem(error: RequestValidationError) -> Problem:
    errors = [_wrong_parameter(entry) for entry in error.errors()]
    return BadRequest(summary(errors), errors=errors)


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem(cast("Problem", error), request)


async def _on_parameters(request: Request, error: Exception) -> Response:
    return problem(_parameter_problem(cast("RequestValidationError", error)), request)


async def _on_http(request: Request, error: Exception) -> Response:
    http_error = cast("HTTPException", error)
    detail = message("The request was refused (HTTP {status}).", status=http_error.status_code)
    headers = dict(http_error.headers or {})
    path = excerpt(request.url.path)
    if http_error.status_code == 404:
        intended = paths.intended_address(request)
        if intended is not None and intended.redirect:
            return Response(status_code=intended.redirect, headers={"Location": intended.location})
        detail = message("There is no resource at {path}.", path=path)
        if intended is not None:
            detail = joined([detail, intended.sentence])
    elif http_error.status_code == 405:
        methods = _methods(request)
        detail = message(
            "{method} is not allowed at {path}. Allowed: {methods}.",
            method=excerpt(request.method),
            path=path,
            methods=methods,
        )
        headers["Allow"] = ", ".join(methods)
    return problem(OtherStatus(http_error.status_code, detail, headers), request)


def _methods(request: Request) -> list[str]:
    """Return every method of a path: each of its routes knows only its own, and the first match counts."""
    methods: set[str] = set()
    first_path: str | None = None
    for route in routes_of(request.app):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(request.url.path):
            first_path = first_path or str(route.path)
            if route.path == first_path:
                methods.update(route.methods or ())
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods)


async def _on_crash(request: Request, error: Exception) -> Response:
    if database.is_unavailable(error):
        _log.warning("database_away", route=routes.route_template(request.scope), error=type(error).__name__)
        return problem(_unavailable(error), request)
    # The text of an exception may hold personal data; its type and the request id lead to the traceback.
    _log.error(
        "request_failed",
        route=routes.route_template(request.scope),
        error=type(error).__name__,
        exc_info=error,
    )
    return problem(Problem(message("The error was logged. Repeat the request.")), request)


def _unavailable(error: Exception) -> Unavailable:
    if database.is_disk_full(error):
        full = message("The disk is full; nothing was changed. Repeat the request once space is available.")
        return Unavailable(full, headers={"Retry-After": "5"})
    detail = message(
        "The database is not responding, or the data of this request is locked. Repeat the request in a moment."
    )
    return Unavailable(detail, headers={"Retry-After": "1"})


def handle_problems(app: FastAPI) -> None:
    """Answer every refusal and every crash of the application with a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_parameters)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_crash)
