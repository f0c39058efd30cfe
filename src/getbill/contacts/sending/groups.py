"""Groups: one message to one person about several debts of one creditor. Pure: no I/O, nothing is sent here.

Of the contacts that are due, that of the debt furthest along in its scenario leads; a contact that gives a legal
notice its debt still lacks comes first. The contacts of the other debts join if their own debts and the rules
allow it on the leader's channel now. Whatever does not join is decided alone, and the distance moves it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from getbill import compliance, debts
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import JOIN_AHEAD, OPEN, Contact
from getbill.contacts.sending.decision import (
    Case,
    Decision,
    Join,
    Leave,
    Means,
    Postpone,
    Ready,
    Rehearse,
    Send,
    address_hash_of,
    check,
    compose,
    decide,
    unmet_reason,
)
from getbill.contacts.sending.rendering import MessageNotShared, can_be_paid
from getbill.debts import Debt, ScheduleEvaluator
from getbill.kit import calendar
from getbill.scenarios import Grouping, Step

# Workers that died in a row: a contact that may kill its worker goes alone.
CRASHES_MAX: Final = 1


def join_until(contacts: Sequence[Contact], now: datetime) -> datetime:
    """Return until when contacts of the same persons are due that may join these ones."""
    # What is claimed is due, also where the workspace's clock stands behind.
    return max([now, *(contact.due_at for contact in contacts)]) + JOIN_AHEAD


def decide_all(cases: Sequence[Case], means: Means, now: datetime) -> list[Decision]:
    """Decide on contacts of one workspace, in order, those of one person and creditor together.

    Each message counts for the cases after it with the same person or address: their histories grow.
    """
    decisions = _Decisions(cases, means, now)
    for position, case in enumerate(cases):
        if position not in decisions.by_position:
            decisions.decide_group(case)
        if position not in decisions.by_position:
            decisions.decide_alone(position, case)
    return [decisions.by_position[position] for position in range(len(cases))]


class _Decisions:
    """The decisions on the cases of a batch, and the histories that grow with them."""

    def __init__(self, cases: Sequence[Case], means: Means, now: datetime) -> None:
        self.cases, self.means, self.now = cases, means, now
        self.by_position: dict[int, Decision] = {}
        self._positions = {id(case): position for position, case in enumerate(cases)}
        self._groups: dict[tuple[UUID, str], list[Case]] = {}
        self._by_recipient: dict[bytes | UUID, list[Case]] = {}
        for case in cases:
            for recipient in _recipients(case):
                self._by_recipient.setdefault(recipient, []).append(case)
            key = _group_key(case)
            if key is not None:
                self._groups.setdefault(key, []).append(case)

    def decide_alone(self, position: int, case: Case) -> None:
        """Decide on a contact that shares no message."""
        decision = decide(case, self.means, self.now) if case.is_claimed else Leave()
        self._record(position, case, decision)

    def decide_group(self, case: Case) -> None:
        """Decide on the contacts that one message covers, among those with the person and creditor of a case."""
        key = _group_key(case)
        group = [
            open_case
            for open_case in (self._groups.get(key, ()) if key else ())
            if self._positions[id(open_case)] not in self.by_position
        ]
        if len(group) < 2:
            return
        candidates = _Candidates(group, self.now)
        for leader, ready in candidates.leaders():
            decision = self._compose(leader, ready, tuple(candidates.members(leader, ready)))
            self._record(self._positions[id(leader)], leader, decision)
            if isinstance(decision, Send | Rehearse):
                return

    def _compose(self, leader: Case, ready: Ready, members: tuple[Case, ...]) -> Decision:
        try:
            return compose(leader, ready, self.means, self.now, members)
        except MessageNotShared:
            return compose(leader, ready, self.means, self.now)

    def _record(self, position: int, case: Case, decision: Decision) -> None:
        self.by_position[position] = decision
        if isinstance(decision, Send | Rehearse):
            for member in decision.members:
                self.by_position[self._positions[id(member)]] = Join()
            if isinstance(decision, Send):
                self._count(case, decision.members)

    def _count(self, leader: Case, members: tuple[Case, ...]) -> None:
        """Count a message once for the person and the address, and once for each of its cases."""
        channel, address_hash = leader.contact.channel_kind, address_hash_of(leader)
        group = leader.followup_id if members else None
        covered_ids = {leader.contact.debt_id, *(member.contact.debt_id for member in members)}
        histories: dict[UUID, tuple[Case, ContactHistory]] = {}
        for recipient in (address_hash, _person_of(leader)):
            for case in self._by_recipient.get(recipient, ()) if recipient else ():
                if case.history is not None:
                    histories[case.contact.debt_id] = case, case.history
        for debt_id, (case, contact_history) in histories.items():
            is_same_person = _person_of(case) == _person_of(leader)
            contact_history.add(
                compliance.PastContact(
                    channel, self.now, address_hash, debt_id in covered_ids, is_same_person, group
                )
            )


def _recipients(case: Case) -> Iterator[bytes | UUID]:
    if case.debt is not None and case.history is not None:
        yield case.debt.debtor.id
        yield from filter(None, case.history.hashes or ())


def _person_of(case: Case) -> UUID | None:
    return None if case.debt is None else case.debt.debtor.id


def _group_key(case: Case) -> tuple[UUID, str] | None:
    """Return the person and creditor of a contact; None if it goes alone."""
    debt, contact = case.debt, case.contact
    if debt is None or case.history is None or contact.step == debts.END or contact.crashes > CRASHES_MAX:
        return None
    if Grouping.OFF in {debt.running_scenario.grouping, debt.workspace.grouping}:
        return None
    # Older debts may name a creditor that has no row yet.
    return debt.debtor.id, debt.creditor_name or debt.workspace.company.name


@dataclass(slots=True)
class _Candidates:
    """The open contacts of one person and creditor: who may lead, and who may join."""

    cases: Sequence[Case]
    now: datetime
    _findings: Mapping[int, Decision | Ready] = field(init=False)

    _due_until: datetime = field(init=False)

    def __post_init__(self) -> None:
        claimed_contacts = [case.contact for case in self.cases if case.is_claimed]
        self._due_until = join_until(claimed_contacts, self.now) - JOIN_AHEAD
        self._findings = {
            id(case): check(case, self.now)
            for case in self.cases
            if self._is_due(case) and case.contact.state in OPEN
        }

    def _is_due(self, case: Case) -> bool:
        return case.contact.due_at <= self._due_until

    def leaders(self) -> list[tuple[Case, Ready]]:
        """Return the contacts that are due and allowed, the one to lead first."""
        ready_cases = [
            (case, finding)
            for case in self.cases
            if isinstance(finding := self._findings.get(id(case)), Ready)
        ]
        return sorted(ready_cases, key=lambda pair: _leader_order(*pair))

    def members(self, leader: Case, ready: Ready) -> Iterator[Case]:
        """Yield the contacts that the leader's message may cover."""
        for case in self.cases:
            finding = self._findings.get(id(case), ready)
            is_open = case is not leader and isinstance(finding, Ready | Postpone)
            if is_open and self._is_soon(case) and _can_join(case, leader, ready.step, self.now):
                yield case

    def _is_soon(self, case: Case) -> bool:
        """Return whether a contact is due, or may be made ahead of its time."""
        is_near = case.contact.due_at <= self._due_until + JOIN_AHEAD
        return self._is_due(case) or (is_near and _is_spaced(case, self.now))


def _leader_order(case: Case, ready: Ready) -> tuple[bool, int, int, datetime, UUID]:
    debt = _debt_of(case)
    wave, position = debt.running_scenario.progress(case.contact.step)
    return not _missing_notices(case, ready.step), -wave, -position, debt.created_at, debt.id


def _debt_of(case: Case) -> Debt:
    assert case.debt is not None  # noqa: S101 - an erased debt has no group
    return case.debt


def _history_of(case: Case) -> ContactHistory:
    assert case.history is not None  # noqa: S101 - an erased debt has no group
    return case.history


def _missing_notices(case: Case, step: Step) -> frozenset[str]:
    """Return the notices that a step gives and its debt still lacks."""
    return frozenset(step.notices).difference(_history_of(case).prior_contacts(_debt_of(case)).notices)


def _can_join(case: Case, leader: Case, leader_step: Step, now: datetime) -> bool:
    debt, contact = _debt_of(case), case.contact
    step = debt.running_scenario.find_step(contact.step)
    leader_progress = _debt_of(leader).running_scenario.progress(leader.contact.step)
    return (
        debt.running_scenario.progress(contact.step) <= leader_progress
        and _is_open(case, now)
        and can_be_paid(debt)
        and unmet_reason(debt, step, now) is None
        and _missing_notices(case, step) <= frozenset(leader_step.notices)
        and _is_allowed(case, leader, leader_step, now)
    )


def _is_open(case: Case, now: datetime) -> bool:
    """Return whether nothing of the debt itself keeps a contact from being made now."""
    debt, contact_history = _debt_of(case), _history_of(case)
    if not debt.is_contactable or case.contact.contact_epoch != debt.contact_epoch:
        return False
    if contact_history.is_sending or contact_history.rehearsed_steps or debts.is_below_minimum(debt):
        return False
    today = calendar.local_date(now, debt.debtor.identity.zones[0])
    return debt.started_on <= today and debts.quiet_until(debt, now) <= now


def _is_allowed(case: Case, leader: Case, leader_step: Step, now: datetime) -> bool:
    debt, channel = _debt_of(case), leader_step.channel
    contact_history = _history_of(case)
    evaluator = ScheduleEvaluator.for_debt(debt, contact_history.prior_contacts(debt))
    if evaluator.missing_address(channel) is not None or contact_history.hashes != _history_of(leader).hashes:
        return False
    facts = evaluator.facts.with_notices(leader_step.notices)
    return compliance.evaluate(facts, channel, now).is_allowed


def _is_spaced(case: Case, now: datetime) -> bool:
    """Return whether a contact ahead of its time keeps the scenario's spacing from the debt's last one."""
    debt, spacing = _debt_of(case), timedelta(days=_debt_of(case).running_scenario.spacing_days)
    if not spacing:
        return False
    last_at = max((past.at for past in _history_of(case).contacts if past.same_case), default=None)
    if last_at is None:
        return True
    zone = debt.debtor.identity.zones[0]
    return calendar.local_date(last_at, zone) + spacing <= calendar.local_date(now, zone)
