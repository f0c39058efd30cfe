"""Events: append-only facts about a debt, written in the transaction that made them true.

`record` notes a fact during a change. At the end of the transaction each fact gets the debt's next `sequence`
(gap-free) and its data: the debt after the whole transaction, and the event's own object, sealed with the
debt's key. Lower packages never call higher ones; they record events, and `reactions.py` reacts to them.
After the commit the sequencer assigns each event its position in the workspace's stream, which push and pull
read. The catalogue names every kind; high-water marks beside the database reveal events lost in a restore.
"""

from getbill.events.actions import EVENTS_CHANNEL, erase, record, store
from getbill.events.catalogue import CATALOGUE, DEFAULTS, KINDS, EventKind
from getbill.events.high_water_marks import STREAM_CHANNEL, HighWaterMarks, begin_epoch
from getbill.events.jobs import claim_for_fan_out, sequence
from getbill.events.model import RecordedEvent, data_json, event_payload, read_data
from getbill.events.queries import EventQuery, Stream, StreamEvent, find, read, stream, streams_of
