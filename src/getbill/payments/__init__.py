"""Payments: the money entries of a debt (payment, refund, write-off, adjustment), which never change.

A mistake is corrected by another entry. The balance on the debt's row always equals its claim less its
entries, because both are written under the debt's lock in one transaction.
"""

from getbill.payments.actions import EntryOutcome, anonymise, enter, simulate, write_adjustment
from getbill.payments.model import KINDS, NewEntry, ProviderIdTaken
from getbill.payments.queries import entries_of
