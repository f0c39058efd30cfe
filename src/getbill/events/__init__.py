"""Events: append-only facts about a debt, written in the transaction that made them true.

`record` notes a fact while a change is in the making. At the edge each gets the debt's next `sequence`
(gap-free) and its data: the debt as it stands after the whole transaction, and the event's own object, sealed
with the debt's key. Lower packages never call higher ones; they record, and `reactions.py` answers.
After the commit the sequencer gives each its place in the workspace's stream, which push and pull read by. The
catalogue names every kind; high-water marks beside the database tell when a restore took some of it back.
"""

from getbill.events.actions import WAKE, erase, record, store
from getbill.events.catalogue import CATALOGUE, DEFAULTS, KINDS, Entry
from getbill.events.high_water_marks import GROWN, Marks, begin_epoch
from getbill.events.jobs import Stretch, behind, sequence, take_unreacted, waiting
from getbill.events.model import Recorded, Subject, data_context, data_json, read_data, told
from getbill.events.queries import Page, Placed, Stream, Wanted, find, read, stream, streams_of

__all__ = [
    "CATALOGUE",
    "DEFAULTS",
    "GROWN",
    "KINDS",
    "WAKE",
    "Entry",
    "Marks",
    "Page",
    "Placed",
    "Recorded",
    "Stream",
    "Stretch",
    "Subject",
    "Wanted",
    "begin_epoch",
    "behind",
    "data_context",
    "data_json",
    "erase",
    "find",
    "read",
    "read_data",
    "record",
    "sequence",
    "store",
    "stream",
    "streams_of",
    "take_unreacted",
    "told",
    "waiting",
]
