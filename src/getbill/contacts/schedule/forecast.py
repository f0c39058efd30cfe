"""What will happen to a debt, and why then: every step still ahead, with the rules that moved it and those against it.

It supposes that nobody answers and nothing changes: each contact is made at its instant and counts for the next.
What is planned in the ledger comes first, at the instant it stands there with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from getbill import companies, compliance, debts
from getbill.channels import Channel
from getbill.compliance import Basis, Failing
from getbill.contacts import history
from getbill.contacts.history import History
from getbill.contacts.model import Contact
from getbill.debts import Course, Debt
from getbill.scenarios import Step

_SETTING = (Basis.PRODUCT_POLICY, "the workspace's settings")
_AS_OFFSETS = "Two contacts are as far apart as their offsets, up to a day."
_SWITCHED = {
    companies.STOPPED: "All contact is stopped; what was missed meanwhile is dealt with as the scenario says.",
    companies.DRY_RUN: "A dry run: messages are planned and written, and none is sent.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that moved a contact, until when, or that stands against it (no instant)."""

    rule: str
    says: str
    basis: str
    source: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A step ahead: when its offset puts it, when it will be taken (None: it will not), and why."""

    step: str
    channel: str
    nominal_at: datetime
    due_at: datetime | None
    wave: int | None = None
    template: str | None = None
    language: str | None = None
    moved_by: tuple[Reason, ...] = ()
    blocked_by: tuple[Reason, ...] = ()


def foresee(debt: Debt, past: History, now: datetime, planned: Contact | None = None) -> list[Foreseen]:
    """Return every step ahead of a debt that may be contacted, in order, to its scenario's end."""
    return list(_Ahead(debt, past, now).walk(planned))


@dataclass(slots=True)
class _Ahead:
    debt: Debt
    past: History
    now: datetime

    def walk(self, planned: Contact | None) -> Iterator[Foreseen]:
        after = self.past.last_step(self.debt)
        past = self.past.past(self.debt)
        while True:
            found = debts.next_contact(self.debt, self.now, after, past)
            course = Course.of(self.debt, past)
            step_key, channel, due_at = found.step, found.channel, found.due_at
            if planned is not None:
                step_key, channel, due_at, planned = planned.step, planned.channel, planned.due_at, None
            for skip in found.skipped:
                if skip.step.key == step_key:
                    break
                yield self._passed_over(course, skip.step, skip.reason)
            if step_key == debts.END:
                at = course.nominal_end()
                yield Foreseen(debts.END, debts.REVIEW, at, due_at)
                return
            step = self.debt.script.step(step_key)
            yield self._taken(course, step.on(channel), due_at)
            address = compliance.hash_for(Channel(channel), *history.addresses(self.debt))
            made = compliance.Contact(Channel(channel), due_at, address)
            past = past.with_contact(made, step.notices)
            after, self.now = step_key, max(self.now, due_at)

    def _taken(self, course: Course, step: Step, due_at: datetime) -> Foreseen:
        own = course.unspaced(step)
        return Foreseen(
            step=step.key,
            channel=step.channel,
            nominal_at=own,
            due_at=due_at,
            wave=step.wave,
            template=step.template,
            language=step.language,
            moved_by=tuple(self._moves(course, step, own, due_at)),
            blocked_by=(*_switched(self.debt), *_unmet(self.debt, step, due_at)),
        )

    def _moves(self, course: Course, step: Step, own: datetime, due_at: datetime) -> Iterator[Reason]:
        spaced = course.nominal(step)
        if spaced > own:
            days = self.debt.script.spacing_days
            says = f"Two contacts are at least {days} days apart." if days else _AS_OFFSETS
            yield Reason("SCENARIO-SPACING", says, Basis.SCENARIO, "the scenario", spaced)
        alone = debts.left_alone_until(self.debt)
        if alone is not None and alone > max(spaced, self.now):
            yield _waiting(self.debt, alone)
        begun = max(spaced, self.now, alone or spaced)
        if self.now > spaced:
            yield Reason("NOT-IN-THE-PAST", "Its time had passed.", Basis.SCENARIO, "the scenario", self.now)
        for failing in course.moves(step, begun):
            if failing.until is not None and failing.until <= due_at:
                yield of_rule(failing)

    def _passed_over(self, course: Course, step: Step, reason: str) -> Foreseen:
        if reason.startswith(debts.NEVER):
            against = tuple(of_rule(one) for one in course.moves(step, self.now) if one.until is None)
        elif reason.startswith(debts.EXPENSIVE):
            says = f"The number is an {reason}; the debt does not accept it."
            against = (Reason("EXPENSIVE-DESTINATION", says, Basis.PRODUCT_POLICY, "the debt"),)
        else:
            against = (Reason("SCENARIO-ADDRESS", f"There is {reason}.", Basis.SCENARIO, "the debtor"),)
        return Foreseen(
            step.key, step.channel, course.unspaced(step), None, step.wave, step.template, blocked_by=against
        )


def _waiting(debt: Debt, until: datetime) -> Reason:
    if debts.is_waited_for(debt):
        says = "The debtor has promised to pay by then."
        return Reason("PROMISE-TO-PAY", says, Basis.PRODUCT_POLICY, "the debtor", until)
    return Reason("IMPORT-GRACE", "Imported debts are left alone for a while.", *_SETTING, until)


def of_rule(failing: Failing) -> Reason:
    """Return a failing rule as it is told."""
    rule = failing.rule
    return Reason(rule.id, rule.says, rule.basis, rule.source, failing.until)


def _switched(debt: Debt) -> Iterator[Reason]:
    contact = debt.workspace.contact
    if contact != "on":
        yield Reason(f"CONTACT-{contact.upper().replace('_', '-')}", _SWITCHED[contact], *_SETTING)


def _unmet(debt: Debt, step: Step, at: datetime) -> Iterator[Reason]:
    """Return the conditions that do not hold as the debt stands; they are looked at when the step is due."""
    if step.only_if is None:
        return
    for name in step.only_if.unmet(debts.standing_of(debt, at)):
        yield Reason(
            "SCENARIO-CONDITION", f"{name} does not hold as it stands.", Basis.SCENARIO, "the scenario"
        )
