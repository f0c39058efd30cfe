"""Quarantine: what failed is set aside with its reason, so that nothing waits behind it.

One row for each contact, event, delivery, import, file, workspace or job that could not be processed. It is tried again by
itself a few times, later each time; then a person puts it back: each has a todo (one for all contacts that a template breaks), counts
in a gauge, and `/readyz` names it.
"""

from getbill.kit.database import is_passing, isolated
from getbill.quarantine.actions import (
    all_retried,
    cured,
    dismissed,
    erase,
    forget_proven,
    put,
    put_alone,
    retried,
)
from getbill.quarantine.model import (
    INSTALLATION,
    KINDS,
    Aside,
    Item,
    ProcessesDied,
    named,
    reason_of,
    unexplained,
)
from getbill.quarantine.queries import counts, due, every, find, is_aside, of_reason, workspaces

__all__ = [
    "INSTALLATION",
    "KINDS",
    "Aside",
    "Item",
    "ProcessesDied",
    "all_retried",
    "counts",
    "cured",
    "dismissed",
    "due",
    "erase",
    "every",
    "find",
    "forget_proven",
    "is_aside",
    "is_passing",
    "isolated",
    "named",
    "of_reason",
    "put",
    "put_alone",
    "reason_of",
    "retried",
    "unexplained",
    "workspaces",
]
