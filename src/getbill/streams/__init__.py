"""The stream: every event of a workspace in one order, for integrators to pull at their own pace.

Complete by construction: a cursor is a position in that order, and reading on from the last one misses
nothing, after any pause. If a restore removes events that were already read, the stream gets a new epoch and
says so.
"""

from getbill.streams.long_poll import LongPolling, WaiterLimits
from getbill.streams.model import GUARANTEE, StreamRequest
from getbill.streams.queries import position_of, pull
from getbill.streams.sequencing import mend, sequence_events
from getbill.streams.wire import WebhookData, serialize_event
