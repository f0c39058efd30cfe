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
from getbill.contacts.model import Contact, State
from getbill.contacts.sending import crossed_by
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit.database import Database, OptimisticConflict, Transaction

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
    followup = (await followups.find_many(database, workspace, [followup_id])).get(followup_id)
    if followup is None:
        return False
    async with database.transaction(workspace.now()) as tx:
        group = await ledger.find_group(tx, workspace.id, followup_id)
        debt_ids = {contact.debt_id for contact in group}
        if outcome.is_dead_address:
            await debts.lock_with_siblings(tx, workspace, [followup.debt_id], debt_ids)
        debts_by_id = await debts.lock_many(tx, workspace, debt_ids)
        # Read again: while this waited for the debts' locks, a person may have decided that the message was
        # sent.
        contacts = await _lock_open(tx, workspace, followup_id)
        followup_ids = [contact.followup_id for contact in contacts if contact.followup_id]
        followups_by_id = await followups.find_many(tx, workspace, followup_ids)
        has_changed = False
        for contact in contacts:
            debt = debts_by_id.get(contact.debt_id)
            covered_followup = followups_by_id.get(contact.followup_id) if contact.followup_id else None
            if debt is not None and covered_followup is not None:
                has_changed |= await _record_report(tx, debt, contact, covered_followup, outcome)
    return has_changed


async def _lock_open(tx: Transaction, workspace: Workspace, followup_id: UUID) -> list[Contact]:
    contacts = await ledger.find_group(tx, workspace.id, followup_id)
    open_contacts = [contact for contact in contacts if contact.state in _OPEN_STATES]
    locked_contacts = []
    for state in {contact.state for contact in open_contacts}:
        locked_contacts += await ledger.lock_unchanged(
            tx, [contact for contact in open_contacts if contact.state == state]
        )
    return locked_contacts


async def _record_report(
    tx: Transaction, debt: Debt, contact: Contact, followup: Followup, outcome: SendOutcome
) -> bool:
    state, status = _END_STATES[outcome.fate]
    is_first_report = contact.state == State.UNKNOWN or followup.processed_at is None
    if not is_first_report and followup.status == status:
        return False
    if contact.state == State.UNKNOWN:
        todos.withdraw(tx, debt.workspace_id, TODO_KIND, followup.id)
    contact.settle(state, tx.now, outcome.reason)
    await ledger.write(tx, [contact])
    updated_followup = followup.with_status(
        status,
        tx.now,
        provider_ref=outcome.ref or followup.provider_ref,
        duration_ms=outcome.duration_ms or followup.duration_ms,
        sent_at=contact.sent_at,
        processed_at=tx.now,
        crossed_by=crossed_by(debt, followup, outcome.fate) if is_first_report else followup.crossed_by,
    )
    await sending.suppress_dead_address(tx, contact, outcome, debt)
    if is_first_report and outcome.fate in sending.REACHED:
        updated_followup = followups.mark_reached(tx, debt, updated_followup, is_confirmed=True)
    # A followup completed on acceptance is announced again only if it bounced.
    await followups.move(tx, [(debt, updated_followup, is_first_report or outcome.fate == Fate.FAILED)])
    return True
