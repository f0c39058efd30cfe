"""The life of a version of the master key: how long it is in use, and how long it is kept once it is replaced."""

from datetime import timedelta
from typing import Final

# So late a rotation or a destruction may come without breaking the promise.
LATE: Final = timedelta(hours=1)


def lasting(days: int) -> tuple[timedelta, timedelta]:
    """Return how long a version is in use, and how long it is kept once it is replaced: together less than the days."""
    whole = timedelta(days=days)
    in_use = whole / 6
    return in_use, whole - in_use - LATE
