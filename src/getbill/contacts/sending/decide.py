"""The final check before a contact is sent: the debt is read under its lock and `sending` committed.

A contact that is no longer allowed is stopped, moved to an allowed instant, or skipped with its reason. The
debtor's hours, the caps on their addresses and recent payments are all checked again here, whatever was
planned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from getbill import compliance, debts, followups, quarantine
from getbill.channels import ADDRESS_OF, AddressKind
from getbill.channels.senders import Outgoing, Sender
from getbill.companies import DRY_RUN, Workspace
from getbill.contacts import history, ledger, schedule
from getbill.contacts.handovers import withdrawn_on_failure
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import REHEARSED, Contact
from getbill.contacts.sending import deliver, rendering
from getbill.contacts.sending.context import PreparedSend, SendingContext
from getbill.contacts.sending.rendering import RenderContext
from getbill.debts import Debt
from getbill.followups import Followup, FollowupContent
from getbill.kit import clock, failpoints, ids
from getbill.kit.database import Transaction
from getbill.kit.messages import Message

_RETRY_DELAY = timedelta(minutes=1)


async def prepare_sends(
    context: SendingContext, workspace: Workspace, contacts: Sequence[Contact]
) -> list[PreparedSend]:
    """Decide on claimed contacts of one workspace; return those committed as `sending`.

    Contacts whose provider answers inside the transaction are settled by it and never appear as `sending`.
    """
    failpoints.at("contacts.claimed")
    with withdrawn_on_failure(context.handovers, contacts):
        async with context.database.transaction(workspace.now()) as tx:
            debts_by_id = await debts.lock_many(tx, workspace, {contact.debt_id for contact in contacts})
            decision = await _decide_contacts(
                context, tx, workspace, debts_by_id, await ledger.lock_unchanged(tx, contacts)
            )
    failpoints.at("contacts.prepared")
    return decision.prepared


async def send_inside_transaction(context: SendingContext, workspace: Workspace) -> int:
    """Decide on due contacts of a sandbox whose providers all answer inside the transaction.

    Decision and outcome are one transaction, so no claim is needed. Returns how many were decided.
    """
    async with context.database.transaction(workspace.now()) as tx:
        contacts = await ledger.lock_due(tx, workspace.id, context.settings.batch)
        if contacts:
            debts_by_id = await debts.lock_many(tx, workspace, {contact.debt_id for contact in contacts})
            await _decide_contacts(context, tx, workspace, debts_by_id, contacts)
    return len(contacts)


async def _decide_contacts(
    context: SendingContext,
    tx: Transaction,
    workspace: Workspace,
    debts_by_id: Mapping[UUID, Debt],
    contacts: Sequence[Contact],
) -> "_SendDecision":
    hashes_by_debt = await history.lock_addresses(tx, debts_by_id)
    render_context = await rendering.load_render_context(tx, workspace.id)
    histories = await history.load(tx, workspace.id, debts_by_id, hashes_by_debt)
    decision = _SendDecision(context, tx, debts_by_id, histories, render_context)
    for contact in contacts:
        decision.decide(contact)
    results = await deliver.send_prepared(decision.prepared_inside) if decision.prepared_inside else []
    deliver.record_outcomes(tx, debts_by_id, results)
    if context.handovers is not None:
        context.handovers.begin(send.contact for send in decision.prepared)
    await ledger.write(tx, contacts)
    for contact, reason in decision.unrenderable:
        await quarantine.add(tx, contact.quarantine_item, reason, is_shared=True)
    await ledger.end_rehearsal(tx, workspace.id, decision.started_ids)
    await followups.cancel(tx, decision.cancelled_followups)
    await followups.begin(
        tx, [(debts_by_id[send.contact.debt_id], send.followup) for send in decision.prepared]
    )
    followups.announce(
        tx, [(debts_by_id[send.contact.debt_id], send.followup) for send in decision.prepared_inside]
    )
    settled_debts = {send.contact.debt_id: debts_by_id[send.contact.debt_id] for send in results}
    settlement = await deliver.build_settlement(context, tx, workspace, settled_debts, results)
    await ledger.plan(tx, [*decision.planned_contacts, *settlement.planned_contacts])
    answered_followups = [send.followup for send in decision.prepared_inside]
    await followups.insert_completed(
        tx, list(zip(answered_followups, settlement.moved_followups, strict=True))
    )
    failpoints.at("contacts.preparing")
    return decision


def _refuse_expensive(debt: Debt, contact: Contact) -> None:
    """Raise StepNotPossible for a call or text to a number too expensive for the debt."""
    reason = debts.expensive_destination(debt)
    if reason is not None and ADDRESS_OF[contact.channel_kind] in {AddressKind.PHONE, AddressKind.MOBILE}:
        raise rendering.StepNotPossible(reason)


@dataclass(slots=True)
class _SendDecision:
    context: SendingContext
    tx: Transaction
    debts_by_id: Mapping[UUID, Debt]
    histories: Mapping[UUID, ContactHistory]
    render_context: RenderContext
    prepared: list[PreparedSend] = field(default_factory=list)
    # Contacts whose outcome this transaction receives.
    prepared_inside: list[PreparedSend] = field(default_factory=list)
    planned_contacts: list[Contact] = field(default_factory=list)
    # Contacts whose message cannot be rendered.
    unrenderable: list[tuple[Contact, Message]] = field(default_factory=list)
    # Debts that until now had only a dry run.
    started_ids: list[UUID] = field(default_factory=list)
    # Followups whose retry is cancelled.
    cancelled_followups: list[tuple[Debt, UUID]] = field(default_factory=list)
    # The debts of this batch by the hashes of their debtors' addresses.
    debt_ids_by_address: dict[bytes, list[UUID]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for debt_id, contact_history in self.histories.items():
            for address_hash in filter(None, contact_history.hashes or ()):
                self.debt_ids_by_address.setdefault(address_hash, []).append(debt_id)

    def decide(self, contact: Contact) -> None:
        """Stop, end, skip, postpone or send a contact."""
        debt = self.debts_by_id.get(contact.debt_id)
        if debt is None:
            contact.settle("stopped", self.tx.now)
            contact.followup_id = None
        elif not debt.is_contactable or contact.contact_epoch != debt.contact_epoch:
            # The change that raised the epoch planned the next contact, if any.
            self._close_contact(debt, contact, "stopped", f"the debt is {debt.status}")
        elif self.histories[debt.id].is_sending:
            # Planned because the debt was held and resumed; contacts of one debt are still sent one after the
            # other.
            contact.postpone(self.tx.now + _RETRY_DELAY, "another contact is in progress")
            debts.plan(self.tx, debt, contact.due_at)
        elif self.histories[debt.id].rehearsed_steps:
            self._start_after_rehearsal(debt, contact)
        elif contact.step == debts.END:
            self._end_scenario(debt, contact)
        else:
            self._try_contact(debt, contact)

    def _start_after_rehearsal(self, debt: Debt, contact: Contact) -> None:
        """Restart after a dry run: from day 0, or after the last contact that was really made."""
        contact_history = self.histories[debt.id]
        contact.settle("stopped", self.tx.now, "the dry run is over")
        if not contact_history.contacted_steps:
            debt.started_on = debts.day_zero(
                debt.debtor.identity, debt.running_scenario, self.tx.now, debt.due_on
            )
        contact_history.rehearsed_steps.clear()
        self.started_ids.append(debt.id)
        debt.touch(self.tx)
        self.planned_contacts.extend(
            schedule.plan_next(self.tx, debt, contact_history, contact_history.last_step(debt))
        )

    def _end_scenario(self, debt: Debt, contact: Contact) -> None:
        contact_history = self.histories[debt.id]
        if debt.workspace.contact == DRY_RUN:
            contact.postpone(self.tx.now + timedelta(days=1), "dry run")
            debts.plan(self.tx, debt, contact.due_at)
            return
        last_step = contact_history.last_step(debt)
        upcoming = debts.next_contact(debt, self.tx.now, last_step, contact_history.prior_contacts(debt))
        if upcoming.step == debts.END:
            contact.settle("accepted", self.tx.now)
            debts.end_scenario(self.tx, debt)
        else:
            # Another debt of the person supplied an address for which this one's steps were skipped.
            contact.settle("stopped", self.tx.now, "an address was added")
            self.planned_contacts.extend(schedule.plan_next(self.tx, debt, contact_history, last_step))

    def _try_contact(self, debt: Debt, contact: Contact) -> None:
        contact_history = self.histories[debt.id]
        if self._falls_back(debt, contact, contact_history):
            self._close_contact(debt, contact, "stopped", "the address is suppressed")
            self.planned_contacts.extend(
                schedule.plan_next(self.tx, debt, contact_history, contact_history.last_step(debt))
            )
            return
        is_late = contact.is_late(self.tx.now, debt.running_scenario.late_after)
        try:
            self._refuse_unwanted(debt, contact, contact_history, is_late=is_late)
            sender = self._find_sender(contact)
            rendering.address_of(debt.debtor.identity, contact.channel_kind)
            _refuse_expensive(debt, contact)
            if not self._is_allowed(debt, contact, contact_history, is_late=is_late):
                return
            if debt.workspace.contact == DRY_RUN:
                self._rehearse(debt, contact, contact_history)
            else:
                self._prepare_send(debt, contact, sender)
        except rendering.StepNotPossible as reason:
            self._close_contact(debt, contact, "skipped", str(reason))
            self.planned_contacts.extend(
                schedule.plan_next(self.tx, debt, contact_history, contact.step, is_late=is_late)
            )
        except rendering.MessageNotRenderable as reason:
            contact.set_aside(str(reason.detail))
            self.unrenderable.append((contact, reason.detail))

    def _falls_back(self, debt: Debt, contact: Contact, contact_history: ContactHistory) -> bool:
        """Return whether the step now uses its fallback channel: its own address was suppressed since."""
        step = debt.running_scenario.find_step(contact.step)
        if step.fallback is None or contact.channel != step.channel:
            return False
        return (
            debts.ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt)).channel(step)
            != contact.channel
        )

    def _refuse_unwanted(
        self, debt: Debt, contact: Contact, contact_history: ContactHistory, *, is_late: bool
    ) -> None:
        """Raise StepNotPossible if the scenario no longer requires the step."""
        step = debt.running_scenario.find_step(contact.step)
        if is_late:
            later_steps = debt.running_scenario.after(step.key)
            if debts.ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt)).is_dropped(
                step, later_steps, self.tx.now
            ):
                raise rendering.StepNotPossible(f"late: {step.when_late}")
        unmet = step.only_if.unmet(debts.condition_facts(debt, self.tx.now)) if step.only_if else ()
        if unmet:
            raise rendering.StepNotPossible(f"conditions: {', '.join(unmet)}")

    def _close_contact(self, debt: Debt, contact: Contact, state: str, reason: str) -> None:
        contact.settle(state, self.tx.now, reason)
        if contact.followup_id is not None:
            self.cancelled_followups.append((debt, contact.followup_id))

    def _find_sender(self, contact: Contact) -> Sender:
        sender = self.context.senders.for_channel(contact.channel_kind, is_live=contact.is_live)
        if sender is None:
            raise rendering.StepNotPossible(f"no provider for {contact.channel}")
        return sender

    def _is_allowed(
        self, debt: Debt, contact: Contact, contact_history: ContactHistory, *, is_late: bool
    ) -> bool:
        facts = schedule.rule_facts(debt, contact_history, contact.step)
        verdict = compliance.evaluate(facts, contact.channel_kind, self.tx.now)
        if verdict.is_allowed:
            return True
        if verdict.next_allowed_at is None:
            raise rendering.StepNotPossible(debts.NEVER + verdict.names)
        if is_late:
            contact.missed_at = contact.missed_at or contact.due_at
        contact.postpone(verdict.next_allowed_at, verdict.names)
        debts.plan(self.tx, debt, verdict.next_allowed_at)
        return False

    def _rehearse(self, debt: Debt, contact: Contact, contact_history: ContactHistory) -> None:
        """Render a contact's message without sending it, and continue as if it had been sent."""
        step = debt.running_scenario.find_step(contact.step).on(contact.channel)
        rendering.render_message(
            debt, step, ids.show("followup", ids.new()), self.tx.now, self.render_context
        )
        self._close_contact(debt, contact, REHEARSED, "dry run: nothing was sent")
        contact_history.rehearse(contact.step, contact.channel_kind, self.tx.now)
        self.planned_contacts.extend(schedule.plan_next(self.tx, debt, contact_history, contact.step))

    def _prepare_send(self, debt: Debt, contact: Contact, sender: Sender) -> None:
        has_followup = contact.followup_id is not None
        followup_id = contact.followup_id or ids.new()
        step = debt.running_scenario.find_step(contact.step).on(contact.channel)
        key = ids.show("followup", followup_id)
        message = rendering.render_message(debt, step, key, self.tx.now, self.render_context)
        contact.state, contact.reason = "sending", None
        timeout_seconds = self.context.answer_timeout(sender)
        contact.lease_until = clock.wall() + timedelta(seconds=2 * timeout_seconds)
        contact.followup_id, contact.provider, contact.sent_at = followup_id, sender.name, self.tx.now
        contact_history = self.histories[debt.id]
        contact.address_hash = compliance.hash_for(
            contact.channel_kind, *(contact_history.hashes or (None, None))
        )
        self._count_contact(contact)
        followup = self._new_followup(debt, contact, message, has_followup=has_followup)
        queue = self.prepared_inside if sender.capabilities.answers_inside else self.prepared
        handovers = self.context.handovers
        queue.append(
            PreparedSend(
                contact, message, followup, sender, timeout_seconds, debt, contact_history, handovers
            )
        )

    def _count_contact(self, contact: Contact) -> None:
        """Count the contact for every debt of this batch that shares its address."""
        debt_ids = self.debt_ids_by_address.get(contact.address_hash, ()) if contact.address_hash else ()
        for debt_id in {contact.debt_id, *debt_ids}:
            is_same_case = debt_id == contact.debt_id
            past_contact = compliance.PastContact(
                contact.channel_kind, self.tx.now, contact.address_hash, is_same_case
            )
            self.histories[debt_id].add(past_contact)

    def _new_followup(
        self, debt: Debt, contact: Contact, message: Outgoing, *, has_followup: bool
    ) -> Followup:
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
        assert contact.followup_id is not None  # noqa: S101 - set just before
        return Followup(
            id=contact.followup_id,
            debt_id=contact.debt_id,
            channel=contact.channel,
            type=followups.TYPES[contact.channel_kind],
            status="in_progress",
            step=contact.step,
            scheduled_at=contact.due_at,
            created_at=self.tx.now,
            updated_at=self.tx.now,
            content=content,
            is_retry=has_followup and contact.attempt > 1,
            previous_status="scheduled" if has_followup else None,
        )
