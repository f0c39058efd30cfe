"""Request and response schemas of followups, as published in OpenAPI."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from getbill.channels import is_web_link
from getbill.debts import Debt
from getbill.followups.download_links import DownloadLink
from getbill.followups.manual import FollowupInput
from getbill.followups.model import Followup, FollowupChannel, Status, Type
from getbill.followups.queries import FollowupFilter
from getbill.kit import http, ids, json, phones
from getbill.kit.calendar import DEFAULT_COUNTRY
from getbill.kit.errors import WrongValue, one_field
from getbill.kit.http import (
    Flag,
    Instant,
    Pagination,
    Printable,
    QueryDay,
    check_instant_text,
    refuse_empty_range,
)
from getbill.kit.messages import VALUE, message
from getbill.kit.text.names import Name

_SORT = "-date"


class FollowupsOfDebtQuery(BaseModel):
    """Filters of one debt's followups."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    status: list[Status] | None = None
    type: list[Type] | None = None
    channel: list[FollowupChannel] | None = None
    since: Annotated[
        QueryDay | None, Field(alias="from", description="Only followups on or after this day, in UTC.")
    ] = None
    until: Annotated[
        QueryDay | None, Field(alias="to", description="Only followups on or before this day, in UTC.")
    ] = None
    crossed: bool | None = Field(
        None,
        description="Only followups that crossed a payment or another end of contact (true), or only the others (false).",
    )


class FollowupQuery(FollowupsOfDebtQuery):
    """Filters of a list of followups."""

    debt_id: Annotated[str, Field(max_length=64)] | None = None


def build_filter(
    query: FollowupsOfDebtQuery, debt_id: UUID | None, mark: http.CursorSigner
) -> FollowupFilter:
    """Return the filter of a query; raise BadRequest for a cursor of another list."""
    refuse_empty_range("from", query.since, "to", query.until)
    cursor = http.unseal_optional(query.cursor, mark)
    after = http.read_time_cursor(cursor, _SORT) if cursor else None
    return FollowupFilter(
        statuses=query.status,
        types=query.type,
        channels=query.channel,
        debt_id=debt_id,
        since=_midnight(query.since),
        until=_midnight(query.until + timedelta(days=1)) if query.until and query.until < date.max else None,
        is_crossed=query.crossed,
        # One row more than the page shows whether another page follows.
        limit=query.limit + 1,
        offset=0 if after else (query.page - 1) * query.limit,
        after=after,
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None


def read_debt_id(query: FollowupQuery) -> UUID | None:
    """Return the debt of a query; raise NotFound for a malformed id."""
    return ids.read("debt", query.debt_id) if query.debt_id else None


def cursor_after(followups: list[Followup], limit: int, mark: http.CursorSigner) -> str | None:
    """Return the cursor after the first `limit` rows; None on the last page."""
    if len(followups) <= limit:
        return None
    cursor = http.write_time_cursor(_SORT, followups[limit - 1].created_at, followups[limit - 1].id)
    return http.seal_optional(cursor, mark)


class FollowupShown(BaseModel):
    """One call, message or letter towards a debtor."""

    id: str = Field(examples=["followup_01jd3v9wq8e0brt4k2m5n6p7q8"])
    debt_id: str
    group_id: str | None = Field(
        description="Id shared by the followups of one message about several debts of the debtor; null if it was"
        " about this debt alone.",
    )
    status: Status
    type: Type
    channel: FollowupChannel
    call_date: Instant | None = Field(
        description="Time the followup was carried out, in UTC; null until then."
    )
    scheduled_at: Instant | None = Field(description="Due time, in UTC; null if it was not planned.")
    sent_at: Instant | None
    processed_at: Instant | None = Field(
        description="Time the outcome became known, in UTC; null until then."
    )
    summary: str | None
    notes: str | None
    call_id: str | None = Field(description="Id of the call at the provider.")
    audio_url: str | None
    pdf_url: str | None = Field(
        description="URL of the letter as a PDF, valid for one hour; null if there is none."
    )
    duration_ms: int | None
    disconnection_reason: str | None
    direction: Literal["inbound", "outbound"] | None
    phone_number_used: str | None
    is_retry: bool
    triggered_payment: bool
    crossed_by: str | None = Field(
        description="Event that crossed the message: `payment`, or the status that ended contact; null if there was none."
    )
    email_opened: bool
    email_open_count: int
    email_first_opened_at: Instant | None
    email_clicked: bool
    email_click_count: int


class FollowupAnswer(FollowupShown):
    """A followup with the expiry of its download links."""

    media_urls_expire_at: Instant | None


def serialize_followup(followup: Followup, link: DownloadLink | None) -> dict[str, Any]:
    """Return a followup as the API shows it, with the link to its letter."""
    media: dict[str, Any] = {"pdf_url": None, "media_urls_expire_at": None}
    if link is not None:
        media = {"pdf_url": link.url, "media_urls_expire_at": json.instant(link.expires_at)}
    return followup.serialize() | media


class FollowupMessage(BaseModel):
    """The exact message to a debtor, and its address."""

    model_config = ConfigDict(title="FollowupMessage")

    followup_id: str
    debt_id: str
    channel: FollowupChannel
    address: str | None = Field(description="E-mail address, phone number, or address lines of a letter.")
    language: str | None
    subject: str | None
    text: str
    html: str | None
    template: str | None
    template_version: int | None = Field(description="Version of the template; 0 is the built-in one.")
    sent_at: Instant | None


class FollowupList(BaseModel):
    """A page of followups, newest first."""

    data: list[FollowupAnswer]
    pagination: Pagination


_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)


def _check_plausible(value: datetime) -> datetime:
    if value < _OLDEST:
        raise WrongValue(message("{subject} must not be before 1990.", subject=VALUE))
    return value


def _check_link(value: str) -> str:
    if not is_web_link(value):
        raise WrongValue(
            message("{subject} must begin with https:// or http:// and contain no spaces.", subject=VALUE)
        )
    return value


PlausibleInstant = Annotated[
    AwareDatetime,
    BeforeValidator(check_instant_text),
    AfterValidator(_check_plausible),
    Field(examples=["2024-03-15T14:32:07Z"]),
]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Word = Printable
WebLink = Annotated[str, Field(max_length=2000), AfterValidator(_check_link)]


def _describe_change(schema: dict[str, Any]) -> None:
    # No defaults: a client that fills them in would change omitted fields.
    for property_schema in schema["properties"].values():
        property_schema.pop("default", None)
    schema["examples"] = [{"status": "deal_found", "summary": "Pays on Friday by transfer."}]


class FollowupChangeBody(BaseModel):
    """Fields of a followup to set. Omitted fields keep their values; null clears one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_describe_change)

    type: Type = "manual_call"
    status: Status = "on_hold"
    call_date: PlausibleInstant | None = Field(
        None,
        description="Time the followup was carried out, ISO 8601. Defaults to now if the status implies that it was.",
    )
    scheduled_at: PlausibleInstant | None = Field(
        None, description="Time the followup is scheduled for, ISO 8601."
    )
    summary: Text | None = None
    notes: Text | None = None
    call_id: Word | None = Field(None, description="Id of the call at the provider.")
    audio_url: WebLink | None = Field(None, description="URL of the recording, returned unchanged.")
    duration_ms: Annotated[int, Field(strict=True, ge=0, le=86_400_000)] | None = None
    phone_number_used: Annotated[str, Field(max_length=40)] | None = Field(
        None, examples=["+33612345678"], description="Phone number that was called; defaults to the debtor's."
    )
    direction: Literal["inbound", "outbound"] = "outbound"
    disconnection_reason: Annotated[Name, Field(min_length=1, max_length=200)] | None = None
    is_retry: Flag = False
    debt_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Id of the debt, which cannot be changed."
    )


class NewFollowupBody(FollowupChangeBody):
    """A call, visit, message or letter that people made towards a debtor, or plan to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "debt_id": "debt_01m804scmte4gbpp4yw1mc91gy",
                    "type": "manual_call",
                    "status": "deal_not_found",
                    "call_date": "2024-03-15T14:32:07Z",
                    "summary": "Wants to see the invoice again.",
                    "duration_ms": 184000,
                }
            ]
        }
    )

    debt_id: Annotated[str, Field(max_length=64)] = Field(examples=["debt_01m804scmte4gbpp4yw1mc91gy"])


def parse_input(body: FollowupChangeBody, debt: Debt) -> FollowupInput:
    """Return the input of a body; raise Invalid for a number that is not callable or too expensive.

    A number without a country prefix belongs to the debtor's country.
    """
    country = debt.debtor.identity.country or DEFAULT_COUNTRY
    values = {name: getattr(body, name) for name in body.model_fields_set - {"debt_id"}}
    number = values.get("phone_number_used")
    if number is not None:
        try:
            values["phone_number_used"] = phones.parse(number, country)
        except phones.PhoneInvalid as error:
            raise one_field("/phone_number_used", "phone", error.detail) from None
        _refuse_expensive(values["phone_number_used"], debt)
    return FollowupInput(values)


def _refuse_expensive(number: str, debt: Debt) -> None:
    destination = phones.expensive_destination(number, debt.workspace.company.refused_zones)
    if destination is not None and not debt.details.accept_expensive_destination:
        sentence = phones.refusal(number, destination)
        raise one_field("/phone_number_used", "expensive-destination", sentence)


def refuse_other_debt(body: FollowupChangeBody, followup: Followup) -> None:
    """Raise Invalid if a body names another debt than the followup's."""
    if body.debt_id is not None and body.debt_id != ids.show("debt", followup.debt_id):
        raise one_field(
            "/debt_id",
            "cannot-change",
            message("A followup cannot move to another debt: record a new one there."),
        )
