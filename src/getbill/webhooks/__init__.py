"""Webhooks: a creditor's systems are told every event they asked for, signed, within a second.

Pushed at least once within its schedule, never started out of order per debt, duplicates possible: a receiver
recognises one by `webhook_id`, a gap by `sequence`. What stands in the ledger is owed until it is settled.
"""

from getbill.webhooks.deliveries.admin_notifications import NOTICE, Notices, queue_again
from getbill.webhooks.deliveries.jobs import Courier, Plan
from getbill.webhooks.deliveries.ledger import keep_partitions
from getbill.webhooks.deliveries.settlement import send_again
from getbill.webhooks.delivery_log.tail import Follower
from getbill.webhooks.endpoints.actions import Opened, create, delete, update
from getbill.webhooks.endpoints.cutover import end_rotations, rotate
from getbill.webhooks.endpoints.disabling import catch_up
from getbill.webhooks.endpoints.disabling import disable_for as disable
from getbill.webhooks.endpoints.queries import find, list_endpoints
from getbill.webhooks.endpoints.wire import endpoint as shown
from getbill.webhooks.endpoints.wire import read_new
from getbill.webhooks.fan_out import WAKE, owe, owe_again
from getbill.webhooks.http_client import Poster, trusting
from getbill.webhooks.model import EVENTS_DEFAULT, RETRY_SECONDS, Endpoint, NewEndpoint
from getbill.webhooks.replays.actions import replay
from getbill.webhooks.replays.schemas import read_replay
from getbill.webhooks.replays.schemas import trial as trial_shown
from getbill.webhooks.replays.test_sends import Trials
from getbill.webhooks.rights import take_over, withhold
from getbill.webhooks.secret_rotation import OVERLAP_HOURS_DEFAULT, OVERLAP_HOURS_MAX
from getbill.webhooks.ssrf.resolver import Reach

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
    "find",
    "keep_partitions",
    "list_endpoints",
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
