"""Followups: every action towards a debtor, one row per call, message or letter, automatic or manual.

A followup begins just before a contact is sent and ends in one final status, announced once as
`followup.completed`. Its content and address are sealed with the debt's key and erased with it.
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
from getbill.followups.model import FINAL, TYPES, Followup, FollowupContent
from getbill.followups.queries import find, find_manual_contacts, find_many
from getbill.followups.responses import (
    ScheduledResponse,
    delete_response,
    lock_due_response,
    schedule_responses,
)
from getbill.followups.wire import FollowupShown
