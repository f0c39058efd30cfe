"""The stream: every event of a workspace in one order, for integrators to pull at their own pace.

Complete by construction: a cursor is a place in that order, and whoever asks with the last one misses nothing,
however long they were away. Where a restore took back what was told, the stream is of a new epoch and says so.
"""

from getbill.streams.api import router
from getbill.streams.long_poll import Room, Seats
from getbill.streams.model import GUARANTEE, Asked, Place, Pulled
from getbill.streams.queries import place_of, pull
from getbill.streams.sequencing import mend, place, set_missing_aside
from getbill.streams.wire import EventShown, WebhookData, shown

__all__ = [
    "GUARANTEE",
    "Asked",
    "EventShown",
    "Place",
    "Pulled",
    "Room",
    "Seats",
    "WebhookData",
    "mend",
    "place",
    "place_of",
    "pull",
    "router",
    "set_missing_aside",
    "shown",
]
