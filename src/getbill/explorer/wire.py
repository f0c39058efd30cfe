"""The shape of what GetBill sends: one webhook, as the OpenAPI document shows it under `webhooks`."""

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit.shapes import Currency, Day, Instant, MoneyNumber


class PersonInWebhook(BaseModel):
    """Who owes."""

    name: str | None
    email: str | None
    phone: str | None


class WebhookData(BaseModel):
    """The debt as it stood after the whole change, and the event's own object beside it.

    Of an erased debt only `debt_id` and `erased: true` remain.
    """

    model_config = ConfigDict(extra="allow")

    debt_id: str
    reference: str | None = None
    amount: MoneyNumber | None = None
    currency: Currency | None = None
    balance: MoneyNumber | None = None
    status: str | None = None
    due_date: Day | None = None
    scenario: str | None = None
    debtor: PersonInWebhook | None = None
    resolved_at: Instant | None = None


class WebhookSent(BaseModel):
    """One event, as it is sent to an endpoint."""

    event: str = Field(description="What happened.", examples=["debt.payment_received"])
    timestamp: Instant
    data: WebhookData
    webhook_id: str = Field(
        description="Names the event: the same at every endpoint, attempt and replay.",
        examples=["wh_01m804scmte4gbpp4yw1mc91gx"],
    )
    sequence: int | None = Field(None, description="The event's place in its debt's history, without gaps.")
