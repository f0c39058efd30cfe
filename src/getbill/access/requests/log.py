"""The access log: one line per request, kept 90 days: the route and the ids in its path, no query, no body.

Lines wait in a bounded buffer and are written by COPY in the background. A request never waits for its line:
if the database cannot keep up, lines are dropped and counted. A line of a caller belongs to the caller's
workspace; lines of anonymous requests have a table of their own.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Final

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
_COLUMNS: Final[tuple[str, ...]] = (
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
_ANONYMOUS_LOG = DailyPartitions("anonymous_log")
_ANONYMOUS_COLUMNS = tuple(name for name in _COLUMNS if name not in {"workspace_id", "credential_id"})
_workspace_of = itemgetter(_COLUMNS.index("workspace_id"))
_anonymous_values = itemgetter(*map(_COLUMNS.index, _ANONYMOUS_COLUMNS))

Line = tuple[Any, ...]


async def keep_partitions(database: Database, now: datetime, retention_days: int = RETENTION_DAYS) -> None:
    """Create the partitions of both tables a week ahead and drop those past their retention."""
    for table in (_LOG, _ANONYMOUS_LOG):
        await table.maintain(database, now, retention_days)


class AccessLog:
    """The buffer of lines of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: deque[Line] = deque()
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

    def add(self, line: Line) -> None:
        """Queue a line; drop and count it if the buffer is full."""
        if len(self._pending) >= _BUFFER_MAX:
            LOG_DROPPED.inc()
        else:
            self._pending.append(line)

    async def flush(self) -> None:
        """Write the pending lines; those the database cannot store now stay pending."""
        while self._pending:
            batch = [self._pending.popleft() for _ in range(min(_BATCH_MAX, len(self._pending)))]
            unwritten = await self._write(batch)
            if unwritten:
                self._requeue(unwritten)
                return

    async def _write(self, batch: list[Line]) -> list[Line]:
        """Write lines to their tables; return those that the database cannot store now."""
        groups = _by_table(batch)
        while groups:
            try:
                await isolate_failures(groups[0], self._copy, self._drop)
            except DATABASE_ERRORS as error:
                unwritten = [line for group in groups for line in group]
                _log.warning("access_log_not_written", lines=len(unwritten), error=type(error).__name__)
                return unwritten
            del groups[0]
        return []

    def _requeue(self, batch: list[Line]) -> None:
        room = _BUFFER_MAX - len(self._pending)
        retained = batch[-room:] if room > 0 else []
        self._pending.extendleft(reversed(retained))
        LOG_DROPPED.inc(len(batch) - len(retained))

    async def _drop(self, _line: Line, error: Exception) -> None:
        """Drop a line that the database refuses, so that the others are written."""
        _log.error("access_log_line_dropped", error=type(error).__name__)
        LOG_DROPPED.inc()

    async def _copy(self, lines: Sequence[Line]) -> None:
        """Copy lines that all belong to one table."""
        table, columns, records = _LOG, _COLUMNS, lines
        if _workspace_of(lines[0]) is None:
            table, columns = _ANONYMOUS_LOG, _ANONYMOUS_COLUMNS
            records = list(map(_anonymous_values, lines))
        copy = partial(
            self._database.pool.copy_records_to_table, table.table, records=records, columns=columns
        )
        try:
            await copy()
        except PARTITION_MISSING:
            # Maintenance has not run for a week, or never yet.
            await table.create(self._database, (line[0] for line in lines))
            await copy()

    async def _write_forever(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _EVERY_SECONDS)
            await self.flush()


def _by_table(batch: Sequence[Line]) -> list[list[Line]]:
    """Return the lines of callers and those of anonymous requests, each if there are any."""
    of_callers = [line for line in batch if _workspace_of(line) is not None]
    anonymous = [line for line in batch if _workspace_of(line) is None]
    return [group for group in (of_callers, anonymous) if group]
