"""Planning of a debt's next contact: its step and the instant at which it may be taken.

A debt whose scenario runs has exactly one planned contact, due at its `next_action_at`. A step without the
address it needs is skipped, and the ledger records why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from getbill import compliance, debts, followups
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact, State
from getbill.debts import Debt, PlannedContact
from getbill.kit import calendar
from getbill.kit.database import Transaction


def start(tx: Transaction, _workspace: Workspace, debt: Debt) -> None:
    """Plan the first contact of a new debt, due at its `next_action_at`."""
    planned = debt.first_contact or debts.next_contact(debt, tx.now)
    ledger.plan(tx, _planned_rows(debt, planned, ContactHistory(), tx.now))


async def replan_contacts(tx: Transaction, workspace: Workspace, debt: Debt) -> None:
    """Stop contacts that a locked debt's status no longer allows; plan its next contact when it resumes.

    A contactable debt without a next action was held, resolved or changed before: it continues after its last
    passed step, at the scenario's own pace, or starts again if its scenario had ended.
    """
    if debt.is_contactable and debt.next_action_at is not None:
        return
    reason = "planned anew" if debt.is_contactable else f"the debt is {debt.status}"
    if not debt.is_new and not debt.is_over:
        followup_ids = await ledger.stop(tx, workspace.id, debt.id, reason)
        await followups.cancel(tx, [(debt, followup_id) for followup_id in followup_ids])
    if not debt.is_contactable:
        return
    contact_history = (await history.load(tx, workspace.id, {debt.id: debt}))[debt.id]
    if debts.END in contact_history.passed_steps:
        _restart_scenario(debt, contact_history, tx.now)
    elif debt.is_resumed:
        _shift_start(debt, contact_history, tx.now)
    ledger.plan(tx, plan_next(tx, debt, contact_history, contact_history.last_step(debt)))


def _restart_scenario(debt: Debt, contact_history: ContactHistory, now: datetime) -> None:
    debt.run += 1
    debt.started_on = debts.day_zero(debt.debtor.identity, debt.running_scenario, now, debt.due_on)
    contact_history.passed_steps.clear()
    contact_history.unreachable_reasons.clear()
    contact_history.taken_steps.clear()
    contact_history.attempts.clear()
    contact_history.failures.clear()


def _shift_start(debt: Debt, contact_history: ContactHistory, now: datetime) -> None:
    """Move day 0 by the days beyond the next step's own, so that later steps do not come all at once."""
    evaluator = debts.ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt))
    upcoming_steps = (
        step
        for step in debt.running_scenario.after(contact_history.last_step(debt))
        if evaluator.unreachable_reason(step) is None
    )
    step = next(upcoming_steps, None)
    nominal = evaluator.nominal_end() if step is None else evaluator.offset_at(step)
    zone = evaluator.start.zone
    delay = calendar.local_date(now, zone) - calendar.local_date(nominal, zone)
    if delay > timedelta(0):
        debt.started_on = evaluator.start.on + delay


def plan_next(
    tx: Transaction, debt: Debt, contact_history: ContactHistory, after: str | None, *, is_late: bool = False
) -> Sequence[Contact]:
    """Set when a locked debt's next contact is due and return its row, with those of skipped steps.

    After a missed step, `is_late` handles the steps missed with it as the scenario says.
    """
    planned = debts.next_contact(debt, tx.now, after, contact_history.prior_contacts(debt), is_late=is_late)
    debts.plan(tx, debt, planned.due_at)
    return _planned_rows(debt, planned, contact_history, tx.now)


def plan_retry(
    tx: Transaction, debt: Debt, contact_history: ContactHistory, contact: Contact, due_at: datetime
) -> Contact:
    """Plan another attempt of a step at an instant that the rules allow, and return its row."""
    debts.plan(tx, debt, due_at)
    channel = contact.channel if contact.is_leader else own_channel(debt, contact)
    retry = _contact_row(debt, contact.step, channel, contact_history, tx.now, due_at)
    retry.followup_id, retry.missed_at = contact.followup_id, contact.missed_at
    return retry


def own_channel(debt: Debt, contact: Contact) -> str:
    """Return the channel of a contact's own step, where another contact's message covered it."""
    try:
        step = debt.running_scenario.find_step(contact.step)
    except LookupError:
        return contact.channel
    return str(debts.ScheduleEvaluator.for_debt(debt).channel(step))


async def replan_unsent(tx: Transaction, debt: Debt, contact: Contact) -> Contact | None:
    """Plan another attempt of a contact that did not leave, in place of the planned one; return its row.

    Returns None if its step is passed: the debt may not be contacted, something later was done, or it is too
    late.
    """
    contact_history = (await history.load(tx, debt.workspace_id, {debt.id: debt}))[debt.id]
    if not debt.is_contactable or not _is_next(debt, contact_history, contact, tx.now):
        return None
    due_at = allowed_from(debt, contact_history, contact, tx.now)
    if due_at is None:
        return None
    # Voids also a contact that a worker has just claimed: the next step waits for this one.
    debt.stop_contact()
    debt.touch(tx)
    followup_ids = await ledger.stop(tx, debt.workspace_id, debt.id, "an earlier step is taken again")
    await followups.cancel(tx, [(debt, followup_id) for followup_id in followup_ids])
    retry = plan_retry(tx, debt, contact_history, contact, due_at)
    ledger.plan(tx, [retry])
    return retry


def _is_next(debt: Debt, contact_history: ContactHistory, contact: Contact, now: datetime) -> bool:
    """Return whether no step after the contact's was done and its scenario still requires it."""
    if contact.run != debt.run or debts.END in contact_history.passed_steps:
        return False
    try:
        step, later_steps = (
            debt.running_scenario.find_step(contact.step),
            debt.running_scenario.after(contact.step),
        )
    except LookupError:
        return False
    if any(later_step.key in contact_history.passed_steps for later_step in later_steps):
        return False
    return not debts.ScheduleEvaluator.for_debt(debt).is_dropped(step, later_steps, now)


def allowed_from(
    debt: Debt, contact_history: ContactHistory, contact: Contact, at: datetime
) -> datetime | None:
    """Return the first instant from `at` on at which a contact is allowed; None if it never is.

    Respects the rules and the period during which the debtor is to be left alone.
    """
    earliest = debts.quiet_until(debt, at)
    return compliance.next_allowed(
        rule_facts(debt, contact_history, contact.step), contact.channel_kind, earliest
    )


def rule_facts(debt: Debt, contact_history: ContactHistory, step_key: str) -> compliance.Facts:
    """Return the facts that the rules evaluate for a step, with the notices given so far and by the step."""
    notices = debt.running_scenario.find_step(step_key).notices
    evaluator = debts.ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt))
    return evaluator.facts.with_notices(notices)


def _planned_rows(
    debt: Debt, planned: PlannedContact, contact_history: ContactHistory, now: datetime
) -> list[Contact]:
    skipped_contacts = []
    for skip in planned.skipped_steps:
        if contact_history.unreachable_reasons.get(skip.step.key) == skip.reason:
            continue
        contact = _contact_row(debt, skip.step.key, skip.step.channel, contact_history, now, now)
        contact.settle(State.SKIPPED, now, skip.reason)
        contact_history.attempts[skip.step.key] += 1
        skipped_contacts.append(contact)
    next_contact = _contact_row(debt, planned.step, planned.channel, contact_history, now, planned.due_at)
    next_contact.missed_at = planned.missed_at
    return [*skipped_contacts, next_contact]


def _contact_row(
    debt: Debt, step: str, channel: str, contact_history: ContactHistory, now: datetime, due_at: datetime
) -> Contact:
    return Contact(
        workspace_id=debt.workspace_id,
        debt_id=debt.id,
        run=debt.run,
        step=step,
        attempt=contact_history.attempts[step] + 1,
        channel=str(channel),
        state=State.PLANNED,
        due_at=due_at,
        is_live=debt.workspace.is_live,
        contact_epoch=debt.contact_epoch,
        created_at=now,
    )
