"""Debts: what is owed, by whom, and how far collecting it has come.

A debt's row carries all that its answer shows, and changes only under its lock, along one table of moves.
The balance always equals the claim less what the entries say was paid, refunded or written off; `resolved`
has money or a write-off behind it. Everything that ends contact raises `contact_epoch`.
"""

from getbill.debts.actions import (
    Change,
    Created,
    Person,
    ReferenceTaken,
    create,
    create_many,
    draft,
    fingerprint,
    update,
)
from getbill.debts.erasure import Erased, erase, has_others
from getbill.debts.erasure_journal import Journal
from getbill.debts.model import MOVES, STATUSES, Debt, Details, ErasedPerson, NewDebt, Origin, Planned
from getbill.debts.promises import is_waited_for, left_alone_until
from getbill.debts.queries import find, find_many, lock, lock_many, taken
from getbill.debts.schedule import (
    END,
    EXPENSIVE,
    NEVER,
    REVIEW,
    Course,
    Past,
    day_zero,
    expensive_destination,
    facts_of,
    hashes_of,
    next_contact,
    reachable_by,
    standing_of,
    usable,
)
from getbill.debts.snapshots import changing, replaced, restoring, snapshot
from getbill.debts.transitions import (
    DebtCannotMove,
    DebtHasNoMoneyBehindIt,
    archive,
    end_scenario,
    enter_money,
    escalate,
    hold,
    mark_contacted,
    plan,
    resume,
    undo,
)
from getbill.debts.wire.bodies import DebtChangeBody, NewDebtBody
from getbill.debts.wire.bulk_parser import read_many
from getbill.debts.wire.serializers import change as changes
from getbill.debts.wire.serializers import new_debt

__all__ = [
    "END",
    "EXPENSIVE",
    "MOVES",
    "NEVER",
    "REVIEW",
    "STATUSES",
    "Change",
    "Course",
    "Created",
    "Debt",
    "DebtCannotMove",
    "DebtChangeBody",
    "DebtHasNoMoneyBehindIt",
    "Details",
    "Erased",
    "ErasedPerson",
    "Journal",
    "NewDebt",
    "NewDebtBody",
    "Origin",
    "Past",
    "Person",
    "Planned",
    "ReferenceTaken",
    "archive",
    "changes",
    "changing",
    "create",
    "create_many",
    "day_zero",
    "draft",
    "end_scenario",
    "enter_money",
    "erase",
    "escalate",
    "expensive_destination",
    "facts_of",
    "find",
    "find_many",
    "fingerprint",
    "has_others",
    "hashes_of",
    "hold",
    "is_waited_for",
    "left_alone_until",
    "lock",
    "lock_many",
    "mark_contacted",
    "new_debt",
    "next_contact",
    "plan",
    "reachable_by",
    "read_many",
    "replaced",
    "restoring",
    "resume",
    "snapshot",
    "standing_of",
    "taken",
    "undo",
    "update",
    "usable",
]
