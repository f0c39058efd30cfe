"""The OpenAPI document of an application: each class one schema, each schema one name.

FastAPI names schemas by class, and distinguishes two classes of one name only if it made both. Here all
schemas come from one pass over every class that a route reads or returns, and a name claimed by two classes
is an error.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, Final, Literal, cast, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from getbill.kit.http.bodies import json_bodies
from getbill.kit.http.paths import routes_of

Mode = Literal["validation", "serialization"]
Use = tuple[type[BaseModel], Mode]

_REQUEST: Final[Mode] = "validation"
_RESPONSE: Final[Mode] = "serialization"
_SCHEMAS_PREFIX: Final = "#/components/schemas/"
_JSON: Final = "application/json"


class SchemaNameTaken(Exception):
    """Two classes have the same schema name; give one of them another `title` in its `model_config`."""


class Schemas:
    """The schemas of classes as request or response, under their names in the document."""

    def __init__(self, uses: Iterable[Use]) -> None:
        references, definitions = models_json_schema(
            list(dict.fromkeys(uses)), ref_template=_SCHEMAS_PREFIX + "{model}"
        )
        keys = {key: _document_name(key, schema) for key, schema in definitions.get("$defs", {}).items()}
        if len(set(keys.values())) < len(keys):
            raise SchemaNameTaken(sorted(keys.items()))
        self._names = {
            use: keys[schema["$ref"].removeprefix(_SCHEMAS_PREFIX)] for use, schema in references.items()
        }
        self.by_name: dict[str, dict[str, Any]] = {
            keys[key]: _simplify_schema(_rename_references(schema, keys))
            for key, schema in definitions.get("$defs", {}).items()
        }

    def reference(self, model: type[BaseModel], mode: Mode) -> dict[str, str]:
        """Return the reference to the schema of a class."""
        return {"$ref": _SCHEMAS_PREFIX + self._names[model, mode]}


def describe(
    app: FastAPI,
    finish: Callable[[dict[str, Any], list[RouteContext]], None],
    models: Iterable[type[BaseModel]] = (),
) -> None:
    """Document the bodies that `body` reads and these `models`, then let `finish` add the rest."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            routes = list(routes_of(app))
            _add_schemas(document, routes, models)
            finish(document, routes)
            app.openapi_schema = document
        return app.openapi_schema

    written: list[JSONResponse] = []

    async def show(_request: Request) -> Response:
        # Half a megabyte: serializing it for each request would delay others.
        if not written:
            written.append(JSONResponse(openapi()))
        return Response(written[0].body, media_type=written[0].media_type)

    cast("Any", app).openapi = openapi
    app.add_route("/openapi.json", show, include_in_schema=False)


def classes_of(routes: Iterable[Any], models: Iterable[type[BaseModel]] = ()) -> dict[str, type]:
    """Return every class in the document by schema name; raise SchemaNameTaken for two of one name."""
    classes: dict[str, type] = {}
    pending: list[Any] = [*models, *(model for model, _ in _uses(routes))]
    while pending:
        kind = pending.pop()
        pending += get_args(kind)
        if not isinstance(kind, type) or not issubclass(kind, BaseModel | Enum):
            continue
        name = _class_name(kind)
        if classes.get(name) is kind:
            continue
        if name in classes:
            raise SchemaNameTaken(f"{classes[name]} and {kind} are both {name}.")
        classes[name] = kind
        if issubclass(kind, BaseModel):
            pending += [field.annotation for field in kind.model_fields.values()]
    return classes


def _add_schemas(
    document: dict[str, Any], routes: list[RouteContext], models: Iterable[type[BaseModel]]
) -> None:
    classes_of(routes, models)
    schemas = Schemas([*_uses(routes), *((model, _RESPONSE) for model in models)])
    # FastAPI's response schemas are replaced by those made here together with the bodies; its parameters
    # refer to none.
    document.setdefault("components", {})["schemas"] = dict(sorted(schemas.by_name.items()))
    for methods in document["paths"].values():
        # HTTP itself defines the response to HEAD; as an operation it would have GET's name.
        methods.pop("head", None)
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _add_responses(operation, route, schemas)
                _add_request_body(operation, route, schemas)
                operation["parameters"] = [
                    _sendable_parameter(parameter) for parameter in operation.get("parameters", ())
                ]


def _sendable_parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter as it can be sent: possibly omitted, but never null."""
    documented: dict[str, Any] = _simplify_schema(parameter)
    alternatives = documented["schema"].pop("anyOf", [])
    non_null = [alternative for alternative in alternatives if alternative != {"type": "null"}]
    if len(non_null) == 1:
        documented["schema"] |= non_null[0]
    elif alternatives:
        documented["schema"]["anyOf"] = non_null
    return documented


def _uses(routes: Iterable[Any]) -> Iterator[Use]:
    for route in routes:
        for reader in json_bodies(route):
            yield reader.model, _REQUEST
        for _, model in _response_models(route):
            yield model, _RESPONSE


def _response_models(route: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    if getattr(route, "response_model", None) is not None:
        yield str(route.status_code or 200), route.response_model
    for status, response in (getattr(route, "responses", None) or {}).items():
        if "model" in response:
            yield str(status), response["model"]


def _add_responses(operation: dict[str, Any], route: Any, schemas: Schemas) -> None:
    for status, model in _response_models(route):
        content = operation["responses"][status].setdefault("content", {}).setdefault(_JSON, {})
        content["schema"] = schemas.reference(model, _RESPONSE)


def _add_request_body(operation: dict[str, Any], route: Any, schemas: Schemas) -> None:
    for reader in json_bodies(route):
        content = {_JSON: {"schema": schemas.reference(reader.model, _REQUEST)}}
        operation["requestBody"] = {"required": not reader.optional, "content": content}


def _class_name(kind: type) -> str:
    config = getattr(kind, "model_config", {})
    return str(config.get("title") or kind.__name__)


def _document_name(key: str, schema: dict[str, Any]) -> str:
    """Return a schema's name; if responses repeat a body in full, theirs is the response name."""
    title = str(schema["title"])
    return title.removesuffix("Body") + "Shown" if key.endswith("-Output") else title


def _rename_references(value: Any, keys: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _SCHEMAS_PREFIX + keys[member.removeprefix(_SCHEMAS_PREFIX)]
            if name == "$ref"
            else _rename_references(member, keys)
            for name, member in value.items()
        }
    return [_rename_references(member, keys) for member in value] if isinstance(value, list) else value


def _simplify_schema(value: Any) -> Any:
    """Remove noise: titles that repeat a name, and defaults of null."""
    if isinstance(value, list):
        return [_simplify_schema(member) for member in value]
    if not isinstance(value, dict):
        return value
    members = {
        name: member
        for name, member in value.items()
        if not (name == "title" and isinstance(member, str)) and not (name == "default" and member is None)
    }
    return {
        name: member if name in _LITERAL_KEYS else _simplify_schema(member)
        for name, member in members.items()
    }


# Values under these keys are as callers send them; a `title` in them is data.
_LITERAL_KEYS: Final = frozenset({"example", "examples", "enum", "const", "default"})
