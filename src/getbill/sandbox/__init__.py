"""The sandbox: a workspace whose time its owner moves, so that weeks of a scenario are seen in seconds.

Nobody real is ever contacted from here. Moving the clock ahead carries out everything that falls due on the way,
each at its own instant and in order; one move at a time, and one that a crash interrupted is finished.
"""

from getbill.sandbox.actions import AdvanceRunning, begin
from getbill.sandbox.api import router
from getbill.sandbox.jobs import advance, send_due
from getbill.sandbox.model import Advance

__all__ = ["Advance", "AdvanceRunning", "advance", "begin", "router", "send_due"]
