"""The forecast of a debt: every remaining step with its time and the rules that moved or block it.

It assumes that no debtor answers and nothing changes: each contact is made on time and counts for the next.
The planned contact of the ledger comes first, at its due time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from getbill import companies, compliance, debts
from getbill.channels import Channel
from getbill.compliance import Basis, FailedRule
from getbill.contacts import history
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact
from getbill.debts import Debt, ScheduleEvaluator
from getbill.scenarios import Step

_SETTING = (Basis.PRODUCT_POLICY, "the workspace's settings")
_AS_OFFSETS = "Contacts keep the spacing of their offsets, up to one day."
_SWITCH_TEXTS = {
    companies.STOPPED: "Contact is stopped. Missed steps are handled as the scenario defines.",
    companies.DRY_RUN: "Dry run: messages are scheduled and rendered, but not sent.",
}


@dataclass(frozen=True, slots=True)
class ScheduleReason:
    """A rule that moved a contact (until an instant), or that blocks it (no instant)."""

    rule: str
    says: str
    basis: str
    source: str
    until: datetime | None = None


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
    debt: Debt, contact_history: ContactHistory, now: datetime, planned: Contact | None = None
) -> list[ForecastStep]:
    """Return every remaining step of a contactable debt, in order, to its scenario's end."""
    return list(_Forecast(debt, contact_history, now).walk(planned))


@dataclass(slots=True)
class _Forecast:
    debt: Debt
    contact_history: ContactHistory
    now: datetime

    def walk(self, planned: Contact | None) -> Iterator[ForecastStep]:
        last_step = self.contact_history.last_step(self.debt)
        prior_contacts = self.contact_history.prior_contacts(self.debt)
        while True:
            upcoming = debts.next_contact(self.debt, self.now, last_step, prior_contacts)
            evaluator = ScheduleEvaluator.for_debt(self.debt, prior_contacts)
            step_key, channel, due_at = upcoming.step, upcoming.channel, upcoming.due_at
            if planned is not None:
                step_key, channel, due_at, planned = planned.step, planned.channel, planned.due_at, None
            for skip in upcoming.skipped_steps:
                if skip.step.key == step_key:
                    break
                yield self._skipped_step(evaluator, skip.step, skip.reason)
            if step_key == debts.END:
                at = evaluator.nominal_end()
                yield ForecastStep(debts.END, debts.REVIEW, at, due_at)
                return
            step = self.debt.running_scenario.find_step(step_key)
            yield self._forecast_step(evaluator, step.on(channel), due_at)
            address = compliance.hash_for(Channel(channel), *history.address_hashes(self.debt))
            contact = compliance.PastContact(Channel(channel), due_at, address)
            prior_contacts = prior_contacts.with_contact(contact, step)
            last_step, self.now = step_key, max(self.now, due_at)

    def _forecast_step(self, evaluator: ScheduleEvaluator, step: Step, due_at: datetime) -> ForecastStep:
        offset_at = evaluator.offset_at(step)
        return ForecastStep(
            step=step.key,
            channel=step.channel,
            nominal_at=offset_at,
            due_at=due_at,
            wave=step.wave,
            template=step.template,
            language=step.language,
            moved_by=tuple(self._moving_reasons(evaluator, step, offset_at, due_at)),
            blocked_by=(*_switch_reasons(self.debt), *_condition_reasons(self.debt, step, due_at)),
        )

    def _moving_reasons(
        self, evaluator: ScheduleEvaluator, step: Step, offset_at: datetime, due_at: datetime
    ) -> Iterator[ScheduleReason]:
        spaced_at = evaluator.nominal_at(step)
        if spaced_at > offset_at:
            days = self.debt.running_scenario.spacing_days
            says = f"Two contacts are at least {days} days apart." if days else _AS_OFFSETS
            yield ScheduleReason("SCENARIO-SPACING", says, Basis.SCENARIO, "the scenario", spaced_at)
        paused_until = debts.paused_until(self.debt)
        if paused_until is not None and paused_until > max(spaced_at, self.now):
            yield _waiting_reason(self.debt, paused_until)
        earliest = debts.quiet_until(self.debt, max(spaced_at, self.now))
        if self.now > spaced_at:
            yield ScheduleReason(
                "NOT-IN-THE-PAST",
                "The time of the step has passed.",
                Basis.SCENARIO,
                "the scenario",
                self.now,
            )
        for failing in evaluator.moving_rules(step, earliest):
            if failing.until is not None and failing.until <= due_at:
                yield rule_reason(failing)

    def _skipped_step(self, evaluator: ScheduleEvaluator, step: Step, reason: str) -> ForecastStep:
        if reason.startswith(debts.NEVER):
            reasons = tuple(
                rule_reason(failing)
                for failing in evaluator.moving_rules(step, self.now)
                if failing.until is None
            )
        elif reason.startswith(debts.WAITS):
            since = max(self.now, evaluator.nominal_at(step))
            reasons = tuple(map(rule_reason, evaluator.moving_rules(step, since)))
        elif reason.startswith(debts.EXPENSIVE):
            says = f"The number is an {reason}, which the debt does not accept."
            reasons = (ScheduleReason("EXPENSIVE-DESTINATION", says, Basis.PRODUCT_POLICY, "the debt"),)
        else:
            reasons = (
                ScheduleReason("SCENARIO-ADDRESS", f"There is {reason}.", Basis.SCENARIO, "the debtor"),
            )
        return ForecastStep(
            step.key,
            step.channel,
            evaluator.offset_at(step),
            None,
            step.wave,
            step.template,
            blocked_by=reasons,
        )


def _waiting_reason(debt: Debt, until: datetime) -> ScheduleReason:
    if debts.is_promise_pending(debt):
        says = "The debtor has promised to pay by this date."
        return ScheduleReason("PROMISE-TO-PAY", says, Basis.PRODUCT_POLICY, "the debtor", until)
    return ScheduleReason(
        "IMPORT-GRACE", "Imported debts have a grace period before the first contact.", *_SETTING, until
    )


def rule_reason(failing: FailedRule) -> ScheduleReason:
    """Return a failed rule as a reason to show."""
    rule = failing.rule
    return ScheduleReason(rule.id, rule.says, rule.basis, rule.source, failing.until)


def _switch_reasons(debt: Debt) -> Iterator[ScheduleReason]:
    contact = debt.workspace.contact
    if contact != "on":
        yield ScheduleReason(
            f"CONTACT-{contact.upper().replace('_', '-')}", _SWITCH_TEXTS[contact], *_SETTING
        )


def _condition_reasons(debt: Debt, step: Step, at: datetime) -> Iterator[ScheduleReason]:
    """Return conditions that do not hold for the debt now; they are evaluated when the step is due."""
    if step.only_if is None:
        return
    for name in step.only_if.unmet(debts.condition_facts(debt, at)):
        yield ScheduleReason(
            "SCENARIO-CONDITION", f"The condition {name} is not satisfied.", Basis.SCENARIO, "the scenario"
        )
