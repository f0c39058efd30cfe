"""The sandbox: a workspace whose clock its owner advances, so that weeks of a scenario pass in seconds.

A sandbox never contacts real people. Advancing the clock carries out everything that falls due on the way,
each at its own instant and in order; one advance at a time, and one that a crash interrupted is completed.
"""

from getbill.sandbox.actions import refuse_live, start_advance
from getbill.sandbox.jobs import advance_clocks, send_due
from getbill.sandbox.model import ADVANCE_DAYS_MAX, Advance
from getbill.sandbox.queries import clock_of, running_advance
from getbill.sandbox.queries import find_clock_advance as find_advance
from getbill.sandbox.wire import serialize_advance as advance_document
from getbill.sandbox.wire import serialize_clock as clock_document
