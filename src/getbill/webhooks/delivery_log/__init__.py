"""The delivery log: every delivery and attempt, statistics, and a live tail."""

from getbill.webhooks.delivery_log.api import router
from getbill.webhooks.delivery_log.queries import PREFIX, find
