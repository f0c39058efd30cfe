"""Followups: everything done towards a debtor, one row per call, message or letter, whoever did it.

A followup begins when a contact is about to leave and ends in one final status, announced once as
`followup.completed`. What it said, and to which address, is sealed with the debt's key and goes with it.
"""

from getbill.followups.actions import (
    announce,
    announce_reach,
    begin,
    cancel,
    erase,
    insert_completed,
    mark_reached,
    move,
)
from getbill.followups.api import router
from getbill.followups.model import FINAL, STATUSES, TYPES, Followup, FollowupContent
from getbill.followups.queries import find, find_manual_contacts, find_many
from getbill.followups.wire import FollowupShown

__all__ = [
    "FINAL",
    "STATUSES",
    "TYPES",
    "Followup",
    "FollowupContent",
    "FollowupShown",
    "announce",
    "announce_reach",
    "begin",
    "cancel",
    "erase",
    "find",
    "find_manual_contacts",
    "find_many",
    "insert_completed",
    "mark_reached",
    "move",
    "router",
]
