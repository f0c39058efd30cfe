"""Request and response schemas of the delivery log.

The content of deliveries is shown to callers who may read debts, and never once the debt is erased.
Signatures and the values of a creditor's own headers are never shown.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from getbill.companies import Workspace
from getbill.events import KINDS, data_json
from getbill.kit import http, ids, json
from getbill.kit.errors import BadRequest, FieldError, summary
from getbill.kit.http import Instant, QueryInstant, refuse_empty_range
from getbill.kit.messages import excerpt, message
from getbill.webhooks import endpoints, rights
from getbill.webhooks.delivery_log import queries
from getbill.webhooks.delivery_log.queries import Delivery, DeliveryContent, DeliveryFilter, LoggedAttempt
from getbill.webhooks.http_client import USER_AGENT
from getbill.webhooks.model import (
    DeliveryEnvelope,
    DeliveryState,
    DeliveryStateName,
    delivery_body,
    response_context,
    unknown_events,
)

# The two parts of the log, in a cursor.
_PENDING, _SETTLED = DeliveryState.PENDING.value, "settled"
EventName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(KINDS)})]


class DeliveryQuery(BaseModel):
    """Filters of a webhook's delivery log."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    status: list[DeliveryStateName] | None = None
    event: list[EventName] | None = None
    debt_id: Annotated[str, Field(max_length=64)] | None = None
    since: Annotated[
        QueryInstant | None,
        Field(
            alias="from",
            description="Only deliveries finished, or pending ones queued, at or after this instant, ISO 8601.",
        ),
    ] = None
    until: Annotated[
        QueryInstant | None,
        Field(alias="to", description="Only deliveries before this instant, ISO 8601."),
    ] = None


class LastAttemptShown(BaseModel):
    """Result of the last attempt of a delivery."""

    started_at: Instant
    duration_ms: int
    status: int | None = Field(description="HTTP status of the response; null if there was none.")
    error: str | None


class DeliveryShown(BaseModel):
    """The delivery of one event to one webhook."""

    id: str = Field(examples=["wd_01m804scmte4gbpp4yw1mc91gy"])
    endpoint_id: str = Field(examples=["we_01m804scmte4gbpp4yw1mc91gy"])
    webhook_id: str = Field(
        description="Id of the event, identical in every attempt and replay.",
        examples=["wh_01m804scmte4gbpp4yw1mc91gx"],
    )
    event: str
    debt_id: str | None = Field(description="Id of the debt; null for an event without one.")
    erased: bool = Field(description="Whether the debt and this body were erased.")
    sequence: int
    previous_sequence: int | None
    fields: list[str] | None
    status: DeliveryStateName
    attempts: int = Field(description="Number of attempts made.")
    replay: bool
    created_at: Instant = Field(description="Time the delivery was queued, in UTC.")
    next_try_at: Instant | None = Field(
        description="Due time of the next attempt, in UTC; null unless pending."
    )
    settled_at: Instant | None
    last_attempt: LastAttemptShown | None
    data_withheld: bool = Field(
        description="Whether the last attempt contained ids only, because the webhook's owner may no longer read debts."
    )


class RequestShown(BaseModel):
    """Request of an attempt; the body is given once, beside the attempts."""

    method: Literal["POST"]
    url: str
    headers: dict[str, str | None] = Field(
        description="Headers that were sent; null for signatures, which are not stored, and for secret values."
    )


class ResponseShown(BaseModel):
    """Response of the receiver, at most 4 kB of it."""

    status: int
    body: str | None = Field(
        description="Body of the response; null if empty, without the scope `debts:read`, or once the debt is"
        " erased."
    )


class DeliveryAttemptShown(BaseModel):
    """One attempt of a delivery."""

    attempt: int
    started_at: Instant
    duration_ms: int
    request: RequestShown
    response: ResponseShown | None = Field(description="Response of the receiver; null if there was none.")
    error: str | None
    data_withheld: bool = Field(
        description="Whether this attempt contained ids only, because the webhook's owner could not read debts."
    )


class DeliveryWithAttempts(DeliveryShown):
    """A delivery with every attempt."""

    body: str | None = Field(description="Body, byte for byte as sent; null without the scope `debts:read`.")
    attempts_made: list[DeliveryAttemptShown]


class DeliveryList(BaseModel):
    """A page of deliveries: pending ones, soonest first, then settled ones, newest first."""

    data: list[DeliveryShown]
    next_cursor: str | None = Field(
        description="Cursor of the next page, to send as `cursor`; null at the end."
    )


def delivery_filter(query: DeliveryQuery, endpoint_id: UUID, mark: http.CursorSigner) -> DeliveryFilter:
    """Return the filter of a query; raise BadRequest for unknown events and a cursor of another list."""
    refuse_unknown_kinds(query.event)
    refuse_empty_range("from", query.since, "to", query.until)
    cursor = http.unseal_optional(query.cursor, mark)
    return DeliveryFilter(
        endpoint_id=endpoint_id,
        states=query.status,
        kinds=query.event,
        debt_id=ids.read("debt", query.debt_id) if query.debt_id else None,
        since=query.since,
        until=query.until,
        # One row more than the page shows whether another page follows.
        limit=query.limit + 1,
        after=_position(cursor) if cursor else None,
    )


def refuse_unknown_kinds(kinds: list[str] | None) -> None:
    """Raise BadRequest if a query names an unknown event."""
    errors = [
        FieldError(
            "event",
            "unknown-event",
            message(
                "There is no event '{name}'. Valid events: {kinds}.", name=excerpt(name), kinds=list(KINDS)
            ),
        )
        for _, name in unknown_events(kinds or [])
    ]
    if errors:
        raise BadRequest(summary(errors), errors=errors)


def _position(cursor: str) -> tuple[bool, datetime, UUID]:
    try:
        return (False, *http.read_time_cursor(cursor, _PENDING))
    except BadRequest:
        return (True, *http.read_time_cursor(cursor, _SETTLED))


def cursor_after(deliveries: Sequence[Delivery], limit: int, mark: http.CursorSigner) -> str | None:
    """Return the cursor after the first `limit` rows; None on the last page."""
    if len(deliveries) <= limit:
        return None
    last = deliveries[limit - 1]
    cursor = http.write_time_cursor(_PENDING if last.is_pending else _SETTLED, last.stands_at, last.id)
    return http.seal_optional(cursor, mark)


def serialize_delivery(delivery: Delivery, last: Record | None, *, is_erased: bool) -> dict[str, Any]:
    """Return a delivery as lists show it."""
    return {
        "id": ids.show(queries.PREFIX, delivery.id),
        "endpoint_id": ids.show(endpoints.PREFIX, delivery.endpoint_id),
        "webhook_id": ids.show("wh", delivery.event_id),
        "event": delivery.kind,
        "debt_id": ids.show("debt", delivery.debt_id) if rights.is_about_a_debt(delivery.kind) else None,
        "erased": is_erased,
        "sequence": delivery.sequence,
        "previous_sequence": delivery.previous_sequence,
        "fields": delivery.fields,
        "status": delivery.state,
        "attempts": delivery.attempts,
        "replay": delivery.is_replay,
        "created_at": json.instant(delivery.created_at),
        "next_try_at": json.instant(delivery.next_try_at),
        "settled_at": json.instant(delivery.settled_at),
        "last_attempt": None
        if last is None
        else {
            "started_at": json.instant(last["started_at"]),
            "duration_ms": last["duration_ms"],
            "status": last["status"],
            "error": last["error"],
        },
        "data_withheld": last is not None and last["is_withheld"],
    }


class DeliveryView:
    """A delivery opened for a caller: its body and the response to each attempt."""

    def __init__(
        self, workspace: Workspace, delivery: Delivery, content: DeliveryContent, *, may_read: bool
    ) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._content = content
        self._may_read = may_read
        self._key = None
        if content.wrapped is not None:
            self._key = workspace.vault.unwrap(content.wrapped, workspace.id, delivery.debt_id)

    @property
    def is_erased(self) -> bool:
        """Whether the debt is erased, so that no content is left."""
        return self._key is None or self._content.data is None

    def body(self, *, is_withheld: bool) -> str | None:
        """Return the body as sent last or as it will be sent; None if the caller may not read debts."""
        if not self._may_read:
            return None
        delivery, content = self._delivery, self._content
        data = (
            rights.withheld_data(delivery.debt_id)
            if is_withheld
            else data_json(content.data, self._key, self._workspace.id, delivery.event_id, delivery.debt_id)
        )
        position = (delivery.sequence, delivery.previous_sequence, delivery.fields)
        return delivery_body(
            DeliveryEnvelope(delivery.event_id, delivery.kind, content.occurred_at, *position), data
        ).decode()

    def serialize_attempt(self, attempt: LoggedAttempt, extra_headers: Sequence[str]) -> dict[str, Any]:
        """Return one attempt as the API shows it."""
        response = None
        if attempt.status is not None:
            response = {"status": attempt.status, "body": self._response_text(attempt.response)}
        return {
            "attempt": attempt.attempt,
            "started_at": json.instant(attempt.started_at),
            "duration_ms": attempt.duration_ms,
            "request": {
                "method": "POST",
                "url": attempt.url,
                "headers": _sent_headers(self._delivery, attempt, extra_headers),
            },
            "response": response,
            "error": attempt.error,
            "data_withheld": attempt.is_withheld,
        }

    def _response_text(self, sealed: bytes | None) -> str | None:
        if sealed is None or self._key is None or not self._may_read:
            return None
        delivery = self._delivery
        context = response_context(self._workspace.id, delivery.endpoint_id, delivery.event_id)
        return self._key.open(sealed, context).decode("utf-8", "replace")


_SIGNATURES: Final = ("webhook-signature", "X-GetBill-Signature")


def _sent_headers(
    delivery: Delivery, attempt: LoggedAttempt, extra_headers: Sequence[str]
) -> dict[str, str | None]:
    headers: dict[str, str | None] = dict.fromkeys(extra_headers)
    headers |= {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": ids.show("wh", delivery.event_id),
        "webhook-timestamp": str(int(attempt.started_at.timestamp())),
    }
    headers |= dict.fromkeys(_SIGNATURES)
    if delivery.is_replay:
        headers["X-GetBill-Replay"] = "true"
    return headers
