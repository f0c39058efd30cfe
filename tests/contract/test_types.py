"""A value of another JSON type than its field has is refused at every route, not read as what it may have meant."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from getbill.kit.errors import Invalid
from getbill.kit.http.bodies import json_bodies
from getbill.kit.http.paths import routes_of
from getbill.process.app import create_app
from getbill.settings import Settings

# Of each type what pydantic alone reads as a value of it.
OTHERS: dict[str, tuple[Any, ...]] = {
    "boolean": ("yes", "true", 1, 0),
    "integer": ("3", True),
    "number": ("3.50", True),
    "string": (3, True),
}

Place = tuple[str, ...]


def _members(
    schema: dict[str, Any], document: dict[str, Any], place: Place = ()
) -> Iterator[tuple[Place, str]]:
    """The fields of an object, and of the objects in it, that are of one type or null."""
    kinds: list[str] = []
    for branch in schema.get("anyOf", [schema]):
        member = branch
        if "$ref" in member:
            member = document["components"]["schemas"][member["$ref"].rpartition("/")[2]]
        kinds.append(member.get("type", "any"))
        for name, inside in member.get("properties", {}).items():
            yield from _members(inside, document, (*place, name))
    kinds = [kind for kind in kinds if kind != "null"]
    if place and len(kinds) == 1 and kinds[0] in OTHERS:
        yield place, kinds[0]


def _holding(place: Place, value: Any) -> Any:
    for name in reversed(place):
        value = {name: value}
    return value


def test_no_field_takes_a_value_of_another_type() -> None:
    app: FastAPI = create_app(Settings(_env_file=None))
    document = app.openapi()
    batch: list[str] = []
    checked = 0
    for route in routes_of(app):
        for body in json_bodies(route):
            operation = document["paths"][route.path][min(route.methods - {"HEAD"}).lower()]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            for place, kind in _members(schema, document):
                for value in OTHERS[kind]:
                    checked += 1
                    pointer = "/" + "/".join(place)
                    try:
                        body.check(_holding(place, value))
                    except Invalid as refused:
                        if any(error.pointer == pointer for error in refused.errors):
                            continue
                    batch.append(f"{operation['operationId']} {pointer}: {value!r}")

    assert checked > 200
    assert sorted(set(batch)) == []
