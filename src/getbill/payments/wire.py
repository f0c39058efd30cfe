"""Request and response schemas of payments."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from getbill import debts
from getbill.debts import Debt
from getbill.kit import http, ids, json
from getbill.kit.errors import FieldError, Invalid, NotFound, WrongValue, one_field
from getbill.kit.http import (
    Currency,
    Flag,
    Instant,
    MoneyNumber,
    Pagination,
    Printable,
    require_any_field,
)
from getbill.kit.messages import VALUE, excerpt, message
from getbill.kit.money import AmountHasTooManyDecimals, AmountTooLarge, Money
from getbill.kit.validation import field_subject, pattern_field
from getbill.payments.actions import EntryOutcome
from getbill.payments.model import Entry, NewEntry, NewReversal

_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)


def _check_amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise WrongValue(message("{subject} must be a number, such as 2340.00.", subject=VALUE))
    if value == 0:
        raise WrongValue(message("{subject} must not be zero.", subject=VALUE))
    return Decimal(value)


def _check_instant(value: Any) -> Any:
    if not isinstance(value, str) or value[4:5] != "-":
        raise WrongValue(
            message(
                "{subject} must be an instant, such as 2024-03-15T14:32:07Z, or a day, such as 2024-03-15.",
                subject=VALUE,
            )
        )
    return value + "T00:00:00Z" if len(value) == 10 else value


def _check_plausible(value: datetime) -> datetime:
    if value < _OLDEST:
        raise WrongValue(message("{subject} must not be before 1990.", subject=VALUE))
    return value


Amount = Annotated[
    Decimal, BeforeValidator(_check_amount), WithJsonSchema({"type": "number", "examples": [2340.00]})
]
Word = Annotated[
    str,
    pattern_field(
        "^[a-z][a-z0-9_]{0,39}$",
        message(
            "{subject} must be one word of at most 40 lowercase letters, digits and _, such as bank_transfer.",
            subject=VALUE,
        ),
    ),
]
ProviderId = Printable
PaidAt = Annotated[
    AwareDatetime,
    BeforeValidator(_check_instant),
    AfterValidator(_check_plausible),
    Field(examples=["2024-03-15T14:32:07Z"]),
]


KindName = Literal["payment", "refund", "chargeback", "write_off", "adjustment", "reversal"]
EntryId = Annotated[str, Field(max_length=64)]
_ENTRY_IDS = ["pay_01m804scmte4gbpp4yw1mc91gy"]
_RETURNS = frozenset({"refund", "chargeback"})


def _check_related(raw: dict[str, Any], kind: Any) -> list[FieldError]:
    """Return the errors of the entries that a body names."""
    errors = []
    if kind == "reversal" and raw.get("reverses") is None:
        detail = message("A reversal names the payment or write-off that it cancels.")
        errors.append(FieldError("/reverses", "missing", detail))
    if kind != "reversal" and raw.get("reverses") is not None:
        detail = message(
            "Only a reversal names an entry to reverse. Send the kind reversal, or omit the kind."
        )
        errors.append(FieldError("/reverses", "not-a-reversal", detail))
    if raw.get("payment_id") is not None and kind not in _RETURNS:
        detail = message("Only a refund or a chargeback names the payment that it returns.")
        errors.append(FieldError("/payment_id", "not-a-return", detail))
    return errors


class NewPaymentBody(BaseModel):
    """An entry on a debt; a payment by default."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=require_any_field("amount", "reverses")
        | {"examples": [{"amount": 2340.00, "method": "bank_transfer", "paid_at": "2024-03-15T14:32:07Z"}]},
    )

    amount: Amount | None = Field(
        None,
        description="Amount, above zero, with no more decimals than the currency has. An adjustment"
        " changes the claim by this amount and may be negative. Required, except for a reversal, which has the"
        " amount of the entry it reverses.",
    )
    kind: KindName = Field("payment", description="Kind of entry; `reversal` if `reverses` is sent.")
    currency: str | None = Field(
        None, description="Currency, ISO 4217; must match the debt's.", examples=["EUR"]
    )
    method: Word | None = Field(
        None,
        description="Payment method, such as `card` or `bank_transfer`.",
        examples=["card", "bank_transfer"],
    )
    paid_at: PaidAt | None = Field(
        None, description="Time the money was received, ISO 8601. Defaults to now."
    )
    provider: Word | None = Field(
        None, description="Payment provider, such as `stripe`.", examples=["stripe"]
    )
    provider_id: ProviderId | None = Field(
        None,
        description="Id of the payment at the provider. A repeated id creates no second entry.",
        examples=["pi_3OxJ2eZvKYlo2C"],
    )
    stripe_payment_id: ProviderId | None = Field(
        None, description="Payment id at Stripe, equivalent to `provider: stripe` with `provider_id`."
    )
    note: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    payment_id: EntryId | None = Field(
        None, description="Payment that a refund or chargeback returns, if known.", examples=_ENTRY_IDS
    )
    reverses: EntryId | None = Field(
        None,
        description="Payment or write-off of this debt that was entered by mistake. A reversal cancels it, once and"
        " whole.",
        examples=_ENTRY_IDS,
    )
    confirm: Flag = Field(
        default=False,
        description="Confirms a payment of more than ten times the balance, unless `provider` is sent.",
    )

    @property
    def entry_kind(self) -> str:
        """The kind of entry; a body that names an entry to reverse is a reversal."""
        return "reversal" if self.reverses is not None else self.kind

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between the fields."""
        amount = raw.get("amount")
        kind = raw.get("kind", "payment" if raw.get("reverses") is None else "reversal")
        errors = _check_related(raw, kind)
        if amount is None and kind != "reversal":
            detail = message(
                "{subject} is required: the amount of the entry.", subject=field_subject(("amount",))
            )
            errors.append(FieldError("/amount", "missing", detail))
        if isinstance(amount, int | Decimal) and amount < 0 and kind != "adjustment":
            errors.append(
                FieldError(
                    "/amount",
                    "not-positive",
                    message("The amount of a {kind} must be above zero.", kind=excerpt(kind)),
                )
            )
        if raw.get("stripe_payment_id") is not None:
            if raw.get("provider_id") is not None:
                errors.append(
                    FieldError(
                        "/provider_id", "twice", message("Send stripe_payment_id or provider_id, not both.")
                    )
                )
            if isinstance(raw.get("provider"), str) and raw["provider"] != "stripe":
                errors.append(
                    FieldError(
                        "/provider",
                        "not-stripe",
                        message(
                            "A stripe_payment_id belongs to Stripe. Send the provider stripe, or omit the provider."
                        ),
                    )
                )
        return errors


class SimulationBody(BaseModel):
    """A payment by the debtor."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": 500.00}]})

    amount: Amount | None = Field(
        None, description="Amount of the simulated payment; defaults to the full balance."
    )
    method: Word = "card"
    paid_at: PaidAt | None = Field(
        None,
        description="Time of the payment, ISO 8601, not later than the sandbox's clock. Defaults to now.",
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return the errors between the fields."""
        amount = raw.get("amount")
        return [] if amount is None else NewPaymentBody.cross_field_errors({"amount": amount})


class PaymentPageQuery(BaseModel):
    """The page of a debt's entries."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_MAX


class PaymentShown(BaseModel):
    """An entry on a debt."""

    id: str = Field(examples=["pay_01m804scmte4gbpp4yw1mc91gy"])
    debt_id: str
    kind: KindName
    amount: MoneyNumber
    currency: Currency
    method: str | None
    provider: str | None
    provider_id: str | None
    stripe_payment_id: str | None
    note: str | None
    payment_id: str | None = Field(
        description="Payment that this refund or chargeback returns; null if unknown."
    )
    reverses: str | None = Field(description="Entry that this reversal cancels; null for other kinds.")
    paid_at: Instant
    created_at: Instant


class DebtAfter(BaseModel):
    """Current status and amounts of the debt."""

    id: str
    status: str
    resolution: debts.ResolutionName | None
    balance: MoneyNumber
    amount_paid: MoneyNumber
    amount_written_off: MoneyNumber


class EnteredShown(PaymentShown):
    """An entry with the debt's resulting status and amounts."""

    debt: DebtAfter


class PaymentList(BaseModel):
    """A page of a debt's entries."""

    data: list[PaymentShown]
    pagination: Pagination


def read_money(amount: Decimal, currency: str) -> Money:
    """Return an amount in the debt's currency; raise Invalid if the currency does not allow it."""
    try:
        return Money.from_decimal(amount, currency)
    except AmountHasTooManyDecimals as error:
        raise one_field("/amount", "too-many-decimals", error.detail) from error
    except AmountTooLarge as error:
        raise one_field("/amount", "too-large", error.detail) from error


def new_entry(body: NewPaymentBody, debt: Debt) -> NewEntry:
    """Return the entry of a body that is no reversal; raise Invalid for another currency than the debt's."""
    assert body.amount is not None  # noqa: S101 - required across fields
    return NewEntry(
        kind=body.kind,
        amount=read_money(body.amount, debt.currency),
        related_id=None if body.payment_id is None else _read_entry_id("/payment_id", body.payment_id),
        is_confirmed=body.confirm or body.provider is not None or body.stripe_payment_id is not None,
        **_common_fields(body, debt),
    )


def new_reversal(body: NewPaymentBody, debt: Debt) -> NewReversal:
    """Return the reversal of a body; raise Invalid for another currency than the debt's."""
    assert body.reverses is not None  # noqa: S101 - required across fields
    return NewReversal(
        entry_id=_read_entry_id("/reverses", body.reverses),
        amount=None if body.amount is None else read_money(body.amount, debt.currency),
        **_common_fields(body, debt),
    )


def _common_fields(body: NewPaymentBody, debt: Debt) -> dict[str, Any]:
    if body.currency is not None and body.currency.upper() != debt.currency:
        raise _other_currency(debt)
    provider, provider_id = body.provider, body.provider_id
    if body.stripe_payment_id is not None:
        provider, provider_id = "stripe", body.stripe_payment_id
    elif provider_id is not None:
        # Ids are unique per provider; unnamed providers share one name.
        provider = provider or "other"
    return {
        "method": body.method,
        "paid_at": body.paid_at,
        "provider": provider,
        "provider_id": provider_id,
        "note": body.note,
    }


def _read_entry_id(pointer: str, public_id: str) -> UUID:
    try:
        return ids.read("pay", public_id)
    except NotFound as error:
        raise one_field(pointer, "unknown", error.detail) from None


def _other_currency(debt: Debt) -> Invalid:
    return one_field(
        "/currency",
        "other-currency",
        message("The debt is in {currency}; enter the amount in this currency.", currency=debt.currency),
    )


def serialize_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    related_id = None if entry.related_id is None else ids.show("pay", entry.related_id)
    return {
        "id": ids.show("pay", entry.id),
        "debt_id": ids.show("debt", entry.debt_id),
        "kind": entry.kind,
        "amount": entry.amount.decimal,
        "currency": entry.currency,
        "method": entry.method,
        "provider": entry.provider,
        "provider_id": entry.provider_id,
        "stripe_payment_id": entry.provider_id if entry.provider == "stripe" else None,
        "note": entry.note,
        "payment_id": related_id if entry.kind in _RETURNS else None,
        "reverses": related_id if entry.kind == "reversal" else None,
        "paid_at": json.instant(entry.paid_at),
        "created_at": json.instant(entry.created_at),
    }


def serialize_outcome(outcome: EntryOutcome, debt: Debt) -> dict[str, Any]:
    """Return an entry with the debt's current status and amounts."""
    return serialize_entry(outcome.entry) | {
        "debt": {
            "id": ids.show("debt", debt.id),
            "status": debt.status,
            "resolution": debt.resolution,
            "balance": debt.money(debt.balance).decimal,
            "amount_paid": debt.money(debt.paid).decimal,
            "amount_written_off": debts.written_off(debt).decimal,
        }
    }
