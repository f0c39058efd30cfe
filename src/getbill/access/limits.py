"""How many requests a minute, counted over all processes without asking the database at each.

A minute begins with the first request after the last one ended. Each process takes a lease on a part of it by one
UPSERT and counts that down by itself; leases shrink as the minute is used up, so that one process counts exactly
and several together never let more through than the limit.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from uuid import UUID

from getbill.kit.db import Database, Statement

WINDOW_SECONDS = 60

_SUBJECTS_MAX = 10_000

_LEASE = Statement(
    "access.lease",
    "Take a part of the minute's requests: a sixteenth of what is left, at least 1, at most 50, begun anew if over.",
    """
    INSERT INTO rate_counts AS r (subject_id, ends_at, used, leased)
    VALUES ($1, $2::timestamptz + interval '60 seconds', greatest(1, least(50, $3::int / 16)),
            greatest(1, least(50, $3::int / 16)))
    ON CONFLICT (subject_id) DO UPDATE SET (ends_at, used, leased) = (
        SELECT m.ends_at, m.used + m.lease, m.lease FROM (
            SELECT n.ends_at, n.used,
                   least(greatest(0, $3::int - n.used), greatest(1, least(50, ($3::int - n.used) / 16))) AS lease
            FROM (SELECT CASE WHEN r.ends_at > $2 THEN r.ends_at ELSE excluded.ends_at END AS ends_at,
                         CASE WHEN r.ends_at > $2 THEN r.used ELSE 0 END AS used) n) m)
    RETURNING ends_at, used, leased
    """,
)


@dataclass(slots=True)
class Count:
    """Where a request stands in its minute; `ends` is in Unix seconds."""

    limit: int
    remaining: int
    ends: float
    is_allowed: bool

    def seconds_left(self, now: float) -> int:
        """Return the whole seconds until the minute is over, at least one."""
        # Rounded first: an end that lies a microsecond beyond the minute is not another second.
        return max(1, ceil(round(self.ends - now, 3)))


@dataclass(frozen=True, slots=True)
class Crowded:
    """A request of an address whose minute is used up, which only a right secret lets in; `show` says where it stands."""

    count: Count
    show: Callable[[Count], None]


@dataclass(slots=True)
class _Minute:
    """What this process knows of one subject's minute."""

    limit: int
    ends: float = 0.0
    # Requests leased to this process and not yet made, and those that nobody had leased at that time.
    leased: int = 0
    unleased: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self, now: float) -> Count | None:
        """Count one request, or return None when only the database can tell."""
        if now >= self.ends:
            return None
        if self.leased:
            self.leased -= 1
            return Count(self.limit, self.leased + self.unleased, self.ends, is_allowed=True)
        return None if self.unleased else Count(self.limit, 0, self.ends, is_allowed=False)


class Limits:
    """The minutes of every credential and sandbox this process has heard from."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._minutes: dict[UUID, _Minute] = {}

    def take(self, subject_id: UUID, limit: int, now: float) -> Count | None:
        """Count one request if that needs no lease, else return None; never waits."""
        minute = self._minutes.get(subject_id)
        return None if minute is None or minute.limit != limit else minute.take(now)

    async def lease(self, subject_id: UUID, limit: int, now: float) -> Count:
        """Count one request, taking a lease when the last one is used up."""
        minute = self._minute(subject_id, limit, now)
        async with minute.lock:
            # Whoever held the lock before us may have leased for us too.
            count = minute.take(now)
            while count is None:
                row = await self._database.fetchrow(
                    _LEASE, subject_id, datetime.fromtimestamp(now, UTC), limit
                )
                if row is None:
                    raise LookupError("an UPSERT returns its row")
                minute.ends = row["ends_at"].timestamp()
                minute.leased = row["leased"]
                minute.unleased = max(0, limit - row["used"])
                count = minute.take(now)
            return count

    def _minute(self, subject_id: UUID, limit: int, now: float) -> _Minute:
        minute = self._minutes.get(subject_id)
        if minute is None or minute.limit != limit:
            if len(self._minutes) >= _SUBJECTS_MAX:
                self._minutes = {key: one for key, one in self._minutes.items() if one.ends > now}
            minute = self._minutes[subject_id] = _Minute(limit)
        return minute


class AddressLimits:
    """Requests a minute without a good credential, per client address, in this process alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minutes: dict[str, tuple[float, int]] = {}

    def look(self, address: str, now: float) -> Count:
        """Return where an address stands, without counting."""
        ends, used = self._minutes.get(address, (0.0, 0))
        if now >= ends:
            ends, used = now + WINDOW_SECONDS, 0
        return Count(self._limit, max(0, self._limit - used), ends, is_allowed=used < self._limit)

    def take(self, address: str, now: float) -> Count:
        """Count one request of an address."""
        count = self.look(address, now)
        if not count.is_allowed:
            return count
        if address not in self._minutes and len(self._minutes) >= _SUBJECTS_MAX:
            self._make_room(now)
        self._minutes[address] = (count.ends, self._limit - count.remaining + 1)
        return Count(self._limit, count.remaining - 1, count.ends, is_allowed=True)

    def _make_room(self, now: float) -> None:
        self._minutes = {key: minute for key, minute in self._minutes.items() if minute[0] > now}
        if len(self._minutes) >= _SUBJECTS_MAX:
            # A flood from everywhere: forgetting is better than growing, or than refusing everybody.
            self._minutes.clear()
