"""The shape of what GetBill sends: one webhook, as the OpenAPI document shows it under `webhooks`."""

from pydantic import BaseModel, Field

from getbill.kit.shapes import Instant
from getbill.streams import WebhookData


class WebhookSent(BaseModel):
    """One event, as it is sent to an endpoint."""

    event: str = Field(description="What happened.", examples=["debt.payment_received"])
    timestamp: Instant
    data: WebhookData
    webhook_id: str = Field(
        description="Names the event: the same at every endpoint, attempt, replay and pull.",
        examples=["wh_01m804scmte4gbpp4yw1mc91gx"],
    )
    sequence: int = Field(description="The event's place in its debt's history, without gaps.")
    previous_sequence: int | None = Field(
        description="The last event of the same debt that this endpoint was due; null for none. Where it is not the"
        " last one you have, something is missing: read `GET /external-api/v1/events`."
    )
    fields: list[str] | None = Field(
        None, description="Stands there where the endpoint asked for these keys of `data` only."
    )
