"""Contacts of which nobody knows whether they left: asked of a person, and settled by their word.

Sent, it counts as every message does whose channel never confirms. Not sent, its step is taken again where the rules
for late steps still want it and nothing later was done, and is behind us otherwise: nobody is contacted out of turn.
"""

from dataclasses import replace
from uuid import UUID

from getbill import debts, followups, todos
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit.db import Transaction
from getbill.timelines import history, ledger, planning
from getbill.timelines.model import Contact

ASKED = "unknown_contact"
_SENT, _NOT_SENT = "a person found that it was sent", "a person found that it was not sent"


async def settle_unknown(tx: Transaction, debt: Debt, followup_id: UUID, *, was_sent: bool) -> None:
    """Settle, by a person's word, whether an unknown contact of a locked debt left.

    Raises TodoDecided where a receipt settled it meanwhile.
    """
    contact = await ledger.of_followup(tx, debt.workspace_id, followup_id)
    if contact is None or contact.state != "unknown" or not await ledger.held(tx, [contact]):
        raise todos.TodoDecided("The provider has said by now what became of the message.")
    followup = (await followups.find_held(tx, debt.workspace, [followup_id]))[followup_id]
    if was_sent:
        await _count(tx, debt, contact, followup)
    else:
        await _take_again(tx, debt, contact, followup)


async def _count(tx: Transaction, debt: Debt, contact: Contact, followup: Followup) -> None:
    contact.settle("accepted", tx.now, _noted(contact, _SENT))
    await ledger.write(tx, [contact])
    after = followup.moved("sent", tx.now, sent_at=contact.sent_at, processed_at=tx.now)
    after = followups.reach(tx, debt, after, is_confirmed=False)
    await followups.move(tx, [(debt, after, True)])


async def _take_again(tx: Transaction, debt: Debt, contact: Contact, followup: Followup) -> None:
    contact.settle("failed", tx.now, _noted(contact, _NOT_SENT))
    await ledger.write(tx, [contact])
    again = await _planned_again(tx, debt, contact)
    if again is not None:
        after = followup.moved("scheduled", tx.now)
    else:
        after = followup.moved("failed", tx.now, processed_at=tx.now)
    await followups.move(tx, [(debt, replace(after, sent_at=None), again is None)])


async def _planned_again(tx: Transaction, debt: Debt, contact: Contact) -> Contact | None:
    """Plan another try of a contact's step in place of what is planned; None where it is behind us for good."""
    past = (await history.load(tx, debt.workspace_id, {debt.id: debt}))[debt.id]
    is_last = contact.run == debt.run and past.last_step(debt) == contact.step
    if not debt.is_contactable or not is_last:
        return None
    script = debt.script
    if debts.Course.of(debt).is_given_up(script.step(contact.step), script.after(contact.step), tx.now):
        return None
    if planning.allowed_from(debt, past, contact, tx.now) is None:
        return None
    # Also what a worker has just claimed is void: the next step waits for this one.
    debt.stop_contact()
    debt.touch(tx)
    stopped = await ledger.stop(tx, debt.workspace_id, debt.id, "an earlier step is taken again")
    await followups.cancel(tx, [(debt, one) for one in stopped])
    again = planning.try_again(tx, debt, past, contact, tx.now)
    assert again is not None  # noqa: S101 - allowed just before
    await ledger.plan(tx, [again])
    return again


def _noted(contact: Contact, found: str) -> str:
    return "; ".join(filter(None, [contact.reason, found]))
