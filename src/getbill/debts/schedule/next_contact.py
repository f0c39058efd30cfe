"""The next contact of a debt: the scenario's time, moved to where the rules allow it.

Pure: scenarios state what should happen, compliance what may, and neither knows the other. The response to a
create and the worker both compute it here.
"""

from datetime import date, datetime, time, timedelta

from getbill import scenarios
from getbill.debtors import Identity
from getbill.debts import promises
from getbill.debts.model import Debt, PlannedContact
from getbill.debts.schedule.evaluator import (
    NO_PRIOR_CONTACTS,
    ChannelOption,
    PriorContacts,
    ScheduleEvaluator,
    usable_kinds,
)
from getbill.kit import calendar
from getbill.scenarios import ConditionFacts, Scenario, Skip, StartMode

# The ledger's channel and step for the decision of a person at the scenario's end.
REVIEW = "review"
END = "end"


def day_zero(
    identity: Identity, scenario: Scenario, now: datetime, due_on: date | None, mode: str | None = None
) -> date:
    """Return the day from which the scenario's offsets count, on the debtor's calendar.

    `next_day` means the next day on which the scenario contacts anyone.
    """
    today = calendar.local_date(now, identity.zones[0])
    if mode == StartMode.NEXT_DAY:
        region = calendar.region_of(identity.country, identity.postal_code)
        today = calendar.open_day(today + timedelta(days=1), region, scenario.exclusions)
    return scenarios.day_zero(today, due_on)


def moved_day_zero(debt: Debt, due_before: date | None, now: datetime) -> date:
    """Return day 0 after a change of the due date: on the day after it, and never before the scenario's start.

    A day 0 that the previous due date did not set stays, unless the new date is later. What was sent stays sent:
    the steps after it keep their distance to it (`ScheduleEvaluator`).
    """
    first_day = debt.due_on + timedelta(days=1) if debt.due_on else debt.started_on
    if first_day > debt.started_on:
        return first_day
    if due_before is None or debt.started_on != due_before + timedelta(days=1):
        return debt.started_on
    if debt.run > 1:
        return day_zero(debt.debtor.identity, debt.running_scenario, now, debt.due_on)
    mode = debt.details.start_mode
    return day_zero(debt.debtor.identity, debt.running_scenario, debt.created_at, debt.due_on, mode)


def due_date_over_at(debt: Debt, now: datetime) -> datetime | None:
    """Return when the due date is over wherever the debtor may live; None if that is certainly past."""
    due_on = debt.due_on
    if due_on is None or due_on < now.date() - timedelta(days=2):
        return None
    zones = debt.debtor.identity.zones
    return max(calendar.at_local(due_on + timedelta(days=1), time.min, zone) for zone in zones)


def quiet_until(debt: Debt, now: datetime) -> datetime:
    """Return the first instant from `now` on after the due date, an import's hold and a promised day."""
    return max(now, promises.paused_until(debt) or now, due_date_over_at(debt, now) or now)


def condition_facts(debt: Debt, at: datetime) -> ConditionFacts:
    """Return the facts of a debt at an instant that a scenario's conditions evaluate."""
    zone = debt.debtor.identity.zones[0]
    since = debt.due_on or calendar.local_date(debt.created_at, zone)
    return ConditionFacts(
        balance=debt.money(debt.balance).decimal,
        amount=debt.money(debt.amount).decimal,
        age_days=(calendar.local_date(at, zone) - since).days,
        reachable=usable_kinds(debt),
        was_reached=debt.contacted_at is not None,
        has_answered=debt.answers_count > 0,
        promise=promises.promise_state(debt, at),
        metadata=debt.details.metadata or {},
    )


def next_contact(
    debt: Debt,
    now: datetime,
    after: str | None = None,
    prior_contacts: PriorContacts = NO_PRIOR_CONTACTS,
    *,
    is_late: bool = False,
) -> PlannedContact:
    """Return the contact after the step `after` (the first one by default), not before `now`.

    After missed steps, `is_late` also handles the following missed steps as the scenario says.
    """
    evaluator = ScheduleEvaluator.for_debt(debt, prior_contacts)
    now = quiet_until(debt, now)
    # Missed with the step before them: measured before its delay moved day 0.
    late_evaluator = evaluator.before_delay_of(after) if is_late else evaluator
    skipped_steps: list[Skip] = []
    steps = debt.running_scenario.after(after)
    for position, step in enumerate(steps):
        reason = evaluator.refusal(step) or evaluator.slow_reason(step, now)
        if reason is None and is_late and late_evaluator.is_dropped(step, steps[position + 1 :], now):
            reason = f"late: {step.when_late}"
        if reason is None:
            option = evaluator.option(step, max(now, evaluator.nominal_at(step)))
            if isinstance(option, ChannelOption):
                is_missed = is_late and late_evaluator.is_missed(step, now)
                missed_at = late_evaluator.offset_at(step) if is_missed else None
                return PlannedContact(step.key, option.channel, option.at, tuple(skipped_steps), missed_at)
            reason = option
        skipped_steps.append(Skip(step, reason))
    return PlannedContact(END, REVIEW, max(now, evaluator.nominal_end()), tuple(skipped_steps))
