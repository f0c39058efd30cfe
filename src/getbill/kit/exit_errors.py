"""Reasons why a process cannot start or continue, for its operator.

Each is one sentence that includes the remedy; the command line prints it without a traceback.
"""

from typing import ClassVar


class CannotRun(Exception):
    """A reason to stop the process that its operator can act on."""

    exit_status: ClassVar[int] = 1


class CannotRunNow(CannotRun):
    """A reason to stop the process that may pass in a moment (EX_TEMPFAIL of sysexits.h)."""

    exit_status = 75
