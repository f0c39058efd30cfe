"""Tables partitioned by day: partitions are created ahead and dropped at the end of the retention period.

The database refuses a row whose day has no partition: the writer then creates the partition and writes again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg

from getbill.kit.database.transactions import Database, Statement

RETENTION_DAYS: Final = 90
# The error of a write whose day has no partition.
PARTITION_MISSING: Final = asyncpg.CheckViolationError

_AHEAD_DAYS = 7

_DAYS = Statement(
    "kit.partition_days",
    "The days a table has partitions for.",
    """
    SELECT right(c.relname, 8) AS day FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass
    """,
)
_LOCK = Statement(
    "kit.lock_partitions",
    "Let one process at a time make and drop a table's partitions.",
    "SELECT pg_advisory_xact_lock(hashtextextended('getbill:' || $1, 0))",
)
# The day is a number of ours and the table one of ours; DDL takes neither as a parameter.
_MAKE = """
CREATE TABLE IF NOT EXISTS {table}_{day:%Y%m%d} PARTITION OF {table}
FOR VALUES FROM ('{day:%Y-%m-%d} 00:00:00+00') TO ('{next_day:%Y-%m-%d} 00:00:00+00')
"""
_DROP = "DROP TABLE IF EXISTS {table}_{day:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class DailyPartitions:
    """A table that is partitioned by the day (UTC) of one of its timestamp columns."""

    table: str

    async def maintain(self, database: Database, now: datetime, retention_days: int = RETENTION_DAYS) -> None:
        """Create the table's partitions a week ahead and drop those past their retention."""
        today = _day_of(now)
        required_days = {today + timedelta(days=days) for days in range(_AHEAD_DAYS + 1)}
        async with database.transaction(now) as tx:
            await tx.execute(_LOCK, self.table)
            existing_days = {_parse_day(row["day"]) for row in await tx.fetch(_DAYS, self.table)}
            for day in sorted(required_days - existing_days):
                await tx.execute(self._statement(_MAKE, day))
            for day in sorted(day for day in existing_days if day < today - timedelta(days=retention_days)):
                await tx.execute(self._statement(_DROP, day))

    async def create(self, database: Database, moments: Iterable[datetime]) -> None:
        """Create the missing partitions for rows of these instants."""
        for moment in sorted({_day_of(moment) for moment in moments}):
            async with database.transaction(
                datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
            ) as tx:
                await tx.execute(_LOCK, self.table)
                await tx.execute(self._statement(_MAKE, moment))

    def _statement(self, text: str, day: date) -> Statement:
        sql = text.format(table=self.table, day=day, next_day=day + timedelta(days=1))
        return Statement("kit.partition", "Partition a table by day.", sql)


def _day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _parse_day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
