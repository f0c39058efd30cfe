"""Types of body fields that several kinds of records have: their checks, their form in OpenAPI, their stored value."""

from typing import Annotated, Any

from babel import Locale
from pydantic import AfterValidator, BeforeValidator, Field

from getbill.kit.errors import WrongValue
from getbill.kit.messages import VALUE, excerpt, message
from getbill.kit.text import emails, ibans
from getbill.kit.text.names import Lines, Name
from getbill.kit.validation import pattern_field

# CLDR's territories include groups and placeholders that are not countries of an address.
_NOWHERE = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
COUNTRIES = frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2) - _NOWHERE


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _normalise_email(value: str) -> str:
    return emails.normalise(value)


def _check_country(value: str) -> str:
    code = value.upper()
    if code not in COUNTRIES:
        raise WrongValue(
            message(
                "'{value}' is not an ISO 3166-1 alpha-2 country. Send, for example, FR.", value=excerpt(value)
            )
        )
    return code


Text = Annotated[Name, BeforeValidator(_strip), Field(min_length=1, max_length=200)]
Line = Annotated[Lines, BeforeValidator(_strip), Field(min_length=1, max_length=500)]
Email = Annotated[
    str, Field(max_length=254, examples=["jean.dupont@email.com"]), AfterValidator(_normalise_email)
]
Phone = Annotated[str, Field(max_length=40, examples=["+33612345678"])]
Country = Annotated[
    str,
    pattern_field(
        # Separate from the language's: each pattern has its own message.
        "^[A-Za-z][A-Za-z]$",
        message("{subject} must be an ISO 3166-1 code of two letters, such as FR.", subject=VALUE),
        examples=["FR"],
    ),
    AfterValidator(_check_country),
]
Iban = Annotated[str, Field(max_length=60), AfterValidator(ibans.normalise)]
