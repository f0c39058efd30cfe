"""Debtors: the people and firms who owe, recognised from one debt to the next.

Two debts are the same person's when the name is the same and the e-mail address or the phone number is too; never by an
address or a number alone, for families and offices share them. The creditor's code (`debtor_reference`) recognises
somebody where nothing that both debts say of the person differs, and rewrites nobody; a code that stands beside two
people is a collective account and recognises nobody any more. Who a debtor is stands sealed under their own key.
"""

from getbill.debtors.actions import create, erase, fill, merge, restore, update
from getbill.debtors.comparison import Likeness, compare, differences, names_alike
from getbill.debtors.matching import DebtorMatch, DebtorMatcher, IdentityDoubt
from getbill.debtors.model import (
    Debtor,
    Hasher,
    Identity,
    IdentityHashes,
    comparable_words,
    from_row,
    hash_identity,
    seal_context,
)
from getbill.debtors.name_parts import names_agree
from getbill.debtors.queries import COLUMNS, DebtorPageQuery, count, find, holders_of, list_debtors, lock

__all__ = [
    "COLUMNS",
    "Debtor",
    "DebtorMatch",
    "DebtorMatcher",
    "DebtorPageQuery",
    "Hasher",
    "Identity",
    "IdentityDoubt",
    "IdentityHashes",
    "Likeness",
    "comparable_words",
    "compare",
    "count",
    "create",
    "differences",
    "erase",
    "fill",
    "find",
    "from_row",
    "hash_identity",
    "holders_of",
    "list_debtors",
    "lock",
    "merge",
    "names_agree",
    "names_alike",
    "restore",
    "seal_context",
    "update",
]
