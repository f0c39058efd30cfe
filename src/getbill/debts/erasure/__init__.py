"""Erasure of debts, and the journal that repeats erasures after a restore."""

from getbill.debts.erasure.actions import ErasureResult, erase, has_other_debts
from getbill.debts.erasure.journal import ErasureJournal, find_erased_at
