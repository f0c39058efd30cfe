"""Schemas that many responses share, as the OpenAPI document shows them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from getbill.kit.errors import WrongValue
from getbill.kit.messages import VALUE, message
from getbill.kit.validation import pattern_field

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def check_day_text(value: Any) -> Any:
    """Accept only texts written as a date; pydantic by itself also accepts seconds since 1970."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise WrongValue(message("{subject} must be a valid date, written YYYY-MM-DD.", subject=VALUE))
    return value


def check_instant_text(value: Any) -> Any:
    """Accept only texts written as an instant; a date alone means its first moment in UTC."""
    if not isinstance(value, str) or not _DAY.match(value):
        raise WrongValue(
            message("{subject} must be a valid instant, written 2024-03-15T14:32:07Z.", subject=VALUE)
        )
    # In a query string an unescaped plus sign arrives as a space.
    return value + "T00:00:00Z" if len(value) == 10 else value[:10] + "T" + value[11:].replace(" ", "+")


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise WrongValue(
            message("{subject} must be between the years 1 and 9999, in UTC.", subject=VALUE)
        ) from None


# Query parameters of lists.
QueryDay = Annotated[date, BeforeValidator(check_day_text)]
QueryInstant = Annotated[AwareDatetime, BeforeValidator(check_instant_text), AfterValidator(_in_utc)]

# In a body: a text or a number is not a boolean.
Flag = Annotated[bool, Field(strict=True)]
MoneyNumber = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Currency = Annotated[
    str,
    pattern_field(
        "^[A-Z]{3}$",
        message("{subject} must be an uppercase ISO 4217 code, such as EUR.", subject=VALUE),
        examples=["EUR"],
    ),
]
Printable = Annotated[
    str,
    pattern_field(
        r"^[\x21-\x7e]{1,200}$",
        message(
            "{subject} must have 1 to 200 ASCII letters, digits and symbols, without spaces.", subject=VALUE
        ),
    ),
]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date", "examples": ["2024-01-15"]})]
Instant = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2024-03-15T14:32:07Z"]})
]


def require_any_field(*names: str) -> dict[str, Any]:
    """Return the JSON Schema of a body that requires one of these fields, not null.

    It stands under `then`, which validators apply and client generators leave out of their types.
    """
    return {"if": {"type": "object"}, "then": {"anyOf": [require_field(name) for name in names]}}


def require_field(name: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of an object that requires a field, not null and matching a schema."""
    value = {"not": {"type": "null"}} | dict(schema or {})
    return {"type": "object", "required": [name], "properties": {name: value}}


class Pagination(BaseModel):
    """Position of a page in its list."""

    total: int = Field(description="Number of items; exact to 10,000.")
    page: int
    limit: int
    pages: int
    next_cursor: str | None = Field(
        description="Cursor of the next page, to send as `cursor`; null at the end."
    )
    total_is_exact: bool = Field(
        default=True, description="Whether `total` is exact: false if there are more items, absent otherwise."
    )


class FieldErrorShown(BaseModel):
    """One invalid field."""

    pointer: str = Field(examples=["/debtor/email"])
    code: str
    detail: str


class ProblemShown(BaseModel):
    """A refusal (RFC 9457): what is wrong and what to do next, in French or English by `Accept-Language`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/invalid"])
    title: str
    status: int
    detail: str
    errors: list[FieldErrorShown] | None = Field(None, description="All invalid fields, up to the first 100.")
    errors_total: int | None = Field(None, description="Number of invalid fields, present if it exceeds 100.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of a route's possible refusals."""
    schema = {"$ref": "#/components/schemas/ProblemShown"}
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


_MEANINGS = {
    400: "The request cannot be read: malformed JSON, or an unknown query parameter.",
    401: "The credential is missing, invalid, expired or revoked.",
    403: "The credential lacks a scope, named in the problem.",
    404: "The object does not exist in the caller's workspace.",
    405: "The path does not support this method.",
    408: "The request arrived too slowly; the connection is closed.",
    409: "The request conflicts with existing data.",
    410: "The object was merged into another one, named in the problem.",
    412: "The object has changed since it was read.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8.",
    422: "Some fields are invalid; `errors` lists them.",
    429: "Too many requests; `Retry-After` gives the seconds to wait.",
    431: "The head of the request is too large; the connection is closed.",
    500: "An internal error occurred; the log contains it under the request id.",
    503: "A part of the installation is down, or too many connections are open.",
}
