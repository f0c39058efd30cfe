"""Status callbacks: later reports on accepted messages, such as a delivery, a bounce or an answered call.

A report is signed with the secret of the channel's gateway and may arrive twice. E-mail has no callbacks: its
bounces are mails, read from a mailbox.
"""

from getbill.contacts.callbacks.api import router
from getbill.contacts.callbacks.jobs import BATCH, read_bounces
