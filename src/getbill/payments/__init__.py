"""Payments: the money entries of a debt (payment, refund, chargeback, write-off, adjustment), which never change.

A mistake is corrected by another entry; a reversal names the payment or write-off that it cancels. The
balance on the debt's row always equals its claim less its entries, because both are written under the debt's
lock in one transaction. What a person has to decide about a balance is asked in the same transaction.
"""

from getbill.payments.actions import (
    EntryOutcome,
    anonymise,
    enter,
    reverse,
    review_small_balance,
    simulate,
    write_adjustment,
)
from getbill.payments.model import (
    KINDS,
    AlreadyReversed,
    NewEntry,
    NewReversal,
    ProviderIdTaken,
)
from getbill.payments.queries import entries_of
from getbill.payments.questions import ask_about_overpayment, withdraw_small_balance
