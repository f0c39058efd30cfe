"""The last look before a contact leaves: the debt read again under its lock, and `sending` committed.

What is not allowed any more is stopped, moved to an allowed instant, or skipped with its reason. The hours of
the debtor, the caps on their addresses, a payment a moment ago: all are asked again here, whatever was planned.
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
from getbill.contacts.history import History
from getbill.contacts.model import REHEARSED, Contact
from getbill.contacts.sending import rendering, settle
from getbill.contacts.sending.context import Departing, Desk
from getbill.contacts.sending.rendering import Stationery
from getbill.debts import Debt
from getbill.followups import Content, Followup
from getbill.kit import clock, failpoints, ids
from getbill.kit.database import Transaction
from getbill.kit.messages import Message

_A_WHILE = timedelta(minutes=1)


async def depart(desk: Desk, workspace: Workspace, claimed: Sequence[Contact]) -> list[Departing]:
    """Decide on claimed contacts of one workspace; return those that are committed as `sending`.

    Those whose provider answers inside the transaction are settled by it, and nobody ever sees them `sending`.
    """
    failpoints.at("contacts.claimed")
    async with desk.database.transaction(workspace.now()) as tx:
        held = await debts.lock_many(tx, workspace, {contact.debt_id for contact in claimed})
        look = await _decide(desk, tx, workspace, held, await ledger.held(tx, claimed))
    failpoints.at("contacts.departed")
    return look.departing


async def depart_inside(desk: Desk, workspace: Workspace) -> int:
    """Decide on some of a sandbox's contacts that are due, where all providers answer inside the transaction.

    What is taken and what becomes of it are one transaction: nobody has to be told of a claim. Returns how many.
    """
    async with desk.database.transaction(workspace.now()) as tx:
        due = await ledger.take_in(tx, workspace.id, desk.pace.batch)
        if due:
            held = await debts.lock_many(tx, workspace, {contact.debt_id for contact in due})
            await _decide(desk, tx, workspace, held, due)
    return len(due)


async def _decide(
    desk: Desk, tx: Transaction, workspace: Workspace, held: Mapping[UUID, Debt], ours: Sequence[Contact]
) -> "_LastLook":
    hashed = await history.lock_addresses(tx, held)
    stationery = await rendering.stationery(tx, workspace.id)
    past = await history.load(tx, workspace.id, held, hashed)
    look = _LastLook(desk, tx, held, past, stationery)
    for contact in ours:
        look.decide(contact)
    carried = await settle.hand_over(look.answered) if look.answered else []
    settle.write_down(tx, held, carried)
    await ledger.write(tx, ours)
    for contact, why in look.broken:
        await quarantine.put(tx, contact.item, why, is_shared=True)
    await ledger.end_rehearsal(tx, workspace.id, look.begun)
    await followups.cancel(tx, look.cancelled)
    await followups.begin(tx, [(held[one.contact.debt_id], one.followup) for one in look.departing])
    followups.announce(tx, [(held[one.contact.debt_id], one.followup) for one in look.answered])
    there = {one.contact.debt_id: held[one.contact.debt_id] for one in carried}
    book = await settle.enter(desk, tx, workspace, there, carried)
    await ledger.plan(tx, [*look.planned, *book.planned])
    begun = [one.followup for one in look.answered]
    await followups.keep(tx, list(zip(begun, book.moved, strict=True)))
    failpoints.at("contacts.departing")
    return look


def _refuse_expensive(debt: Debt, contact: Contact) -> None:
    """Raise CannotBeSaid where the contact would call or text a number that the debt does not pay for."""
    reason = debts.expensive_destination(debt)
    if reason is not None and ADDRESS_OF[contact.channel_kind] in {AddressKind.PHONE, AddressKind.MOBILE}:
        raise rendering.CannotBeSaid(reason)


@dataclass(slots=True)
class _LastLook:
    desk: Desk
    tx: Transaction
    held: Mapping[UUID, Debt]
    pasts: Mapping[UUID, History]
    stationery: Stationery
    departing: list[Departing] = field(default_factory=list)
    # Those of which this very transaction is told what became.
    answered: list[Departing] = field(default_factory=list)
    planned: list[Contact] = field(default_factory=list)
    # What cannot be written as it is.
    broken: list[tuple[Contact, Message]] = field(default_factory=list)
    # Debts of which a dry run was all there was, until now.
    begun: list[UUID] = field(default_factory=list)
    # Followups that these contacts were to try again, and will not.
    cancelled: list[tuple[Debt, UUID]] = field(default_factory=list)
    # The debts of this round by the hashes of their debtors' addresses.
    sharing: dict[bytes, list[UUID]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for debt_id, past in self.pasts.items():
            for one in filter(None, past.hashes or ()):
                self.sharing.setdefault(one, []).append(debt_id)

    def decide(self, contact: Contact) -> None:
        """Stop, end, skip or postpone a contact, or have it depart."""
        debt = self.held.get(contact.debt_id)
        if debt is None:
            contact.settle("stopped", self.tx.now)
            contact.followup_id = None
        elif not debt.is_contactable or contact.contact_epoch != debt.contact_epoch:
            # Whoever raised the epoch has planned again, where anything is to be planned.
            self._pass_over(debt, contact, "stopped", f"the debt is {debt.status}")
        elif self.pasts[debt.id].is_on_its_way:
            # Planned since, because the debt was held and resumed: one after the other all the same.
            contact.postpone(self.tx.now + _A_WHILE, "another contact is on its way")
            debts.plan(self.tx, debt, contact.due_at)
        elif self.pasts[debt.id].rehearsed:
            self._begin(debt, contact)
        elif contact.step == debts.END:
            self._end(debt, contact)
        else:
            self._contact(debt, contact)

    def _begin(self, debt: Debt, contact: Contact) -> None:
        """Do in earnest what a dry run rehearsed: from day 0, or after the last contact that was really made."""
        past = self.pasts[debt.id]
        contact.settle("stopped", self.tx.now, "the dry run is over")
        if not past.made:
            debt.started_on = debts.day_zero(debt.debtor.identity, debt.script, self.tx.now, debt.due_on)
        past.rehearsed.clear()
        self.begun.append(debt.id)
        debt.touch(self.tx)
        self.planned.extend(schedule.go_on(self.tx, debt, past, past.last_step(debt)))

    def _end(self, debt: Debt, contact: Contact) -> None:
        past = self.pasts[debt.id]
        if debt.workspace.contact == DRY_RUN:
            contact.postpone(self.tx.now + timedelta(days=1), "dry run")
            debts.plan(self.tx, debt, contact.due_at)
            return
        last = past.last_step(debt)
        left = debts.next_contact(debt, self.tx.now, last, past.past(debt))
        if left.step == debts.END:
            contact.settle("accepted", self.tx.now)
            debts.end_scenario(self.tx, debt)
        else:
            # Another debt of the person has told an address that this one's steps were passed over for.
            contact.settle("stopped", self.tx.now, "an address was learned")
            self.planned.extend(schedule.go_on(self.tx, debt, past, last))

    def _contact(self, debt: Debt, contact: Contact) -> None:
        past = self.pasts[debt.id]
        if self._falls_back(debt, contact, past):
            self._pass_over(debt, contact, "stopped", "its address is suppressed")
            self.planned.extend(schedule.go_on(self.tx, debt, past, past.last_step(debt)))
            return
        is_late = contact.is_late(self.tx.now, debt.script.late_after)
        try:
            self._refuse_unwanted(debt, contact, past, is_late=is_late)
            sender = self._sender(contact)
            rendering.address_of(debt.debtor.identity, contact.channel_kind)
            _refuse_expensive(debt, contact)
            if not self._is_allowed(debt, contact, past, is_late=is_late):
                return
            if debt.workspace.contact == DRY_RUN:
                self._rehearse(debt, contact, past)
            else:
                self._depart(debt, contact, sender)
        except rendering.CannotBeSaid as reason:
            self._pass_over(debt, contact, "skipped", str(reason))
            self.planned.extend(schedule.go_on(self.tx, debt, past, contact.step, is_late=is_late))
        except rendering.CannotBeWritten as reason:
            contact.set_aside(str(reason.detail))
            self.broken.append((contact, reason.detail))

    def _falls_back(self, debt: Debt, contact: Contact, past: History) -> bool:
        """Tell whether the step is taken on its fall-back's channel by now: its own address was suppressed since."""
        step = debt.script.step(contact.step)
        if step.fallback is None or contact.channel != step.channel:
            return False
        return debts.Course.of(debt, past.past(debt)).channel(step) != contact.channel

    def _refuse_unwanted(self, debt: Debt, contact: Contact, past: History, *, is_late: bool) -> None:
        """Raise CannotBeSaid where the scenario itself does not want the step any more."""
        step = debt.script.step(contact.step)
        if is_late:
            later = debt.script.after(step.key)
            if debts.Course.of(debt, past.past(debt)).is_given_up(step, later, self.tx.now):
                raise rendering.CannotBeSaid(f"late: {step.when_late}")
        unmet = step.only_if.unmet(debts.standing_of(debt, self.tx.now)) if step.only_if else ()
        if unmet:
            raise rendering.CannotBeSaid(f"conditions: {', '.join(unmet)}")

    def _pass_over(self, debt: Debt, contact: Contact, state: str, reason: str) -> None:
        contact.settle(state, self.tx.now, reason)
        if contact.followup_id is not None:
            self.cancelled.append((debt, contact.followup_id))

    def _sender(self, contact: Contact) -> Sender:
        sender = self.desk.senders.of(contact.channel_kind, is_live=contact.is_live)
        if sender is None:
            raise rendering.CannotBeSaid(f"no provider for {contact.channel}")
        return sender

    def _is_allowed(self, debt: Debt, contact: Contact, past: History, *, is_late: bool) -> bool:
        facts = schedule.facts(debt, past, contact.step)
        verdict = compliance.evaluate(facts, contact.channel_kind, self.tx.now)
        if verdict.allowed:
            return True
        if verdict.next_allowed_at is None:
            raise rendering.CannotBeSaid(debts.NEVER + verdict.names)
        if is_late:
            contact.missed_at = contact.missed_at or contact.due_at
        contact.postpone(verdict.next_allowed_at, verdict.names)
        debts.plan(self.tx, debt, verdict.next_allowed_at)
        return False

    def _rehearse(self, debt: Debt, contact: Contact, past: History) -> None:
        """Write a contact's message, send nothing, and go on as if it had been sent."""
        step = debt.script.step(contact.step).on(contact.channel)
        rendering.write(debt, step, ids.show("followup", ids.new()), self.tx.now, self.stationery)
        self._pass_over(debt, contact, REHEARSED, "dry run: nothing was sent")
        past.rehearse(contact.step, contact.channel_kind, self.tx.now)
        self.planned.extend(schedule.go_on(self.tx, debt, past, contact.step))

    def _depart(self, debt: Debt, contact: Contact, sender: Sender) -> None:
        is_known = contact.followup_id is not None
        followup_id = contact.followup_id or ids.new()
        step = debt.script.step(contact.step).on(contact.channel)
        key = ids.show("followup", followup_id)
        message = rendering.write(debt, step, key, self.tx.now, self.stationery)
        contact.state, contact.reason = "sending", None
        patience = self.desk.patience_with(sender)
        contact.lease_until = clock.wall() + timedelta(seconds=2 * patience)
        contact.followup_id, contact.provider, contact.sent_at = followup_id, sender.name, self.tx.now
        past = self.pasts[debt.id]
        contact.address_hash = compliance.hash_for(contact.channel_kind, *(past.hashes or (None, None)))
        self._count(contact)
        followup = self._followup(debt, contact, message, is_known=is_known)
        leaving = self.answered if sender.capabilities.answers_inside else self.departing
        leaving.append(Departing(contact, message, followup, sender, patience, debt, past))

    def _count(self, contact: Contact) -> None:
        """Let the contact count for every debt of this round that its address belongs to."""
        theirs = self.sharing.get(contact.address_hash, ()) if contact.address_hash else ()
        for debt_id in {contact.debt_id, *theirs}:
            is_same_case = debt_id == contact.debt_id
            made = compliance.Contact(contact.channel_kind, self.tx.now, contact.address_hash, is_same_case)
            self.pasts[debt_id].add(made)

    def _followup(self, debt: Debt, contact: Contact, message: Outgoing, *, is_known: bool) -> Followup:
        content = Content(
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
        assert contact.followup_id is not None  # noqa: S101 - given just before
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
            is_retry=is_known and contact.attempt > 1,
            moved_from="scheduled" if is_known else None,
        )
