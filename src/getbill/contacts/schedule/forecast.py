"""The forecast of a debt: every remaining step with its time and the rules that moved or block it.

It assumes that no debtor answers and nothing changes: each contact is made on time and counts for the next.
The planned contact of the ledger comes first, at its due time, if it can still leave. A step that would not
leave has no due time, and all the reasons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from getbill import compliance, creditors, debts
from getbill.channels import Channel
from getbill.contacts import history
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact
from getbill.contacts.schedule import reasons
from getbill.contacts.schedule.reasons import ScheduleReason
from getbill.debts import Debt, PlannedContact, ScheduleEvaluator
from getbill.scenarios import Skip, Step


@dataclass(frozen=True, slots=True)
class ForecastStep:
    """A remaining step: its nominal time, its due time (None if it will not be taken), and the reasons."""

    step: str
    channel: str
    nominal_at: datetime
    due_at: datetime | None
    wave: int | None = None
    template: str | None = None
    language: str | None = None
    moved_by: tuple[ScheduleReason, ...] = ()
    blocked_by: tuple[ScheduleReason, ...] = ()


def forecast_steps(
    debt: Debt,
    contact_history: ContactHistory,
    now: datetime,
    planned: Contact | None = None,
    *,
    is_set_aside: bool = False,
) -> list[ForecastStep]:
    """Return every remaining step of a contactable debt, in order, to its scenario's end.

    While a contact of the debt is set aside, its collector lacks something, or its balance is below the minimum,
    none of them is taken.
    """
    gap = creditors.contact_gap(debt.workspace, debt.creditor, now)
    if gap is not None:
        return _waiting_steps(debt, contact_history, reasons.gap_reason(gap))
    if debts.is_below_minimum(debt):
        # Nor does its scenario end.
        return _waiting_steps(debt, contact_history, reasons.minimum_reason(debt))[:-1]
    return list(_Forecast(debt, contact_history, now, is_set_aside).walk(planned))


def _waiting_steps(debt: Debt, contact_history: ContactHistory, reason: ScheduleReason) -> list[ForecastStep]:
    """Return the remaining steps of a debt that waits for a duty of its collector."""
    evaluator = ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt))
    steps = [
        ForecastStep(
            step=step.key,
            channel=step.channel,
            nominal_at=evaluator.offset_at(step),
            due_at=None,
            wave=step.wave,
            template=step.template,
            language=step.language,
            blocked_by=(reason,),
        )
        for step in debt.running_scenario.after(contact_history.last_step(debt))
    ]
    end = ForecastStep(debts.END, debts.REVIEW, evaluator.nominal_end(), None, blocked_by=(reason,))
    return [*steps, end]


@dataclass(slots=True)
class _Forecast:
    debt: Debt
    contact_history: ContactHistory
    now: datetime
    is_set_aside: bool = False

    def walk(self, planned: Contact | None) -> Iterator[ForecastStep]:
        if planned is not None and self.contact_history.rehearsed_steps:
            self._end_rehearsal(planned)
            planned = None
        last_step = self.contact_history.last_step(self.debt)
        prior_contacts = self.contact_history.prior_contacts(self.debt)
        while True:
            evaluator = ScheduleEvaluator.for_debt(self.debt, prior_contacts)
            upcoming, planned = self._next_contact(last_step, prior_contacts, planned), None
            for skip in upcoming.skipped_steps:
                yield self._skipped_step(evaluator, skip)
            if upcoming.step == debts.END:
                yield self._end(evaluator.nominal_end(), upcoming.due_at)
                return
            step = self.debt.running_scenario.find_step(upcoming.step).on(upcoming.channel)
            yield self._forecast_step(evaluator, step, upcoming.due_at)
            last_step, self.now = step.key, max(self.now, upcoming.due_at)
            if not reasons.condition_reasons(self.debt, step, upcoming.due_at):
                address = compliance.hash_for(step.channel, *history.address_hashes(self.debt))
                contact = compliance.PastContact(Channel(step.channel), upcoming.due_at, address)
                prior_contacts = prior_contacts.with_contact(contact, step)

    def _end_rehearsal(self, planned: Contact) -> None:
        """Continue where a dry run ends, when its planned contact is due: see `Restart` of a decision."""
        self.now = max(self.now, planned.due_at)
        if not self.contact_history.contacted_steps:
            identity, scenario = self.debt.debtor.identity, self.debt.running_scenario
            started_on = debts.day_zero(identity, scenario, self.now, self.debt.due_on)
            self.debt = replace(self.debt, started_on=started_on)

    def _next_contact(
        self, last_step: str | None, prior_contacts: debts.PriorContacts, planned: Contact | None
    ) -> PlannedContact:
        """Return the next contact: as the ledger plans it, unless it is another one by now."""
        upcoming = debts.next_contact(self.debt, self.now, last_step, prior_contacts)
        if planned is None:
            return upcoming
        if (planned.step, planned.channel) == (upcoming.step, str(upcoming.channel)):
            return replace(upcoming, due_at=planned.due_at)
        # It will be planned anew, as `replanning` does.
        return debts.next_contact(self.debt, self.now, last_step, prior_contacts, is_late=True)

    def _end(self, nominal_at: datetime, due_at: datetime) -> ForecastStep:
        end_at = None if self.is_set_aside else due_at
        return ForecastStep(
            debts.END, debts.REVIEW, nominal_at, end_at, blocked_by=tuple(self._general_reasons())
        )

    def _general_reasons(self) -> Iterator[ScheduleReason]:
        """Yield what keeps every step of the debt from being taken."""
        if self.is_set_aside:
            yield reasons.set_aside_reason()
        yield from reasons.switch_reasons(self.debt)

    def _forecast_step(self, evaluator: ScheduleEvaluator, step: Step, due_at: datetime) -> ForecastStep:
        offset_at = evaluator.offset_at(step)
        return ForecastStep(
            step=step.key,
            channel=step.channel,
            nominal_at=offset_at,
            due_at=None if self.is_set_aside else due_at,
            wave=step.wave,
            template=step.template,
            language=step.language,
            moved_by=tuple(self._moving_reasons(evaluator, step, offset_at, due_at)),
            blocked_by=(
                *self._general_reasons(),
                *reasons.condition_reasons(self.debt, step, due_at),
            ),
        )

    def _moving_reasons(
        self, evaluator: ScheduleEvaluator, step: Step, offset_at: datetime, due_at: datetime
    ) -> Iterator[ScheduleReason]:
        spaced_at = evaluator.nominal_at(step)
        if spaced_at > offset_at:
            yield reasons.spacing_reason(self.debt.running_scenario.spacing_days, spaced_at)
        paused_until = debts.paused_until(self.debt)
        if paused_until is not None and paused_until > max(spaced_at, self.now):
            yield reasons.waiting_reason(self.debt, paused_until)
        earliest = debts.quiet_until(self.debt, max(spaced_at, self.now))
        if self.now > spaced_at:
            yield reasons.passed_reason(self.now)
        for failing in evaluator.moving_rules(step, earliest):
            if failing.until is not None and failing.until <= due_at:
                yield reasons.rule_reason(failing)

    def _skipped_step(self, evaluator: ScheduleEvaluator, skip: Skip) -> ForecastStep:
        step = skip.step
        return ForecastStep(
            step.key,
            step.channel,
            evaluator.offset_at(step),
            None,
            step.wave,
            step.template,
            blocked_by=tuple(self._refusing_reasons(evaluator, step)) or (reasons.late_reason(),),
        )

    def _refusing_reasons(self, evaluator: ScheduleEvaluator, step: Step) -> Iterator[ScheduleReason]:
        """Yield everything for which a step would not leave, however long it waits."""
        missing = evaluator.unreachable_reason(step)
        if missing is not None:
            yield reasons.address_reason(missing)
        yield from map(reasons.obstacle_reason, evaluator.obstacles(step))
        since = max(self.now, evaluator.nominal_at(step))
        refusing = compliance.refusing_rules(
            evaluator.facts.with_notices(step.notices), evaluator.channel(step), since
        )
        # What only time removes refuses a step that waits too long; its time does not matter then.
        option = evaluator.option(step, since)
        is_slow = isinstance(option, str) and option.startswith(debts.WAITS)
        for failing in refusing:
            if failing.until is None or is_slow:
                yield reasons.rule_reason(replace(failing, until=None))
