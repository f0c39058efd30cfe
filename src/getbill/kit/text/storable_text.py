"""Texts of a request that no database stores: those with U+0000 or with half a surrogate pair.

They are refused where they come in, each by the name of its field: query and path by the door of the API, JSON by its
reader, fields and names of a form by whoever reads it.
"""

from collections.abc import Iterator, Mapping
from re import compile as pattern
from typing import Any, Final
from urllib.parse import parse_qsl

from getbill.kit.errors import BadRequest, FieldError, Invalid
from getbill.kit.messages import message

DETAIL: Final = message("A text holds U+0000 or half a surrogate pair, which no text may.")
_UNSTORABLE: Final = pattern("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Say whether a text can be stored."""
    return _UNSTORABLE.search(text) is None


def refuse_unstorable(fields: Mapping[str, str | None]) -> None:
    """Raise Invalid with the name of every field that cannot be stored."""
    refuse_fields(_unstorable(fields))


def refuse_fields(names: list[str]) -> None:
    """Raise Invalid for fields of these names, if there are any."""
    if names:
        raise Invalid(DETAIL, errors=_errors(names))


def _unstorable(fields: Mapping[str, str | None]) -> list[str]:
    return [name for name, text in fields.items() if not is_storable(f"{name}{text or ''}")]


def _errors(names: list[str]) -> list[FieldError]:
    printable_names = [_UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", name) for name in names]
    return [FieldError(name, "characters", DETAIL) for name in printable_names]


def refuse_address(path: str, query: bytes) -> None:
    """Raise BadRequest where the path of a request, or a parameter of its query, cannot be stored."""
    if "\x00" in path:
        raise BadRequest(DETAIL, errors=_errors(["path"]))
    if b"%00" in query or b"\x00" in query:
        wrong = _unstorable(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))
        if wrong:
            raise BadRequest(DETAIL, errors=_errors(wrong))


def unstorable_in(value: Any, pointer: str = "") -> Iterator[str]:
    """Yield where in parsed JSON texts stand that cannot be stored, as RFC 6901 pointers."""
    if isinstance(value, str):
        if not is_storable(value):
            yield pointer
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from unstorable_in(name, pointer)
            yield from unstorable_in(member, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from unstorable_in(member, f"{pointer}/{number}")
