"""The shapes of what GetBill sends: each webhook as the OpenAPI document shows it under `webhooks`.

The tests hold every sample of the catalogue, which the product emitted, to these.
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
        description="Id of the event, the same at every endpoint, attempt, replay and pull.",
        examples=["wh_01m804scmte4gbpp4yw1mc91gx"],
    )
    sequence: int = Field(description="Number of the event in its debt's history, without gaps.")
    previous_sequence: int | None = Field(
        description="`sequence` of the debt's previous event that this webhook subscribes to; null if there is"
        " none. If you do not have it, one is missing: read `GET /external-api/v1/events`."
    )
    fields: list[str] | None = Field(
        None, description="Keys of `data` that the webhook asked for; absent if it asked for all."
    )


class MoneyEntered(BaseModel):
    """Money that was entered on the debt."""

    id: str
    kind: Literal["payment", "refund", "write_off", "adjustment"]
    amount: MoneyNumber
    currency: Currency
    method: str | None
    stripe_payment_id: str | None
    paid_at: Instant


class StatusChangeContext(BaseModel):
    """What paid the debt."""

    transaction: MoneyEntered


class Escalation(BaseModel):
    """A person's decision to hand the debt to legal action."""

    reason: str
    decided_by: str
    decided_at: Instant


class StatusChange(BaseModel):
    """A status before and after."""

    model_config = ConfigDict(populate_by_name=True)

    before: str | None = Field(alias="from")
    after: str = Field(alias="to")


class StatusChanges(BaseModel):
    """The one thing that changed."""

    status: StatusChange


class DebtContactedData(WebhookData):
    """A contact that reached the debtor."""

    followup: FollowupShown
    confirmed: bool


class DebtPaymentReceivedData(WebhookData):
    """Money that came in."""

    payment: MoneyEntered


class DebtResolvedData(WebhookData):
    """How the debt was resolved."""

    resolution: Literal["paid", "settled", "written_off"]


class DebtEscalatedData(WebhookData):
    """Who decided to escalate the debt."""

    escalation: Escalation


class EscalationRequest(BaseModel):
    """What was done before a person was asked."""

    scenario_version: int
    started_on: str | None = Field(description="Day 0 of the scenario in the debtor's time zone, YYYY-MM-DD.")
    contacts_count: int = Field(description="Number of contacts that reached the debtor.")
    contacted_at: Instant | None = Field(
        description="When a contact first reached the debtor, in UTC; null if none has."
    )


class DebtEscalationRequestedData(WebhookData):
    """What was done before a person was asked whether to escalate the debt."""

    escalation_request: EscalationRequest


class DebtUpdatedData(WebhookData):
    """What was changed: for each field its value before and after, for the debtor the names of the fields."""

    changes: dict[str, Any]
    entry: MoneyEntered | None = None


class DebtStatusChangedData(WebhookData):
    """Which way the debt moved."""

    changes: StatusChanges
    status_change_context: StatusChangeContext | None = None
    reason: str | None = None


class FollowupData(WebhookData):
    """The call, message or letter."""

    followup: FollowupShown


class FollowupUpdatedData(FollowupData):
    """The call, message or letter, and how it moved on."""

    changes: StatusChanges


class DisabledWebhook(BaseModel):
    """The endpoint, which is called no longer."""

    id: str
    url: str
    description: str | None
    reason: Literal["gone", "failing"]
    disabled_at: Instant
    failing_since: Instant | None


class WebhookDisabledData(BaseModel):
    """An endpoint. It is about no debt."""

    webhook: DisabledWebhook


class ErasedData(BaseModel):
    """All that remains of an event whose debt was erased."""

    debt_id: str
    erased: Literal[True]


class WithheldData(BaseModel):
    """All that a webhook is sent of an event while its owner may not read debts."""

    debt_id: str = Field(description="The debt that the event is about.")
    withheld: Literal[True] = Field(description="The rest is shown to who may read debts.")


# What the `data` of each kind is, unless its debt was erased since.
DATA: Final[dict[str, type[BaseModel]]] = {
    "debt.created": WebhookData,
    "debt.contacted": DebtContactedData,
    "debt.payment_received": DebtPaymentReceivedData,
    "debt.resolved": DebtResolvedData,
    "debt.escalated": DebtEscalatedData,
    "debt.updated": DebtUpdatedData,
    "debt.status_changed": DebtStatusChangedData,
    "debt.escalation_requested": DebtEscalationRequestedData,
    "debt.deleted": ErasedData,
    "followup.created": FollowupData,
    "followup.updated": FollowupUpdatedData,
    "followup.completed": FollowupData,
    "followup.failed": FollowupData,
    "webhook.disabled": WebhookDisabledData,
}
