"""Replays and test sends: events sent again, or a sample sent as a test."""

from getbill.webhooks.replays.actions import ReplayRequest, replay
from getbill.webhooks.replays.api import router
