"""Webhook payloads, as the OpenAPI document shows them under `webhooks`.

The tests validate every sample of the catalogue, which the product emitted, against these.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.followups import FollowupShown
from getbill.kit.http import Currency, Instant, MoneyNumber
from getbill.streams import WebhookData


class WebhookSent(BaseModel):
    """One event, as it is sent to an endpoint."""

    event: str = Field(description="Name of the event.", examples=["debt.payment_received"])
    timestamp: Instant
    data: dict[str, Any]
    webhook_id: str = Field(
        description="Id of the event, identical at every endpoint and in every attempt, replay and pull.",
        examples=["wh_01m804scmte4gbpp4yw1mc91gx"],
    )
    sequence: int = Field(description="Number of the event in its debt's history, without gaps.")
    previous_sequence: int | None = Field(
        description="`sequence` of the debt's previous event that this webhook subscribes to; null if"
        " there is none. If you have not received that event, read it from `GET"
        " /external-api/v1/events`."
    )
    fields: list[str] | None = Field(
        None, description="Keys of `data` that the webhook selected; absent if it selected all."
    )


class MoneyEntered(BaseModel):
    """An amount entered on the debt."""

    id: str
    kind: Literal["payment", "refund", "chargeback", "write_off", "adjustment", "reversal"]
    amount: MoneyNumber
    currency: Currency
    method: str | None
    stripe_payment_id: str | None
    paid_at: Instant
    payment_id: str | None = Field(None, description="Payment that a refund or chargeback returns, if known.")
    reverses: str | None = Field(None, description="Entry that a reversal cancels.")


class StatusChangeContext(BaseModel):
    """The payment that resolved the debt."""

    transaction: MoneyEntered


class Escalation(BaseModel):
    """A person's decision to escalate the debt to legal action."""

    reason: str
    decided_by: str
    decided_at: Instant


class StatusChange(BaseModel):
    """A status before and after."""

    model_config = ConfigDict(populate_by_name=True)

    before: str | None = Field(alias="from")
    after: str = Field(alias="to")


class StatusChanges(BaseModel):
    """The status change."""

    status: StatusChange


class DebtContactedData(WebhookData):
    """A contact that reached the debtor."""

    followup: FollowupShown
    confirmed: bool


class DebtPaymentReceivedData(WebhookData):
    """A received payment."""

    payment: MoneyEntered


class DebtResolvedData(WebhookData):
    """How the debt was resolved."""

    resolution: Literal["paid", "settled", "written_off"]
    amount_paid: MoneyNumber
    amount_written_off: MoneyNumber


class DebtEscalatedData(WebhookData):
    """The person who escalated the debt."""

    escalation: Escalation


class EscalationRequest(BaseModel):
    """The contact history before the escalation request."""

    scenario_version: int
    started_on: str | None = Field(description="Day 0 of the scenario in the debtor's time zone, YYYY-MM-DD.")
    contacts_count: int = Field(description="Number of contacts that reached the debtor.")
    contacted_at: Instant | None = Field(
        description="Time of the first contact that reached the debtor, in UTC; null if none has."
    )


class DebtEscalationRequestedData(WebhookData):
    """The contact history before a person was asked to decide on escalation."""

    escalation_request: EscalationRequest


class DebtUpdatedData(WebhookData):
    """The changes: a debt's fields with values before and after; a debtor's by name only."""

    changes: dict[str, Any]
    entry: MoneyEntered | None = None


class DebtStatusChangedData(WebhookData):
    """The status change of the debt."""

    changes: StatusChanges
    status_change_context: StatusChangeContext | None = None
    reason: str | None = None
    cause: Literal[
        "payment",
        "refund",
        "chargeback",
        "write_off",
        "adjustment",
        "reversal",
        "staff",
        "contact",
        "scenario_ended",
        "import_undone",
    ] = Field(description="What changed the status.")


class MoneyReturnedData(WebhookData):
    """A refund or chargeback."""

    entry: MoneyEntered


class FollowupData(WebhookData):
    """The call, message or letter."""

    followup: FollowupShown


class FollowupUpdatedData(FollowupData):
    """The call, message or letter, and its status change."""

    changes: StatusChanges


class DisabledWebhook(BaseModel):
    """The disabled endpoint."""

    id: str
    url: str
    description: str | None
    reason: Literal["gone", "failing"]
    disabled_at: Instant
    failing_since: Instant | None


class WebhookDisabledData(BaseModel):
    """The endpoint that was disabled; the event is not about a debt."""

    webhook: DisabledWebhook


class ErasedData(BaseModel):
    """The remaining data of an event whose debt was erased."""

    debt_id: str
    erased: Literal[True]


class WithheldData(BaseModel):
    """The data of an event while the webhook's owner may not read debts."""

    debt_id: str = Field(description="Id of the debt.")
    withheld: Literal[True] = Field(
        description="Always true: the other data requires the right to read debts."
    )


# The `data` of each event kind, unless its debt has been erased.
DATA: Final[dict[str, type[BaseModel]]] = {
    "debt.created": WebhookData,
    "debt.contacted": DebtContactedData,
    "debt.payment_received": DebtPaymentReceivedData,
    "debt.resolved": DebtResolvedData,
    "debt.escalated": DebtEscalatedData,
    "debt.updated": DebtUpdatedData,
    "debt.status_changed": DebtStatusChangedData,
    "payment.refunded": MoneyReturnedData,
    "payment.charged_back": MoneyReturnedData,
    "debt.escalation_requested": DebtEscalationRequestedData,
    "debt.deleted": ErasedData,
    "followup.created": FollowupData,
    "followup.updated": FollowupUpdatedData,
    "followup.completed": FollowupData,
    "followup.failed": FollowupData,
    "webhook.disabled": WebhookDisabledData,
}
