"""Delivery metrics for graphs and alerts: oldest pending deliveries, abandoned ones, failing endpoints.

Every gauge has a line in docs/runbook.md that says how to respond. No series identifies a tenant or any of
its data.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Gauge

from getbill.health.queries import WITHIN_SECONDS
from getbill.kit import clock
from getbill.kit.database import DATABASE_ERRORS, Database, Statement

_log = structlog.get_logger(__name__)

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
         WHERE NOT is_enabled AND deleted_at IS NULL AND disabled_reason IN ('gone', 'failing')) AS disabled,
        (SELECT extract(epoch FROM $1 - min(failing_since))::float FROM webhook_endpoints
         WHERE is_enabled AND deleted_at IS NULL AND failing_since IS NOT NULL) AS failing_seconds
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
    "For how long the endpoint has failed that failed longest.",
)
_ALL = (_EVENT, _DELIVERY, _EXHAUSTED, _FAILING_COUNT, _DISABLED, _ENDPOINT)


async def gauge(database: Database) -> None:
    """Set the gauges from the database; those it does not return in time become NaN."""
    now = clock.wall()
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            row = await database.fetchrow(_GOING, now, now - _DAY)
    except DATABASE_ERRORS as error:
        _log.warning("deliveries_not_gauged", error=type(error).__name__)
        for metric in _ALL:
            metric.set(float("nan"))
        return
    for metric, number in zip(_ALL, row.values() if row else (), strict=True):
        metric.set(number or 0)
