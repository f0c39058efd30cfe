"""Types of body fields: their checks, their form in OpenAPI, and their stored value."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue

from getbill import channels
from getbill.debts.wire import checks
from getbill.kit.errors import WrongValue
from getbill.kit.http import check_day_text
from getbill.kit.messages import VALUE, excerpt, message
from getbill.kit.money import currencies
from getbill.kit.text import languages
from getbill.kit.validation import pattern_field


def _check_currency(value: str) -> str:
    code = value.upper()
    if code not in currencies():
        raise WrongValue(
            message(
                "'{value}' is not an ISO 4217 currency in use. Send, for example, EUR.", value=excerpt(value)
            )
        )
    return code


def _check_language(value: str) -> str:
    return languages.normalise_code(value)


def _parse_day(value: Any) -> Any:
    # The docs accept an instant for a date; its date part counts.
    if isinstance(value, str) and len(value) > 10 and value[10] in "T ":
        value = value[:10]
    return check_day_text(value)


def _parse_amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise WrongValue(message("{subject} must be a number, such as 2340.00.", subject=VALUE))
    if value <= 0:
        raise WrongValue(message("{subject} must be above zero.", subject=VALUE))
    return Decimal(value)


def _check_link(value: str) -> str:
    if not channels.is_web_link(value):
        raise WrongValue(message("{subject} must begin with https:// and contain no spaces.", subject=VALUE))
    return value


Currency = Annotated[
    str,
    pattern_field(
        "^[A-Za-z]{3}$",
        message("{subject} must be an ISO 4217 code of three letters, such as EUR.", subject=VALUE),
        examples=["EUR"],
    ),
    AfterValidator(_check_currency),
]
Language = Annotated[
    str,
    pattern_field(
        "^[A-Za-z]{2}$",
        message("{subject} must be an ISO 639-1 code of two letters, such as fr.", subject=VALUE),
        examples=["fr"],
    ),
    AfterValidator(_check_language),
]
Day = Annotated[
    date,
    BeforeValidator(_parse_day),
    Field(examples=["2024-01-15"], ge=date(1900, 1, 1), le=date(2200, 12, 31)),
]
# `check_birthdates` checks the plausible range, which depends on the current day.
Birthdate = Annotated[date, BeforeValidator(_parse_day), Field(examples=["1980-05-17"])]
Link = Annotated[str, Field(max_length=2000), AfterValidator(_check_link)]
AMOUNT_SCHEMA: JsonSchemaValue = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 10**12,
    "examples": [2340.00],
}
Amount = Annotated[Decimal, BeforeValidator(_parse_amount), WithJsonSchema(AMOUNT_SCHEMA)]
Metadata = Annotated[dict[str, Any], Field(max_length=100), AfterValidator(checks.check_metadata_size)]
