"""Request and response schemas of replays and test sends."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from getbill.kit import ids, json
from getbill.kit.errors import FieldError, NotFound, one_field, refusal
from getbill.kit.http import Instant, JsonBody, QueryInstant, require_any_field
from getbill.kit.messages import message
from getbill.webhooks import delivery_log, endpoints
from getbill.webhooks.endpoints import EventName, Events, require_unique, unknown_kinds
from getbill.webhooks.model import Endpoint, SettledStateName
from getbill.webhooks.replays.actions import SELECTED_MAX, ReplayRequest, ReplayResult
from getbill.webhooks.replays.test_sends import EndpointTest

Selected = Annotated[
    list[Annotated[str, Field(max_length=64)]],
    Field(min_length=1, max_length=SELECTED_MAX),
    AfterValidator(require_unique),
]
_NEXT: Final = "next"


class ReplayOneBody(BaseModel):
    """The target of one delivery sent again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    to_webhook: str | None = Field(
        None, max_length=64, description="Id of the target webhook; defaults to the original one."
    )


class ReplayBody(BaseModel):
    """A replay: given events, given deliveries, or a time range; and the target webhook."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=require_any_field("webhook_ids", "deliveries", "from")
        | {
            "examples": [
                {"from": "2024-03-15T00:00:00Z", "to": "2024-03-16T00:00:00Z", "status": ["exhausted"]},
                {"webhook_ids": ["wh_01m804scmte4gbpp4yw1mc91gx"]},
            ]
        },
    )

    webhook_ids: Selected | None = Field(
        None, description="Events to send, by `webhook_id`, including events never sent before."
    )
    deliveries: Selected | None = Field(None, description="Deliveries of this webhook to send again, by id.")
    since: QueryInstant | None = Field(
        None,
        alias="from",
        description="Start of a range of events, ISO 8601, in wall time even in a sandbox.",
    )
    until: QueryInstant | None = Field(
        None, alias="to", description="End of the range (exclusive), ISO 8601. Defaults to now."
    )
    events: Events | None = Field(
        None, description="Events of the range to send; defaults to the webhook's subscription."
    )
    status: Annotated[list[SettledStateName], Field(min_length=1, max_length=3)] | None = Field(
        None, description="Only events of the range whose delivery to this webhook has this status."
    )
    to_webhook: str | None = Field(
        None, max_length=64, description="Id of the target webhook; defaults to this one."
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return an error unless exactly one selection is given, and one for each unknown event."""
        return [*_selection_errors(raw), *unknown_kinds("/events", raw.get("events"))]


def _selection_errors(raw: dict[str, Any]) -> list[FieldError]:
    selectors = [name for name in ("webhook_ids", "deliveries", "from") if raw.get(name) is not None]
    if not selectors:
        detail = message(
            "Select what to send again: `webhook_ids`, `deliveries`, or a time range with `from` and `to`."
        )
        return [FieldError("", "missing", detail)]
    if len(selectors) > 1:
        detail = message("Send only one of: {names}.", names=selectors)
        return [FieldError(f"/{name}", "ambiguous", detail) for name in selectors[1:]]
    if selectors == ["from"]:
        return []
    return [
        FieldError(
            f"/{name}",
            "not-a-range",
            message(
                "{name} filters a time range and cannot be combined with {given}.",
                name=name,
                given=selectors[0],
            ),
        )
        for name in ("to", "events", "status")
        if raw.get(name) is not None
    ]


class EndpointTestBody(BaseModel):
    """The sample to send and the secret that signs it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"event": "debt.payment_received", "secret": "next"}]}
    )

    event: EventName = Field(
        "debt.created", description="Event to send; any event, whether subscribed to or not."
    )
    secret: Literal["current", "next"] = Field(
        "current",
        description="Secret that signs: `current` signs like deliveries (during a rotation with both secrets), `next` with the new secret alone.",
    )

    @property
    def is_next(self) -> bool:
        """Whether only the next secret signs."""
        return self.secret == _NEXT

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return an error for an unknown event."""
        return [
            FieldError("/event", error.code, error.detail)
            for error in unknown_kinds("/event", [raw.get("event")])
        ]


class ReplayedShown(BaseModel):
    """The number of events to be sent again."""

    replayed: int = Field(
        description="Number of deliveries queued again, each marked with `X-GetBill-Replay: true`."
    )
    already_pending: int = Field(
        description="Number of events that are already pending and are not queued again."
    )
    to_webhook: str


class EndpointTestResponse(BaseModel):
    """Response of the receiver, at most 4 kB of it."""

    status: int
    body: str


class EndpointTestRequest(BaseModel):
    """Request that was sent."""

    method: Literal["POST"]
    url: str
    headers: dict[str, str | None] = Field(description="Headers that were sent; null for secret values.")
    body: str = Field(description="Body that was sent, byte for byte, for verifying the signatures.")


class EndpointTestShown(BaseModel):
    """Result of a test."""

    status: Literal["delivered", "failed"]
    error: str | None
    started_at: Instant
    duration_ms: int
    request: EndpointTestRequest
    response: EndpointTestResponse | None = Field(
        description="Response of the receiver; null if there was none."
    )


def read_replay(raw: Any, endpoint_id: UUID) -> ReplayRequest:
    """Return the replay of an unchecked body; raise Invalid naming every wrong field."""
    payload: ReplayBody = JsonBody(ReplayBody, optional=False).check(raw)
    return replay_request(payload, endpoint_id)


def replay_request(body: ReplayBody, endpoint_id: UUID) -> ReplayRequest:
    """Return the replay of a body; raise Invalid for malformed ids and an empty range."""
    if body.since is not None and body.until is not None and body.since >= body.until:
        raise one_field("/to", "empty-range", message("`to` must be after `from`."))
    return ReplayRequest(
        endpoint_id=endpoint_id,
        to_endpoint_id=target_endpoint_id(body.to_webhook, endpoint_id),
        deliveries=_parse_ids("/deliveries", delivery_log.PREFIX, body.deliveries),
        events=_parse_ids("/webhook_ids", "wh", body.webhook_ids),
        since=body.since,
        until=body.until,
        kinds=body.events,
        states=body.status,
    )


def target_endpoint_id(public_id: str | None, endpoint_id: UUID) -> UUID:
    """Return the target of a replay; raise Invalid for a malformed id."""
    if public_id is None:
        return endpoint_id
    try:
        return ids.read(endpoints.PREFIX, public_id)
    except NotFound as error:
        raise one_field("/to_webhook", "not-found", error.detail) from None


def _parse_ids(pointer: str, prefix: str, public_ids: list[str] | None) -> list[UUID] | None:
    if public_ids is None:
        return None
    identifiers, errors = [], []
    for index, text in enumerate(public_ids):
        try:
            identifiers.append(ids.read(prefix, text))
        except NotFound as error:
            errors.append(FieldError(f"{pointer}/{index}", "not-found", error.detail))
    if errors:
        raise refusal(errors)
    return identifiers


def serialize_replay(replay_result: ReplayResult, to_endpoint_id: UUID) -> dict[str, Any]:
    """Return a replay as the API shows it."""
    return {
        "replayed": replay_result.replayed,
        "already_pending": replay_result.already_pending,
        "to_webhook": ids.show(endpoints.PREFIX, to_endpoint_id),
    }


def serialize_endpoint_test(endpoint_test: EndpointTest, endpoint: Endpoint) -> dict[str, Any]:
    """Return the result of a test; the values of the endpoint's own headers stay secret."""
    outcome = endpoint_test.outcome
    response = None
    if outcome.status is not None:
        text = (outcome.response or b"").decode("utf-8", "replace")
        response = {"status": outcome.status, "body": text}
    return {
        "status": "delivered" if outcome.is_delivered else "failed",
        "error": outcome.error,
        "started_at": json.instant(outcome.started_at),
        "duration_ms": outcome.duration_ms,
        "request": {
            "method": "POST",
            "url": endpoint_test.url,
            "headers": {
                name: None if name in endpoint.headers else value
                for name, value in endpoint_test.headers.items()
            },
            "body": endpoint_test.body.decode(),
        },
        "response": response,
    }
