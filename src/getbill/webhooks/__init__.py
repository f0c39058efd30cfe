"""Webhooks: a creditor's systems are told every event they asked for, signed, within a second.

Pushed at least once within its schedule, never started out of order per debt, duplicates possible: a receiver
recognises one by `webhook_id`, a gap by `sequence`. What stands in the ledger is owed until it is settled.
"""

from getbill.webhooks.absence import catch_up
from getbill.webhooks.actions import Opened, create, delete, update
from getbill.webhooks.jobs import Courier, Plan
from getbill.webhooks.ledger import keep_partitions
from getbill.webhooks.model import EVENTS_DEFAULT, RETRY_SECONDS, Endpoint, NewEndpoint
from getbill.webhooks.notices import NOTICE, Notices
from getbill.webhooks.owing import WAKE, owe
from getbill.webhooks.posts import Poster, trusting
from getbill.webhooks.queries import endpoints, find
from getbill.webhooks.trials import Trials

__all__ = [
    "EVENTS_DEFAULT",
    "NOTICE",
    "RETRY_SECONDS",
    "WAKE",
    "Courier",
    "Endpoint",
    "NewEndpoint",
    "Notices",
    "Opened",
    "Plan",
    "Poster",
    "Trials",
    "catch_up",
    "create",
    "delete",
    "endpoints",
    "find",
    "keep_partitions",
    "owe",
    "trusting",
    "update",
]
