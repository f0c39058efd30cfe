"""Public fields, declared on the dataclass that stores them: bodies, answers and documentation are made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, create_model

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ApiField:
    """The public form of a stored field, in the `Annotated` of its type.

    `name` is the field's name in bodies and answers, its own by default; `aliases` are other names that a body
    may use at its top level. `kind` names what it holds.
    """

    kind: str
    description: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    example: Any = None
    is_shown: bool = True
    # Only the body of a new record has it.
    is_only_new: bool = False
    # The object inside the body that holds it.
    parent: str | None = None
    # Set by `api_fields`.
    stored_name: str = ""
    is_nullable: bool = True

    @property
    def body_names(self) -> tuple[str, ...]:
        """Every name at the top level of a body."""
        return (self.name, *self.aliases)


def api_fields(stored: type) -> tuple[ApiField, ...]:
    """Return the public fields of a dataclass, in order."""
    return tuple(
        replace(
            declaration,
            name=declaration.name or stored_name,
            stored_name=stored_name,
            is_nullable=NoneType in get_args(get_args(hint)[0]),
        )
        for stored_name, hint in get_type_hints(stored, include_extras=True).items()
        for declaration in getattr(hint, "__metadata__", ())
        if isinstance(declaration, ApiField)
    )


def with_fields(fields: Mapping[str, Any]) -> Callable[[type[Model]], type[Model]]:
    """Return a class decorator that adds fields to a model: the type and the `Field` of each name."""

    def extend(model: type[Model]) -> type[Model]:
        extended: type[Model] = create_model(
            model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields
        )
        return extended

    return extend
