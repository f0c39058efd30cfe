"""Creditors as JSON: request bodies in our names and the published docs', and responses."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from asyncpg import Record
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from getbill.companies import Workspace
from getbill.creditors.actions import CreditorChange
from getbill.creditors.model import Creditor, CreditorProfile
from getbill.creditors.queries import PREFIX
from getbill.kit import http, ids, json, phones
from getbill.kit.errors import FieldError, WrongValue, one_field
from getbill.kit.http import (
    ApiField,
    Currency,
    Day,
    Flag,
    Instant,
    MoneyNumber,
    Pagination,
    api_fields,
    check_day_text,
    with_fields,
)
from getbill.kit.messages import VALUE, message
from getbill.kit.money import Money
from getbill.kit.text.body_types import Country, Email, Iban, Line, Phone, Text

_FIELDS: Final = api_fields(CreditorProfile)
_KINDS: Final[dict[str, Any]] = {
    "text": Text,
    "line": Line,
    "email": Email,
    "phone": Phone,
    "country": Country,
    "iban": Iban,
}
# The names of each stored field in a body: ours first, then the docs'.
_NAMES: Final = {field.stored_name: field.body_names for field in _FIELDS}
_LIST: Final = "creditors"


def _decode_image(value: str) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error:
        raise WrongValue(message("{subject} must be the image in base64.", subject=VALUE)) from None


def _body_field(field: ApiField) -> tuple[Any, Any]:
    examples = [field.example] if field.example and field.kind == "text" else None
    return _KINDS[field.kind] | None, Field(None, description=field.description, examples=examples)


@with_fields({name: _body_field(field) for field in _FIELDS for name in field.body_names})
class CreditorFields(BaseModel):
    """The fields of a creditor that a caller may send, in either spelling."""

    model_config = ConfigDict(extra="forbid")

    mandate_signed_on: Annotated[date, BeforeValidator(check_day_text)] | None = Field(
        None,
        description="Day on which the creditor signed the mandate, YYYY-MM-DD. A third party contacts nobody without it.",
        examples=["2026-01-15"],
    )
    mandate_power_to_receive: Flag | None = Field(
        None,
        description="Whether the mandate gives you the power to receive payments, as art. R124-3 CPCE requires; true by default.",
    )
    logo: Annotated[str, Field(max_length=300_000), AfterValidator(_decode_image)] | None = Field(
        None,
        description="Logo in the header of e-mails: PNG or JPEG of at most 200,000 bytes, in base64; null removes it.",
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, even if some fields are invalid themselves."""
        return [
            FieldError(
                f"/{alias}",
                "twice",
                message("Send {flat} or {path}, not both: they are one field.", flat=alias, path=names[0]),
            )
            for names in _NAMES.values()
            for alias in names[1:]
            if alias in raw and names[0] in raw
        ]

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return the errors that depend on the workspace: its country's numbers, and its day."""
        workspace: Workspace = caller.workspace
        return _check_phone(raw, workspace) + _check_mandate(raw, workspace.now())


def _check_phone(raw: dict[str, Any], workspace: Workspace) -> list[FieldError]:
    text = raw.get("phone")
    if not isinstance(text, str):
        return []
    try:
        phones.parse(text, _phone_region(raw.get("country"), workspace))
    except phones.PhoneInvalid as error:
        return [FieldError("/phone", "phone", error.detail)]
    return []


def _phone_region(country: Any, workspace: Workspace) -> str:
    return country.upper() if isinstance(country, str) and len(country) == 2 else workspace.company.country


def _check_mandate(raw: dict[str, Any], now: datetime) -> list[FieldError]:
    text = raw.get("mandate_signed_on")
    if not isinstance(text, str) or text <= now.date().isoformat():
        return []
    detail = message("mandate_signed_on is later than the workspace's day. Send the day of the signature.")
    return [FieldError("/mandate_signed_on", "in-the-future", detail)]


class NewCreditorBody(CreditorFields):
    """A creditor to create. The name is required."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "required": ["name"],
            "examples": [
                {
                    "name": "Garage Martin SARL",
                    "address": "8 avenue du Port",
                    "postal_code": "34200",
                    "city": "SETE",
                    "country": "FR",
                    "mandate_signed_on": "2026-01-15",
                }
            ],
        },
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and the missing name."""
        errors = super().cross_field_errors(raw)
        if raw.get("name") is None:
            errors.append(FieldError("/name", "missing", message("{subject} is required.", subject="name")))
        return errors


class CreditorChangeBody(CreditorFields):
    """Fields of a creditor to change. Omitted fields keep their values; null clears an optional field."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"mandate_signed_on": "2026-01-15"}]}
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between fields, and fields that cannot be cleared."""
        return super().cross_field_errors(raw) + [
            FieldError(
                f"/{name}",
                "required",
                message("{name} cannot be null; omit it to keep its value.", name=name),
            )
            for name in ("name", "mandate_power_to_receive")
            if name in raw and raw[name] is None
        ]


def parse_change(
    body: CreditorFields, workspace: Workspace, before: Creditor | None = None
) -> CreditorChange:
    """Return the requested change of a creditor, or the content of a new one."""
    names = body.model_fields_set
    profile = {
        stored_name: getattr(body, name)
        for stored_name, body_names in _NAMES.items()
        for name in body_names
        if name in names
    }
    if profile.get("phone"):
        country = profile.get("country") or (before.profile.country if before else None)
        profile["phone"] = _parse_phone(profile["phone"], _phone_region(country, workspace))
    mandate = {
        field: getattr(body, f"mandate_{field}")
        for field in ("signed_on", "power_to_receive")
        if f"mandate_{field}" in names
    }
    logo = {"logo": body.logo} if "logo" in names else {}
    return CreditorChange(profile, mandate, logo)  # type: ignore[arg-type]  # decoded by its type


def _parse_phone(text: str, country: str) -> str:
    try:
        return phones.parse(text, country)
    except phones.PhoneInvalid as error:
        raise one_field("/phone", "phone", error.detail) from None


def _answer_field(field: ApiField) -> tuple[Any, Any]:
    examples = [field.example] if field.example else None
    return str | None if field.is_nullable else str, Field(description=field.description, examples=examples)


@with_fields({field.name: _answer_field(field) for field in _FIELDS})
class CreditorShown(BaseModel):
    """A creditor to whom debts are owed."""

    id: str = Field(examples=["creditor_01m804scmte4gbpp4yw1mc91gy"])
    mandate_signed_on: Day | None = Field(description="Day of the mandate; null without one.")
    mandate_power_to_receive: bool = Field(
        description="Whether the mandate gives the power to receive payments."
    )
    has_logo: bool = Field(description="Whether the header of e-mails has the creditor's logo.")
    created_at: Instant
    updated_at: Instant


class CreditorTotal(BaseModel):
    """Amounts owed to a creditor in one currency."""

    currency: Currency
    amount: MoneyNumber
    balance: MoneyNumber
    amount_paid: MoneyNumber


class CreditorWithTotals(CreditorShown):
    """A creditor with the amounts owed to it."""

    total_debts: int = Field(description="Number of debts owed to the creditor.")
    total_amount: list[CreditorTotal] = Field(description="Amounts per currency.")


class CreditorList(BaseModel):
    """A page of creditors."""

    data: list[CreditorShown]
    pagination: Pagination


def serialize_creditor(creditor: Creditor) -> dict[str, Any]:
    """Return a creditor as the API shows it."""
    return {
        "id": ids.show(PREFIX, creditor.id),
        **{field.name: getattr(creditor.profile, field.stored_name) for field in _FIELDS},
        "mandate_signed_on": json.day(creditor.mandate.signed_on),
        "mandate_power_to_receive": creditor.mandate.power_to_receive,
        "has_logo": creditor.has_logo,
        "created_at": json.instant(creditor.created_at),
        "updated_at": json.instant(creditor.updated_at),
    }


def serialize_creditor_with_totals(creditor: Creditor, totals: list[Record]) -> dict[str, Any]:
    """Return a creditor with the amounts owed to it per currency."""
    return serialize_creditor(creditor) | {
        "total_debts": sum(row["debts"] for row in totals),
        "total_amount": [
            {
                "currency": row["currency"],
                "amount": Money(row["amount"], row["currency"]).decimal,
                "balance": Money(row["balance"], row["currency"]).decimal,
                "amount_paid": Money(row["paid"], row["currency"]).decimal,
            }
            for row in totals
        ],
    }


def creditors_after(workspace: Workspace, cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the position in the list of creditors that a cursor names."""
    position = http.unseal_optional(cursor, workspace.cursor_signer(_LIST))
    return None if position is None else http.read_time_cursor(position, "-date")


def creditors_cursor(workspace: Workspace, last: Creditor) -> str | None:
    """Return the cursor after a creditor."""
    cursor = http.write_time_cursor("-date", last.created_at, last.id)
    return http.seal_optional(cursor, workspace.cursor_signer(_LIST))
