"""Queries for the figures of a workspace: over a period, and at present."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from asyncpg import Record

from getbill.debts import CLOSED, STATUSES
from getbill.kit.database import Database, Statement
from getbill.kit.money import Money

DAYS_DEFAULT = 90

_OPENED = Statement(
    "reports.count_opened",
    "Number of debts created in a period, and how many of them are resolved.",
    """
    SELECT count(*) AS debts, count(resolved_at) AS resolved
    FROM debts WHERE workspace_id = $1 AND erased_at IS NULL AND created_at >= $2 AND created_at < $3
    """,
)
_DELAY = Statement(
    "reports.measure_delay",
    "Number of debts resolved in a period, and the average time from creation to resolution.",
    # Resolving a debt changes it, so the index of changes bounds the search.
    """
    SELECT count(*) AS debts, avg(extract(epoch FROM resolved_at - created_at)) AS seconds
    FROM debts WHERE workspace_id = $1 AND erased_at IS NULL AND updated_at >= $2 AND resolved_at >= $2
        AND resolved_at < $3
    """,
)
_RECOVERED = Statement(
    "reports.sum_recovered",
    "Payments less refunds, chargebacks and reversals of a period, per currency.",
    """
    SELECT currency, -sum(minor)::bigint AS minor
    FROM payments WHERE workspace_id = $1 AND coalesce(reversed_kind, kind) IN ('payment', 'refund', 'chargeback')
        AND paid_at >= $2 AND paid_at < $3
    GROUP BY currency ORDER BY currency
    """,
)
_BY_STATUS = Statement(
    "reports.count_by_status",
    "Number of debts by status, number resolved, and the open balance.",
    """
    SELECT status, currency, count(*) AS debts, count(resolved_at) AS resolved,
        sum(greatest(balance, 0)) FILTER (WHERE status <> ALL ($2))::bigint AS open
    FROM debts WHERE workspace_id = $1 AND erased_at IS NULL GROUP BY status, currency ORDER BY currency
    """,
)

_EVER = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a period; both days are included."""

    from_on: date
    to_on: date
    created: int
    resolved: int
    resolution_rate: Decimal | None
    recovered: list[Money]
    average_delay_days: Decimal | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The current statistics of a workspace."""

    total: int
    by_status: dict[str, int]
    open: list[Money]
    recovered: list[Money]
    resolution_rate: Decimal | None


def period_of(from_on: date | None, to_on: date | None, today: date) -> tuple[date, date]:
    """Return the days of a period: by default the last 90, or 90 from or to a given day."""
    span = timedelta(days=DAYS_DEFAULT - 1)
    if from_on is None:
        to_on = to_on or today
        return to_on - span, to_on
    return from_on, to_on or max(today, from_on)


async def report(database: Database, workspace_id: UUID, from_on: date, to_on: date) -> Report:
    """Return the figures of a period; days are in UTC."""
    begins = datetime.combine(from_on, time(), UTC)
    ends = datetime.combine(to_on + timedelta(days=1), time(), UTC)
    created_counts = await database.fetch(_OPENED, workspace_id, begins, ends)
    delay = await database.fetch(_DELAY, workspace_id, begins, ends)
    recovered = await database.fetch(_RECOVERED, workspace_id, begins, ends)
    seconds = delay[0]["seconds"]
    return Report(
        from_on=from_on,
        to_on=to_on,
        created=created_counts[0]["debts"],
        resolved=delay[0]["debts"],
        resolution_rate=_rate(created_counts[0]["resolved"], created_counts[0]["debts"]),
        recovered=_money(recovered),
        average_delay_days=None if seconds is None else (seconds / 86_400).quantize(Decimal("0.01")),
    )


async def statistics(database: Database, workspace_id: UUID) -> Statistics:
    """Return the current statistics of a workspace."""
    rows = await database.fetch(_BY_STATUS, workspace_id, list(CLOSED))
    recovered = await database.fetch(_RECOVERED, workspace_id, *_EVER)
    total = sum(row["debts"] for row in rows)
    still_open: dict[str, int] = {}
    for row in rows:
        still_open[row["currency"]] = still_open.get(row["currency"], 0) + (row["open"] or 0)
    return Statistics(
        total=total,
        by_status={
            status.value: sum(row["debts"] for row in rows if row["status"] == status) for status in STATUSES
        },
        open=[Money(minor, currency) for currency, minor in still_open.items() if minor],
        recovered=_money(recovered),
        resolution_rate=_rate(sum(row["resolved"] for row in rows), total),
    )


def _rate(resolved: int, debts: int) -> Decimal | None:
    return (Decimal(resolved) / debts).quantize(Decimal("0.0001")) if debts else None


def _money(rows: list[Record]) -> list[Money]:
    return [Money(row["minor"], row["currency"]) for row in rows if row["minor"]]
