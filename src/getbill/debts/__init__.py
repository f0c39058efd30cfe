"""Debts: a claim, its debtor and the progress of collection.

A debt's row holds everything its response shows, and changes only under its lock, along one table of
transitions. The balance always equals the claim with its entries; `resolved` requires a payment or a
write-off, and remembers where the debt stood. Every change that ends contact raises `contact_epoch`.
"""

from getbill.debts.actions import (
    Created,
    DebtChange,
    ReplacementDebtor,
    create,
    create_many,
    draft,
    fingerprint,
    update,
)
from getbill.debts.creditor_changes import contact_gap, link_creditors
from getbill.debts.erasure import ErasureJournal, erase, has_other_debts
from getbill.debts.model import (
    CLOSED,
    CONTACTABLE,
    STATUSES,
    Debt,
    Details,
    ErasedPerson,
    NewDebt,
    Origin,
    PlannedContact,
    ResolutionName,
    Status,
)
from getbill.debts.obstacles import (
    OBSTACLE_TEXTS,
    OBSTACLE_WAYS_OUT,
    Obstacle,
    account_of,
    is_obstacle,
    message_means,
    postal_lines,
    writing_obstacles,
)
from getbill.debts.people import announce_people, mark_bounced
from getbill.debts.person_locks import lock_with_siblings
from getbill.debts.promises import is_promise_pending, paused_until, promise_state
from getbill.debts.queries import find, find_many, find_references, lock, lock_free, lock_many, planned_ids
from getbill.debts.schedule import (
    END,
    EXPENSIVE,
    NEVER,
    REVIEW,
    WAITS,
    ChannelOption,
    PriorContacts,
    ScheduleEvaluator,
    condition_facts,
    day_zero,
    due_date_over_at,
    hashes_of,
    next_contact,
    quiet_until,
    usable_kinds,
)
from getbill.debts.snapshots import differing_fields, replaced_fields, restoring_change, snapshot
from getbill.debts.transitions import (
    DebtCannotMove,
    DebtStillHasBalance,
    archive,
    end_scenario,
    enter_money,
    escalate,
    hold,
    is_below_minimum,
    mark_contacted,
    minimum_balance,
    move,
    next_contact_at,
    overpaid,
    plan,
    resolution_of,
    resolve,
    resume,
    resume_reopened,
    undo,
    written_off,
)
from getbill.debts.wire.bodies import DebtChangeBody, NewDebtBody
from getbill.debts.wire.bulk_parser import parse_bodies
from getbill.debts.wire.example import EXAMPLE
from getbill.debts.wire.serializers import new_debt
from getbill.debts.wire.serializers import parse_change as debt_change
