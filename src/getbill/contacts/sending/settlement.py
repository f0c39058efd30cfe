"""Settlement of provider outcomes: each contact, its followup and what follows, in one transaction.

The debtor counts as contacted when a delivery is confirmed or a call answered. On a channel that never
confirms, acceptance counts and is marked as unconfirmed. A contact with an unknown outcome is never sent
again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from getbill import companies, compliance, debts, followups, todos
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome
from getbill.companies import Workspace
from getbill.contacts import history, ledger, schedule
from getbill.contacts.history import ContactHistory
from getbill.contacts.in_doubt import TODO_KIND
from getbill.contacts.model import CONTACTED, Contact, State
from getbill.contacts.sending.context import (
    GroupMember,
    SendingContext,
    SendingSettings,
    SendResult,
    each_debt,
)
from getbill.contacts.sending.crossed_messages import crossed_by
from getbill.debts import Debt
from getbill.followups import Followup
from getbill.kit import clock, failpoints
from getbill.kit.database import OptimisticConflict, Transaction

_log = structlog.get_logger(__name__)

# Ledger state and followup status for each fate. An answered call has no agreement unless a person records
# one; an unknown contact is held until a person decides.
_END_STATES = {
    Fate.ACCEPTED: (State.ACCEPTED, "sent"),
    Fate.DELIVERED: (State.DELIVERED, "delivered"),
    Fate.ANSWERED: (State.ANSWERED, "deal_not_found"),
    Fate.UNANSWERED: (State.ACCEPTED, "no_answer"),
    Fate.FAILED: (State.FAILED, "failed"),
    Fate.UNKNOWN: (State.UNKNOWN, "on_hold"),
}
# Errors that end one attempt to store outcomes and not the next; seconds pass between the two.
_RETRIED_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.DeadlockDetectedError,
    OptimisticConflict,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
_RETRY_SECONDS = 0.5
_NEVER_RECEIVED = "the provider never received it"
REACHED = frozenset({Fate.DELIVERED, Fate.ANSWERED})


async def settle_contacts(
    context: SendingContext, workspace: Workspace, results: Sequence[SendResult]
) -> None:
    """Settle contacts of one workspace that were `sending`, and plan what follows.

    Outcomes survive a lost database: they are stored once it is back, while the leases last.
    """
    results = each_debt(results)
    leases = [result.contact.lease_until for result in results if result.contact.lease_until is not None]
    cached_debts = {result.debt.id: result.debt for result in results if result.debt is not None}
    snapshots = [result.contact.snapshot() for result in results]
    while leases:
        try:
            await _settle_results(context, workspace, results, cached_debts)
        except _RETRIED_ERRORS as error:
            if min(leases) <= clock.wall():
                raise
            # The changes of the failed attempt were rolled back; or they were committed, and the next one
            # finds them settled.
            cached_debts = {}
            for result, snapshot in zip(results, snapshots, strict=True):
                result.contact.restore(snapshot)
            _log.warning("settlement_postponed", contacts=len(results), error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            failpoints.at("contacts.settled")
            return


async def _settle_results(
    context: SendingContext,
    workspace: Workspace,
    results: Sequence[SendResult],
    cached_debts: Mapping[UUID, Debt],
) -> None:
    async with context.database.transaction(workspace.now()) as tx:
        debt_ids = {result.contact.debt_id for result in results}
        bounced_ids = {
            result.contact.debt_id for result in results if _is_dead(result.contact, result.outcome)
        }
        if bounced_ids:
            # A bounce changes the person: all their debts, in one order with those of the batch.
            await debts.lock_with_siblings(tx, workspace, bounced_ids, debt_ids)
            cached_debts = {}
        debts_by_id = await debts.lock_many(tx, workspace, debt_ids, cached_debts)
        owned_ids = {
            id(contact) for contact in await ledger.lock_unchanged(tx, [result.contact for result in results])
        }
        owned_results = [result for result in results if id(result.contact) in owned_ids]
        record_outcomes(tx, debts_by_id, owned_results)
        await ledger.write(tx, [result.contact for result in owned_results])
        settlement = await continue_debts(context, tx, owned_results, debts_by_id)
        ledger.plan(tx, settlement.planned_contacts)
        await followups.move(tx, settlement.moved_followups)
        failpoints.at("contacts.settling")


async def continue_debts(
    context: SendingContext,
    tx: Transaction,
    results: Sequence[SendResult],
    debts_by_id: Mapping[UUID, Debt] | None = None,
) -> "Settlement":
    """Plan what follows from settled contacts of one workspace, and move their followups.

    `debts_by_id` are their locked debts; by default those of the results.
    """
    if debts_by_id is None:
        debts_by_id = {result.debt.id: result.debt for result in results if result.debt is not None}
    for result in results:
        await suppress_dead_address(
            tx, result.contact, result.outcome, debts_by_id.get(result.contact.debt_id)
        )
    if tx.changed_people:
        # All debts of a person with a new address are planned anew; contacts planned so far must be stored by then.
        await debts.announce_people(tx)
        await tx.send()
    settlement = Settlement(context, tx, await _load_histories(tx, debts_by_id, results))
    for result in results:
        debt = debts_by_id.get(result.contact.debt_id)
        if debt is not None and result.followup is not None:
            settlement.add(debt, result, result.followup)
    return settlement


async def _load_histories(
    tx: Transaction, debts_by_id: Mapping[UUID, Debt], results: Sequence[SendResult]
) -> dict[UUID, ContactHistory]:
    """Return the history of each debt including its settled contact, which is written by now.

    If every contact of the batch counts, that is the history of its send decision. A failed contact does not
    count, for its debt or for another debt of the person: then all histories are read again.
    """
    histories: dict[UUID, ContactHistory] = {}
    if all(_END_STATES[result.outcome.fate][0] in CONTACTED for result in results):
        for result in results:
            if (
                result.debt is not None
                and result.contact_history is not None
                and debts_by_id.get(result.debt.id) is result.debt
            ):
                histories[result.debt.id] = result.contact_history.after_contact(
                    result.contact.step, result.contact.sent_at
                )
    other_debts = {debt_id: debt for debt_id, debt in debts_by_id.items() if debt_id not in histories}
    if not other_debts or not results:
        return histories
    return histories | await history.load(tx, results[0].contact.workspace_id, other_debts)


async def suppress_dead_address(
    tx: Transaction, contact: Contact, outcome: SendOutcome, debt: Debt | None
) -> None:
    """Suppress an e-mail address that accepts no mail, and mark it on its debtor.

    A number that fails once may be busy, or abroad.
    """
    if _is_dead(contact, outcome) and contact.address_hash is not None:
        await compliance.suppress(tx, contact.workspace_id, "email", contact.address_hash, "hard_bounce")
        # Not here: the debts of others may be locked by a worker that waits for one of ours.
        await companies.request_replan(tx, contact.workspace_id, contact.address_hash)
        if debt is not None:
            await debts.mark_bounced(tx, debt, "email", contact.address_hash)


def _is_dead(contact: Contact, outcome: SendOutcome) -> bool:
    return outcome.is_dead_address and contact.channel == Channel.EMAIL


async def replan_undelivered(
    context: SendingContext, workspace: Workspace, group: Sequence[GroupMember]
) -> None:
    """Plan again the contacts of a message that were `sending`, which its provider reports as never received."""
    async with context.database.transaction(workspace.now()) as tx:
        debts_by_id = await debts.lock_many(tx, workspace, {sent.contact.debt_id for sent in group})
        unchanged_contacts = await ledger.lock_unchanged(tx, [sent.contact for sent in group])
        unchanged_ids = {id(contact) for contact in unchanged_contacts}
        moved_followups = []
        for sent in group:
            debt = debts_by_id.get(sent.contact.debt_id)
            if id(sent.contact) in unchanged_ids and debt is not None and sent.followup is not None:
                moved_followups.append(await _replan_contact(tx, debt, sent.contact, sent.followup))
            elif id(sent.contact) in unchanged_ids:
                # Erased while it was being sent.
                sent.contact.settle(State.STOPPED, tx.now)
                sent.contact.followup_id = sent.contact.address_hash = None
                await ledger.write(tx, [sent.contact])
        await followups.move(tx, moved_followups)
        failpoints.at("contacts.replanning")
    failpoints.at("contacts.replanned")


async def _replan_contact(
    tx: Transaction, debt: Debt, contact: Contact, followup: Followup
) -> tuple[Debt, Followup, bool]:
    contact.sent_at = contact.address_hash = contact.handover_id = None
    if not contact.is_leader:
        contact.channel = schedule.own_channel(debt, contact)
    contact.leave_group()
    is_current = debt.is_contactable and contact.contact_epoch == debt.contact_epoch
    if is_current:
        contact.postpone(tx.now, _NEVER_RECEIVED)
        debts.plan(tx, debt, contact.due_at)
    else:
        contact.settle(State.STOPPED, tx.now, f"{_NEVER_RECEIVED}; the debt has changed since")
    await ledger.write(tx, [contact])
    # If the debt has continued meanwhile, the step counts as done.
    if is_current or await schedule.replan_unsent(tx, debt, contact):
        return debt, followup.with_status("scheduled", tx.now), False
    return debt, followup.with_status("cancelled", tx.now, processed_at=tx.now), True


def record_outcomes(tx: Transaction, debts_by_id: Mapping[UUID, Debt], results: Sequence[SendResult]) -> None:
    """Set provider outcomes on contacts; the caller writes their rows."""
    for result in results:
        _record_outcome(tx, result, debts_by_id.get(result.contact.debt_id))


def _record_outcome(tx: Transaction, result: SendResult, debt: Debt | None) -> None:
    contact, outcome = result.contact, result.outcome
    contact.settle(_END_STATES[outcome.fate][0], tx.now, outcome.reason)
    if debt is None:
        # Erased while it was being sent: only the fact of the contact remains.
        contact.reason = contact.followup_id = contact.address_hash = None
        return
    contact.provider_ref = outcome.ref
    if contact.contact_epoch != debt.contact_epoch:
        contact.reason = "; ".join(filter(None, [contact.reason, f"crossed: the debt is {debt.status}"]))


@dataclass(slots=True)
class Settlement:
    """The changes that follow from the outcomes of some contacts."""

    context: SendingContext
    tx: Transaction
    histories: Mapping[UUID, ContactHistory]
    planned_contacts: list[Contact] = field(default_factory=list)
    moved_followups: list[tuple[Debt, Followup, bool]] = field(default_factory=list)
    # Groups about which a person is asked already: one question for all debts of a message.
    _asked_groups: set[UUID] = field(default_factory=set)

    def add(self, debt: Debt, result: SendResult, followup: Followup) -> None:
        """Plan what follows a contact, record that it reached the debtor, and update its followup."""
        contact, outcome, now = result.contact, result.outcome, self.tx.now
        is_current = debt.is_contactable and contact.contact_epoch == debt.contact_epoch
        is_retried = is_current and self._plan(debt, contact, outcome)
        status = "scheduled" if is_retried else outcome.call_status or _END_STATES[outcome.fate][1]
        is_unconfirmed = outcome.fate == Fate.ACCEPTED and not result.gives_receipt
        is_complete = is_unconfirmed or status in followups.FINAL
        is_reached = followup.reached_at is None and (is_unconfirmed or outcome.fate in REACHED)
        updated_followup = followup.with_status(
            status,
            now,
            provider_ref=outcome.ref,
            duration_ms=outcome.duration_ms,
            disconnection_reason=outcome.reason if contact.channel == Channel.AI_CALL else None,
            sent_at=None if outcome.fate == Fate.FAILED else contact.sent_at,
            processed_at=now if is_complete else None,
            reached_at=now if is_reached else followup.reached_at,
            crossed_by=crossed_by(debt, followup, outcome.fate),
        )
        if is_reached:
            followups.announce_reach(self.tx, debt, updated_followup, is_confirmed=not is_unconfirmed)
        if outcome.fate == Fate.UNKNOWN and contact.group_id not in self._asked_groups:
            todos.create(self.tx, debt.workspace_id, TODO_KIND, followup.id, debt.id)
            if contact.group_id is not None:
                self._asked_groups.add(contact.group_id)
        if outcome.responses:
            followups.schedule_responses(
                self.tx, debt, updated_followup, contact.address_hash, outcome.responses
            )
        self.moved_followups.append((debt, updated_followup, is_complete))

    def _plan(self, debt: Debt, contact: Contact, outcome: SendOutcome) -> bool:
        """Plan another attempt of a failed step, else the next step; return whether it is another attempt."""
        contact_history = self.histories[debt.id]
        pause = _retry_pause(contact_history.failures[contact.step], outcome, self.context.settings)
        not_before = None if pause is None else self.tx.now + pause
        due_at = not_before and schedule.allowed_from(debt, contact_history, contact, not_before)
        if due_at is not None:
            retry = schedule.plan_retry(self.tx, debt, contact_history, contact, due_at)
            self.planned_contacts.append(retry)
            return True
        is_late = contact.sent_at is not None and contact.is_late(
            contact.sent_at, debt.running_scenario.late_after
        )
        self.planned_contacts.extend(
            schedule.plan_next(self.tx, debt, contact_history, contact.step, is_late=is_late)
        )
        return False


def _retry_pause(failures: int, outcome: SendOutcome, settings: SendingSettings) -> timedelta | None:
    """Return the pause before the next attempt, doubled with each failure; None if there is none."""
    if not outcome.is_temporary_failure or failures >= settings.tries_max:
        return None
    return timedelta(seconds=settings.retry_seconds * 2 ** (failures - 1))
