"""JSON as money needs it: numbers are exact decimals both ways.

The reader refuses what other readers let through and later code trips over: NaN and Infinity, duplicate
keys, lone surrogates, the NUL character, nesting without end. The writer prints a Decimal with the digits it
has (`2340.00`). The API, webhooks and tests all use this one pair.
"""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from re import compile as pattern
from typing import Any

import orjson

from getbill.kit import texts
from getbill.kit.errors import BadRequest

_DEPTH_MAX = 64
# A text, or what has no end of one: so that no place in the body is looked at twice.
_TEXT = pattern(r'"(?:[^"\\]|\\[\s\S])*+(?:"|\\?\Z)')
_DIGITS_MAX = 40


class MalformedJson(BadRequest):
    """The body is not JSON that means one thing."""

    code = "malformed-json"
    title = "The body is not valid JSON"
    way_out = (
        "Correct the place that the detail names, and send JSON that means one thing: no NaN, no key twice."
    )


def _refuse_constant(name: str) -> None:
    raise MalformedJson(f"{name} is not a JSON number. Send a finite number.")


def _number(text: str) -> Decimal:
    if len(text) > _DIGITS_MAX:
        raise MalformedJson(f"A number has more than {_DIGITS_MAX} digits.")
    value = Decimal(text)
    if abs(value.adjusted()) > _DIGITS_MAX:
        raise MalformedJson(f"A number's exponent is beyond {_DIGITS_MAX}.")
    return value


def _integer(text: str) -> int | Decimal:
    if len(text) > _DIGITS_MAX:
        raise MalformedJson(f"A number has more than {_DIGITS_MAX} digits.")
    value = int(text)
    # The writer's integers have 64 bits; as a decimal a larger one keeps its digits too.
    return value if -(2**63) <= value < 2**64 else Decimal(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise MalformedJson(f'The key "{twice}" stands twice in one object. Send it once.')
    return members


_DECODER = json.JSONDecoder(
    parse_float=_number, parse_int=_integer, parse_constant=_refuse_constant, object_pairs_hook=_unique
)


def read(body: bytes) -> Any:
    """Parse UTF-8 JSON; raise MalformedJson saying what is wrong and where, Invalid for texts that none may store."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8 (byte {error.start}).") from error
    text = text.removeprefix("\ufeff")
    if text.count("[") + text.count("{") > _DEPTH_MAX:
        _refuse_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from error
    if "\\u" in text or "\x00" in text:
        texts.refuse_fields(list(dict.fromkeys(texts.unstorable_in(value))))
    return value


def read_texts(body: bytes) -> dict[str, str]:
    """Parse an object of texts that `write` wrote; there are no numbers in it to lose digits."""
    texts: dict[str, str] = orjson.loads(body)
    return texts


def _refuse_depth(text: str) -> None:
    depth = 0
    for character in _TEXT.sub("", text):
        if character in "[{":
            depth += 1
            if depth > _DEPTH_MAX:
                raise MalformedJson(f"The body is nested deeper than {_DEPTH_MAX} levels.")
        elif character in "]}":
            depth -= 1


_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def write(value: Any) -> bytes:
    """Write a value as compact UTF-8 JSON: decimals keep their digits, instants (in UTC) get whole seconds and `Z`."""
    return orjson.dumps(value, default=_other, option=_OPTIONS)


def written(body: bytes) -> Any:
    """Return JSON that `write` wrote before, to stand as it is inside a value now being written."""
    return orjson.Fragment(body)


def pretty(value: Any) -> str:
    """Write a value for people: indented, ending in a newline."""
    return orjson.dumps(
        value, default=_other, option=_OPTIONS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    ).decode()


def instant(moment: datetime | None) -> str | None:
    """Write an instant in whole seconds with `Z` (RFC 3339)."""
    if moment is None:
        return None
    # strftime costs six times this line, and debts are written a thousand at a time.
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat("T", "seconds")[:19] + "Z"


def day(value: date | None) -> str | None:
    """Write a date as YYYY-MM-DD."""
    return None if value is None else value.isoformat()
