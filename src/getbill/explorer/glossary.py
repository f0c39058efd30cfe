"""Descriptions of operations, parameters and properties in the OpenAPI document.

A name has one meaning everywhere and is described once, in `descriptions/`; a name with another meaning in
one place is described there as `DebtorShown.name` or `list_debts.amount`, or by its own field in the code.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from getbill.kit import json

PROPERTIES: Final = "properties"
PARAMETERS: Final = "parameters"
SUMMARIES: Final = "summaries"
_TAGS: Final = "tags"


@cache
def load_descriptions(kind: str) -> Mapping[str, str]:
    """Return the descriptions of a kind, by name or by place and name."""
    return cast("Mapping[str, str]", _load(kind))


@cache
def tags() -> list[dict[str, str]]:
    """Return the groups of operations, in display order."""
    return cast("list[dict[str, str]]", _load(_TAGS))


def _load(name: str) -> Any:
    return json.read((files("getbill.explorer") / "descriptions" / f"{name}.json").read_bytes())


def describe_properties(schemas: Mapping[str, dict[str, Any]], classes: Mapping[str, type]) -> None:
    """Describe every property that its field does not describe itself."""
    descriptions = load_descriptions(PROPERTIES)
    for name, schema in schemas.items():
        places = places_of(name, classes)
        for field, property_schema in schema.get("properties", {}).items():
            description = next(
                (descriptions[key] for key in keys_of(field, places) if key in descriptions), None
            )
            if description is not None:
                property_schema.setdefault("description", description)


def describe_operation(operation: dict[str, Any]) -> None:
    """Set an operation's summary, and describe every parameter that its field does not describe itself."""
    name = operation["operationId"]
    operation["summary"] = load_descriptions(SUMMARIES).get(name, operation["summary"])
    descriptions = load_descriptions(PARAMETERS)
    for parameter in operation.get("parameters", ()):
        description = next(
            (descriptions[key] for key in keys_of(parameter["name"], [name]) if key in descriptions), None
        )
        if description is not None:
            parameter.setdefault("description", description)


def keys_of(name: str, places: list[str]) -> Iterator[str]:
    """Yield the keys of a name's description: the nearest place first, the bare name last."""
    for place in places:
        yield f"{place}.{name}"
    yield name


def places_of(name: str, classes: Mapping[str, type]) -> list[str]:
    """Return the schema and the classes it derives from, the nearest first."""
    kind = classes.get(name) or classes.get(name.removesuffix("Shown") + "Body")
    return [name, *(base.__name__ for base in kind.__mro__)] if kind else [name]
