"""The access log: one line per request, kept 90 days, without the query and without a body.

Lines wait in a bounded buffer and go to the database by COPY in the background. A request never waits for its
line: when the database cannot keep up, lines are dropped and counted.
"""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from getbill.access.metrics import LOG_DROPPED
from getbill.kit.db import Database, Statement

KEPT_DAYS = 90

_AHEAD_DAYS = 7
_BUFFER_MAX = 20_000
_BATCH_MAX = 500
_EVERY_SECONDS = 1.0
_COLUMNS = (
    "at",
    "request_id",
    "method",
    "path",
    "status",
    "duration_ms",
    "workspace_id",
    "credential_id",
    "address",
)

_log = structlog.get_logger(__name__)

_PARTITIONS = Statement(
    "access.log_partitions",
    "The days the access log has partitions for.",
    """
    SELECT substring(c.relname FROM 12) AS day FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'access_log'::regclass
    """,
)
# The day is a number we made; names and bounds cannot be parameters of DDL.
_MAKE_PARTITION = """
CREATE TABLE IF NOT EXISTS access_log_{day:%Y%m%d} PARTITION OF access_log
FOR VALUES FROM ('{day:%Y-%m-%d} 00:00:00+00') TO ('{next_day:%Y-%m-%d} 00:00:00+00')
"""
_DROP_PARTITION = "DROP TABLE IF EXISTS access_log_{day:%Y%m%d}"
_LOCK_PARTITIONS = Statement(
    "access.lock_log_partitions",
    "Let one process at a time make and drop the access log's partitions.",
    "SELECT pg_advisory_xact_lock(hashtextextended('getbill:access_log', 0))",
)


async def keep_partitions(database: Database, now: datetime, kept_days: int = KEPT_DAYS) -> None:
    """Make the access log's partitions a week ahead and drop those of days no longer kept."""
    today = now.astimezone(UTC).date()
    wanted = {today + timedelta(days=days) for days in range(_AHEAD_DAYS + 1)}
    async with database.transaction(now) as tx:
        await tx.execute(_LOCK_PARTITIONS)
        there = {_day(row["day"]) for row in await tx.fetch(_PARTITIONS)}
        for day in sorted(wanted - there):
            await tx.execute(_statement("access.make_log_partition", _MAKE_PARTITION, day))
        for day in sorted(day for day in there if day < today - timedelta(days=kept_days)):
            await tx.execute(_statement("access.drop_log_partition", _DROP_PARTITION, day))


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _statement(name: str, text: str, day: date) -> Statement:
    words = text.format(day=day, next_day=day + timedelta(days=1))
    return Statement(name, "Partition the access log by day.", words)


class AccessLog:
    """The lines of one process on their way to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def start(self) -> None:
        """Begin to write lines in the background."""
        self._task = asyncio.get_running_loop().create_task(self._write_forever())

    async def close(self) -> None:
        """Write what waits and stop."""
        self._closing.set()
        if self._task is not None:
            await self._task

    def add(self, line: tuple[Any, ...]) -> None:
        """Have a line written soon; drop and count it when too many wait already."""
        if len(self._waiting) >= _BUFFER_MAX:
            LOG_DROPPED.inc()
        else:
            self._waiting.append(line)

    async def flush(self) -> None:
        """Write the lines that wait; those the database does not take now stay for the next time."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH_MAX, len(self._waiting)))]
            try:
                await self._copy(batch)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                _log.warning("access_log_not_written", lines=len(batch), error=type(error).__name__)
                self._keep(batch)
                return

    def _keep(self, batch: list[tuple[Any, ...]]) -> None:
        room = _BUFFER_MAX - len(self._waiting)
        kept = batch[-room:] if room > 0 else []
        self._waiting.extendleft(reversed(kept))
        LOG_DROPPED.inc(len(batch) - len(kept))

    async def _copy(self, batch: list[tuple[Any, ...]]) -> None:
        try:
            await self._database.pool.copy_records_to_table("access_log", records=batch, columns=_COLUMNS)
        except asyncpg.CheckViolationError:
            # There is no partition for today: upkeep has not run for a week, or never yet.
            await keep_partitions(self._database, batch[-1][0])
            await self._database.pool.copy_records_to_table("access_log", records=batch, columns=_COLUMNS)

    async def _write_forever(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _EVERY_SECONDS)
            await self.flush()
