"""The access log: one line per request, kept 90 days: the route and the ids in its path, no query, no body.

Lines wait in a bounded buffer and are written by COPY in the background. A request never waits for its line:
if the database cannot keep up, lines are dropped and counted.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from getbill.access.requests.metrics import LOG_DROPPED
from getbill.kit.database import (
    DATABASE_ERRORS,
    PARTITION_MISSING,
    RETENTION_DAYS,
    DailyPartitions,
    Database,
    isolate_failures,
)

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

_LOG = DailyPartitions("access_log")


async def keep_partitions(database: Database, now: datetime, retention_days: int = RETENTION_DAYS) -> None:
    """Create the access log's partitions a week ahead and drop those past their retention."""
    await _LOG.maintain(database, now, retention_days)


class AccessLog:
    """The buffer of lines of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: deque[tuple[Any, ...]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def start(self) -> None:
        """Start writing lines in the background."""
        self._task = asyncio.get_running_loop().create_task(self._write_forever())

    async def close(self) -> None:
        """Write the pending lines and stop."""
        self._closing.set()
        if self._task is not None:
            await self._task

    def add(self, line: tuple[Any, ...]) -> None:
        """Queue a line; drop and count it if the buffer is full."""
        if len(self._pending) >= _BUFFER_MAX:
            LOG_DROPPED.inc()
        else:
            self._pending.append(line)

    async def flush(self) -> None:
        """Write the pending lines; those the database cannot store now stay pending."""
        while self._pending:
            batch = [self._pending.popleft() for _ in range(min(_BATCH_MAX, len(self._pending)))]
            try:
                await isolate_failures(batch, self._copy, self._drop)
            except DATABASE_ERRORS as error:
                _log.warning("access_log_not_written", lines=len(batch), error=type(error).__name__)
                self._requeue(batch)
                return

    def _requeue(self, batch: list[tuple[Any, ...]]) -> None:
        room = _BUFFER_MAX - len(self._pending)
        retained = batch[-room:] if room > 0 else []
        self._pending.extendleft(reversed(retained))
        LOG_DROPPED.inc(len(batch) - len(retained))

    async def _drop(self, _line: tuple[Any, ...], error: Exception) -> None:
        """Drop a line that the database refuses, so that the others are written."""
        _log.error("access_log_line_dropped", error=type(error).__name__)
        LOG_DROPPED.inc()

    async def _copy(self, batch: Sequence[tuple[Any, ...]]) -> None:
        try:
            await self._database.pool.copy_records_to_table("access_log", records=batch, columns=_COLUMNS)
        except PARTITION_MISSING:
            # Maintenance has not run for a week, or never yet.
            await _LOG.create(self._database, (line[0] for line in batch))
            await self._database.pool.copy_records_to_table("access_log", records=batch, columns=_COLUMNS)

    async def _write_forever(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _EVERY_SECONDS)
            await self.flush()
