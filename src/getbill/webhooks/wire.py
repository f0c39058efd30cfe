"""The bodies and answers of webhooks."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from yarl import URL

from getbill.events import KINDS
from getbill.kit import ids, json
from getbill.kit.errors import FieldError, Invalid, one_field
from getbill.kit.shapes import Instant
from getbill.webhooks.actions import Opened
from getbill.webhooks.addresses import Reach, numeric
from getbill.webhooks.model import EVENTS_DEFAULT, Endpoint, NewEndpoint, unknown_events
from getbill.webhooks.queries import PREFIX

_LOCAL_NAMES: Final = ("localhost", ".localhost")


def _url(value: str) -> str:
    if any(character <= " " or character == "\x7f" for character in value):
        raise ValueError("A URL has no spaces and no control characters.")
    try:
        url = URL(value)
        port = url.port
    except ValueError as error:
        raise ValueError("This is not a URL. Send for example https://example.com/hooks.") from error
    if url.scheme not in {"https", "http"} or not url.host or port is None:
        raise ValueError("A webhook's URL begins with https:// and a host.")
    if url.user is not None or url.password is not None:
        raise ValueError("A webhook's URL carries no user and no password.")
    if url.raw_fragment:
        raise ValueError("A webhook's URL has no fragment: nobody would be sent it.")
    return value


def _once(value: list[str]) -> list[str]:
    if len(set(value)) != len(value):
        raise ValueError("An event is named once.")
    return value


Url = Annotated[
    str, Field(min_length=1, max_length=2000, examples=["https://example.com/hooks"]), AfterValidator(_url)
]
EventName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(KINDS)})]
Events = Annotated[
    list[EventName],
    Field(
        min_length=1, max_length=100, examples=[list(EVENTS_DEFAULT)], json_schema_extra={"uniqueItems": True}
    ),
    AfterValidator(_once),
]
Description = Annotated[str, Field(max_length=500)]
Switch = Annotated[bool, Field(strict=True)]


class EndpointFields(BaseModel):
    """What an endpoint can be told."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def across(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return which events there are not, all at once."""
        names = raw.get("events")
        if not isinstance(names, list):
            return []
        known = ", ".join(KINDS)
        return [
            FieldError(
                f"/events/{place}", "unknown-event", f"There is no event {name!r}. There are: {known}."
            )
            for place, name in unknown_events(names)
        ]


class NewEndpointBody(EndpointFields):
    """Where events go: a URL, and which events."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"url": "https://example.com/hooks"}]}
    )

    url: Url = Field(description="https; in a sandbox also http on the loopback.")
    events: Events = Field(list(EVENTS_DEFAULT), description="Which events; the six main ones by default.")
    description: Description | None = None
    enabled: Switch = True


class EndpointChangeBody(EndpointFields):
    """Fields of an endpoint to change; those left out stay as they are."""

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: Switch | None = None

    @classmethod
    def across(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return which events there are not, and which fields cannot be cleared."""
        return super().across(raw) + [
            FieldError(f"/{name}", "required", f"{name} cannot be null; leave it out to keep it.")
            for name in ("url", "events", "enabled")
            if name in raw and raw[name] is None
        ]


class EndpointShown(BaseModel):
    """An endpoint."""

    id: str = Field(examples=["we_01m804scmte4gbpp4yw1mc91gy"])
    url: str
    events: list[str]
    description: str | None
    enabled: bool
    failing_since: Instant | None = Field(description="When the attempts began to fail that fail until now.")
    created_at: Instant
    updated_at: Instant


class OpenedShown(EndpointShown):
    """A new endpoint, with the secret that signs what is sent to it."""

    secret: str = Field(
        description="Shown this once: verify every delivery with it.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    )


class EndpointList(BaseModel):
    """A workspace's endpoints."""

    data: list[EndpointShown]


def refuse_unreachable(text: str, reach: Reach) -> None:
    """Raise Invalid for a URL that no webhook of this workspace may be sent to."""
    url = URL(text)
    host = url.host or ""
    address = numeric(host)
    is_local = host.endswith(_LOCAL_NAMES) if address is None else address.is_loopback
    if url.scheme == "http" and (reach.is_live or not is_local):
        raise _refused("not-https", "Send an https URL; http is for the loopback of a sandbox only.")
    if (address is not None and not reach.allows(address)) or (is_local and reach.is_live):
        raise _refused("forbidden-address", f"Webhooks are not sent to {host}: it is not a public address.")


def _refused(code: str, detail: str) -> Invalid:
    return one_field("/url", code, detail)


def new_endpoint(body: NewEndpointBody) -> NewEndpoint:
    """Return the endpoint a body asks for."""
    return NewEndpoint(body.url, tuple(body.events), body.description, body.enabled)


def changes(body: EndpointChangeBody) -> dict[str, Any]:
    """Return what a body asks to change, under our names."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    if "enabled" in given:
        given["is_enabled"] = given.pop("enabled")
    return given


def endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint as every answer shows it, never with its secret."""
    return {
        "id": ids.show(PREFIX, endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "enabled": endpoint.is_enabled,
        "failing_since": json.instant(endpoint.failing_since),
        "created_at": json.instant(endpoint.created_at),
        "updated_at": json.instant(endpoint.updated_at),
    }


def opened(opened: Opened) -> dict[str, Any]:
    """Return a new endpoint with its secret."""
    return endpoint(opened.endpoint) | {"secret": opened.secret}
