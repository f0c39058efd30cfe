"""Events: append-only facts about a debt, written in the transaction that made them true.

`record` notes a fact while a change is in the making. At the edge each gets the debt's next `sequence`
(gap-free) and its data: the debt as it stands after the whole transaction, and the event's own object, sealed
with the debt's key. Lower packages never call higher ones; they record, and `reactions.py` answers.
"""

from getbill.events.actions import erase, record, store
from getbill.events.model import KINDS, Recorded, Subject, data_context, read_data

__all__ = ["KINDS", "Recorded", "Subject", "data_context", "erase", "read_data", "record", "store"]
