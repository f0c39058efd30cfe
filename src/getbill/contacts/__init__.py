"""Contacts: the contact ledger of a debt, from the planned contact to its outcome.

Every contact is one row that only moves forward: planned, claimed by one worker, sending, then its outcome.
No step is sent twice and none is forgotten: the row of a dead worker is planned again if nothing had left,
and marked unknown if something may have.
"""

from getbill.contacts.callbacks import BATCH as BOUNCES_BATCH
from getbill.contacts.callbacks import read_bounces
from getbill.contacts.callbacks import router as callbacks_router
from getbill.contacts.callbacks.status_callbacks import receive_callback
from getbill.contacts.claims import postpone_sandbox
from getbill.contacts.failures import (
    clear_settled,
    requeue_contact,
    requeue_contacts,
    retry_lookup,
    skip_quarantined,
)
from getbill.contacts.handovers import HandoverJournal
from getbill.contacts.in_doubt import settle_unknown
from getbill.contacts.jobs import replan_due, report_providers, send_due
from getbill.contacts.queries import is_busy, next_due
from getbill.contacts.recovery import recover, recover_journaled
from getbill.contacts.schedule.planning import erase, replan_contacts, start
from getbill.contacts.schedule.replanning import replan_address
from getbill.contacts.sending import crossed_by
from getbill.contacts.sending.context import SendingContext, SendingSettings, isolate_workspace
from getbill.contacts.sending.jobs import (
    KeepGoing,
    run_concurrently,
    send_crashed_sandbox,
    send_due_sandbox,
)
