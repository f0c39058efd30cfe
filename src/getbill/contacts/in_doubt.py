"""In-doubt contacts: contacts that may have left, settled by a person's decision.

A contact decided as sent counts like any message of a channel that never confirms. One decided as not sent is
taken again if the rules for late steps still allow it and nothing later was done; otherwise its step is
passed, so no debtor is contacted out of turn.
"""

from dataclasses import replace
from uuid import UUID

from getbill import debts, followups, todos
from getbill.contacts import ledger, schedule
from getbill.contacts.model import Contact, State
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit.database import Transaction
from getbill.kit.messages import message

TODO_KIND = "unknown_contact"
_SENT, _NOT_SENT = "a person found that it was sent", "a person found that it was not sent"


async def group_debt_ids(tx: Transaction, workspace_id: UUID, followup_id: UUID) -> set[UUID]:
    """Return the debts that the message behind a followup was about; lock them to decide on it."""
    return {contact.debt_id for contact in await ledger.find_group(tx, workspace_id, followup_id)}


async def settle_unknown(tx: Transaction, debt: Debt, followup_id: UUID, *, was_sent: bool) -> None:
    """Settle an unknown message on each of its debts, all of them locked, by a person's decision.

    Raises TodoDecided if a callback has settled it since.
    """
    contacts = [
        contact
        for contact in await ledger.find_group(tx, debt.workspace_id, followup_id)
        if contact.state == State.UNKNOWN
    ]
    unchanged_contacts = await ledger.lock_unchanged(tx, contacts)
    if followup_id not in {contact.followup_id for contact in unchanged_contacts}:
        raise todos.TodoDecided(
            message("The provider has reported the outcome of the message in the meantime.")
        )
    debts_by_id = await debts.lock_many(
        tx, debt.workspace, {contact.debt_id for contact in unchanged_contacts}
    )
    followup_ids = [contact.followup_id for contact in unchanged_contacts if contact.followup_id]
    followups_by_id = await followups.find_many(tx, debt.workspace, followup_ids)
    record = _record_sent if was_sent else _record_not_sent
    for contact in unchanged_contacts:
        followup = followups_by_id.get(contact.followup_id) if contact.followup_id else None
        if followup is not None and contact.debt_id in debts_by_id:
            await record(tx, debts_by_id[contact.debt_id], contact, followup)


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Stop the planned contacts of an erased debt and delete the address hashes of its contacts.

    A message in doubt that was also about other debts is asked about on one of these from now on.
    """
    for contact in await ledger.find_in_doubt_with(tx, workspace_id, debt_id):
        todos.create(tx, workspace_id, TODO_KIND, contact.followup_id or contact.debt_id, contact.debt_id)
    await ledger.erase(tx, workspace_id, debt_id)


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
