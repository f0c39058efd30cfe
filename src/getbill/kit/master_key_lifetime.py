"""Lifetime of a master key version: how long it is in use, and how long it is kept once replaced."""

from datetime import timedelta
from typing import Final

# Margin by which a rotation or a destruction may be late without breaking the promise.
LATENESS_MARGIN: Final = timedelta(hours=1)


def use_and_retention(days: int) -> tuple[timedelta, timedelta]:
    """Return how long a key version is in use, and kept once replaced; together less than `days`."""
    lifetime = timedelta(days=days)
    in_use = lifetime / 6
    return in_use, lifetime - in_use - LATENESS_MARGIN
