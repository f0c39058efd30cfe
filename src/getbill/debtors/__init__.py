"""Debtors: the people and firms who owe, recognised across debts.

Two debts belong to one person if the name is the same and so is the e-mail address or the phone number; never
by an address or a number alone, since families and offices share them. The creditor's code
(`debtor_reference`) recognises a debtor only if nothing that both debts state differs. A later debt overwrites
no identity: an address, a spelling of the name or a code that differs is kept beside the known one. A code found
on two people is a collective account and recognises no debtor any more. An identity is sealed under the
debtor's own key.
"""

from getbill.debtors.actions import (
    PersonChange,
    assign_matches,
    create,
    drop_matches,
    erase,
    restore,
    update,
)
from getbill.debtors.comparison import Likeness, compare, differences, names_alike
from getbill.debtors.history import HistoryEntry, add_history, list_history, split_off
from getbill.debtors.identity_changes import (
    learned,
    replaced,
    shown_differences,
    unlearned,
    with_health,
    with_next_preferred,
    without_points,
)
from getbill.debtors.matching import DebtorMatch, DebtorMatcher, IdentityDoubt
from getbill.debtors.model import (
    STATED_FIELDS,
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
from getbill.debtors.queries import (
    COLUMNS,
    DebtorPageQuery,
    count,
    find,
    holders_of,
    list_debtors,
    lock,
    lock_many,
    lock_unchanged,
    merged_into,
)
