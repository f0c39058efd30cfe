"""In-doubt contacts: contacts that may have left, settled by a person's decision.

A contact decided as sent counts like any message of a channel that never confirms. One decided as not sent is
taken again if the rules for late steps still allow it and nothing later was done; otherwise its step is
passed, so no debtor is contacted out of turn.
"""

from dataclasses import replace
from uuid import UUID

from getbill import followups, todos
from getbill.contacts import ledger, schedule
from getbill.contacts.model import Contact, State
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit.database import Transaction
from getbill.kit.messages import message

TODO_KIND = "unknown_contact"
_SENT, _NOT_SENT = "a person found that it was sent", "a person found that it was not sent"


async def settle_unknown(tx: Transaction, debt: Debt, followup_id: UUID, *, was_sent: bool) -> None:
    """Settle an unknown contact of a locked debt by a person's decision.

    Raises TodoDecided if a callback has settled it since.
    """
    contact = await ledger.find_by_followup(tx, debt.workspace_id, followup_id)
    if contact is None or contact.state != State.UNKNOWN or not await ledger.lock_unchanged(tx, [contact]):
        raise todos.TodoDecided(
            message("The provider has reported the outcome of the message in the meantime.")
        )
    followup = (await followups.find_many(tx, debt.workspace, [followup_id]))[followup_id]
    if was_sent:
        await _record_sent(tx, debt, contact, followup)
    else:
        await _record_not_sent(tx, debt, contact, followup)


async def _record_sent(tx: Transaction, debt: Debt, contact: Contact, followup: Followup) -> None:
    contact.settle(State.ACCEPTED, tx.now, _reason_with(contact, _SENT))
    await ledger.write(tx, [contact])
    updated_followup = followup.with_status("sent", tx.now, sent_at=contact.sent_at, processed_at=tx.now)
    updated_followup = followups.mark_reached(tx, debt, updated_followup, is_confirmed=False)
    await followups.move(tx, [(debt, updated_followup, True)])


async def _record_not_sent(tx: Transaction, debt: Debt, contact: Contact, followup: Followup) -> None:
    contact.settle(State.FAILED, tx.now, _reason_with(contact, _NOT_SENT))
    await ledger.write(tx, [contact])
    retry = await schedule.replan_unsent(tx, debt, contact)
    if retry is not None:
        updated_followup = followup.with_status("scheduled", tx.now)
    else:
        updated_followup = followup.with_status("failed", tx.now, processed_at=tx.now)
    await followups.move(tx, [(debt, replace(updated_followup, sent_at=None), retry is None)])


def _reason_with(contact: Contact, finding: str) -> str:
    return "; ".join(filter(None, [contact.reason, finding]))
