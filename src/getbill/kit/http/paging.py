"""Paging as published (`page`, `limit`, `total`, `pages`) and by cursor for large books.

A cursor is opaque to callers: the sort, the last row's place in it, and the mark of the one list of the one workspace
that it is of. Totals are exact to 10,000 and said to be inexact above, so that a deep page costs what the first one does.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from getbill.kit import json
from getbill.kit.errors import BadRequest, one_parameter
from getbill.kit.messages import message

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
EXACT_MAX = 10_000
# Twelve bytes are sixteen letters, without padding.
_SIGNATURE_BYTES = 12

# What only the workspace's own key makes of a cursor of one list.
CursorSigner = Callable[[str], bytes]


def write_cursor(sort: str, position: list[Any]) -> str:
    """Return the cursor after a row that stands at this place in this sort."""
    return base64.urlsafe_b64encode(json.write([sort, *position])).rstrip(b"=").decode()


def read_cursor(cursor: str, sort: str, length: int) -> list[Any]:
    """Return the place a cursor names; raise BadRequest when it is not one of ours for this sort."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.read(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (BadRequest, binascii.Error, ValueError) as error:
        raise foreign_cursor() from error
    if not isinstance(parts, list) or len(parts) != length + 1 or parts[0] != sort:
        raise foreign_cursor()
    return parts[1:]


def seal(cursor: str, sign: CursorSigner) -> str:
    """Return a cursor with the mark of the list it is of."""
    return f"{cursor}.{_cursor_signature(cursor, sign)}"


def seal_optional(cursor: str | None, sign: CursorSigner) -> str | None:
    """Return a cursor with the mark of its list, or None at the list's end."""
    return None if cursor is None else seal(cursor, sign)


def unseal_optional(cursor: str | None, sign: CursorSigner) -> str | None:
    """Return a cursor without its mark, or None where there is none; raise BadRequest for one of another list."""
    return None if cursor is None else unseal(cursor, sign)


def unseal(cursor: str, sign: CursorSigner) -> str:
    """Return a cursor without its mark; raise BadRequest for one of another list or another workspace."""
    plain, _, signature = cursor.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _cursor_signature(plain, sign).encode()):
        raise foreign_cursor()
    return plain


def _cursor_signature(cursor: str, sign: CursorSigner) -> str:
    return base64.urlsafe_b64encode(sign(cursor)[:_SIGNATURE_BYTES]).decode()


def foreign_cursor(name: str = "cursor") -> BadRequest:
    """Return the refusal of a cursor that this list did not make."""
    return one_parameter(
        name,
        "unknown-cursor",
        message(
            "The cursor is not one of this list in this workspace and this order. Begin again without it."
        ),
    )


def pagination(total: int, page: int, limit: int, next_cursor: str | None) -> dict[str, Any]:
    """Return the `pagination` member of a list; `total` counts at most one row beyond the exact range."""
    members: dict[str, Any] = {
        "total": min(total, EXACT_MAX),
        "page": page,
        "limit": limit,
        "pages": -(-min(total, EXACT_MAX) // limit),
        "next_cursor": next_cursor,
    }
    if total > EXACT_MAX:
        members["total_is_exact"] = False
    return members


def write_time_cursor(sort: str, moment: datetime, identifier: UUID) -> str:
    """Return the cursor after a row of a list that is ordered by an instant and an id."""
    # Whole microseconds, for a place that loses nothing on the way.
    microseconds = int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond
    return write_cursor(sort, [microseconds, identifier.hex])


def read_time_cursor(cursor: str, sort: str) -> tuple[datetime, UUID]:
    """Return the instant and the id that a cursor of `write_place` names."""
    microseconds, identifier = read_cursor(cursor, sort, 2)
    try:
        moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
        return moment.replace(microsecond=microseconds % 1_000_000), read_identifier(identifier)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise foreign_cursor() from error


def read_identifier(part: Any) -> UUID:
    """Return the id in a cursor's place; raise BadRequest when it is none."""
    try:
        return UUID(part)
    except (ValueError, AttributeError, TypeError) as error:
        raise foreign_cursor() from error
