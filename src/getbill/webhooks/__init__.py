"""Webhooks: a creditor's systems are told every event they asked for, signed, within a second.

Pushed at least once within its schedule, never started out of order per debt, duplicates possible: a receiver
recognises one by `webhook_id`, a gap by `sequence`. What stands in the ledger is owed until it is settled.
"""

from getbill.webhooks.absence import catch_up
from getbill.webhooks.absence import disable_for as disable
from getbill.webhooks.actions import Opened, create, delete, update
from getbill.webhooks.addresses import Reach
from getbill.webhooks.changeover import end_rotations, rotate
from getbill.webhooks.following import Follower
from getbill.webhooks.jobs import Courier, Plan
from getbill.webhooks.ledger import keep_partitions
from getbill.webhooks.model import EVENTS_DEFAULT, RETRY_SECONDS, Endpoint, NewEndpoint
from getbill.webhooks.notices import NOTICE, Notices, queue_again
from getbill.webhooks.owing import WAKE, owe, owe_again
from getbill.webhooks.posts import Poster, trusting
from getbill.webhooks.queries import endpoints, find
from getbill.webhooks.replays import replay
from getbill.webhooks.resending import read_replay
from getbill.webhooks.resending import trial as trial_shown
from getbill.webhooks.rights import take_over, withhold
from getbill.webhooks.rotation import OVERLAP_HOURS_DEFAULT, OVERLAP_HOURS_MAX
from getbill.webhooks.settling import send_again
from getbill.webhooks.trials import Trials
from getbill.webhooks.wire import endpoint as shown
from getbill.webhooks.wire import read_new

__all__ = [
    "EVENTS_DEFAULT",
    "NOTICE",
    "OVERLAP_HOURS_DEFAULT",
    "OVERLAP_HOURS_MAX",
    "RETRY_SECONDS",
    "WAKE",
    "Courier",
    "Endpoint",
    "Follower",
    "NewEndpoint",
    "Notices",
    "Opened",
    "Plan",
    "Poster",
    "Reach",
    "Trials",
    "catch_up",
    "create",
    "delete",
    "disable",
    "end_rotations",
    "endpoints",
    "find",
    "keep_partitions",
    "owe",
    "owe_again",
    "queue_again",
    "read_new",
    "read_replay",
    "replay",
    "rotate",
    "send_again",
    "shown",
    "take_over",
    "trial_shown",
    "trusting",
    "update",
    "withhold",
]
