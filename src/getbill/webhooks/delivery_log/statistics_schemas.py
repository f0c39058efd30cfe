"""The statistics of deliveries as callers ask for them and as answers show them."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit import ids, json
from getbill.kit.errors import one_parameter
from getbill.kit.http import Instant, InstantAsked
from getbill.kit.messages import message
from getbill.webhooks.delivery_log.statistics import Statistics, Tally
from getbill.webhooks.endpoints import PREFIX

DAYS_MAX: Final = 31


class StatsQuery(BaseModel):
    """The period, in wall time."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[
        InstantAsked | None,
        Field(alias="from", description="Start of the period, ISO 8601; by default a day before `to`."),
    ] = None
    until: Annotated[
        InstantAsked | None,
        Field(
            alias="to",
            description=f"End of the period (exclusive), ISO 8601, at most {DAYS_MAX} days after `from`. Defaults to now.",
        ),
    ] = None


class LatencyShown(BaseModel):
    """How long answers took, in milliseconds; null where none came."""

    p50: int | None
    p95: int | None
    p99: int | None


class TallyShown(BaseModel):
    """What was counted."""

    attempts: int
    attempts_succeeded: int = Field(description="Number of attempts answered 2xx.")
    success_rate: float | None = Field(
        description="Share of finished deliveries that were acknowledged, 0 to 1; null if none finished."
    )
    latency_ms: LatencyShown
    delivered: int
    exhausted: int
    cancelled: int
    pending: int = Field(description="Number of deliveries pending now, whatever the period.")
    oldest_pending_at: Instant | None = Field(
        description="When the oldest pending delivery was queued, in UTC; null if none is pending."
    )


class EndpointTally(TallyShown):
    """What was counted of one webhook."""

    endpoint_id: str


class EventTally(TallyShown):
    """What was counted of one kind of event."""

    event: str


class PeriodShown(BaseModel):
    """From when until when."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")


class StatsShown(BaseModel):
    """How deliveries went in a period."""

    period: PeriodShown
    total: TallyShown
    by_endpoint: list[EndpointTally]
    by_event: list[EventTally]


def period(query: StatsQuery, now: datetime) -> tuple[datetime, datetime]:
    """Return the period a query asks for; raise BadRequest for one that is empty or too long."""
    until = query.until or now
    try:
        since = query.since or until - timedelta(days=1)
    except OverflowError:
        raise one_parameter("to", "out-of-range", message("`to` lies before all calendars.")) from None
    if since >= until:
        raise one_parameter(
            "from",
            "empty-range",
            message(
                "`from` ({since}) is not before `to` ({until}).",
                since=json.instant(since),
                until=json.instant(until),
            ),
        )
    if until - since > timedelta(days=DAYS_MAX):
        raise one_parameter(
            "from",
            "out-of-range",
            message("A period has at most {days} days. Ask for one after the other.", days=DAYS_MAX),
        )
    return since, until


def stats(found: Statistics) -> dict[str, Any]:
    """Return statistics as answers show them."""
    return {
        "period": {"from": json.instant(found.since), "to": json.instant(found.until)},
        "total": _tally(found.total),
        "by_endpoint": [
            {"endpoint_id": ids.show(PREFIX, endpoint_id)} | _tally(tally)
            for endpoint_id, tally in sorted(found.by_endpoint.items())
        ],
        "by_event": [{"event": kind} | _tally(tally) for kind, tally in sorted(found.by_event.items())],
    }


def _tally(tally: Tally) -> dict[str, Any]:
    p50, p95, p99 = tally.latency or (None, None, None)
    return {
        "attempts": tally.attempts,
        "attempts_succeeded": tally.succeeded,
        "success_rate": tally.success_rate,
        "latency_ms": {"p50": p50, "p95": p95, "p99": p99},
        "delivered": tally.delivered,
        "exhausted": tally.exhausted,
        "cancelled": tally.cancelled,
        "pending": tally.pending,
        "oldest_pending_at": json.instant(tally.oldest_pending_at),
    }
