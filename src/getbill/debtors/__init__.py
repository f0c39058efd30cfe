"""Debtors: the people and firms who owe, recognised from one debt to the next.

Two debts are the same person's when the creditor says so (the same `debtor_reference`), or when the name is the
same and the e-mail address or the phone number is too; never by an address or a number alone, for families
and offices share them. Who a debtor is stands sealed under their own key.
"""

from getbill.debtors.actions import create, erase, merge, update
from getbill.debtors.model import Debtor, Hasher, Hashes, Identity, context, hashes, of_row, words
from getbill.debtors.queries import COLUMNS, Page, count, find, list_debtors, lock

__all__ = [
    "COLUMNS",
    "Debtor",
    "Hasher",
    "Hashes",
    "Identity",
    "Page",
    "context",
    "count",
    "create",
    "erase",
    "find",
    "hashes",
    "list_debtors",
    "lock",
    "merge",
    "of_row",
    "update",
    "words",
]
