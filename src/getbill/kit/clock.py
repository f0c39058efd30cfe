"""The only place that reads the wall clock.

Two times run through GetBill. Wall time drives leases, retries, tokens and limits. Workspace time drives
what a collector plans: schedules, contact hours, row times, an event's timestamp; in a sandbox it can be
moved ahead of the wall or frozen. Everything else takes its instant as an argument.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def wall() -> datetime:
    """Return the wall clock's instant, aware and in UTC."""
    return datetime.now(UTC)


def unix() -> float:
    """Return the wall clock in seconds since 1970."""
    return time.time()


def monotonic() -> float:
    """Return seconds that never go back, for measuring how long something took."""
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class WorkspaceClock:
    """A workspace's time: the wall's plus an offset, or an instant at which it stands still."""

    offset: timedelta = timedelta(0)
    frozen_at: datetime | None = None

    def now(self) -> datetime:
        """Return the workspace's instant."""
        return self.frozen_at or wall() + self.offset
