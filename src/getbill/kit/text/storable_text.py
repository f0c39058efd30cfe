"""Texts that the database cannot store: those with U+0000 or an unpaired surrogate.

They are refused on input, each by the name of its field: query and path by the API's middleware, JSON by its
parser, fields and names of a form by the form's reader.
"""

from collections.abc import Iterator, Mapping
from re import compile as pattern
from typing import Any, Final
from urllib.parse import parse_qsl

from getbill.kit.errors import BadRequest, FieldError, Invalid
from getbill.kit.messages import message

DETAIL: Final = message("A text contains U+0000 or half a surrogate pair, which is not allowed.")
_UNSTORABLE: Final = pattern("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether a text can be stored."""
    return _UNSTORABLE.search(text) is None


def refuse_unstorable(fields: Mapping[str, str | None]) -> None:
    """Raise Invalid with the name of every field that cannot be stored."""
    refuse_fields(_unstorable(fields))


def refuse_fields(names: list[str]) -> None:
    """Raise Invalid for the fields of these names, if any."""
    if names:
        raise Invalid(DETAIL, errors=_errors(names))


def _unstorable(fields: Mapping[str, str | None]) -> list[str]:
    return [name for name, text in fields.items() if not is_storable(f"{name}{text or ''}")]


def _errors(names: list[str]) -> list[FieldError]:
    printable_names = [_UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", name) for name in names]
    return [FieldError(name, "characters", DETAIL) for name in printable_names]


def refuse_address(path: str, query: bytes) -> None:
    """Raise BadRequest if the path of a request, or a parameter of its query, cannot be stored."""
    if "\x00" in path:
        raise BadRequest(DETAIL, errors=_errors(["path"]))
    if b"%00" in query or b"\x00" in query:
        wrong = _unstorable(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))
        if wrong:
            raise BadRequest(DETAIL, errors=_errors(wrong))


def unstorable_in(value: Any, pointer: str = "") -> Iterator[str]:
    """Yield the RFC 6901 pointers of the texts in parsed JSON that cannot be stored."""
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
