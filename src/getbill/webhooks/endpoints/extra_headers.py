"""Extra headers that a creditor adds to every delivery: a gateway's key, a tenant's name.

They cannot change the delivery itself: GetBill's headers and those of the connection and the body format are
reserved. Their values are secrets: stored sealed and never shown again.
"""

from collections.abc import Mapping
from re import compile as pattern
from typing import Any, Final

from getbill.kit.errors import FieldError, Invalid, one_field
from getbill.kit.messages import Message, excerpt, message

HEADERS_MAX: Final = 20
BYTES_MAX: Final = 4096
_NAME_CHARACTERS_MAX: Final = 100

# RFC 9110 section 5.6.2 (token) and 5.5 (field value: visible ASCII, blanks only between).
_NAME = pattern(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = pattern(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_OWN_PREFIXES: Final = ("webhook-", "x-getbill-")
_RESERVED: Final = frozenset(
    {
        # Body format and sender.
        "content-type",
        "content-length",
        "content-encoding",
        "user-agent",
        "accept-encoding",
        "date",
        # Headers of the connection, not of the message (RFC 9110 section 7.6.1, RFC 9112).
        "host",
        "connection",
        "expect",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def header_errors(headers: Any) -> list[FieldError]:
    """Return the errors in the names and values of requested headers; None removes a header."""
    if not isinstance(headers, dict):
        return []
    errors = []
    lower_names: set[str] = set()
    for name, value in headers.items():
        pointer = f"/headers/{name.replace('~', '~0').replace('/', '~1')}"
        fault = _name_error(name) or _value_error(value)
        if fault is None and name.lower() in lower_names:
            detail = message(
                "The header {name} occurs twice: header names are not case-sensitive.", name=excerpt(name)
            )
            fault = "twice", detail
        if fault is not None:
            errors.append(FieldError(pointer, *fault))
        lower_names.add(name.lower())
    return errors


def _name_error(name: str) -> tuple[str, Message] | None:
    lower = name.lower()
    if len(name) > _NAME_CHARACTERS_MAX or not _NAME.fullmatch(name):
        return "bad-name", message(
            "A header name must have 1 to {most} characters of A-Z, 0-9 and {others}.",
            most=_NAME_CHARACTERS_MAX,
            others="-_.!#$%&'*+^`|~",
        )
    if lower in _RESERVED or lower.startswith((*_OWN_PREFIXES, "proxy-")):
        return "reserved", message(
            "The header {name} is set by GetBill or belongs to the connection.", name=excerpt(name)
        )
    return None


def _value_error(value: Any) -> tuple[str, Message] | None:
    if not isinstance(value, str) or _VALUE.fullmatch(value):
        return None
    return "bad-value", message(
        "A header value may contain visible ASCII characters, with spaces only between them."
    )


def merge_headers(before: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return headers after a change; None removes the named one, or all of them when it stands for all.

    Raises Invalid if the headers are too many or too long together.
    """
    if changes is None:
        return {}
    changed_names = {name.lower() for name in changes}
    after = {name: value for name, value in before.items() if name.lower() not in changed_names}
    after |= {name: value for name, value in changes.items() if value is not None}
    refuse_excess(after)
    return after


def refuse_excess(headers: Mapping[str, str]) -> None:
    """Raise Invalid if there are more headers than receivers accept."""
    if len(headers) > HEADERS_MAX:
        raise _excess(
            "too-many",
            message("A webhook may have at most {most} additional headers.", most=HEADERS_MAX),
        )
    if sum(len(name) + len(value) for name, value in headers.items()) > BYTES_MAX:
        raise _excess(
            "too-large",
            message(
                "The additional headers of a webhook may have at most {most} bytes in total, names and values included.",
                most=BYTES_MAX,
            ),
        )


def _excess(code: str, detail: Message) -> Invalid:
    return one_field("/headers", code, detail)
