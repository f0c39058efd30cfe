"""Status callbacks: later reports of a provider on an accepted message: delivered, bounced, answered.

Only accepted messages have callbacks, and the debtor counts as contacted at the first report that says so,
since a provider may repeat itself. A callback also settles an unknown contact.
"""

from uuid import UUID

from getbill import debts, followups, todos
from getbill.channels.senders import Fate, SendOutcome
from getbill.companies import Workspace
from getbill.contacts import ledger, sending
from getbill.contacts.in_doubt import TODO_KIND
from getbill.contacts.model import State
from getbill.contacts.sending import crossed_by
from getbill.kit.database import Database, OptimisticConflict

# Ledger state and followup status for each reported fate.
_END_STATES = {
    Fate.DELIVERED: (State.DELIVERED, "delivered"),
    Fate.ANSWERED: (State.ANSWERED, "deal_not_found"),
    Fate.UNANSWERED: (State.ACCEPTED, "no_answer"),
    Fate.FAILED: (State.BOUNCED, "failed"),
}
_TRIES = 3
_OPEN_STATES = frozenset({State.ACCEPTED, State.UNKNOWN})


async def receive_callback(
    database: Database, workspace: Workspace, followup_id: UUID, outcome: SendOutcome
) -> bool:
    """Store a status report, where failed means bounced; return whether it changed anything."""
    for _ in range(_TRIES - 1):
        try:
            return await _store_report(database, workspace, followup_id, outcome)
        except OptimisticConflict:
            # Another debt of a person whose address bounced is in use at the moment.
            continue
    return await _store_report(database, workspace, followup_id, outcome)


async def _store_report(
    database: Database, workspace: Workspace, followup_id: UUID, outcome: SendOutcome
) -> bool:
    state, status = _END_STATES[outcome.fate]
    followup = (await followups.find_many(database, workspace, [followup_id])).get(followup_id)
    if followup is None:
        return False
    async with database.transaction(workspace.now()) as tx:
        if outcome.is_dead_address:
            await debts.lock_with_siblings(tx, workspace, [followup.debt_id])
        debt = (await debts.lock_many(tx, workspace, [followup.debt_id])).get(followup.debt_id)
        # Read again: while this waited for the debt's lock, a person may have decided that the message was
        # sent.
        locked_followup = (await followups.find_many(tx, workspace, [followup_id])).get(followup_id)
        contact = await ledger.find_by_followup(tx, workspace.id, followup_id)
        if debt is None or locked_followup is None or contact is None or contact.state not in _OPEN_STATES:
            return False
        if not await ledger.lock_unchanged(tx, [contact]):
            return False
        is_first_report = contact.state == State.UNKNOWN or locked_followup.processed_at is None
        if not is_first_report and locked_followup.status == status:
            return False
        if contact.state == State.UNKNOWN:
            todos.withdraw(tx, workspace.id, TODO_KIND, followup_id)
        contact.settle(state, tx.now, outcome.reason)
        await ledger.write(tx, [contact])
        updated_followup = locked_followup.with_status(
            status,
            tx.now,
            provider_ref=outcome.ref or locked_followup.provider_ref,
            duration_ms=outcome.duration_ms or locked_followup.duration_ms,
            sent_at=contact.sent_at,
            processed_at=tx.now,
            crossed_by=crossed_by(debt, locked_followup, outcome.fate)
            if is_first_report
            else locked_followup.crossed_by,
        )
        await sending.suppress_dead_address(tx, contact, outcome, debt)
        if is_first_report and outcome.fate in sending.REACHED:
            updated_followup = followups.mark_reached(tx, debt, updated_followup, is_confirmed=True)
        # A followup completed on acceptance is announced again only if it bounced.
        await followups.move(tx, [(debt, updated_followup, is_first_report or outcome.fate == Fate.FAILED)])
    return True
