"""Rate limits per minute, counted over all processes without a database call per request.

A minute begins with the first request after the last one ended. Each process leases a part of it by one
UPSERT and counts that down by itself; leases shrink as the minute is used up, so that one process counts
exactly and several together never exceed the limit. A process that stops releases the unused part of its
leases; one that is killed loses a lease, and the database, where each lease is committed, loses none
(decisions/0031).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from uuid import UUID

import structlog
from asyncpg import Record

from getbill.kit import clock
from getbill.kit.database import DATABASE_ERRORS, Connection, Database, Statement

WINDOW_SECONDS = 60

_SUBJECTS_MAX = 10_000
_CLOSE_SECONDS = 2.0
_RETRY_SECONDS = 0.1
# A lease is renewed once a quarter of it is left.
_LOW = 4

_log = structlog.get_logger(__name__)

_LEASE = Statement(
    "access.lease",
    "Fill up what this process holds of the minute to a sixteenth of what is left, at least 1, at most 50; begin anew if over.",
    """
    INSERT INTO rate_counts AS r (subject_id, ends_at, used, leased)
    VALUES ($1, $2::timestamptz + interval '60 seconds', greatest(1, least(50, $3::int / 16)),
            greatest(1, least(50, $3::int / 16)))
    ON CONFLICT (subject_id) DO UPDATE SET (ends_at, used, leased) = (
        SELECT m.ends_at, m.used + m.lease, m.lease FROM (
            SELECT n.ends_at, n.used, least(greatest(0, $3::int - n.used),
                                            greatest($4::int, 1, least(50, ($3::int - n.used) / 16))) AS lease
            FROM (SELECT CASE WHEN r.ends_at > $2 THEN r.ends_at ELSE excluded.ends_at END AS ends_at,
                         CASE WHEN r.ends_at <= $2 THEN 0
                              WHEN r.ends_at = $5 THEN greatest(0, r.used - $4::int)
                              ELSE r.used END AS used) n) m)
    RETURNING ends_at, used, leased
    """,
)
_RELEASE_LEASES = Statement(
    "access.give_back_leases",
    "Give back what a process leased and did not use, each of the minute it was leased from.",
    """
    WITH given AS (
        SELECT r.subject_id, g.leased FROM rate_counts r
        JOIN unnest($1::uuid[], $2::timestamptz[], $3::int[]) AS g (subject_id, ends_at, leased)
            ON g.subject_id = r.subject_id AND g.ends_at = r.ends_at
        ORDER BY r.subject_id FOR UPDATE OF r)
    UPDATE rate_counts r SET used = greatest(0, r.used - given.leased) FROM given
    WHERE r.subject_id = given.subject_id
    """,
)


@dataclass(slots=True)
class Count:
    """The state of a minute after a request; `ends` is in Unix seconds."""

    limit: int
    remaining: int
    ends: float
    is_allowed: bool

    def seconds_left(self, now: float) -> int:
        """Return the whole seconds until the minute is over, at least one."""
        # Rounded first: an end one microsecond beyond the minute is not another second.
        return max(1, ceil(round(self.ends - now, 3)))


@dataclass(frozen=True, slots=True)
class CrowdedRequest:
    """A request from an address over its limit, admitted only with a right secret; `show` sets headers."""

    count: Count
    show: Callable[[Count], None]


@dataclass(slots=True, eq=False)
class _Window:
    """This process's view of one subject's minute."""

    limit: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    # The same subject's minute under its previous limit.
    previous: "_Window | None" = None
    ends: float = 0.0
    ends_at: datetime | None = None
    # Requests leased to this process and not yet made, and those not leased by any process at that time.
    leased: int = 0
    unleased: int = 0
    # Threshold below which the lease is renewed in the background, without delaying a request.
    low: int = 0

    def consume(self, now: float) -> Count | None:
        """Count one request, or return None if only the database can decide."""
        if now >= self.ends:
            return None
        if self.leased:
            self.leased -= 1
            return Count(self.limit, self.leased + self.unleased, self.ends, is_allowed=True)
        return None if self.unleased else Count(self.limit, 0, self.ends, is_allowed=False)

    def take_over(self, now: float) -> tuple[int, datetime | None]:
        """Return the held lease and the end of its minute, moved from the previous window if still valid."""
        previous, self.previous = self.previous, None
        holder = self if previous is None else previous
        leased = holder.leased if now < holder.ends else 0
        if previous is not None:
            previous.leased = previous.unleased = previous.low = 0
        return leased, holder.ends_at

    def fill(self, row: Record, leased_before: int) -> None:
        """Replace the held lease by the new one, less what was used meanwhile."""
        used_meanwhile = leased_before - self.leased if row["ends_at"] == self.ends_at and self.ends else 0
        self.ends_at, self.ends = row["ends_at"], row["ends_at"].timestamp()
        self.leased = max(0, row["leased"] - used_meanwhile)
        self.unleased = max(0, self.limit - row["used"])
        self.low = min(self.unleased, row["leased"] // _LOW)


class RateLimits:
    """The minutes of every credential and sandbox that this process has seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._minutes: dict[UUID, _Window] = {}
        self._filling: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def try_consume(self, subject_id: UUID, limit: int, now: float) -> Count | None:
        """Count one request if that needs no lease, otherwise return None; never waits."""
        minute = self._minutes.get(subject_id)
        if minute is None or minute.limit != limit:
            return None
        count = minute.consume(now)
        if minute.low and minute.leased <= minute.low:
            minute.low = 0
            self._fill_soon(subject_id, minute, now)
        return count

    async def lease(self, subject_id: UUID, limit: int, now: float) -> Count:
        """Count one request, taking a lease if the last one is used up."""
        minute = self._minute(subject_id, limit, now)
        async with minute.lock:
            # The previous holder of the lock may have leased for this request too.
            count = minute.consume(now)
            while count is None:
                await self._fill(subject_id, minute, now)
                count = minute.consume(now)
            return count

    async def close(self) -> None:
        """Release the unused leases, so that the next process continues where this one ends."""
        self._is_closed = True
        if self._filling:
            await asyncio.wait(self._filling, timeout=_CLOSE_SECONDS)
        now = clock.unix()
        leases = [(key, *minute.take_over(now)) for key, minute in self._minutes.items()]
        self._minutes.clear()
        rows = [(key, ends_at, leased) for key, leased, ends_at in leases if leased]
        if rows:
            await self._release(rows)

    async def _release(self, rows: list[tuple[UUID, datetime | None, int]]) -> None:
        pool = self._database.pool
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                connection = await self._connection()
                try:
                    # Not retried: it is unknown whether a lost release was executed, and twice would release
                    # more than was leased.
                    await connection.execute(_RELEASE_LEASES.text, *map(list, zip(*rows, strict=True)))
                finally:
                    await pool.release(connection)
        except DATABASE_ERRORS as error:
            _log.warning("leases_not_given_back", subjects=len(rows), error=type(error).__name__)

    async def _connection(self) -> Connection:
        """Return a connection, also of a database that is recovering and back within the wait."""
        while True:
            try:
                return await self._database.pool.acquire()
            except DATABASE_ERRORS:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _fill(self, subject_id: UUID, minute: _Window, now: float) -> None:
        leased, ends_at = minute.take_over(now)
        values = (subject_id, datetime.fromtimestamp(now, UTC), minute.limit, leased, ends_at)
        row = await self._database.fetchrow(_LEASE, *values)
        if row is None:
            raise LookupError("an UPSERT returns its row")
        minute.fill(row, leased)

    def _fill_soon(self, subject_id: UUID, minute: _Window, now: float) -> None:
        if self._is_closed:
            return
        task = asyncio.get_running_loop().create_task(self._fill_in_background(subject_id, minute, now))
        self._filling.add(task)
        task.add_done_callback(self._filling.discard)

    async def _fill_in_background(self, subject_id: UUID, minute: _Window, now: float) -> None:
        async with minute.lock:
            # Unless a waiting request has renewed it, or the minute has begun anew.
            if minute.low or now >= minute.ends or self._minutes.get(subject_id) is not minute:
                return
            try:
                await self._fill(subject_id, minute, now)
            except DATABASE_ERRORS as error:
                # The request that uses up the rest asks again and waits for the result.
                _log.warning("lease_not_filled", error=type(error).__name__)

    def _minute(self, subject_id: UUID, limit: int, now: float) -> _Window:
        minute = self._minutes.get(subject_id)
        if minute is None or minute.limit != limit:
            if len(self._minutes) >= _SUBJECTS_MAX:
                self._minutes = {key: window for key, window in self._minutes.items() if window.ends > now}
            lock = asyncio.Lock() if minute is None else minute.lock
            minute = self._minutes[subject_id] = _Window(limit, lock, previous=minute)
        return minute


class AddressLimits:
    """Rate limits of requests without a valid credential, per client address, in this process alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minutes: dict[str, tuple[float, int]] = {}

    def peek(self, address: str, now: float) -> Count:
        """Return the state of an address without counting."""
        ends, used = self._minutes.get(address, (0.0, 0))
        if now >= ends:
            ends, used = now + WINDOW_SECONDS, 0
        return Count(self._limit, max(0, self._limit - used), ends, is_allowed=used < self._limit)

    def consume(self, address: str, now: float) -> Count:
        """Count one request of an address."""
        count = self.peek(address, now)
        if not count.is_allowed:
            return count
        if address not in self._minutes and len(self._minutes) >= _SUBJECTS_MAX:
            self._make_room(now)
        self._minutes[address] = (count.ends, self._limit - count.remaining + 1)
        return Count(self._limit, count.remaining - 1, count.ends, is_allowed=True)

    def _make_room(self, now: float) -> None:
        self._minutes = {key: minute for key, minute in self._minutes.items() if minute[0] > now}
        if len(self._minutes) >= _SUBJECTS_MAX:
            # A distributed flood: forgetting is better than growing, or than refusing every address.
            self._minutes.clear()
