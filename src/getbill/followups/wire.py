"""The lists and answers of followups, as callers ask for them and as OpenAPI shows them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from getbill.channels import Channel
from getbill.followups.model import Followup, Status, Type
from getbill.followups.queries import Wanted
from getbill.kit import ids, paging
from getbill.kit.shapes import DayAsked, Instant, Pagination

_SORT = "-date"


class FollowupsOfDebtQuery(BaseModel):
    """What a list of one debt's followups can be asked for."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=paging.LIMIT_MAX)] = paging.LIMIT_DEFAULT
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    status: list[Status] | None = None
    type: list[Type] | None = None
    channel: list[Channel] | None = None
    since: Annotated[DayAsked | None, Field(alias="from", description="First day, in UTC.")] = None
    until: Annotated[DayAsked | None, Field(alias="to", description="Last day, in UTC.")] = None


class FollowupQuery(FollowupsOfDebtQuery):
    """What a list of followups can be asked for."""

    debt_id: Annotated[str, Field(max_length=64)] | None = None


def wanted(query: FollowupsOfDebtQuery, debt_id: UUID | None) -> Wanted:
    """Return what a query asks for; raise BadRequest for a cursor that is not of this list."""
    after = paging.read_place(query.cursor, _SORT) if query.cursor else None
    return Wanted(
        statuses=query.status,
        types=query.type,
        channels=[channel.value for channel in query.channel] if query.channel else None,
        debt_id=debt_id,
        since=_midnight(query.since),
        until=_midnight(query.until + timedelta(days=1)) if query.until and query.until < date.max else None,
        # One more than is shown tells whether it is the end.
        limit=query.limit + 1,
        offset=0 if after else (query.page - 1) * query.limit,
        after=after,
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None


def debt_of(query: FollowupQuery) -> UUID | None:
    """Return the debt a query names; raise NotFound for what is no debt's id."""
    return ids.read("debt", query.debt_id) if query.debt_id else None


def cursor_after(found: list[Followup], limit: int) -> str | None:
    """Return the cursor after the first `limit` rows; None when there are no more."""
    if len(found) <= limit:
        return None
    return paging.write_place(_SORT, found[limit - 1].created_at, found[limit - 1].id)


class FollowupShown(BaseModel):
    """One call, message or letter towards a debtor."""

    id: str = Field(examples=["followup_01jd3v9wq8e0brt4k2m5n6p7q8"])
    debt_id: str
    status: Status
    type: Type
    channel: Channel
    call_date: Instant | None = Field(description="When it was carried out.")
    scheduled_at: Instant | None = Field(description="When the scenario had it due.")
    sent_at: Instant | None
    processed_at: Instant | None = Field(description="When its outcome was known.")
    summary: str | None
    notes: str | None
    call_id: str | None = Field(description="The provider's own id of a call.")
    audio_url: str | None
    pdf_url: str | None
    duration_ms: int | None
    disconnection_reason: str | None
    direction: Literal["inbound", "outbound"] | None
    phone_number_used: str | None
    is_retry: bool
    triggered_payment: bool
    email_opened: bool
    email_open_count: int
    email_first_opened_at: Instant | None
    email_clicked: bool
    email_click_count: int


class FollowupList(BaseModel):
    """A page of followups, the newest first."""

    data: list[FollowupShown]
    pagination: Pagination
