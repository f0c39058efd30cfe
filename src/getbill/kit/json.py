"""JSON for money: numbers are exact decimals both ways.

The reader refuses what other readers accept and later code fails on: NaN and Infinity, duplicate keys, lone
surrogates, the NUL character, unlimited nesting. The writer prints a Decimal with the digits it has
(`2340.00`). The API, webhooks and tests all use this one pair.
"""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from re import compile as pattern
from typing import Any, Final

import orjson

from getbill.kit.errors import BadRequest
from getbill.kit.messages import excerpt, message
from getbill.kit.text import storable_text

_DEPTH_MAX = 64
# A string, or one without an end, so that no place in the body is scanned twice.
_TEXT = pattern(r'"(?:[^"\\]|\\[\s\S])*+(?:"|\\?\Z)')
_DIGITS_MAX = 40


class MalformedJson(BadRequest):
    """The body is not JSON with one unambiguous meaning."""

    code = "malformed-json"
    title = message("The body is not valid JSON")
    way_out = "Correct the error at the position in `detail`, and send unambiguous JSON, without NaN or duplicate keys."


def _refuse_constant(name: str) -> None:
    raise MalformedJson(message("{name} is not a JSON number. Send a finite number.", name=name))


def _number(text: str) -> Decimal:
    if len(text) > _DIGITS_MAX:
        raise MalformedJson(message("A number has more than {most} digits.", most=_DIGITS_MAX))
    value = Decimal(text)
    if abs(value.adjusted()) > _DIGITS_MAX:
        raise MalformedJson(message("A number's exponent is beyond {most}.", most=_DIGITS_MAX))
    return value


def _integer(text: str) -> int | Decimal:
    if len(text) > _DIGITS_MAX:
        raise MalformedJson(message("A number has more than {most} digits.", most=_DIGITS_MAX))
    value = int(text)
    # The writer's integers have 64 bits; as a decimal a larger one keeps its digits too.
    return value if -(2**63) <= value < 2**64 else Decimal(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        duplicate, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise MalformedJson(
            message('The key "{twice}" occurs twice in one object. Send it once.', twice=excerpt(duplicate))
        )
    return members


# Messages of the standard library's decoder, in our words.
_FAULT: Final = message("this is not JSON.")
_FAULTS: Final = {
    "Expecting value": message("a value is missing or is not JSON: strings require double quotes."),
    "Expecting ',' delimiter": message("a comma, or the end of the object or list, is missing."),
    "Expecting ':' delimiter": message("a colon after the name is missing."),
    "Expecting property name enclosed in double quotes": message("a name in double quotes is missing."),
    "Illegal trailing comma before end of object": message(
        "a trailing comma precedes the end of the object."
    ),
    "Illegal trailing comma before end of array": message("a trailing comma precedes the end of the list."),
    "Unterminated string starting at": message("a string begins here and has no closing quote."),
    "Invalid control character at": message(
        "a string contains a line break or another control character: write it as \\n."
    ),
    "Invalid \\escape": message("a backslash is followed by a character that it cannot escape."),
    "Invalid \\uXXXX escape": message("\\u is followed by four hexadecimal digits."),
    "Extra data": message("the body continues after its end. Send one object."),
}


_DECODER = json.JSONDecoder(
    parse_float=_number, parse_int=_integer, parse_constant=_refuse_constant, object_pairs_hook=_unique
)


def read(body: bytes) -> Any:
    """Parse UTF-8 JSON; raise MalformedJson with what is wrong and where, Invalid for unstorable texts."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(message("The body is not UTF-8 (byte {byte}).", byte=error.start)) from error
    text = text.removeprefix("\ufeff")
    if text.count("[") + text.count("{") > _DEPTH_MAX:
        _refuse_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(
            message(
                "Invalid JSON at line {line}, column {column}: {what}",
                line=error.lineno,
                column=error.colno,
                what=_FAULTS.get(error.msg, _FAULT),
            )
        ) from error
    if "\\u" in text or "\x00" in text:
        storable_text.refuse_fields(list(dict.fromkeys(storable_text.unstorable_in(value))))
    return value


def read_texts(body: bytes) -> dict[str, str]:
    """Parse an object of texts that `write` returned; it has no numbers that could lose digits."""
    texts: dict[str, str] = orjson.loads(body)
    return texts


def _refuse_depth(text: str) -> None:
    depth = 0
    for character in _TEXT.sub("", text):
        if character in "[{":
            depth += 1
            if depth > _DEPTH_MAX:
                raise MalformedJson(message("The body is nested deeper than {most} levels.", most=_DEPTH_MAX))
        elif character in "]}":
            depth -= 1


_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def _encode_decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def write(value: Any) -> bytes:
    """Return compact UTF-8 JSON: decimals keep their digits, instants (in UTC) get whole seconds and `Z`."""
    return orjson.dumps(value, default=_encode_decimal, option=_OPTIONS)


def raw_json(body: bytes) -> Any:
    """Return JSON that `write` returned before, for embedding as it is in a value being written."""
    return orjson.Fragment(body)


def pretty(value: Any) -> str:
    """Return a value as JSON for people: indented, ending in a newline."""
    return orjson.dumps(
        value, default=_encode_decimal, option=_OPTIONS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    ).decode()


def instant(moment: datetime | None) -> str | None:
    """Return an instant in whole seconds with `Z` (RFC 3339)."""
    if moment is None:
        return None
    # strftime takes six times as long as this line, and debts are written a thousand at a time.
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat("T", "seconds")[:19] + "Z"


def day(value: date | None) -> str | None:
    """Return a date as YYYY-MM-DD."""
    return None if value is None else value.isoformat()
