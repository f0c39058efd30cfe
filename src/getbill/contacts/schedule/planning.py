"""What comes next: the debt's next step goes into the ledger with the instant at which it may be taken.

A debt whose scenario runs has exactly one planned contact, and its `next_action_at` says when. A step without
the address it needs is passed over, and the ledger says why.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from getbill import compliance, debts, followups
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.history import History
from getbill.contacts.model import Contact
from getbill.debts import Debt, Planned
from getbill.kit import calendar
from getbill.kit.database import Transaction


def start(tx: Transaction, _workspace: Workspace, debt: Debt) -> None:
    """Put the first contact of a new debt into the ledger, due when the debt's `next_action_at` says."""
    planned = debt.planned or debts.next_contact(debt, tx.now)
    for contact in _rows(debt, planned, History(), tx.now):
        ledger.plan_at_edge(tx, contact)


async def follow_status(tx: Transaction, workspace: Workspace, debt: Debt) -> None:
    """Stop what a locked debt's status no longer allows; plan its next contact where one is to be made again.

    A debt that may be contacted and has no next action was held, resolved or changed before: it goes on after
    the last step that is behind it, at the scenario's own pace, or begins anew when its scenario had come to its end.
    """
    if debt.is_contactable and debt.next_action_at is not None:
        return
    reason = "planned anew" if debt.is_contactable else f"the debt is {debt.status}"
    if not debt.is_new and not debt.is_over:
        stopped = await ledger.stop(tx, workspace.id, debt.id, reason)
        await followups.cancel(tx, [(debt, followup_id) for followup_id in stopped])
    if not debt.is_contactable:
        return
    past = (await history.load(tx, workspace.id, {debt.id: debt}))[debt.id]
    if debts.END in past.passed:
        _begin_anew(debt, past, tx.now)
    elif debt.is_resumed:
        _keep_pace(debt, past, tx.now)
    await ledger.plan(tx, go_on(tx, debt, past, past.last_step(debt)))


def _begin_anew(debt: Debt, past: History, now: datetime) -> None:
    debt.run += 1
    debt.started_on = debts.day_zero(debt.debtor.identity, debt.script, now, debt.due_on)
    past.passed.clear()
    past.unreachable.clear()
    past.attempts.clear()
    past.failures.clear()


def _keep_pace(debt: Debt, past: History, now: datetime) -> None:
    """Move day 0 by the days that passed beyond the next step's own, so that those after it do not come all at once."""
    course = debts.Course.of(debt, past.past(debt))
    ahead = (step for step in debt.script.after(past.last_step(debt)) if course.unreachable(step) is None)
    step = next(ahead, None)
    nominal = course.nominal_end() if step is None else course.unspaced(step)
    zone = course.start.zone
    late = calendar.local_date(now, zone) - calendar.local_date(nominal, zone)
    debt.started_on += max(late, timedelta(0))


def go_on(
    tx: Transaction, debt: Debt, past: History, after: str | None, *, is_late: bool = False
) -> Sequence[Contact]:
    """Set when a locked debt's next contact is due and return its row, with those of steps passed over.

    After a step that was missed, `is_late` has those missed with it dealt with as the scenario says.
    """
    planned = debts.next_contact(debt, tx.now, after, past.past(debt), is_late=is_late)
    debts.plan(tx, debt, planned.due_at)
    return _rows(debt, planned, past, tx.now)


def try_again(
    tx: Transaction, debt: Debt, past: History, contact: Contact, not_before: datetime
) -> Contact | None:
    """Set when a step that failed for now is tried again and return its row; None when the rules forbid it."""
    due_at = allowed_from(debt, past, contact, not_before)
    if due_at is None:
        return None
    debts.plan(tx, debt, due_at)
    again = _row(debt, contact.step, contact.channel, past, tx.now, due_at)
    again.followup_id, again.missed_at = contact.followup_id, contact.missed_at
    return again


async def take_again(tx: Transaction, debt: Debt, contact: Contact) -> Contact | None:
    """Plan another try of a contact that did not leave after all, in place of what is planned since; return its row.

    None where its step is behind us: the debt may not be contacted, something later was done, or it is too late for it.
    """
    past = (await history.load(tx, debt.workspace_id, {debt.id: debt}))[debt.id]
    if not debt.is_contactable or not _is_next(debt, past, contact, tx.now):
        return None
    if allowed_from(debt, past, contact, tx.now) is None:
        return None
    # Also what a worker has just claimed is void: the next step waits for this one.
    debt.stop_contact()
    debt.touch(tx)
    stopped = await ledger.stop(tx, debt.workspace_id, debt.id, "an earlier step is taken again")
    await followups.cancel(tx, [(debt, one) for one in stopped])
    again = try_again(tx, debt, past, contact, tx.now)
    assert again is not None  # noqa: S101 - allowed just before
    await ledger.plan(tx, [again])
    return again


def _is_next(debt: Debt, past: History, contact: Contact, now: datetime) -> bool:
    """Say whether nothing that follows a contact's step was done, and its scenario still wants it."""
    if contact.run != debt.run or debts.END in past.passed:
        return False
    try:
        step, later = debt.script.step(contact.step), debt.script.after(contact.step)
    except LookupError:
        return False
    if any(one.key in past.passed for one in later):
        return False
    return not debts.Course.of(debt).is_given_up(step, later, now)


def allowed_from(debt: Debt, past: History, contact: Contact, at: datetime) -> datetime | None:
    """Return the first instant from `at` on at which a contact is allowed; None when it never is.

    By the rules, and once the debtor is not to be left alone any more.
    """
    begun = max(at, debts.left_alone_until(debt) or at)
    return compliance.next_allowed(facts(debt, past, contact.step), contact.channel_kind, begun)


def facts(debt: Debt, past: History, step_key: str) -> compliance.Facts:
    """Return what the rules look at for a step, with the notices given so far and by the step itself."""
    own = debt.script.step(step_key).notices
    found = debts.facts_of(debt.workspace, debt.debtor.identity, debt.script, past.past(debt))
    return found.saying(own)


def _rows(debt: Debt, planned: Planned, past: History, now: datetime) -> list[Contact]:
    found = []
    for skip in planned.skipped:
        if past.unreachable.get(skip.step.key) == skip.reason:
            continue
        contact = _row(debt, skip.step.key, skip.step.channel, past, now, now)
        contact.settle("skipped", now, skip.reason)
        past.attempts[skip.step.key] += 1
        found.append(contact)
    ahead = _row(debt, planned.step, planned.channel, past, now, planned.due_at)
    ahead.missed_at = planned.missed_at
    return [*found, ahead]


def _row(debt: Debt, step: str, channel: str, past: History, now: datetime, due_at: datetime) -> Contact:
    return Contact(
        workspace_id=debt.workspace_id,
        debt_id=debt.id,
        run=debt.run,
        step=step,
        attempt=past.attempts[step] + 1,
        channel=str(channel),
        state="planned",
        due_at=due_at,
        is_live=debt.workspace.is_live,
        contact_epoch=debt.contact_epoch,
        created_at=now,
    )


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Stop what is planned for an erased debt and forget by which addresses it was contacted."""
    await ledger.erase(tx, workspace_id, debt_id)
