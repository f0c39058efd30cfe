"""Response schemas of endpoints, and the mapping of request bodies to internal names."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from yarl import URL

from getbill.access import Actor
from getbill.kit import clock, ids, json
from getbill.kit.errors import Invalid, one_field
from getbill.kit.http import Instant, JsonBody
from getbill.kit.messages import Message, excerpt, message
from getbill.webhooks.endpoints import extra_headers
from getbill.webhooks.endpoints.actions import CreatedEndpoint
from getbill.webhooks.endpoints.queries import PREFIX
from getbill.webhooks.endpoints.schemas import EndpointChangeBody, NewEndpointBody
from getbill.webhooks.model import CONCURRENCY_DEFAULT, RETRY_SECONDS, Endpoint, NewEndpoint, OwnerKind
from getbill.webhooks.ssrf import EgressPolicy, HostMisspelt, host_of, is_loopback

_LOCAL_NAME: Final = "localhost"


class RotationShown(BaseModel):
    """A secret rotation under way."""

    overlap_ends_at: Instant = Field(description="Time the old secret stops signing, in UTC.")
    cut_over_at: Instant | None = Field(
        description="Time `X-GetBill-Signature` changed to the new secret, in UTC; null until then."
    )
    signature_by: Literal["old", "new"] = Field(
        description="Secret that currently signs `X-GetBill-Signature`; the other signs `X-GetBill-Signature-Next`."
    )


class EndpointShown(BaseModel):
    """A webhook."""

    id: str = Field(examples=["we_01m804scmte4gbpp4yw1mc91gy"])
    url: str
    events: list[str]
    description: str | None
    enabled: bool
    headers: list[str] = Field(description="Names of the additional headers; their values are never shown.")
    fields: list[str] | None = Field(description="Keys of `data` that are sent; null for all.")
    retry_schedule: list[int] = Field(description="Seconds between a failed attempt and the next.")
    rate_per_second: int | None
    concurrency: int
    failing_since: Instant | None = Field(
        description="Time attempts began to fail, in UTC; null while they succeed."
    )
    disabled_at: Instant | None
    disabled_reason: Literal["asked", "gone", "failing"] | None = Field(
        description="Reason: `asked` (on request), `gone` (410 response) or `failing` (five days of failures)."
    )
    catching_up: bool = Field(
        description="Whether missed events are still being sent; new events are queued behind them."
    )
    rotation: RotationShown | None = Field(description="Secret rotation in progress; null if there is none.")
    created_at: Instant
    updated_at: Instant
    created_by: str | None = Field(
        description="Credential or person that created it; null if it was not recorded.",
        examples=["client_01m804scmte4gbpp4yw1mc91gy"],
    )
    owner: str | None = Field(
        description="Credential or person whose right to read debts applies: the creator, or the last to change `url` or enable the webhook."
    )
    data_withheld: bool = Field(
        description="Whether only ids are sent, because the owner may not read debts or by a person's decision."
    )


class EndpointWithSecret(EndpointShown):
    """A webhook with its new signing secret."""

    secret: str = Field(
        description="Secret that signs deliveries, shown only once.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    )


class EndpointList(BaseModel):
    """The webhooks of a workspace."""

    data: list[EndpointShown]


def refuse_unreachable(text: str, policy: EgressPolicy) -> None:
    """Raise Invalid for a URL that webhooks of this workspace may not reach."""
    try:
        host = host_of(text)
    except HostMisspelt as error:
        raise _invalid_url("host-spelling", error.detail) from None
    is_local = f".{host}".endswith(f".{_LOCAL_NAME}") if isinstance(host, str) else is_loopback(host)
    if URL(text).scheme == "http" and (policy.is_live or not is_local):
        raise _invalid_url(
            "not-https", message("Send an https URL; http is allowed only for the loopback, in a sandbox.")
        )
    if (not isinstance(host, str) and not policy.allows(host)) or (is_local and policy.is_live):
        raise _invalid_url(
            "forbidden-address",
            message("Webhooks are not sent to {host}: it is not a public address.", host=excerpt(str(host))),
        )


def _invalid_url(code: str, detail: Message) -> Invalid:
    return one_field("/url", code, detail)


def read_new(raw: Any, policy: EgressPolicy) -> NewEndpoint:
    """Return the endpoint of an unchecked body; raise Invalid naming every wrong field."""
    payload: NewEndpointBody = JsonBody(NewEndpointBody, optional=False).check(raw)
    refuse_unreachable(payload.url, policy)
    return new_endpoint(payload)


def new_endpoint(body: NewEndpointBody) -> NewEndpoint:
    """Return the endpoint of a body; raise Invalid if its headers are too many or too long."""
    extra_headers.refuse_excess(body.headers)
    return NewEndpoint(
        url=body.url,
        events=tuple(body.events),
        description=body.description,
        is_enabled=body.enabled,
        headers=body.headers,
        fields=None if body.fields is None else tuple(body.fields),
        retry_seconds=tuple(body.retry_schedule),
        concurrency=body.concurrency,
        rate_per_second=body.rate_per_second,
    )


_OUR_NAMES: Final = {"enabled": "is_enabled", "retry_schedule": "retry_seconds"}
_USUAL: Final = {"retry_schedule": list(RETRY_SECONDS), "concurrency": CONCURRENCY_DEFAULT}


def requested_changes(body: EndpointChangeBody) -> dict[str, Any]:
    """Return the requested changes under internal names."""
    values = {name: getattr(body, name) for name in body.model_fields_set}
    return {
        _OUR_NAMES.get(name, name): _USUAL.get(name) if value is None else value
        for name, value in values.items()
    }


def serialize_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint as the API shows it, without its secret."""
    return {
        "id": ids.show(PREFIX, endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "enabled": endpoint.is_enabled,
        "headers": list(endpoint.headers),
        "fields": endpoint.fields,
        "retry_schedule": endpoint.retry_seconds,
        "rate_per_second": endpoint.rate_per_second,
        "concurrency": endpoint.concurrency,
        "failing_since": json.instant(endpoint.failing_since),
        "disabled_at": json.instant(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "catching_up": endpoint.catching_up_from is not None,
        "rotation": _serialize_rotation(endpoint, clock.wall()),
        "created_at": json.instant(endpoint.created_at),
        "updated_at": json.instant(endpoint.updated_at),
        "created_by": _actor(endpoint.created_by_kind, endpoint.created_by),
        "owner": _actor(endpoint.owner_kind, endpoint.owner),
        "data_withheld": not endpoint.may_read,
    }


def _actor(kind: OwnerKind | None, identifier: UUID | None) -> str | None:
    return None if kind is None or kind == "unknown" else Actor(kind, identifier).public_id


def _serialize_rotation(endpoint: Endpoint, now: datetime) -> dict[str, Any] | None:
    rotation = endpoint.rotation(now)
    if rotation is None:
        return None
    return {
        "overlap_ends_at": json.instant(rotation.ends_at),
        "cut_over_at": json.instant(rotation.cut_over_at),
        "signature_by": "new" if rotation.is_cut_over(now) else "old",
    }


def serialize_with_secret(created: CreatedEndpoint) -> dict[str, Any]:
    """Return an endpoint with its new secret."""
    return serialize_endpoint(created.endpoint) | {"secret": created.secret}
