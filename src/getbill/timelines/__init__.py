"""Timelines: what is happening to one debt. The contact ledger, from the planned contact to its outcome.

Every contact is one row that moves only forward: planned, claimed by one worker, sending, and then what became
of it. Nobody is contacted twice for one step, and no step is forgotten: a row whose worker died goes back when
nothing had left, and is marked unknown when something may have.
"""

from getbill.timelines.api import router
from getbill.timelines.desk import Desk, Pace, others_go_on
from getbill.timelines.failing import (
    ask_again,
    leave_alone,
    open_again,
    pass_over,
    put_all_back,
    put_back,
    settled,
)
from getbill.timelines.jobs import KeepGoing, abreast, send_due, send_due_in, send_suspects_in
from getbill.timelines.planning import erase, follow_status, start
from getbill.timelines.queries import is_busy, next_due
from getbill.timelines.receipts import receive
from getbill.timelines.recovery import recover
from getbill.timelines.unknowns import settle_unknown

__all__ = [
    "Desk",
    "KeepGoing",
    "Pace",
    "abreast",
    "ask_again",
    "erase",
    "follow_status",
    "is_busy",
    "leave_alone",
    "next_due",
    "open_again",
    "others_go_on",
    "pass_over",
    "put_all_back",
    "put_back",
    "receive",
    "recover",
    "router",
    "send_due",
    "send_due_in",
    "send_suspects_in",
    "settle_unknown",
    "settled",
    "start",
]
