"""Request and response schemas of delivery statistics."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit import ids, json
from getbill.kit.errors import one_parameter
from getbill.kit.http import Instant, QueryInstant
from getbill.kit.messages import message
from getbill.webhooks.delivery_log.statistics import DeliveryCounts, DeliveryStatistics
from getbill.webhooks.endpoints import PREFIX

DAYS_MAX: Final = 31


class StatsQuery(BaseModel):
    """The period of the statistics, in wall time."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[
        QueryInstant | None,
        Field(alias="from", description="Start of the period, ISO 8601. Defaults to one day before `to`."),
    ] = None
    until: Annotated[
        QueryInstant | None,
        Field(
            alias="to",
            description=f"End of the period (exclusive), ISO 8601, at most {DAYS_MAX} days after `from`. Defaults to now.",
        ),
    ] = None


class LatencyShown(BaseModel):
    """Response times in milliseconds; null without a response."""

    p50: int | None
    p95: int | None
    p99: int | None


class DeliveryCountsShown(BaseModel):
    """Counts of attempts and deliveries."""

    attempts: int
    attempts_succeeded: int = Field(description="Number of attempts with a 2xx response.")
    success_rate: float | None = Field(
        description="Share of finished deliveries that were acknowledged, 0 to 1; null if none finished."
    )
    latency_ms: LatencyShown
    delivered: int
    exhausted: int
    cancelled: int
    pending: int = Field(description="Number of deliveries pending now, regardless of the period.")
    oldest_pending_at: Instant | None = Field(
        description="Time the oldest pending delivery was queued, in UTC; null if none is pending."
    )


class EndpointCounts(DeliveryCountsShown):
    """Counts of one webhook."""

    endpoint_id: str


class EventCounts(DeliveryCountsShown):
    """Counts of one kind of event."""

    event: str


class PeriodShown(BaseModel):
    """Start and end of the period."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")


class StatsShown(BaseModel):
    """Delivery statistics of a period."""

    period: PeriodShown
    total: DeliveryCountsShown
    by_endpoint: list[EndpointCounts]
    by_event: list[EventCounts]


def period(query: StatsQuery, now: datetime) -> tuple[datetime, datetime]:
    """Return the period of a query; raise BadRequest for one that is empty or too long."""
    until = query.until or now
    try:
        since = query.since or until - timedelta(days=1)
    except OverflowError:
        raise one_parameter(
            "to", "out-of-range", message("`to` is before the first supported date.")
        ) from None
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
            message("A period may have at most {days} days. Request several periods.", days=DAYS_MAX),
        )
    return since, until


def serialize_statistics(statistics: DeliveryStatistics) -> dict[str, Any]:
    """Return statistics as the API shows them."""
    return {
        "period": {"from": json.instant(statistics.since), "to": json.instant(statistics.until)},
        "total": _serialize_counts(statistics.total),
        "by_endpoint": [
            {"endpoint_id": ids.show(PREFIX, endpoint_id)} | _serialize_counts(counts)
            for endpoint_id, counts in sorted(statistics.by_endpoint.items())
        ],
        "by_event": [
            {"event": kind} | _serialize_counts(counts)
            for kind, counts in sorted(statistics.by_event.items())
        ],
    }


def _serialize_counts(counts: DeliveryCounts) -> dict[str, Any]:
    p50, p95, p99 = counts.latency or (None, None, None)
    return {
        "attempts": counts.attempts,
        "attempts_succeeded": counts.succeeded,
        "success_rate": counts.success_rate,
        "latency_ms": {"p50": p50, "p95": p95, "p99": p99},
        "delivered": counts.delivered,
        "exhausted": counts.exhausted,
        "cancelled": counts.cancelled,
        "pending": counts.pending,
        "oldest_pending_at": json.instant(counts.oldest_pending_at),
    }
