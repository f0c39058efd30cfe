"""Statistics of a period, counted from the log: attempts, outcomes and pending deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.kit.database import Database, Statement

_ATTEMPTS = Statement(
    "webhooks.count_attempts",
    "Attempts of a period, how many succeeded and how long answers took: in all, by endpoint and by event.",
    """
    SELECT endpoint_id, kind, count(*) AS attempts,
        count(*) FILTER (WHERE status >= 200 AND status < 300) AS succeeded,
        percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_ms)
            FILTER (WHERE status IS NOT NULL) AS latency
    FROM webhook_attempts WHERE workspace_id = $1 AND started_at >= $2 AND started_at < $3
    GROUP BY GROUPING SETS ((), (endpoint_id), (kind))
    """,
)
_SETTLED = Statement(
    "webhooks.count_settled",
    "Deliveries settled in a period, by how they ended: in all, by endpoint and by event.",
    """
    SELECT d.endpoint_id, d.kind, count(*) FILTER (WHERE d.state = 'delivered') AS delivered,
        count(*) FILTER (WHERE d.state = 'exhausted') AS exhausted,
        count(*) FILTER (WHERE d.state = 'cancelled') AS cancelled
    FROM webhook_endpoints w
    JOIN webhook_log d ON d.workspace_id = w.workspace_id AND d.endpoint_id = w.id
        AND d.settled_at >= $2 AND d.settled_at < $3
    WHERE w.workspace_id = $1
    GROUP BY GROUPING SETS ((), (d.endpoint_id), (d.kind))
    """,
)
_PENDING = Statement(
    "webhooks.count_pending",
    "What is owed now and since when: in all, by endpoint and by event.",
    """
    SELECT endpoint_id, kind, count(*) AS pending, min(created_at) AS oldest_pending_at
    FROM webhook_deliveries WHERE workspace_id = $1
    GROUP BY GROUPING SETS ((), (endpoint_id), (kind))
    """,
)


@dataclass(slots=True)
class DeliveryCounts:
    """Counts of all deliveries, of one endpoint or of one kind of event; latencies in milliseconds."""

    attempts: int = 0
    succeeded: int = 0
    latency: Sequence[int] | None = None
    delivered: int = 0
    exhausted: int = 0
    cancelled: int = 0
    pending: int = 0
    oldest_pending_at: datetime | None = None

    @property
    def success_rate(self) -> float | None:
        """Share of finished deliveries that were delivered; None if none finished."""
        settled_count = self.delivered + self.exhausted
        return round(self.delivered / settled_count, 4) if settled_count else None


@dataclass(frozen=True, slots=True)
class DeliveryStatistics:
    """The counts of a period."""

    since: datetime
    until: datetime
    total: DeliveryCounts
    by_endpoint: dict[UUID, DeliveryCounts]
    by_event: dict[str, DeliveryCounts]


async def read(
    database: Database, workspace_id: UUID, since: datetime, until: datetime
) -> DeliveryStatistics:
    """Return the counts between two wall-time instants, and the number of deliveries pending now."""
    statistics = DeliveryStatistics(since, until, DeliveryCounts(), {}, {})
    for statement in (_ATTEMPTS, _SETTLED):
        _add(statistics, await database.fetch(statement, workspace_id, since, until))
    _add(statistics, await database.fetch(_PENDING, workspace_id))
    return statistics


def _add(statistics: DeliveryStatistics, rows: Sequence[Record]) -> None:
    for row in rows:
        values = dict(row)
        endpoint_id, kind = values.pop("endpoint_id"), values.pop("kind")
        counts = statistics.total
        if endpoint_id is not None:
            counts = statistics.by_endpoint.setdefault(endpoint_id, DeliveryCounts())
        elif kind is not None:
            counts = statistics.by_event.setdefault(kind, DeliveryCounts())
        for name, value in values.items():
            setattr(counts, name, value)
