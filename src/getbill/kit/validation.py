"""Pydantic's validation errors in our own sentences: the field, what is wrong, and what would be valid.

Every pydantic error type is in the table; none of pydantic's wording leaves this module, and our sentences
contain neither class names nor regular expressions.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from re import compile as pattern
from typing import Any, Final

from pydantic import Field
from pydantic.fields import FieldInfo

from getbill.kit.errors import FieldError, WrongValue
from getbill.kit.messages import Message, counted, excerpt, message, template

_NOT_VALID: Final = template("{subject} is not valid.")
_OBJECT: Final = template("{subject} must be an object.")
_LIST: Final = template("{subject} must be a list.")
_TEXT: Final = template("{subject} must be a string.")
_BOOL: Final = template("{subject} must be true or false.")
_WHOLE: Final = template("{subject} must be an integer, such as 3.")
_NUMBER: Final = template("{subject} must be a number, such as 2340.00.")
_ONE_OF: Final = template("{subject} must be one of: {allowed}.")
_DATE: Final = template("{subject} must be a valid date, written YYYY-MM-DD.")
_TIME: Final = template("{subject} must be a time of day, written HH:MM.")
_INSTANT: Final = template("{subject} must be a valid instant, written 2024-03-15T14:32:07Z.")
_DURATION: Final = template("{subject} must be a duration, such as PT1H.")
_PAST: Final = template("{subject} must be in the past.")
_FUTURE: Final = template("{subject} must be in the future.")
_URL: Final = template("{subject} must be a URL, such as https://example.com/hooks.")
_UUID: Final = template("{subject} must be a UUID, such as 0198f1c2-7d3e-7a40-9c51-2b8e6f0d4a17.")
_REQUIRED: Final = template("{subject} is required.")
_JSON: Final = template("{subject} must be valid JSON.")
_DEPTH: Final = template("{subject} is nested too deeply.")
_FIXED: Final = template("{subject} cannot be changed.")
_NULL: Final = template("{subject} must be null or omitted.")
_ASCII: Final = template("{subject} must contain only ASCII letters, digits and symbols.")
_UNICODE: Final = template("{subject} must be a string in valid Unicode.")
_OFFSET: Final = template("{subject} must be an instant with its time zone, such as 2024-03-15T14:32:07Z.")
_NO_OFFSET: Final = template("{subject} must be written without a time zone.")
_FINITE: Final = template("{subject} must be a finite number.")
_LARGE: Final = template("{subject} must be a smaller number.")
_MULTIPLE: Final = template("{subject} must be a multiple of {multiple_of}.")
_MORE: Final = template("{subject} must be more than {gt}.")
_LEAST: Final = template("{subject} must be {ge} or more.")
_LESS: Final = template("{subject} must be less than {lt}.")
_MOST: Final = template("{subject} must be {le} or less.")
_AFTER: Final = template("{subject} must be later than {gt}.")
_FROM: Final = template("{subject} must be {ge} or later.")
_BEFORE: Final = template("{subject} must be earlier than {lt}.")
_UNTIL: Final = template("{subject} must be {le} or earlier.")

# By error type; limits that are counted are in `_limit`.
SENTENCES: Final[Mapping[str, str]] = {
    "no_such_attribute": _NOT_VALID,
    "json_invalid": _JSON,
    "json_type": _JSON,
    "needs_python_object": _NOT_VALID,
    "recursion_loop": _DEPTH,
    "recursion_depth_exceeded": _DEPTH,
    "missing": _REQUIRED,
    "frozen_field": _FIXED,
    "frozen_instance": _FIXED,
    "extra_forbidden": _NOT_VALID,
    "invalid_key": _OBJECT,
    "get_attribute_error": _NOT_VALID,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "dataclass_exact_type": _OBJECT,
    "named_tuple_type": _OBJECT,
    "default_factory_not_called": _NOT_VALID,
    "none_required": _NULL,
    "greater_than": _MORE,
    "greater_than_equal": _LEAST,
    "less_than": _LESS,
    "less_than_equal": _MOST,
    "multiple_of": _MULTIPLE,
    "finite_number": _FINITE,
    "iterable_type": _LIST,
    "iteration_error": _LIST,
    "string_type": _TEXT,
    "string_unicode": _UNICODE,
    "string_not_ascii": _ASCII,
    "string_pattern_mismatch": _NOT_VALID,
    "enum": _ONE_OF,
    "dict_type": _OBJECT,
    "frozen_dict_type": _OBJECT,
    "ordered_dict_type": _OBJECT,
    "counter_type": _OBJECT,
    "mapping_type": _OBJECT,
    "list_type": _LIST,
    "deque_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "set_item_not_hashable": _TEXT,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _LARGE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bytes_type": _TEXT,
    "bytes_invalid_encoding": _UNICODE,
    "value_error": _NOT_VALID,
    "assertion_error": _NOT_VALID,
    "literal_error": _ONE_OF,
    "missing_sentinel_error": _NOT_VALID,
    "ellipsis_error": _NOT_VALID,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "date_past": _PAST,
    "date_future": _FUTURE,
    "time_type": _TIME,
    "time_parsing": _TIME,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "datetime_past": _PAST,
    "datetime_future": _FUTURE,
    "timezone_naive": _NO_OFFSET,
    "timezone_aware": _OFFSET,
    "timezone_offset": _OFFSET,
    "time_delta_type": _DURATION,
    "time_delta_parsing": _DURATION,
    "is_instance_of": _NOT_VALID,
    "is_subclass_of": _NOT_VALID,
    "callable_type": _NOT_VALID,
    "union_tag_invalid": _ONE_OF,
    "union_tag_not_found": _OBJECT,
    "arguments_type": _OBJECT,
    "missing_argument": _REQUIRED,
    "unexpected_keyword_argument": _NOT_VALID,
    "missing_keyword_only_argument": _REQUIRED,
    "unexpected_positional_argument": _NOT_VALID,
    "missing_positional_only_argument": _REQUIRED,
    "multiple_argument_values": _NOT_VALID,
    "url_type": _URL,
    "url_parsing": _URL,
    "url_syntax_violation": _URL,
    "url_scheme": _URL,
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "uuid_version": _UUID,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "fraction_type": _NUMBER,
    "fraction_parsing": _NUMBER,
    "complex_type": _NUMBER,
    "complex_str_parsing": _NUMBER,
}
# Machine-readable codes, by the sentence for people: our own validators use the same sentences.
_CODES: Final[Mapping[str, str]] = {
    _OBJECT: "not-an-object",
    _LIST: "not-a-list",
    _TEXT: "not-a-text",
    _BOOL: "not-true-or-false",
    _WHOLE: "not-a-whole-number",
    _NUMBER: "not-a-number",
    _ONE_OF: "not-one-of",
    _DATE: "not-a-date",
    _TIME: "not-a-time",
    _INSTANT: "not-an-instant",
    _OFFSET: "not-an-instant",
    _NO_OFFSET: "not-an-instant",
    _DURATION: "not-a-duration",
    _URL: "not-a-web-address",
    _UUID: "not-a-uuid",
    _JSON: "not-json",
    _REQUIRED: "missing",
    _DEPTH: "too-deep",
    _FIXED: "read-only",
    _NULL: "not-null",
    _ASCII: "characters",
    _UNICODE: "characters",
    **dict.fromkeys(
        (
            _PAST,
            _FUTURE,
            _FINITE,
            _LARGE,
            _MULTIPLE,
            _MORE,
            _LEAST,
            _LESS,
            _MOST,
            _AFTER,
            _FROM,
            _BEFORE,
            _UNTIL,
        ),
        "out-of-range",
    ),
}
_COUNTED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("too_short", "string_too_short", "bytes_too_short"), "too-short"),
    **dict.fromkeys(("too_long", "string_too_long", "bytes_too_long", "url_too_long"), "too-long"),
    **dict.fromkeys(("decimal_max_digits", "decimal_whole_digits"), "too-many-digits"),
    "decimal_max_places": "too-many-decimals",
}
_FORM: Final = "wrong-form"
_OTHER: Final = "wrong-value"
CODES: Final = frozenset({*_CODES.values(), *_COUNTED.values(), _FORM, _OTHER})
_DAYS: Final = {
    "greater_than": _AFTER,
    "greater_than_equal": _FROM,
    "less_than": _BEFORE,
    "less_than_equal": _UNTIL,
}
_BOUNDS: Final = frozenset({"gt", "ge", "lt", "le", "multiple_of"})
_SPELLED: Final = pattern(
    r"datetime\.date(?:time)?\((?P<parts>[\d, ]+)(?:, tzinfo=.*)?\)|Decimal\('(?P<number>[-\d.]+)'\)"
)
_QUOTED: Final = pattern(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_PATTERN_MESSAGES: Final[dict[str, Message]] = {}


def pattern_field(pattern_text: str, pattern_message: Message, /, **more: Any) -> Any:
    """Return a text's `Field` with a pattern, and describe the pattern in words: a message with `{subject}`.

    Raises ValueError for a pattern that already has other words: pydantic's errors identify the field by
    nothing else.
    """
    if _PATTERN_MESSAGES.setdefault(pattern_text, pattern_message) != pattern_message:
        raise ValueError(
            f"{pattern_text} is in words already; spell it differently where it means something else"
        )
    field: FieldInfo = Field(pattern=pattern_text, **more)
    return field


def pattern_messages() -> Mapping[str, Message]:
    """Return the messages of all described patterns."""
    return _PATTERN_MESSAGES


def wrong_field(error: Mapping[str, Any], pointer: str, subject: Message) -> FieldError:
    """Return a pydantic error as an invalid field."""
    sentence = error_sentence(error, subject)
    return FieldError(pointer, _code(str(error["type"]), sentence), sentence)


def _code(kind: str, sentence: Message) -> str:
    if kind in _COUNTED:
        return _COUNTED[kind]
    return _FORM if kind == "string_pattern_mismatch" else _CODES.get(sentence.template, _OTHER)


def error_sentence(error: Mapping[str, Any], subject: Message) -> Message:
    """Return a pydantic error as our message."""
    kind, facts = str(error["type"]), error.get("ctx") or {}
    wrong_value = facts.get("error")
    if isinstance(wrong_value, WrongValue):
        return wrong_value.detail.with_subject(subject)
    if kind == "string_pattern_mismatch" and facts.get("pattern") in _PATTERN_MESSAGES:
        return _PATTERN_MESSAGES[facts["pattern"]].with_subject(subject)
    # Behind a validator of ours pydantic counts a text's characters as it counts a list's entries.
    counted_kind = (
        f"string_{kind}"
        if kind in {"too_short", "too_long"} and isinstance(error.get("input"), str)
        else kind
    )
    limit = _limit(counted_kind, facts, subject)
    if limit is not None:
        return limit
    bounds = {name: _bound(value) for name, value in facts.items() if name in _BOUNDS}
    is_day = any(isinstance(value, str) and "-" in value for value in bounds.values())
    sentence_template = _DAYS[kind] if is_day and kind in _DAYS else SENTENCES.get(kind, _NOT_VALID)
    bounds = {name: value for name, value in bounds.items() if f"{{{name}}}" in sentence_template}
    return Message(sentence_template, {"subject": subject, "allowed": _allowed(facts), **bounds})


def _bound(value: Any) -> Any:
    if isinstance(value, str) and (match := _SPELLED.fullmatch(value)):
        # Behind a validator of ours pydantic writes a limit as Python does.
        return _day_of(match["parts"]) if match["parts"] else match["number"]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def _day_of(parts: str) -> str:
    numbers = [int(part) for part in parts.split(",")]
    return _bound(date(*numbers) if len(numbers) == 3 else datetime(*numbers, tzinfo=UTC))  # type: ignore[arg-type, misc, no-any-return]


def _allowed(facts: Mapping[str, Any]) -> list[str]:
    """Return the allowed values, which pydantic writes as Python does."""
    expected = str(facts.get("expected") or facts.get("expected_tags") or "")
    words = [single_quoted or double_quoted for single_quoted, double_quoted in _QUOTED.findall(expected)]
    return words or [part.strip() for part in expected.replace(" or ", ",").split(",") if part.strip()]


def _limit(kind: str, facts: Mapping[str, Any], subject: Message) -> Message | None:  # noqa: PLR0911 - a table in words
    count = next((facts[name] for name in _LIMITS.get(kind, ()) if isinstance(facts.get(name), int)), None)
    if count is None:
        return None
    match kind:
        case "string_too_short" | "bytes_too_short" if count == 1:
            return message("{subject} must not be empty.", subject=subject)
        case "string_too_short" | "bytes_too_short":
            return counted(
                "{subject} must have at least {count} character.",
                "{subject} must have at least {count} characters.",
                count=count,
                subject=subject,
            )
        case "string_too_long" | "bytes_too_long" | "url_too_long":
            return counted(
                "{subject} must have at most {count} character.",
                "{subject} must have at most {count} characters.",
                count=count,
                subject=subject,
            )
        case "too_short":
            return counted(
                "{subject} must have at least {count} entry.",
                "{subject} must have at least {count} entries.",
                count=count,
                subject=subject,
            )
        case "too_long":
            return counted(
                "{subject} must have at most {count} entry.",
                "{subject} must have at most {count} entries.",
                count=count,
                subject=subject,
            )
        case "decimal_max_places":
            return counted(
                "{subject} must have at most {count} decimal.",
                "{subject} must have at most {count} decimals.",
                count=count,
                subject=subject,
            )
        case _:
            return counted(
                "{subject} must have at most {count} digit.",
                "{subject} must have at most {count} digits.",
                count=count,
                subject=subject,
            )


_LIMITS: Final[Mapping[str, Sequence[str]]] = {
    "too_short": ("min_length",),
    "too_long": ("max_length",),
    "string_too_short": ("min_length",),
    "string_too_long": ("max_length",),
    "bytes_too_short": ("min_length",),
    "bytes_too_long": ("max_length",),
    "url_too_long": ("max_length",),
    "decimal_max_places": ("decimal_places",),
    "decimal_max_digits": ("max_digits",),
    "decimal_whole_digits": ("whole_digits",),
}
HANDLED_TYPES: Final = frozenset(SENTENCES) | frozenset(_LIMITS)


def field_subject(location: Sequence[int | str]) -> Message:
    """Return a body's field as the subject of a sentence."""
    name = next((part for part in reversed(location) if isinstance(part, str)), None)
    return _field(name, is_entry=bool(location) and isinstance(location[-1], int))


# Thousands of rows have errors in the same few fields.
@lru_cache(maxsize=512)
def _field(name: str | None, *, is_entry: bool) -> Message:
    if name is None:
        return message("An entry of the body") if is_entry else message("The body")
    if is_entry:
        return message("An entry of '{field}'", field=excerpt(name))
    return message("The field '{field}'", field=excerpt(name))


def parameter_subject(name: str) -> Message:
    """Return a parameter as the subject of a sentence."""
    return message("The parameter '{name}'", name=excerpt(name))


def field_location(location: Sequence[int | str], value: Any, *, is_missing: bool) -> tuple[int | str, ...]:
    """Return the location of an error in a body; pydantic also counts the branches of its own models."""
    path: list[int | str] = []
    for number, part in enumerate(location):
        is_last = number == len(location) - 1
        if isinstance(value, dict):
            if part in value or (is_last and is_missing):
                path.append(part)
                value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path.append(part)
            value = value[part]
    return tuple(path)
