"""Announcement of changed people: `debt.updated` on each of their debts, in the transaction of the change.

Whatever changes a debtor's identity is announced here, before the reactions run: no action can forget it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from getbill import debtors, events
from getbill.debtors import HistoryEntry, PersonChange
from getbill.debts.model import Debt
from getbill.debts.person_locks import lock_rest
from getbill.kit.database import Transaction

# Fields of a debtor on which no contact depends.
_UNPLANNED: Final = frozenset(
    {"emails", "phones", "other_names", "other_references", "other_addresses", "reference"}
)


async def announce_people(tx: Transaction) -> None:
    """Record `debt.updated` on every debt of each debtor who was changed, in the order of their ids."""
    for debtor_id in sorted(tx.changed_people):
        await _announce_person(tx, tx.changed_people[debtor_id])
    tx.changed_people = {}


async def _announce_person(tx: Transaction, change: PersonChange) -> None:
    debtor = change.debtor
    fields = debtors.shown_differences(change.before, debtor.identity)
    if not fields:
        return
    entry = HistoryEntry("updated", tx.now, change.actor, fields=tuple(fields))
    debtors.add_history(tx, debtor.workspace_id, debtor.id, entry)
    for debt in (await lock_rest(tx, change.workspace, debtor.id)).values():
        if debt.debtor.id == debtor.id:
            debt.debtor = debtor
            announce_fields(tx, debt, fields)


def announce_fields(
    tx: Transaction, debt: Debt, fields: Sequence[str], changes: Mapping[str, Any] | None = None
) -> None:
    """Record which fields of a debt's debtor changed, in the update that this transaction records of the debt."""
    known_changes = _recorded_changes(tx, debt)
    if known_changes is None:
        known_changes = {}
        events.record(tx, "debt.updated", debt, {"changes": known_changes})
    known_changes |= changes or {}
    if fields:
        known_changes["debtor"] = sorted({*known_changes.get("debtor", ()), *fields})
    if debt.is_contactable and ("debtor_id" in known_changes or not _UNPLANNED.issuperset(fields)):
        debt.stop_contact()
    debt.touch(tx)


def _recorded_changes(tx: Transaction, debt: Debt) -> dict[str, Any] | None:
    for event in tx.recorded_events:
        if event.kind == "debt.updated" and event.subject is debt:
            changes: dict[str, Any] = event.detail["changes"]
            return changes
    return None
