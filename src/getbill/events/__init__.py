"""Events: append-only facts about a debt, written in the transaction that made them true.

`record` notes a fact while a change is in the making. At the edge each gets the debt's next `sequence`
(gap-free) and its data: the debt as it stands after the whole transaction, and the event's own object, sealed
with the debt's key. Lower packages never call higher ones; they record, and `reactions.py` answers.
After the commit the sequencer gives each its place in the workspace's stream, which push and pull read by. The
catalogue names every kind; high-water marks beside the database tell when a restore took some of it back.
"""

from getbill.events.actions import EVENTS_CHANNEL, erase, record, store
from getbill.events.catalogue import CATALOGUE, DEFAULTS, KINDS, EventKind
from getbill.events.high_water_marks import STREAM_CHANNEL, HighWaterMarks, begin_epoch
from getbill.events.jobs import (
    StreamRange,
    claim_unreacted,
    sequence,
    unreacted_workspaces,
    unsequenced_workspaces,
)
from getbill.events.model import RecordedEvent, Subject, data_context, data_json, event_payload, read_data
from getbill.events.queries import EventQuery, Stream, StreamEvent, StreamPage, find, read, stream, streams_of

__all__ = [
    "CATALOGUE",
    "DEFAULTS",
    "EVENTS_CHANNEL",
    "KINDS",
    "STREAM_CHANNEL",
    "EventKind",
    "EventQuery",
    "HighWaterMarks",
    "RecordedEvent",
    "Stream",
    "StreamEvent",
    "StreamPage",
    "StreamRange",
    "Subject",
    "begin_epoch",
    "claim_unreacted",
    "data_context",
    "data_json",
    "erase",
    "event_payload",
    "find",
    "read",
    "read_data",
    "record",
    "sequence",
    "store",
    "stream",
    "streams_of",
    "unreacted_workspaces",
    "unsequenced_workspaces",
]
