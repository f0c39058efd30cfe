"""Quarantine metrics for graphs and alerts: number of quarantined items by kind."""

import asyncio

import structlog
from prometheus_client import Gauge

from getbill import quarantine
from getbill.health.queries import WITHIN_SECONDS
from getbill.kit.database import DATABASE_ERRORS, Database

_log = structlog.get_logger(__name__)

_QUARANTINED = Gauge("getbill_set_aside", "What failed and was set aside, over all workspaces.", ("kind",))


async def gauge(database: Database) -> None:
    """Set the gauge from the database; if it does not answer in time, the last value stays."""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            counts_by_kind = await quarantine.counts(database)
    except DATABASE_ERRORS as error:
        _log.warning("quarantine_metrics_failed", error=type(error).__name__)
        return
    for kind in quarantine.KINDS:
        _QUARANTINED.labels(kind).set(counts_by_kind.get(kind, 0))
