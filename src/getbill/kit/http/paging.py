"""Paging by number (`page`, `limit`, `total`, `pages`) and by cursor for large lists.

A cursor is opaque to callers: the sort, the position of the last row, and a signature that binds it to one
list of one workspace. Totals are exact to 10,000 and marked inexact above, so that a deep page costs what the
first one does.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit import json
from getbill.kit.errors import BadRequest, one_parameter
from getbill.kit.messages import message

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
EXACT_MAX = 10_000
# Twelve bytes are sixteen base64 characters, without padding.
_SIGNATURE_BYTES = 12

# The signature of a cursor of one list, by the workspace's own key.
CursorSigner = Callable[[str], bytes]

QueryText = Annotated[str, Field(min_length=1, max_length=200)]


class PageQuery(BaseModel):
    """The page of a list: by number, or after a cursor."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: QueryText | None = None


def write_cursor(sort: str, position: list[Any]) -> str:
    """Return the cursor after a row at this position in this sort."""
    return base64.urlsafe_b64encode(json.write([sort, *position])).rstrip(b"=").decode()


def read_cursor(cursor: str, sort: str, length: int) -> list[Any]:
    """Return the position in a cursor; raise BadRequest if it is not one of ours for this sort."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.read(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (BadRequest, binascii.Error, ValueError) as error:
        raise foreign_cursor() from error
    if not isinstance(parts, list) or len(parts) != length + 1 or parts[0] != sort:
        raise foreign_cursor()
    return parts[1:]


def seal(cursor: str, sign: CursorSigner) -> str:
    """Return a cursor with the signature of its list."""
    return f"{cursor}.{_cursor_signature(cursor, sign)}"


def seal_optional(cursor: str | None, sign: CursorSigner) -> str | None:
    """Return a cursor with the signature of its list, or None at the list's end."""
    return None if cursor is None else seal(cursor, sign)


def unseal_optional(cursor: str | None, sign: CursorSigner) -> str | None:
    """Return a cursor, if any, without its signature; raise BadRequest for one of another list."""
    return None if cursor is None else unseal(cursor, sign)


def unseal(cursor: str, sign: CursorSigner) -> str:
    """Return a cursor without its signature; raise BadRequest for one of another list or workspace."""
    plain, _, signature = cursor.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _cursor_signature(plain, sign).encode()):
        raise foreign_cursor()
    return plain


def _cursor_signature(cursor: str, sign: CursorSigner) -> str:
    return base64.urlsafe_b64encode(sign(cursor)[:_SIGNATURE_BYTES]).decode()


def foreign_cursor(name: str = "cursor") -> BadRequest:
    """Return the refusal of a cursor that this list did not issue."""
    return one_parameter(
        name,
        "unknown-cursor",
        message("The cursor does not belong to this list, workspace and sort order. Start again without it."),
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
    # Whole microseconds, so that the position keeps its precision.
    microseconds = int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond
    return write_cursor(sort, [microseconds, identifier.hex])


def read_time_cursor(cursor: str, sort: str) -> tuple[datetime, UUID]:
    """Return the instant and the id in a cursor of `write_time_cursor`."""
    microseconds, identifier = read_cursor(cursor, sort, 2)
    try:
        moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
        return moment.replace(microsecond=microseconds % 1_000_000), read_identifier(identifier)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise foreign_cursor() from error


def read_identifier(part: Any) -> UUID:
    """Return the id in a cursor's position; raise BadRequest if it is not an id."""
    try:
        return UUID(part)
    except (ValueError, AttributeError, TypeError) as error:
        raise foreign_cursor() from error
