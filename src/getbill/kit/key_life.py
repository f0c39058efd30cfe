"""The life of a version of the master key: how long it is in use, and how long it is kept once it is replaced."""

from datetime import timedelta
from typing import Final

# So late a rotation or a destruction may come without breaking the promise.
LATE: Final = timedelta(hours=1)


def use_and_retention(days: int) -> tuple[timedelta, timedelta]:
    """Return how long a version is in use, and how long it is kept once it is replaced: together less than the days."""
    lifetime = timedelta(days=days)
    in_use = lifetime / 6
    return in_use, lifetime - in_use - LATE
