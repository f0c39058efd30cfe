"""Quarantine: what failed is set aside with its reason, so that nothing waits behind it.

One row for each contact, event, delivery, import, file, workspace or job that could not be processed. It is tried again by
itself a few times, later each time; then a person puts it back: each has a todo (one for all contacts that a template breaks), counts
in a gauge, and `/readyz` names it.
"""

from getbill.kit.database import is_transient, isolate_failures
from getbill.quarantine.actions import (
    add,
    add_separately,
    all_retried,
    dismiss,
    erase,
    mark_retried,
    remove_proven,
    resolve,
)
from getbill.quarantine.model import (
    INSTALLATION,
    KINDS,
    Item,
    ProcessesDied,
    QuarantineEntry,
    public_id_of,
    reason_of,
    unexpected,
)
from getbill.quarantine.queries import counts, due, find, is_quarantined, list_entries, of_reason, workspaces

__all__ = [
    "INSTALLATION",
    "KINDS",
    "Item",
    "ProcessesDied",
    "QuarantineEntry",
    "add",
    "add_separately",
    "all_retried",
    "counts",
    "dismiss",
    "due",
    "erase",
    "find",
    "is_quarantined",
    "is_transient",
    "isolate_failures",
    "list_entries",
    "mark_retried",
    "of_reason",
    "public_id_of",
    "reason_of",
    "remove_proven",
    "resolve",
    "unexpected",
    "workspaces",
]
