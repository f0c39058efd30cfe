"""Events: append-only facts about a debt, written in the transaction that made them true.

`record` notes a fact while a change is in the making. At the edge each gets the debt's next `sequence`
(gap-free) and its data: the debt as it stands after the whole transaction, and the event's own object, sealed
with the debt's key. Lower packages never call higher ones; they record, and `reactions.py` answers.
After the commit the sequencer gives each its place in the workspace's stream, which push and pull read by.
"""

from getbill.events.actions import WAKE, erase, record, store
from getbill.events.jobs import Stretch, sequence, take_unreacted
from getbill.events.model import KINDS, Recorded, Subject, data_context, data_json, read_data
from getbill.events.queries import Placed, read

__all__ = [
    "KINDS",
    "WAKE",
    "Placed",
    "Recorded",
    "Stretch",
    "Subject",
    "data_context",
    "data_json",
    "erase",
    "read",
    "read_data",
    "record",
    "sequence",
    "store",
    "take_unreacted",
]
