"""The only module that reads the wall clock.

GetBill has two times. Wall time drives leases, retries, tokens and limits. Workspace time drives what a
collector plans: schedules, contact hours, row times, event timestamps; in a sandbox it can be moved ahead of
the wall clock or frozen. Everything else receives its instant as an argument.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def wall() -> datetime:
    """Return the current instant of the wall clock, aware and in UTC."""
    return datetime.now(UTC)


def unix() -> float:
    """Return the wall clock in seconds since 1970."""
    return time.time()


def monotonic() -> float:
    """Return monotonic seconds, for measuring durations."""
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class WorkspaceClock:
    """A workspace's clock: the wall clock plus an offset, or frozen at an instant."""

    offset: timedelta = timedelta(0)
    frozen_at: datetime | None = None

    def now(self) -> datetime:
        """Return the workspace's current instant."""
        return self.frozen_at or wall() + self.offset
