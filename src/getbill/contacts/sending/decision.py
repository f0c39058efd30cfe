"""The decision on a due contact: send, rehearse, skip, postpone, review, stop or end it. Pure: no I/O, nothing is changed.

Everything is checked again here, whatever was planned: the debt's status, the debtor's hours, the caps on their
addresses, recent payments, the scenario's conditions, and the message itself.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from getbill import compliance, creditors, debts
from getbill.channels.senders import Outgoing
from getbill.companies import DRY_RUN
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact
from getbill.contacts.sending.rendering import (
    MessageNotRenderable,
    RenderContext,
    StepNotPossible,
    render_message,
)
from getbill.creditors import ContactGap
from getbill.debts import ChannelOption, Debt, ScheduleEvaluator
from getbill.kit import calendar, ids
from getbill.kit.messages import Message
from getbill.scenarios import Step

_RETRY_DELAY = timedelta(minutes=1)
# A raised balance plans contact anew by itself; this one notices a changed minimum.
_REVIEW_DELAY = timedelta(days=1)
_GAP_DELAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Case:
    """A due contact with all that decides on it; debt and history are None once the debt is erased."""

    contact: Contact
    debt: Debt | None
    history: ContactHistory | None
    # The followup of its message: of the first attempt, or a new one.
    followup_id: UUID
    # False for the open contact of another debt of the debtor, which may only share a message.
    is_claimed: bool = True


@dataclass(frozen=True, slots=True)
class Means:
    """The means of a workspace to write to anyone: its templates and header image."""

    render_context: RenderContext


@dataclass(frozen=True, slots=True)
class Send:
    """Send the message, which is also about the debts of the members."""

    message: Outgoing
    members: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Dry run: count the contact, and those of the members, as made, and send nothing."""

    members: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """The message of another contact, the leader of the group, covers it."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing: the contact is not claimed, and shares no message."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Pass the step. After a missed one, the steps missed with it are handled as the scenario says."""

    reason: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class Postpone:
    """Try again at an instant; a contact that is late already stays so."""

    at: datetime
    reason: str
    is_late: bool = False
    # Days by which day 0 moves too, so that later steps keep their distance.
    waited_days: int = 0


@dataclass(frozen=True, slots=True)
class ReviewBalance(Postpone):
    """The balance is too small for any contact: a person or a rule writes it off. Look again at an instant."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Give the contact up. `is_replanned` plans the debt's next contact in its place."""

    reason: str | None = None
    is_replanned: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """The dry run is over: start for real, from a new day 0 unless somebody was really contacted."""

    started_on: date | None


@dataclass(frozen=True, slots=True)
class End:
    """The scenario is over: a person decides what follows."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """The template is broken: the contact waits until it is repaired."""

    reason: Message


@dataclass(frozen=True, slots=True)
class Ready:
    """The contact is allowed now: its step, on the channel that is used."""

    step: Step
    is_late: bool


Decision = Send | Rehearse | Join | Leave | Skip | Postpone | Stop | Restart | End | SetAside


def address_hash_of(case: Case) -> bytes | None:
    """Return the keyed hash of the address that a contact uses; None for a letter."""
    hashes = (case.history.hashes if case.history else None) or (None, None)
    return compliance.hash_for(case.contact.channel_kind, *hashes)


def decide(case: Case, means: Means, now: datetime) -> Decision:
    """Decide on one due contact at an instant of its workspace."""
    finding = check(case, now)
    return compose(case, finding, means, now) if isinstance(finding, Ready) else finding


def check(case: Case, now: datetime) -> Decision | Ready:
    """Decide on one due contact as far as possible without its message."""
    debt, contact_history, contact = case.debt, case.history, case.contact
    if debt is None or contact_history is None:
        return Stop()
    if not debt.is_contactable or contact.contact_epoch != debt.contact_epoch:
        # The change that raised the epoch planned the next contact, if any.
        return Stop(f"the debt is {debt.status}")
    delay = _delay(debt, contact_history, now)
    if delay is not None:
        return delay
    if contact_history.rehearsed_steps:
        return Restart(None if contact_history.contacted_steps else _new_day_zero(debt, now))
    if contact.step == debts.END:
        return _decide_end(debt, contact_history, now)
    return _check_step(case, debt, contact_history, now)


def _delay(debt: Debt, contact_history: ContactHistory, now: datetime) -> Postpone | None:
    if contact_history.is_sending:
        # Planned because the debt was held and resumed; contacts of one debt are still sent one after the
        # other.
        return Postpone(now + _RETRY_DELAY, "another contact is in progress")
    if debts.is_below_minimum(debt):
        return ReviewBalance(now + _REVIEW_DELAY, "the balance is below the minimum")
    return None


def _new_day_zero(debt: Debt, now: datetime) -> date:
    return debts.day_zero(debt.debtor.identity, debt.running_scenario, now, debt.due_on)


def _decide_end(debt: Debt, contact_history: ContactHistory, now: datetime) -> Decision:
    if debt.workspace.contact == DRY_RUN:
        return Postpone(now + timedelta(days=1), "dry run")
    last_step = contact_history.last_step(debt)
    upcoming = debts.next_contact(debt, now, last_step, contact_history.prior_contacts(debt))
    if upcoming.step == debts.END:
        return End()
    # Another debt of the person supplied an address for which this one's steps were skipped.
    return Stop("an address was added", is_replanned=True)


def _check_step(case: Case, debt: Debt, contact_history: ContactHistory, now: datetime) -> Decision | Ready:
    contact, step = case.contact, debt.running_scenario.find_step(case.contact.step)
    evaluator = ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt))
    if contact.channel == step.channel and evaluator.channel(step) != contact.channel:
        # The step now uses its fallback: its own address was suppressed since.
        return Stop("the address is suppressed", is_replanned=True)
    gap = creditors.contact_gap(debt.workspace, debt.creditor, now)
    if gap is not None:
        return _wait(evaluator, step, contact, gap, now)
    is_late = contact.is_late(now, debt.running_scenario.late_after)
    reason = _dropped_reason(evaluator, step, now) if is_late else None
    reason = reason or unmet_reason(debt, step, now)
    step_on_channel = step.on(contact.channel)
    reason = reason or evaluator.missing_address(contact.channel_kind) or evaluator.obstacle(step_on_channel)
    if reason is not None:
        return Skip(reason, is_late)
    quiet_until = debts.due_date_over_at(debt, now)
    if quiet_until is not None and quiet_until > now:
        return Postpone(quiet_until, "not due yet", is_late)
    refused = _refused(debt, evaluator, contact, now, is_late=is_late)
    if refused is not None:
        return refused
    return Ready(step_on_channel, is_late)


def _wait(
    evaluator: ScheduleEvaluator, step: Step, contact: Contact, gap: ContactGap, now: datetime
) -> Postpone:
    """Look at a contact again on the next day that allows it: a duty of the collector is not met."""
    tomorrow = now + _GAP_DELAY
    facts = evaluator.facts.with_notices(step.notices)
    at = compliance.next_allowed(facts, contact.channel_kind, tomorrow) or tomorrow
    zone = evaluator.start.zone
    waited = calendar.local_date(at, zone) - calendar.local_date(contact.due_at, zone)
    return Postpone(at, gap.rule, waited_days=max(waited.days, 0))


def _refused(
    debt: Debt, evaluator: ScheduleEvaluator, contact: Contact, now: datetime, *, is_late: bool
) -> Decision | None:
    """Return what the contact rules make of a contact; None if they allow it now.

    One that would wait too long uses its fallback, or is passed over. Its wait began when it was planned.
    """
    step = debt.running_scenario.find_step(contact.step)
    facts = evaluator.facts.with_notices(step.notices)
    channel, within = contact.channel_kind, evaluator.search_time(step)
    until = compliance.next_allowed(facts, channel, now, within=within)
    if until == now:
        return None
    since = now if is_late else debts.quiet_until(debt, max(evaluator.nominal_at(step), contact.created_at))
    if until is not None and not evaluator.is_slow(step, since, until):
        names = ", ".join(failing.rule.id for failing in compliance.refusing_rules(facts, channel, now))
        return Postpone(until, names, is_late)
    if step.fallback is not None and contact.channel == step.channel:
        option = evaluator.option(step, now)
        if isinstance(option, ChannelOption) and option.channel != contact.channel:
            return Stop("the fallback is allowed earlier", is_replanned=True)
    return Skip(evaluator.rule_refusal(step, channel, now), is_late)


def _dropped_reason(evaluator: ScheduleEvaluator, step: Step, now: datetime) -> str | None:
    is_dropped = evaluator.is_dropped(step, evaluator.scenario.after(step.key), now)
    return f"late: {step.when_late}" if is_dropped else None


def unmet_reason(debt: Debt, step: Step, now: datetime) -> str | None:
    """Return the conditions of a step that do not hold; None if all do."""
    unmet = step.only_if.unmet(debts.condition_facts(debt, now)) if step.only_if else ()
    return f"conditions: {', '.join(unmet)}" if unmet else None


def _earlier_attempts(case: Case, step: Step) -> int:
    """Return the number of earlier attempts by a step's channel, which a simulated debtor knows."""
    if case.history is None or case.contact.is_live:
        return 0
    return case.history.attempts_before(step.key, step.channel)


def compose(
    case: Case, ready: Ready, means: Means, now: datetime, members: tuple[Case, ...] = ()
) -> Decision:
    """Decide on a contact that is allowed: send its message, which is also about the debts of the members.

    Raises MessageNotShared if its template cannot say something true about several debts.
    """
    assert case.debt is not None  # noqa: S101 - it is allowed
    key = ids.show("followup", case.followup_id)
    member_debts = [member.debt for member in members if member.debt is not None]
    try:
        message = render_message(case.debt, ready.step, key, now, means.render_context, member_debts)
    except StepNotPossible as reason:
        return Skip(str(reason), ready.is_late)
    except MessageNotRenderable as defect:
        return SetAside(defect.detail)
    if case.debt.workspace.contact == DRY_RUN:
        return Rehearse(members)
    earlier_attempts = _earlier_attempts(case, ready.step)
    return Send(replace(message, earlier_attempts=earlier_attempts) if earlier_attempts else message, members)
