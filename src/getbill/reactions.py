"""The reactions to events: one table from an event to what follows.

A reaction in `IN_TRANSACTION` runs before the commit, on the debt that its transaction locks;
what follows a commit is the fan-out to webhooks, a loop of `process.worker`. Lower packages record what
happened; only this module connects it to its reactions.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from getbill import contacts, events, followups, imports, payments, quarantine, sftp, todos
from getbill.debts import Debt
from getbill.events import RecordedEvent
from getbill.kit.database import Transaction
from getbill.kit.money import Money

Reaction = Callable[[Transaction, Debt, Mapping[str, Any]], Awaitable[None]]


async def start_timeline(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Schedule the first contact in the ledger."""
    contacts.start(tx, debt.workspace, debt)


async def replan_contacts(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Stop contacts that the debt's status no longer allows, and reschedule those it allows."""
    await contacts.replan_contacts(tx, debt.workspace, debt)


async def create_escalation_todo(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Create the todo to decide on a debt whose scenario is over."""
    todos.create(tx, debt.workspace_id, "escalation", debt.id, debt.id)


async def withdraw_escalation_todo(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Withdraw that todo once the debt's status has changed otherwise."""
    if detail["changes"]["status"]["from"] == "unresolved":
        todos.withdraw(tx, debt.workspace_id, "escalation", debt.id)


async def book_adjustment(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Record a changed claim as an adjustment entry, so that the balance still equals its entries."""
    changes = detail["changes"]
    amount = changes.get("amount")
    # A change of currency needs no adjustment: the claim was replaced before any entry.
    if amount is not None and "currency" not in changes:
        change = Money.from_decimal(amount["to"] - amount["from"], debt.currency)
        await payments.write_adjustment(tx, debt, change.minor)


async def erase_the_rest(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Delete what the other packages store of an erased debt."""
    await payments.anonymise(tx, debt.workspace_id, debt.id)
    await followups.erase(tx, debt.workspace_id, debt.id)
    await contacts.erase(tx, debt.workspace_id, debt.id)
    await todos.erase(tx, debt.workspace_id, debt.id)
    await quarantine.erase(tx, debt.workspace_id, debt.id)
    assert debt.erased_person is not None  # noqa: S101 - an erasure names the person
    for import_id in await imports.erase(tx, debt.workspace, debt.id, debt.import_id, debt.erased_person):
        await sftp.erase(tx, debt.workspace_id, import_id)
    await imports.erase_changes(tx, debt)


IN_TRANSACTION: Mapping[str, Sequence[Reaction]] = {
    "debt.created": [start_timeline],
    "debt.updated": [book_adjustment, replan_contacts],
    "debt.status_changed": [replan_contacts, withdraw_escalation_todo],
    "debt.escalation_requested": [create_escalation_todo],
    "debt.deleted": [erase_the_rest],
}


async def before_commit(tx: Transaction) -> None:
    """Run the reactions to a transaction's events, and to the events they record, then store all events."""
    next_index = 0
    while next_index < len(tx.recorded_events):
        event: RecordedEvent = tx.recorded_events[next_index]
        next_index += 1
        for react in IN_TRANSACTION.get(event.kind, ()):
            # In this release every event is about a debt.
            await react(tx, cast("Debt", event.subject), event.detail)
    events.store(tx)
