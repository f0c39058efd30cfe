"""Request and response schemas of the stream; events have the shape that webhooks push."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from getbill import events
from getbill.companies import Workspace
from getbill.events import KINDS, StreamEvent
from getbill.kit import ids
from getbill.kit.errors import WrongValue
from getbill.kit.http import Currency, Day, Instant, MoneyNumber
from getbill.kit.messages import excerpt, message
from getbill.streams.model import PullResult, StreamPosition, StreamRequest, seal_position
from getbill.vault import Key, Vault

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000
WAIT_SECONDS_MAX: Final = 30
# Opening this many takes a millisecond or two; other tasks run in between.
_AT_A_TIME: Final = 50


def _check_kind(kind: str) -> str:
    if kind not in KINDS:
        raise WrongValue(
            message(
                "There is no event '{kind}'. Valid events: {kinds}.", kind=excerpt(kind), kinds=list(KINDS)
            )
        )
    return kind


Kind = Annotated[str, AfterValidator(_check_kind), WithJsonSchema({"type": "string", "enum": list(KINDS)})]


class EventsQuery(BaseModel):
    """Position and filters of a read."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Position to read from: a `next_cursor`, the `webhook_id` of the last event you processed, or `now`. Defaults to the beginning.",
    )
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)
    event: list[Kind] | None = Field(None, max_length=50, description="Only these events; repeatable.")
    debt_id: str | None = Field(None, max_length=64, description="Only events of this debt.")
    wait: int = Field(
        0,
        ge=0,
        le=WAIT_SECONDS_MAX,
        description="Seconds to wait for new events at the end of the stream.",
    )


class PersonInWebhook(BaseModel):
    """The debtor."""

    name: str | None
    email: str | None
    phone: str | None


class WebhookData(BaseModel):
    """The debt after the whole change, and the event's own object beside it.

    For an erased debt only `debt_id` and `erased: true` remain.
    """

    model_config = ConfigDict(extra="allow")

    debt_id: str
    reference: str | None = None
    amount: MoneyNumber | None = None
    currency: Currency | None = None
    creditor_id: str | None = Field(None, description="Id of the creditor; null if that is your company.")
    company: str | None = Field(None, description="Name of the creditor; null if that is your company.")
    balance: MoneyNumber | None = None
    status: str | None = None
    due_date: Day | None = None
    scenario: str | None = None
    debtor: PersonInWebhook | None = None
    resolved_at: Instant | None = None


class EventShown(BaseModel):
    """One event, exactly as webhooks push it except for `previous_sequence`, which is per endpoint."""

    event: str = Field(description="Name of the event.", examples=["debt.payment_received"])
    timestamp: Instant
    data: dict[str, Any] | None = Field(
        description="Data of the event, as in its webhook (see `webhooks`); null without the scope `debts:read`."
    )
    webhook_id: str = Field(
        description="Id of the event, identical at every endpoint and in every attempt, replay and pull.",
        examples=["wh_01m804scmte4gbpp4yw1mc91gx"],
    )
    sequence: int = Field(description="Number of the event in its debt's history, without gaps.")


class EventPage(BaseModel):
    """The next events of the stream, in order."""

    data: list[EventShown]
    next_cursor: str = Field(description="Cursor to send as `after` in the next call; never null.")
    has_more: bool = Field(
        description="Whether more events are available. A filtered page may be empty and still have more."
    )
    epoch: int = Field(
        description="Epoch of the stream; incremented when the database is restored to an earlier state."
    )
    epoch_changed: bool = Field(
        description="Whether `after` belongs to an earlier epoch; if so, the page starts from the beginning."
    )


def stream_request(query: EventsQuery, after: StreamPosition | None) -> StreamRequest:
    """Return the request of a query; raise NotFound for a malformed debt id."""
    debt_id = ids.read("debt", query.debt_id) if query.debt_id else None
    return StreamRequest(after, query.limit, query.event, debt_id)


async def serialize_page(
    pull_result: PullResult, vault: Vault, workspace: Workspace, *, with_data: bool
) -> dict[str, Any]:
    """Return a read's result as a response; a long one yields to other tasks."""
    documents: list[dict[str, Any]] = []
    keys: dict[UUID, Key] = {}
    for event in pull_result.events:
        if len(documents) % _AT_A_TIME == _AT_A_TIME - 1:
            await asyncio.sleep(0)
        documents.append(
            serialize_event(event, _key(event, vault, workspace.id, keys), workspace.id, with_data=with_data)
        )
    return {
        "data": documents,
        "next_cursor": seal_position(pull_result.position, workspace),
        "has_more": pull_result.has_more,
        "epoch": pull_result.position.epoch,
        "epoch_changed": pull_result.is_new_epoch,
    }


def _key(event: StreamEvent, vault: Vault, workspace_id: UUID, keys: dict[UUID, Key]) -> Key | None:
    if event.wrapped is None:
        return None
    if event.debt_id not in keys:
        keys[event.debt_id] = vault.unwrap(event.wrapped, workspace_id, event.debt_id)
    return keys[event.debt_id]


def serialize_event(
    event: StreamEvent, key: Key | None, workspace_id: UUID, *, with_data: bool
) -> dict[str, Any]:
    """Return one event in the webhook shape; without its data for callers who may not read debts."""
    if not with_data:
        return events.event_payload(event, None)
    data = events.data_json(event.sealed, key, workspace_id, event.event_id, event.debt_id)
    return events.event_payload(event, data)
