"""Points at which a process can be made to die, as a power cut would have it, so that tests may see what is left.

Nothing happens unless a process was armed, which only a test-only setting does (see `settings.crash_point`).
The invariant: an armed process dies there once, by SIGKILL, with nothing cleaned up behind it.
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
    """Have this process die when it comes to a point: `name`, or `name:3` when it comes there the third time."""
    name, _, times = (point or "").partition(":")
    _armed_failpoint.point, _armed_failpoint.passes = name, int(times or 1)


def at(point: str) -> None:
    """Die here if this is the point."""
    if point != _armed_failpoint.point:
        return
    _armed_failpoint.passes -= 1
    if _armed_failpoint.passes == 0:
        os.kill(os.getpid(), signal.SIGKILL)
