"""The sandbox: a workspace whose time its owner moves, so that weeks of a scenario are seen in seconds.

Nobody real is ever contacted from here. Moving the clock ahead carries out everything that falls due on the way,
each at its own instant and in order; one move at a time, and one that a crash interrupted is finished.
"""

from getbill.sandbox.actions import AdvanceRunning, begin, refuse_live
from getbill.sandbox.api import router
from getbill.sandbox.jobs import advance, send_due
from getbill.sandbox.model import ADVANCE_DAYS_MAX, Advance
from getbill.sandbox.queries import advance as find_advance
from getbill.sandbox.queries import clock_of, running
from getbill.sandbox.wire import advance as advance_shown
from getbill.sandbox.wire import clock as clock_shown

__all__ = [
    "ADVANCE_DAYS_MAX",
    "Advance",
    "AdvanceRunning",
    "advance",
    "advance_shown",
    "begin",
    "clock_of",
    "clock_shown",
    "find_advance",
    "refuse_live",
    "router",
    "running",
    "send_due",
]
