"""Why a process cannot start or go on, said to the person who started it.

Every such reason is one sentence with the way out in it; the command line prints it without a traceback.
"""

from typing import ClassVar


class CannotRun(Exception):
    """A process stops here, for a reason that its operator can do something about."""

    exit_status: ClassVar[int] = 1


class CannotRunNow(CannotRun):
    """A process stops here, and the same may go well in a moment (EX_TEMPFAIL of sysexits.h)."""

    exit_status = 75
