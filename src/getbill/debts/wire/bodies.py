"""Request bodies of debts, in the original names and in those of the published docs.

Both spellings are accepted (`debtor.first_name` or `firstname`, `reference` or `internal_id`); both for one
field is an error. Responses always use the original names. The contract's oddities stay in this file.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
)

from getbill import scenarios
from getbill.companies import Workspace
from getbill.debts.model import Status, StatusName
from getbill.debts.wire import checks
from getbill.debts.wire.field_types import AMOUNT_SCHEMA, Amount, Currency, Day
from getbill.debts.wire.fields import (
    ADDRESS_FIELDS,
    DEBT_FIELDS,
    DEBTOR_FIELDS,
    DETAIL_FIELDS,
    body_fields,
    top_level_fields,
)
from getbill.kit import phones
from getbill.kit.errors import FieldError
from getbill.kit.http import require_field, with_fields
from getbill.kit.messages import message
from getbill.kit.money import AmountHasTooManyDecimals, AmountTooLarge, Money, currencies
from getbill.kit.text.body_types import COUNTRIES, Line, Text
from getbill.kit.validation import field_subject

# The docs' status words for ours, where a caller may set them.
DOCS_STATUS = {
    "status.default.pending": Status.PENDING,
    "status.default.in_progress": Status.IN_PROGRESS,
    "status.default.processing": Status.IN_PROGRESS,
    "status.default.partial": Status.IN_PROGRESS,
    "status.default.on_hold": Status.ON_HOLD,
    "status.default.settled": Status.RESOLVED,
    "status.default.paid": Status.RESOLVED,
    "status.default.failed": Status.UNRESOLVED,
    "status.default.refused": Status.UNRESOLVED,
    "status.default.invalid_phone": Status.UNRESOLVED,
    "status.default.archived": Status.ARCHIVED,
}


def _map_status(value: Any) -> Any:
    return DOCS_STATUS.get(value, value) if isinstance(value, str) else value


RequestedStatus = Annotated[
    StatusName,
    BeforeValidator(_map_status),
]


@with_fields(body_fields(ADDRESS_FIELDS))
class AddressBody(BaseModel):
    """A postal address in its parts."""

    model_config = ConfigDict(extra="forbid")


_LINE: TypeAdapter[str] = TypeAdapter(Line)


def _parse_address(value: Any) -> AddressBody | str:
    # Not a union of the two: that reports each error once per type, at paths no body has.
    return _LINE.validate_python(value) if isinstance(value, str) else AddressBody.model_validate(value)


Address = Annotated[
    AddressBody | Line, PlainValidator(_parse_address, json_schema_input_type=AddressBody | Line)
]


@with_fields(body_fields(DEBTOR_FIELDS))
class DebtorBody(BaseModel):
    """The debtor: a name and contact details."""

    model_config = ConfigDict(extra="forbid")

    address: Address | None = None


# The docs' top-level names and where each stands in our names.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    alias: (*parents, field.name)
    for parents, fields in (
        (("debtor",), DEBTOR_FIELDS),
        (("debtor", "address"), ADDRESS_FIELDS),
        ((), DEBT_FIELDS + DETAIL_FIELDS),
    )
    for field in fields
    for alias in field.aliases
} | {"address": ("debtor", "address")}


_CREDITOR: Final = frozenset({"company", "creditor_id"})
# The names in a debt's body that describe its debtor.
DEBTOR_NAMES = frozenset(
    {"debtor", "address"} | {alias for field in (*DEBTOR_FIELDS, *ADDRESS_FIELDS) for alias in field.aliases}
)


@with_fields(top_level_fields())
class DebtFields(BaseModel):
    """The fields of a debt that a caller may send, in either spelling."""

    model_config = ConfigDict(extra="forbid")

    IS_NEW: ClassVar[bool] = False

    debtor: DebtorBody | None = None
    amount: Amount | None = Field(
        None, description="Amount claimed, above zero, with no more decimals than the currency has."
    )
    currency: Currency | None = Field(None, description="Currency, ISO 4217; defaults to the company's.")
    timeline_id: Text | None = Field(None, description="Id of the scenario, in place of `scenario`.")
    creditor_id: Text | None = Field(
        None, description="Id of the creditor, in place of its name in `company`; by default your company."
    )

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
            for flat, path in _ALIASES.items()
            if raw.get(flat) is not None and _value_at(raw, path) is not None
        ]
        return errors + _check_dates(raw) + _check_phone(raw) + _check_amount(raw) + checks.check_name(raw)

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors of the scenario and the creditor, which depend on the workspace."""
        workspace: Workspace = caller.workspace
        return [
            *_check_scenario(raw, workspace),
            *checks.check_birthdates(raw, workspace.now()),
            *checks.check_creditor_id(raw),
            *(checks.check_creditor_named(raw, workspace) if cls.IS_NEW or _CREDITOR & raw.keys() else ()),
        ]


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


@with_fields(body_fields(field for field in DETAIL_FIELDS if field.is_only_new))
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

    IS_NEW: ClassVar[bool] = True

    amount: Annotated[Amount | None, WithJsonSchema(AMOUNT_SCHEMA)] = Field(
        None, description="Amount claimed, above zero, with no more decimals than the currency has."
    )

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors of this workspace, such as an unknown scenario or a missing creditor."""
        workspace: Workspace = caller.workspace
        return [
            *super().workspace_errors(raw, caller),
            *checks.check_destinations(raw, phone_region(raw), workspace.company.refused_zones),
        ]

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and missing required fields."""
        errors = super().cross_field_errors(raw)
        if raw.get("amount") is None:
            errors.append(
                FieldError(
                    "/amount",
                    "missing",
                    message("{subject} is required: the amount owed.", subject=field_subject(("amount",))),
                )
            )
        if raw.get("reference") is None and raw.get("internal_id") is None:
            errors.append(
                FieldError(
                    "/reference",
                    "missing",
                    message(
                        "{subject} is required: your own reference.", subject=field_subject(("reference",))
                    ),
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
                    message("The debtor requires a name: send name, first_name and last_name, or company."),
                )
            )
        return errors


class PromiseBody(BaseModel):
    """The debtor's promise to pay, with its date."""

    model_config = ConfigDict(extra="forbid")

    date: Day = Field(
        description="Last day of the promise, YYYY-MM-DD; the debtor is not contacted until it has passed."
    )
    amount: Amount | None = Field(None, description="Promised amount; defaults to the full balance.")


class DebtChangeBody(DebtFields):
    """Fields of a debt to change. Omitted fields keep their values; null clears an optional field."""

    status: RequestedStatus | None = None
    scenario_version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = Field(
        None, description="Version of the scenario to switch the debt to."
    )

    promise: PromiseBody | None = Field(
        None, description="Debtor's promise to pay; the scenario pauses until its date has passed."
    )

    NOT_NULLABLE: ClassVar[frozenset[str]] = frozenset(
        {"amount", "currency", "timeline_id", "scenario_version", "status", "debtor"}
    ).union(*(field.body_names for field in DEBT_FIELDS if not field.is_nullable))

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and fields that cannot be cleared."""
        return super().cross_field_errors(raw) + [
            FieldError(
                pointer, "required", message("{name} cannot be null; omit it to keep its value.", name=name)
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
                message("due_date is before invoice_date: a debt cannot be due before its invoice date."),
            )
        ]
    return []


def _check_scenario(raw: dict[str, Any], workspace: Workspace) -> list[FieldError]:
    name, timeline = raw.get("scenario"), raw.get("timeline_id")
    if not isinstance(name, str | None) or not isinstance(timeline, str | None):
        return []
    try:
        resolved = scenarios.resolve(workspace, name and name.strip(), timeline and timeline.strip())
        scenarios.refuse_notices(workspace, resolved)
    except (scenarios.ScenarioUnknown, scenarios.ScenarioConflict) as error:
        return [FieldError("/scenario" if name else "/timeline_id", "unknown", error.detail)]
    except scenarios.ScenarioReserved as error:
        return [FieldError("/timeline_id" if timeline else "/scenario", "third-party-only", error.detail)]
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
