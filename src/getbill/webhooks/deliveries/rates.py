"""Rate limits of endpoints: deliveries per second, shared by all dispatchers.

The earliest time of the next delivery is a row of its own, read and written under the lock of claims. An
endpoint without a rate has no row.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.kit.database import Statement, Transaction
from getbill.webhooks.model import ClaimedDelivery

_SPEND = Statement(
    "webhooks.spend_rate",
    "Set the earliest time of the next delivery of endpoints of a workspace with a rate limit.",
    """
    INSERT INTO webhook_rates (workspace_id, endpoint_id, free_at)
    SELECT $1, rate.endpoint_id, rate.free_at FROM unnest($2::uuid[], $3::timestamptz[]) AS rate (endpoint_id, free_at)
    ON CONFLICT (workspace_id, endpoint_id) DO UPDATE SET free_at = excluded.free_at
    """,
)

_AHEAD_SECONDS: Final = 0.25


def allowance(row: Record, now: datetime) -> int:
    """Return how many more deliveries the rate allows now, at most a quarter of a second ahead."""
    rate = row["rate_per_second"]
    if rate is None:
        return 1 << 20
    ahead = (row["free_at"] - now).total_seconds() if row["free_at"] else 0.0
    return int((_AHEAD_SECONDS - max(ahead, 0.0)) * rate + 1.0)


async def spend(
    tx: Transaction,
    workspace_id: UUID,
    rows: Sequence[Record],
    deliveries: Sequence[ClaimedDelivery],
    now: datetime,
) -> bool:
    """Count claimed deliveries against the endpoints' rates; return whether any endpoint has a rate."""
    rates = {row["id"]: row for row in rows if row["rate_per_second"] is not None}
    delivery_counts: dict[UUID, int] = {}
    for delivery in deliveries:
        if delivery.target.id in rates:
            delivery_counts[delivery.target.id] = delivery_counts.get(delivery.target.id, 0) + 1
    if not delivery_counts:
        return False
    rate_rows = []
    for endpoint_id, count in sorted(delivery_counts.items()):
        row = rates[endpoint_id]
        begins = max(row["free_at"] or now, now)
        rate_rows.append((endpoint_id, begins + timedelta(seconds=count / row["rate_per_second"])))
    await tx.execute(_SPEND, workspace_id, *zip(*rate_rows, strict=True))
    return True
