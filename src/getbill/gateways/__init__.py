"""Gateways: what those who carry our messages report later. It arrived, it bounced, the call was answered.

A report is signed with the secret of the gateway whose channel it is about, and may come twice. E-mail has no such reports: its bounces are mails, read from a mailbox.
"""

from getbill.gateways.api import router
from getbill.gateways.jobs import BATCH, read_bounces

__all__ = ["BATCH", "read_bounces", "router"]
