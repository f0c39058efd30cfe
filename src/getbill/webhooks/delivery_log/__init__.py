"""The delivery log: every delivery and attempt, its statistics, and following it live."""

from getbill.webhooks.delivery_log.api import router
from getbill.webhooks.delivery_log.queries import PREFIX, find

__all__ = ["PREFIX", "find", "router"]
