"""Failpoints: places where a test can make a process die as in a power cut, to inspect what is left.

Nothing happens unless the process was armed, which only a test-only setting does (see
`settings.crash_point`). The invariant: an armed process dies there once, by SIGKILL, without any cleanup.
"""

import os
import signal
from dataclasses import dataclass


@dataclass(slots=True)
class _ArmedFailpoint:
    point: str = ""
    passes: int = 0


_armed_failpoint = _ArmedFailpoint()


def arm(point: str | None) -> None:
    """Make this process die at a failpoint: `name`, or `name:3` for the third time it is reached."""
    name, _, times = (point or "").partition(":")
    _armed_failpoint.point, _armed_failpoint.passes = name, int(times or 1)


def at(point: str) -> None:
    """Die here if this failpoint is armed."""
    if point != _armed_failpoint.point:
        return
    _armed_failpoint.passes -= 1
    if _armed_failpoint.passes == 0:
        os.kill(os.getpid(), signal.SIGKILL)
