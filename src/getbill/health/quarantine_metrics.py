"""What was set aside because it failed, for graphs and alerts: how much, by what it is."""

import asyncio

import structlog
from prometheus_client import Gauge

from getbill import quarantine
from getbill.health.queries import WITHIN_SECONDS
from getbill.kit.database import DATABASE_ERRORS, Database

_log = structlog.get_logger(__name__)

_ASIDE = Gauge("getbill_set_aside", "What failed and was set aside, over all workspaces.", ("kind",))


async def gauge(database: Database) -> None:
    """Set the gauge by what the database says now; what it does not say in time is told as it was."""
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            aside = await quarantine.counts(database)
    except DATABASE_ERRORS as error:
        _log.warning("quarantine_not_gauged", error=type(error).__name__)
        return
    for kind in quarantine.KINDS:
        _ASIDE.labels(kind).set(aside.get(kind, 0))
