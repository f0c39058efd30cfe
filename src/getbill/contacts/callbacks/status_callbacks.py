"""What a provider says later of a message it took: it arrived, it bounced, the call was answered after all.

Only what it took can be receipted, and the debtor counts as contacted at the first word that says so: a provider
may repeat itself. A receipt also settles what was unknown.
"""

from uuid import UUID

from getbill import debts, followups, todos
from getbill.channels.senders import Fate, Outcome
from getbill.companies import Workspace
from getbill.contacts import ledger, sending
from getbill.contacts.in_doubt import ASKED
from getbill.contacts.sending import crossed_by
from getbill.kit.database import Database

# For each fate a receipt tells, the ledger's state and the followup's status.
_ENDS = {
    Fate.DELIVERED: ("delivered", "delivered"),
    Fate.ANSWERED: ("answered", "deal_not_found"),
    Fate.UNANSWERED: ("accepted", "no_answer"),
    Fate.FAILED: ("bounced", "failed"),
}
_OPEN = frozenset({"accepted", "unknown"})


async def receive(database: Database, workspace: Workspace, followup_id: UUID, outcome: Outcome) -> bool:
    """Write down a receipt, failed meaning bounced; say whether it told anything new."""
    state, status = _ENDS[outcome.fate]
    found = (await followups.find_many(database, workspace, [followup_id])).get(followup_id)
    if found is None:
        return False
    async with database.transaction(workspace.now()) as tx:
        debt = (await debts.lock_many(tx, workspace, [found.debt_id])).get(found.debt_id)
        # Read again: while this waited for the debt somebody may have decided that the message was sent.
        begun = (await followups.find_many(tx, workspace, [followup_id])).get(followup_id)
        contact = await ledger.of_followup(tx, workspace.id, followup_id)
        if debt is None or begun is None or contact is None or contact.state not in _OPEN:
            return False
        if not await ledger.held(tx, [contact]):
            return False
        is_first_word = contact.state == "unknown" or begun.processed_at is None
        if not is_first_word and begun.status == status:
            return False
        if contact.state == "unknown":
            todos.withdraw(tx, workspace.id, ASKED, followup_id)
        contact.settle(state, tx.now, outcome.reason)
        await ledger.write(tx, [contact])
        after = begun.moved(
            status,
            tx.now,
            provider_ref=outcome.ref or begun.provider_ref,
            duration_ms=outcome.duration_ms or begun.duration_ms,
            sent_at=contact.sent_at,
            processed_at=tx.now,
            crossed_by=crossed_by(debt, begun, outcome.fate) if is_first_word else begun.crossed_by,
        )
        await sending.suppress_dead(tx, contact, outcome)
        if is_first_word and outcome.fate in sending.REACHED:
            after = followups.reach(tx, debt, after, is_confirmed=True)
        # One that was complete when it was accepted is announced again only if it bounced after all.
        await followups.move(tx, [(debt, after, is_first_word or outcome.fate == Fate.FAILED)])
    return True
