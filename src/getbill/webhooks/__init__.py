"""Webhooks: signed deliveries of events to a creditor's endpoints, sent within a second.

Delivery is at least once within the retry schedule and never starts out of order for one debt. Duplicates are
possible: a receiver detects one by `webhook_id` and a gap by `sequence`. A row of the ledger stays pending
until it is settled.
"""

from getbill.webhooks.deliveries.admin_notifications import AdminNotifier, notify_admins
from getbill.webhooks.deliveries.jobs import DispatchSettings, WebhookDispatcher
from getbill.webhooks.deliveries.ledger import keep_partitions
from getbill.webhooks.deliveries.notification_queue import requeue as requeue_notifications
from getbill.webhooks.deliveries.settlement import retry_delivery
from getbill.webhooks.delivery_log.tail import LogTail
from getbill.webhooks.due import WAKE
from getbill.webhooks.endpoints.actions import CreatedEndpoint, create, delete, update
from getbill.webhooks.endpoints.disabling import catch_up
from getbill.webhooks.endpoints.disabling import disable_for as disable
from getbill.webhooks.endpoints.queries import find, list_endpoints
from getbill.webhooks.endpoints.rotation import end_rotations, rotate
from getbill.webhooks.endpoints.wire import read_new
from getbill.webhooks.endpoints.wire import serialize_endpoint as serialize
from getbill.webhooks.fan_out import enqueue_deliveries, enqueue_event
from getbill.webhooks.http_client import WebhookClient, client_tls
from getbill.webhooks.model import EVENTS_DEFAULT, RETRY_SECONDS, NewEndpoint
from getbill.webhooks.replays.actions import replay
from getbill.webhooks.replays.schemas import read_replay
from getbill.webhooks.replays.schemas import serialize_endpoint_test as serialize_test
from getbill.webhooks.replays.test_sends import EndpointTester
from getbill.webhooks.rights import take_over, withhold
from getbill.webhooks.secret_rotation import OVERLAP_HOURS_DEFAULT, OVERLAP_HOURS_MAX
from getbill.webhooks.ssrf.resolver import EgressPolicy
