"""Request bodies that create and change an endpoint, with their limits.

All wrong fields are reported at once. The limits are those that receivers and the schedule of five days can
bear.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from yarl import URL

from getbill.events import KINDS
from getbill.kit.errors import FieldError, WrongValue
from getbill.kit.messages import VALUE, excerpt, message
from getbill.kit.text.names import Name
from getbill.webhooks import secret_rotation
from getbill.webhooks.endpoints import extra_headers
from getbill.webhooks.model import (
    CONCURRENCY_DEFAULT,
    CONCURRENCY_MAX,
    EVENTS_DEFAULT,
    RATE_MAX,
    RETRIES_MAX,
    RETRY_SECONDS,
    RETRY_SECONDS_MAX,
    RETRY_SECONDS_SUM_MAX,
    unknown_events,
)
from getbill.webhooks.samples import FIELDS


def _url(value: str) -> str:
    if any(character <= " " or character == "\x7f" for character in value):
        raise WrongValue(message("{subject} must not contain spaces or control characters.", subject=VALUE))
    try:
        url = URL(value)
        # Decodes an internationalised host name.
        host, port = url.host, url.port
    except ValueError as error:
        raise WrongValue(
            message("{subject} must be a URL, such as https://example.com/hooks.", subject=VALUE)
        ) from error
    if url.scheme not in {"https", "http"} or not host or not port:
        raise WrongValue(message("{subject} must begin with https:// and a host.", subject=VALUE))
    if url.user is not None or url.password is not None:
        raise WrongValue(message("{subject} must not contain a user or password.", subject=VALUE))
    if url.raw_fragment:
        raise WrongValue(
            message("{subject} must not have a fragment (`#...`), which would not be sent.", subject=VALUE)
        )
    return value


def require_unique(value: list[str]) -> list[str]:
    """Return a list without duplicates; raise ValueError for one that has some."""
    if len(set(value)) != len(value):
        raise WrongValue(message("{subject} must not contain duplicates.", subject=VALUE))
    return value


def _within_days(value: list[int]) -> list[int]:
    if sum(value) > RETRY_SECONDS_SUM_MAX:
        raise WrongValue(
            message(
                "The retries must fit within {seconds} seconds in total: a webhook that fails for five days is disabled.",
                seconds=RETRY_SECONDS_SUM_MAX,
            )
        )
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
    AfterValidator(require_unique),
]
FieldName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(FIELDS)})]
Fields = Annotated[
    list[FieldName],
    Field(
        min_length=1,
        max_length=100,
        examples=[["debt_id", "status", "balance"]],
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(require_unique),
]
Seconds = Annotated[int, Field(strict=True, ge=1, le=RETRY_SECONDS_MAX)]
RetrySchedule = Annotated[
    list[Seconds],
    Field(max_length=RETRIES_MAX, examples=[list(RETRY_SECONDS)]),
    AfterValidator(_within_days),
]
Concurrency = Annotated[int, Field(strict=True, ge=1, le=CONCURRENCY_MAX)]
Rate = Annotated[int, Field(strict=True, ge=1, le=RATE_MAX)]
Description = Annotated[Name, Field(max_length=500)]
Switch = Annotated[bool, Field(strict=True)]

_DESCRIPTIONS: Final = {
    "events": "Events to send; defaults to the six main ones.",
    "headers": f"Additional headers, by name: at most {extra_headers.HEADERS_MAX} with {extra_headers.BYTES_MAX} bytes in all."
    " Their values are never shown.",
    "fields": "Keys of `data` to send in addition to `debt_id`; null for all.",
    "retry_schedule": "Seconds between a failed attempt and the next, each +-10 %; empty for a single attempt.",
    "rate_per_second": "Maximum number of requests per second; null for no limit.",
    "concurrency": "Maximum number of concurrent requests.",
}


def _unknown_fields(names: Any) -> list[FieldError]:
    if not isinstance(names, list):
        return []
    field_names = ", ".join(FIELDS)
    return [
        FieldError(
            f"/fields/{index}",
            "unknown-key",
            message(
                "`data` has no key '{name}'. Valid keys: {known}.", name=excerpt(name), known=field_names
            ),
        )
        for index, name in enumerate(names)
        if isinstance(name, str) and name not in FIELDS
    ]


def unknown_kinds(pointer: str, names: Any) -> list[FieldError]:
    """Return an error for each name that is not an event."""
    if not isinstance(names, list):
        return []
    event_names = ", ".join(KINDS)
    return [
        FieldError(
            f"{pointer}/{index}",
            "unknown-event",
            message(
                "There is no event '{name}'. Valid events: {known}.", name=excerpt(name), known=event_names
            ),
        )
        for index, name in unknown_events(names)
    ]


class EndpointFields(BaseModel):
    """Settings of a webhook."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return all unknown events and fields and all invalid headers at once."""
        return [
            *unknown_kinds("/events", raw.get("events")),
            *extra_headers.header_errors(raw.get("headers")),
            *_unknown_fields(raw.get("fields")),
        ]


class NewEndpointBody(EndpointFields):
    """A new webhook: a URL and the events it receives."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://example.com/hooks"},
                {
                    "url": "https://erp.example.com/getbill",
                    "events": ["debt.payment_received", "debt.resolved"],
                    "description": "ERP",
                    "headers": {"Authorization": "Bearer s3cr3t"},
                    "fields": ["debt_id", "reference", "balance", "payment"],
                    "retry_schedule": [30, 300, 3600],
                    "rate_per_second": 20,
                    "concurrency": 4,
                },
            ]
        },
    )

    url: Url = Field(
        description="URL that receives the events: https, or in a sandbox also http on the loopback."
    )
    events: Events = Field(list(EVENTS_DEFAULT), description=_DESCRIPTIONS["events"])
    description: Description | None = None
    enabled: Switch = Field(
        default=True,
        description="Whether events are sent. Events missed while disabled are sent once it is enabled.",
    )
    headers: dict[str, str] = Field({}, description=_DESCRIPTIONS["headers"])
    fields: Fields | None = Field(None, description=_DESCRIPTIONS["fields"])
    retry_schedule: RetrySchedule = Field(list(RETRY_SECONDS), description=_DESCRIPTIONS["retry_schedule"])
    rate_per_second: Rate | None = Field(None, description=_DESCRIPTIONS["rate_per_second"])
    concurrency: Concurrency = Field(CONCURRENCY_DEFAULT, description=_DESCRIPTIONS["concurrency"])


class EndpointChangeBody(EndpointFields):
    """Fields of a webhook to change; omitted fields keep their values."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"enabled": True, "send_missed": True},
                {"headers": {"Authorization": "Bearer n3w", "X-Tenant": None}, "fields": None},
            ]
        },
    )

    url: Url | None = None
    events: Events | None = Field(None, description=_DESCRIPTIONS["events"])
    description: Description | None = None
    enabled: Switch | None = None
    send_missed: Switch = Field(
        default=True,
        description="With `enabled: true`: whether events missed while disabled are sent, in order."
        " False drops them and every pending delivery; `GET /events` contains them either"
        " way.",
    )
    headers: dict[str, str | None] | None = Field(
        None,
        description="Headers to set, by name; a null value removes a header, null instead of the object removes all.",
    )
    fields: Fields | None = Field(None, description=_DESCRIPTIONS["fields"])
    retry_schedule: RetrySchedule | None = Field(
        None, description=_DESCRIPTIONS["retry_schedule"] + " Null for the default."
    )
    rate_per_second: Rate | None = Field(None, description=_DESCRIPTIONS["rate_per_second"])
    concurrency: Concurrency | None = Field(
        None, description=_DESCRIPTIONS["concurrency"] + " Null for the default."
    )

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return errors between fields, and fields that cannot be cleared."""
        errors = super().cross_field_errors(raw) + [
            FieldError(
                f"/{name}",
                "required",
                message("{name} cannot be null; omit it to keep its value.", name=name),
            )
            for name in ("url", "events", "enabled")
            if name in raw and raw[name] is None
        ]
        if "send_missed" in raw and raw.get("enabled") is not True:
            detail = message("send_missed applies to missed events and requires `enabled: true`.")
            errors.append(FieldError("/send_missed", "not-enabling", detail))
        return errors


class RotateBody(BaseModel):
    """The overlap during which the old secret signs beside the new one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: Annotated[int, Field(strict=True, ge=0, le=secret_rotation.OVERLAP_HOURS_MAX)] = Field(
        secret_rotation.OVERLAP_HOURS_DEFAULT,
        description="Hours during which both secrets sign; 0 replaces the secret at once.",
    )


class CutOverBody(BaseModel):
    """Whether the cut-over also drops the old secret."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}, {"end_overlap": True}]})

    end_overlap: Switch = Field(
        default=False,
        description="Whether to discard the old secret now instead of at the end of the overlap.",
    )
