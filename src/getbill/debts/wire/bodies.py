"""Request bodies of debts, in the original names and in those of the published docs.

Both spellings are accepted (`debtor.first_name` or `firstname`, `reference` or `internal_id`); both for one
field is an error. Responses always use the original names. The contract's oddities stay in this file.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from babel import Locale
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue

from getbill import channels, scenarios
from getbill.companies import Workspace
from getbill.debts.wire import checks
from getbill.debts.wire.schemas import StatusWord
from getbill.kit import phones
from getbill.kit.errors import FieldError, WrongValue
from getbill.kit.http import Flag, check_day_text, require_field
from getbill.kit.messages import VALUE, excerpt, message
from getbill.kit.money import AmountHasTooManyDecimals, AmountTooLarge, Money, currencies
from getbill.kit.text import emails, ibans, languages
from getbill.kit.text.names import Lines, Name
from getbill.kit.validation import field_subject, pattern_field

# CLDR's territories include groups and placeholders that are not countries of an address.
_NOWHERE = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
COUNTRIES = frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2) - _NOWHERE

# The docs' status words for ours, where a caller may set them.
DOCS_STATUS = {
    "status.default.pending": "pending",
    "status.default.in_progress": "in_progress",
    "status.default.processing": "in_progress",
    "status.default.partial": "in_progress",
    "status.default.on_hold": "on_hold",
    "status.default.settled": "resolved",
    "status.default.paid": "resolved",
    "status.default.failed": "unresolved",
    "status.default.refused": "unresolved",
    "status.default.invalid_phone": "unresolved",
    "status.default.archived": "archived",
}


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _normalise_email(value: str) -> str:
    return emails.normalise(value)


def _check_currency(value: str) -> str:
    code = value.upper()
    if code not in currencies():
        raise WrongValue(
            message(
                "'{value}' is not an ISO 4217 currency in use. Send for example EUR.", value=excerpt(value)
            )
        )
    return code


def _check_country(value: str) -> str:
    code = value.upper()
    if code not in COUNTRIES:
        raise WrongValue(
            message(
                "'{value}' is not an ISO 3166-1 alpha-2 country. Send for example FR.", value=excerpt(value)
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
        raise WrongValue(message("{subject} must begin with https:// and have no spaces.", subject=VALUE))
    return value


def _map_status(value: Any) -> Any:
    return DOCS_STATUS.get(value, value) if isinstance(value, str) else value


Text = Annotated[Name, BeforeValidator(_strip), Field(min_length=1, max_length=200)]
Line = Annotated[Lines, BeforeValidator(_strip), Field(min_length=1, max_length=500)]
Email = Annotated[
    str, Field(max_length=254, examples=["jean.dupont@email.com"]), AfterValidator(_normalise_email)
]
Phone = Annotated[str, Field(max_length=40, examples=["+33612345678"])]
Currency = Annotated[
    str,
    pattern_field(
        "^[A-Za-z]{3}$",
        message("{subject} must be an ISO 4217 code of three letters, such as EUR.", subject=VALUE),
        examples=["EUR"],
    ),
    AfterValidator(_check_currency),
]
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
Iban = Annotated[str, Field(max_length=60), AfterValidator(ibans.normalise)]
Link = Annotated[str, Field(max_length=2000), AfterValidator(_check_link)]
_AMOUNT: JsonSchemaValue = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 10**12,
    "examples": [2340.00],
}
Amount = Annotated[Decimal, BeforeValidator(_parse_amount), WithJsonSchema(_AMOUNT)]
Metadata = Annotated[dict[str, Any], Field(max_length=100), AfterValidator(checks.check_metadata_size)]
Status = Annotated[
    StatusWord,
    BeforeValidator(_map_status),
]


class AddressBody(BaseModel):
    """A postal address in its parts."""

    model_config = ConfigDict(extra="forbid")

    street_address: Line | None = None
    street_number: Text | None = None
    postal_code: Text | None = None
    city: Text | None = None
    country: Country | None = None


_LINE: TypeAdapter[str] = TypeAdapter(Line)


def _parse_address(value: Any) -> AddressBody | str:
    # Not a union of the two: that reports each error once per type, at paths no body has.
    return _LINE.validate_python(value) if isinstance(value, str) else AddressBody.model_validate(value)


Address = Annotated[
    AddressBody | Line, PlainValidator(_parse_address, json_schema_input_type=AddressBody | Line)
]


class DebtorBody(BaseModel):
    """The debtor: a name and contact details."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = Field(None, examples=["Jean Dupont"])
    first_name: Text | None = None
    last_name: Text | None = None
    civility: Literal["Mr", "Ms"] | None = None
    birthdate: Birthdate | None = None
    company: Text | None = Field(
        None, description="Name of the company that owes, for a debt between businesses."
    )
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    reference: Text | None = Field(
        None,
        description="Your reference of the debtor. It identifies the debtor only if nobody else has it.",
    )
    address: Address | None = None


class DebtFields(BaseModel):
    """The fields of a debt that a caller may send, in either spelling."""

    model_config = ConfigDict(extra="forbid")

    debtor: DebtorBody | None = None
    amount: Amount | None = Field(
        None, description="Amount claimed, above zero, with at most the currency's decimals."
    )
    currency: Currency | None = Field(None, description="Currency, ISO 4217; the company's by default.")
    reference: Text | None = Field(None, description="Your reference of the debt, unique in the workspace.")
    due_date: Day | None = None
    scenario: Text | None = Field(
        None, description="Name of the scenario; the company's default if left out."
    )
    invoice_reference: Text | None = None
    invoice_date: Day | None = None
    object: Line | None = Field(None, description="What the debt is for.")
    iban: Iban | None = Field(None, description="IBAN that the debtor pays to; the creditor's by default.")
    payment_link: Link | None = None
    company: Text | None = Field(None, description="Name of the creditor, if you collect for several.")
    metadata: Metadata | None = None
    accept_expensive_destination: Flag | None = Field(
        None,
        description="Whether to call and text the debtor also where the number is premium rate, a satellite phone, a pager"
        " or the like; such a number is refused otherwise.",
    )
    timeline_id: Text | None = Field(None, description="Id of the scenario, in place of `scenario`.")
    firstname: Text | None = None
    lastname: Text | None = None
    civility: Literal["Mr", "Ms"] | None = None
    birthdate: Birthdate | None = None
    email: Email | None = None
    phone: Phone | None = None
    debtor_reference: Text | None = None
    debtor_company: Text | None = None
    internal_id: Text | None = Field(None, description="Your reference of the debt, in place of `reference`.")
    address: Line | None = None
    street_address: Line | None = None
    street_number: Text | None = None
    postal_code: Text | None = None
    city: Text | None = None
    country: Country | None = None

    FIELD_ALIASES: ClassVar[dict[str, tuple[str, ...]]] = {
        "internal_id": ("reference",),
        "firstname": ("debtor", "first_name"),
        "lastname": ("debtor", "last_name"),
        "civility": ("debtor", "civility"),
        "birthdate": ("debtor", "birthdate"),
        "email": ("debtor", "email"),
        "phone": ("debtor", "phone"),
        "debtor_reference": ("debtor", "reference"),
        "debtor_company": ("debtor", "company"),
        "address": ("debtor", "address"),
        "street_address": ("debtor", "address", "street_address"),
        "street_number": ("debtor", "address", "street_number"),
        "postal_code": ("debtor", "address", "postal_code"),
        "city": ("debtor", "address", "city"),
        "country": ("debtor", "address", "country"),
    }

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, even if some fields are invalid themselves."""
        errors = [
            FieldError(
                f"/{flat}",
                "twice",
                message(
                    "Send {flat} or {path}, not both: they are one field.", flat=flat, path=".".join(path)
                ),
            )
            for flat, path in cls.FIELD_ALIASES.items()
            if raw.get(flat) is not None and _value_at(raw, path) is not None
        ]
        return errors + _check_dates(raw) + _check_phone(raw) + _check_amount(raw) + checks.check_name(raw)

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors of the scenario, which depends on the workspace."""
        workspace: Workspace = caller.workspace
        return _check_scenario(raw, workspace) + checks.check_birthdates(raw, workspace.now())


_NAMES = ("name", "first_name", "last_name", "company")
# Required fields of a new debt; some have two names.
_REQUIRED: Any = {
    "required": ["amount"],
    "if": {"type": "object"},
    "then": {
        "allOf": [
            {"anyOf": [require_field("reference"), require_field("internal_id")]},
            {
                "anyOf": [
                    require_field("debtor", {"anyOf": [require_field(name) for name in _NAMES]}),
                    *(require_field(name) for name in ("firstname", "lastname", "debtor_company")),
                ]
            },
        ]
    },
}


class NewDebtBody(DebtFields):
    """A debt to create. A name, `amount` and `reference` are required."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_REQUIRED
        | {
            "examples": [
                {
                    "debtor": {
                        "name": "Jean Dupont",
                        "email": "jean.dupont@email.com",
                        "phone": "+33612345678",
                    },
                    "amount": 2340.00,
                    "currency": "EUR",
                    "reference": "F-2024-0847",
                    "due_date": "2024-01-15",
                    "scenario": "standard_3_waves",
                }
            ]
        },
    )

    amount: Annotated[Amount | None, WithJsonSchema(_AMOUNT)] = Field(
        None, description="Amount claimed, above zero, with at most the currency's decimals."
    )
    timeline_start_mode: Literal["immediate", "next_day"] | None = None

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors of this workspace: an unknown scenario, or a number too expensive to contact."""
        zones = caller.workspace.company.refused_zones
        return super().workspace_errors(raw, caller) + checks.check_destinations(
            raw, phone_region(raw), zones
        )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and missing required fields."""
        errors = super().cross_field_errors(raw)
        if raw.get("amount") is None:
            errors.append(
                FieldError(
                    "/amount",
                    "missing",
                    message("{subject} is required: what is owed.", subject=field_subject(("amount",))),
                )
            )
        if raw.get("reference") is None and raw.get("internal_id") is None:
            errors.append(
                FieldError(
                    "/reference",
                    "missing",
                    message("{subject} is required: your own.", subject=field_subject(("reference",))),
                )
            )
        debtor = raw.get("debtor") if isinstance(raw.get("debtor"), dict) else {}
        names = [(debtor or {}).get(name) for name in ("name", "first_name", "last_name", "company")]
        names += [raw.get(name) for name in ("firstname", "lastname", "debtor_company")]
        if not any(names):
            errors.append(
                FieldError(
                    "/debtor/name",
                    "missing",
                    message("The debtor needs a name: send name, first_name and last_name, or company."),
                )
            )
        return errors


class PromiseBody(BaseModel):
    """The debtor's promise to pay, with its date."""

    model_config = ConfigDict(extra="forbid")

    date: Day = Field(
        description="Last day of the promise, YYYY-MM-DD; the debtor is not contacted until it is over."
    )
    amount: Amount | None = Field(None, description="Amount promised; all that is owed by default.")


class DebtChangeBody(DebtFields):
    """Fields of a debt to change. Omitted fields keep their values; null clears an optional field."""

    status: Status | None = None
    scenario_version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = Field(
        None, description="Version of the scenario that the debt runs from now on."
    )

    promise: PromiseBody | None = Field(
        None, description="The debtor's promise to pay; the scenario waits until its day is over."
    )

    NOT_NULLABLE: ClassVar[frozenset[str]] = frozenset(
        {
            "reference",
            "internal_id",
            "amount",
            "currency",
            "scenario",
            "timeline_id",
            "scenario_version",
            "status",
            "debtor",
        }
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and fields that cannot be cleared."""
        return super().cross_field_errors(raw) + [
            FieldError(
                pointer, "required", message("{name} cannot be null; leave it out to keep it.", name=name)
            )
            for pointer, name in _null_fields(raw, cls.NOT_NULLABLE)
        ]


def _null_fields(raw: dict[str, Any], names: frozenset[str]) -> list[tuple[str, str]]:
    """Return pointer and name of each field that must not be null, including the debtor's name."""
    nulls = [(f"/{name}", name) for name in sorted(names & raw.keys()) if raw[name] is None]
    debtor = raw.get("debtor")
    if isinstance(debtor, dict) and debtor.get("name", "") is None:
        nulls.append(("/debtor/name", "name"))
    return nulls


def _value_at(raw: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        raw = raw.get(part) if isinstance(raw, dict) else None
    return raw


def _check_dates(raw: dict[str, Any]) -> list[FieldError]:
    due, invoice = raw.get("due_date"), raw.get("invoice_date")
    if isinstance(due, str) and isinstance(invoice, str) and due[:10] < invoice[:10]:
        return [
            FieldError(
                "/due_date",
                "before-invoice",
                message("due_date is before invoice_date: a debt is due on the day of its invoice or later."),
            )
        ]
    return []


def _check_scenario(raw: dict[str, Any], workspace: Workspace) -> list[FieldError]:
    name, timeline = raw.get("scenario"), raw.get("timeline_id")
    if not isinstance(name, str | None) or not isinstance(timeline, str | None):
        return []
    try:
        scenarios.resolve(workspace, name and name.strip(), timeline and timeline.strip())
    except (scenarios.ScenarioUnknown, scenarios.ScenarioConflict) as error:
        return [FieldError("/scenario" if name else "/timeline_id", "unknown", error.detail)]
    return []


def _check_phone(raw: dict[str, Any]) -> list[FieldError]:
    errors = []
    for pointer, text in (
        ("/debtor/phone", _value_at(raw, ("debtor", "phone"))),
        ("/phone", raw.get("phone")),
    ):
        if isinstance(text, str):
            try:
                phones.parse(text, phone_region(raw))
            except phones.PhoneInvalid as error:
                errors.append(FieldError(pointer, "phone", error.detail))
    return errors


def _check_amount(raw: dict[str, Any]) -> list[FieldError]:
    amount, currency = raw.get("amount"), raw.get("currency")
    if isinstance(amount, int | Decimal) and isinstance(currency, str) and currency.upper() in currencies():
        return amount_errors(amount, currency.upper())
    return []


def amount_errors(amount: Decimal | int, currency: str) -> list[FieldError]:
    """Return the errors of an amount in a currency."""
    try:
        Money.from_decimal(amount, currency)
    except AmountHasTooManyDecimals as error:
        return [FieldError("/amount", "too-many-decimals", error.detail)]
    except AmountTooLarge as error:
        return [FieldError("/amount", "too-large", error.detail)]
    return []


def phone_region(raw: dict[str, Any]) -> str:
    """Return the country whose national phone numbers a body may use."""
    country = raw.get("country") or _value_at(raw, ("debtor", "address", "country"))
    return country.upper() if isinstance(country, str) and country.upper() in COUNTRIES else "FR"
