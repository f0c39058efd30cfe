"""How deliveries go, for graphs and alerts: what waits longest, what was given up, which endpoints fail.

Every gauge has its line in docs/runbook.md, with what to do. An endpoint is named by its id alone, and only those that
have failed longest are, so that the number of series is bounded.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from asyncpg import Record
from prometheus_client import Gauge

from getbill.health.queries import DATABASE_ERRORS, WITHIN_SECONDS
from getbill.kit import clock, ids
from getbill.kit.db import Database, Statement

_log = structlog.get_logger(__name__)

SERIES_MAX: Final = 20
_DAY: Final = timedelta(days=1)

_GOING = Statement(
    "health.deliveries",
    "How old is the oldest event and the oldest delivery that waits, how many were given up, how many endpoints fail?",
    """
    SELECT extract(epoch FROM $1 - least(
            (SELECT min(recorded_at) FROM events WHERE position IS NULL),
            (SELECT min(e.recorded_at) FROM streams s JOIN events e
                ON e.workspace_id = s.workspace_id AND e.position = s.reacted + 1
             WHERE s.reacted < s.position)))::float AS event_seconds,
        extract(epoch FROM $1 - (SELECT min(d.created_at) FROM webhook_deliveries d
            JOIN webhook_endpoints w ON w.workspace_id = d.workspace_id AND w.id = d.endpoint_id
            WHERE w.is_enabled))::float AS delivery_seconds,
        (SELECT count(*) FROM webhook_log WHERE state = 'exhausted' AND settled_at > $2) AS exhausted,
        (SELECT count(*) FROM webhook_endpoints
         WHERE is_enabled AND deleted_at IS NULL AND failing_since IS NOT NULL) AS failing,
        (SELECT count(*) FROM webhook_endpoints
         WHERE NOT is_enabled AND deleted_at IS NULL AND disabled_reason IN ('gone', 'failing')) AS disabled
    """,
)
_FAILING = Statement(
    "health.failing_endpoints",
    "The endpoints that have failed longest, and for how long.",
    """
    SELECT id, extract(epoch FROM $1 - failing_since)::float AS seconds FROM webhook_endpoints
    WHERE is_enabled AND deleted_at IS NULL AND failing_since IS NOT NULL ORDER BY failing_since, id LIMIT $2
    """,
)

_EVENT = Gauge(
    "getbill_oldest_unhandled_event_seconds",
    "Age of the oldest event that is not in its stream or not owed yet.",
)
_DELIVERY = Gauge(
    "getbill_oldest_undelivered_seconds", "Age of the oldest delivery that is owed to an enabled endpoint."
)
_EXHAUSTED = Gauge(
    "getbill_webhook_exhausted", "Deliveries given up after their last retry, in the last day."
)
_FAILING_COUNT = Gauge("getbill_webhook_failing_endpoints", "Enabled endpoints whose last attempts failed.")
_DISABLED = Gauge(
    "getbill_webhook_disabled_endpoints", "Endpoints disabled because they were gone or failed."
)
_ENDPOINT = Gauge(
    "getbill_webhook_endpoint_failing_seconds",
    f"For how long an endpoint has failed; of those the {SERIES_MAX} that did longest.",
    ("endpoint",),
)
_ALL = (_EVENT, _DELIVERY, _EXHAUSTED, _FAILING_COUNT, _DISABLED)


async def gauge(database: Database) -> None:
    """Set the gauges by what the database says now; what it does not say in time is not a number."""
    now = clock.wall()
    _ENDPOINT.clear()
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            row = await database.fetchrow(_GOING, now, now - _DAY)
            failing = await database.fetch(_FAILING, now, SERIES_MAX)
    except DATABASE_ERRORS as error:
        _log.warning("deliveries_not_gauged", error=type(error).__name__)
        for one in _ALL:
            one.set(float("nan"))
        return
    _set(row, failing)


def _set(row: Record | None, failing: list[Record]) -> None:
    for one, number in zip(_ALL, row.values() if row else (), strict=True):
        one.set(number or 0)
    for endpoint in failing:
        _ENDPOINT.labels(ids.show("we", endpoint["id"])).set(endpoint["seconds"])
