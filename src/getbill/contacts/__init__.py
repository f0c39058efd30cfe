"""Contacts: the contact ledger of a debt, from the planned contact to its outcome.

Every contact is one row that moves only forward: planned, claimed by one worker, sending, and then what became
of it. Nobody is contacted twice for one step, and no step is forgotten: a row whose worker died goes back when
nothing had left, and is marked unknown when something may have.
"""

from getbill.contacts.api import router
from getbill.contacts.callbacks import BATCH as BOUNCES_BATCH
from getbill.contacts.callbacks import read_bounces
from getbill.contacts.callbacks import router as callbacks_router
from getbill.contacts.callbacks.status_callbacks import receive
from getbill.contacts.failures import (
    ask_again,
    leave_alone,
    open_again,
    pass_over,
    put_all_back,
    put_back,
    settled,
)
from getbill.contacts.in_doubt import settle_unknown
from getbill.contacts.queries import is_busy, next_due
from getbill.contacts.recovery import recover
from getbill.contacts.schedule.planning import erase, follow_status, start
from getbill.contacts.sending.context import Desk, Pace, others_go_on
from getbill.contacts.sending.jobs import KeepGoing, abreast, send_due, send_due_in, send_suspects_in

__all__ = [
    "BOUNCES_BATCH",
    "Desk",
    "KeepGoing",
    "Pace",
    "abreast",
    "ask_again",
    "callbacks_router",
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
    "read_bounces",
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
