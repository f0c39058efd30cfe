"""Status callbacks: what providers report later of a message they accepted. It arrived, it bounced, the call was answered.

A report is signed with the secret of the gateway whose channel it is about, and may come twice. E-mail has no such reports: its bounces are mails, read from a mailbox.
"""

from getbill.contacts.callbacks.api import router
from getbill.contacts.callbacks.jobs import BATCH, read_bounces

__all__ = ["BATCH", "read_bounces", "router"]
