"""Decisions put into effect: each contact, its debt and its followup change in the deciding transaction.

A contact whose provider answers inside the transaction is settled by it and never appears as `sending`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from getbill import debts, followups, payments, quarantine
from getbill.channels.senders import Outgoing
from getbill.contacts import ledger, schedule
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact, State
from getbill.contacts.sending import deliver, settlement
from getbill.contacts.sending.context import PreparedSend, SendingContext
from getbill.contacts.sending.decision import (
    Case,
    Decision,
    End,
    Postpone,
    Rehearse,
    Restart,
    ReviewBalance,
    Send,
    SetAside,
    Skip,
    Stop,
    address_hash_of,
)
from getbill.debts import Debt
from getbill.followups import Followup, FollowupContent
from getbill.kit import clock
from getbill.kit.database import Transaction
from getbill.kit.messages import Message


async def apply(
    context: SendingContext, tx: Transaction, cases: Sequence[Case], decisions: Sequence[Decision]
) -> list[PreparedSend]:
    """Carry out decisions on contacts of one workspace; return the messages to hand over after the commit."""
    effects = _Effects(context, tx)
    for case, decision in zip(cases, decisions, strict=True):
        effects.add(case, decision)
    await effects.write([case.contact for case in cases])
    return effects.prepared


@dataclass(slots=True)
class _Effects:
    context: SendingContext
    tx: Transaction
    prepared: list[PreparedSend] = field(default_factory=list)
    # Contacts whose outcome this transaction receives.
    prepared_inside: list[PreparedSend] = field(default_factory=list)
    planned_contacts: list[Contact] = field(default_factory=list)
    # Contacts whose message cannot be rendered.
    unrenderable: list[tuple[Contact, Message]] = field(default_factory=list)
    # Debts whose balance is below the minimum.
    small_debts: list[Debt] = field(default_factory=list)
    # Debts that until now had only a dry run.
    started_ids: list[UUID] = field(default_factory=list)
    # Followups whose retry is cancelled.
    cancelled_followups: list[tuple[Debt, UUID]] = field(default_factory=list)

    def add(self, case: Case, decision: Decision) -> None:
        """Change a contact and its debt as decided."""
        if case.debt is None or case.history is None:
            case.contact.settle(State.STOPPED, self.tx.now)
            case.contact.followup_id = None
        else:
            self._change(case, case.debt, case.history, decision)

    def _change(self, case: Case, debt: Debt, contact_history: ContactHistory, decision: Decision) -> None:
        contact, now = case.contact, self.tx.now
        match decision:
            case Send(message):
                self._prepare(case, debt, contact_history, message)
            case Rehearse():
                self._close(debt, contact, State.REHEARSED, "dry run: nothing was sent")
                contact_history.rehearse(contact.step, contact.channel_kind, now)
                self._plan_next(debt, contact_history, contact.step)
            case Skip(reason, is_late):
                self._close(debt, contact, State.SKIPPED, reason)
                self._plan_next(debt, contact_history, contact.step, is_late=is_late)
            case Postpone():
                self._postpone(debt, contact, decision)
            case Stop(reason, is_replanned):
                self._close(debt, contact, State.STOPPED, reason)
                if is_replanned:
                    self._plan_next(debt, contact_history, contact_history.last_step(debt))
            case Restart():
                self._restart(debt, contact_history, contact, decision)
            case End():
                contact.settle(State.ACCEPTED, now)
                debts.end_scenario(self.tx, debt)
            case SetAside(detail):
                contact.set_aside(str(detail))
                self.unrenderable.append((contact, detail))

    def _postpone(self, debt: Debt, contact: Contact, decision: Postpone) -> None:
        contact.postpone(decision.at, decision.reason, is_late=decision.is_late)
        debt.started_on += timedelta(days=decision.waited_days)
        debts.plan(self.tx, debt, decision.at)
        if isinstance(decision, ReviewBalance):
            self.small_debts.append(debt)

    def _close(self, debt: Debt, contact: Contact, state: State, reason: str | None) -> None:
        contact.settle(state, self.tx.now, reason)
        if contact.followup_id is not None:
            self.cancelled_followups.append((debt, contact.followup_id))

    def _plan_next(
        self, debt: Debt, contact_history: ContactHistory, after: str | None, *, is_late: bool = False
    ) -> None:
        planned = schedule.plan_next(self.tx, debt, contact_history, after, is_late=is_late)
        self.planned_contacts.extend(planned)

    def _restart(
        self, debt: Debt, contact_history: ContactHistory, contact: Contact, decision: Restart
    ) -> None:
        contact.settle(State.STOPPED, self.tx.now, "the dry run is over")
        debt.started_on = decision.started_on or debt.started_on
        contact_history.rehearsed_steps.clear()
        self.started_ids.append(debt.id)
        debt.touch(self.tx)
        self._plan_next(debt, contact_history, contact_history.last_step(debt))

    def _prepare(self, case: Case, debt: Debt, contact_history: ContactHistory, message: Outgoing) -> None:
        contact = case.contact
        sender = self.context.senders.for_channel(contact.channel_kind, is_live=contact.is_live)
        assert sender is not None  # noqa: S101 - the decision found it
        followup = _followup(case, debt, message, self.tx)
        timeout_seconds = self.context.answer_timeout(sender)
        contact.transition(State.SENDING)
        contact.reason = None
        contact.lease_until = clock.wall() + timedelta(seconds=2 * timeout_seconds)
        contact.followup_id, contact.provider, contact.sent_at = case.followup_id, sender.name, self.tx.now
        contact.address_hash = address_hash_of(case)
        queue = self.prepared_inside if sender.capabilities.answers_inside else self.prepared
        handovers = self.context.handovers
        queue.append(
            PreparedSend(
                contact, message, followup, sender, timeout_seconds, debt, contact_history, handovers
            )
        )

    async def write(self, contacts: Sequence[Contact]) -> None:
        """Write the contacts and what follows from them."""
        tx = self.tx
        results = await deliver.answer_inside(self.prepared_inside)
        settlement.record_outcomes(tx, {send.debt.id: send.debt for send in results if send.debt}, results)
        if self.context.handovers is not None:
            self.context.handovers.begin(send.contact for send in self.prepared)
        await ledger.write(tx, contacts)
        for debt in self.small_debts:
            payments.review_small_balance(tx, debt)
        for contact, reason in self.unrenderable:
            await quarantine.add(tx, contact.quarantine_item, reason, is_shared=True)
        if contacts:
            await ledger.end_rehearsal(tx, contacts[0].workspace_id, self.started_ids)
        await followups.cancel(tx, self.cancelled_followups)
        await followups.begin(tx, _with_debts(self.prepared))
        followups.announce(tx, _with_debts(self.prepared_inside))
        ledger.plan(tx, self.planned_contacts)
        settled = await settlement.continue_debts(self.context, tx, results)
        ledger.plan(tx, settled.planned_contacts)
        initial_followups = [send.followup for send in self.prepared_inside]
        await followups.insert_completed(
            tx, list(zip(initial_followups, settled.moved_followups, strict=True))
        )


def _with_debts(prepared: Sequence[PreparedSend]) -> list[tuple[Debt, Followup]]:
    return [(send.debt, send.followup) for send in prepared if send.debt is not None]


def _followup(case: Case, debt: Debt, message: Outgoing, tx: Transaction) -> Followup:
    """Return the followup of a message about to be sent."""
    contact = case.contact
    content = FollowupContent(
        address=message.address,
        subject=message.subject,
        text=message.text,
        html=message.html,
        language=message.language,
        template=message.template,
        template_version=message.template_version,
        letterhead=list(message.letterhead) or None,
        imprint=message.imprint,
        paid=debt.paid,
    )
    has_followup = contact.followup_id is not None
    return Followup(
        id=case.followup_id,
        debt_id=contact.debt_id,
        channel=contact.channel,
        type=followups.TYPES[contact.channel_kind],
        status="in_progress",
        step=contact.step,
        scheduled_at=contact.due_at,
        created_at=tx.now,
        updated_at=tx.now,
        content=content,
        is_retry=has_followup and contact.attempt > 1,
        previous_status="scheduled" if has_followup else None,
    )
