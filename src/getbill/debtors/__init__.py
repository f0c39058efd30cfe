"""Debtors: the people and firms who owe, recognised from one debt to the next.

Two debts are the same person's when the name is the same and the e-mail address or the phone number is too; never by an
address or a number alone, for families and offices share them. The creditor's code (`debtor_reference`) recognises
somebody where nothing that both debts say of the person differs, and rewrites nobody; a code that stands beside two
people is a collective account and recognises nobody any more. Who a debtor is stands sealed under their own key.
"""

from getbill.debtors.actions import create, erase, fill, merge, restore, update
from getbill.debtors.comparison import Likeness, compare, differences, is_alike
from getbill.debtors.matching import Doubt, Matcher, Recognised
from getbill.debtors.model import Debtor, Hasher, Hashes, Identity, context, hashes, of_row, words
from getbill.debtors.name_parts import agree
from getbill.debtors.queries import COLUMNS, Page, count, find, holders_of, list_debtors, lock

__all__ = [
    "COLUMNS",
    "Debtor",
    "Doubt",
    "Hasher",
    "Hashes",
    "Identity",
    "Likeness",
    "Matcher",
    "Page",
    "Recognised",
    "agree",
    "compare",
    "context",
    "count",
    "create",
    "differences",
    "erase",
    "fill",
    "find",
    "hashes",
    "holders_of",
    "is_alike",
    "list_debtors",
    "lock",
    "merge",
    "of_row",
    "restore",
    "update",
    "words",
]
