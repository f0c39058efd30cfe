"""The due time of a debt's next contact: the scenario's time, moved to where the rules allow it.

Pure: scenarios state what should happen, compliance what may, and neither knows the other. The response to a
create and the worker both compute it here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from getbill import compliance, scenarios
from getbill.channels import ADDRESS_OF, MISSING, AddressKind, Channel, reachable
from getbill.companies import Workspace
from getbill.creditors import Creditor
from getbill.debtors import Identity
from getbill.debts import promises
from getbill.debts.model import Debt, Details, PlannedContact
from getbill.debts.obstacles import MessageMeans, Obstacle, message_means, obstacles_of
from getbill.kit import calendar, phones
from getbill.scenarios import ConditionFacts, Late, Scenario, Skip, Start, StartMode, Step

# The ledger's channel and step for the decision of a person at the scenario's end.
REVIEW = "review"
END = "end"
# Prefix of reasons for which a step is skipped until better addresses of the debtor are known.
NEVER = "never allowed: "
EXPENSIVE = "expensive destination: "

_PHONE_KINDS = frozenset({AddressKind.PHONE, AddressKind.MOBILE})

_THIRD_PARTY = {"creditor": compliance.Collector.CREDITOR, "third_party": compliance.Collector.THIRD_PARTY}


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


def reachable_kinds(identity: Identity) -> frozenset[AddressKind]:
    """Return the known kinds of address of a debtor."""
    return reachable(identity.email, identity.phone, postal=identity.is_postal)


def expensive_destination(debt: Debt) -> str | None:
    """Return why a debtor's number is not used: it costs more than the debt accepts."""
    phone = debt.debtor.identity.phone
    if not phone or debt.details.accept_expensive_destination:
        return None
    destination = phones.expensive_destination(phone, debt.workspace.company.refused_zones)
    return None if destination is None else EXPENSIVE + destination


def usable_kinds(debt: Debt) -> frozenset[AddressKind]:
    """Return the known kinds of address at which the debt may be contacted."""
    kinds = reachable_kinds(debt.debtor.identity)
    return kinds - _PHONE_KINDS if expensive_destination(debt) else kinds


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


@dataclass(frozen=True, slots=True)
class PriorContacts:
    """The past contacts of a debtor, on this case and on the person's other ones, and the notices given.

    `suppressed` are the keyed hashes of their addresses that are on the suppression list, `consents` the
    consents given by an address.
    """

    contacts: tuple[compliance.PastContact, ...] = ()
    notices: tuple[str, ...] = ()
    suppressed: frozenset[bytes] = frozenset()
    consents: frozenset[tuple[bytes, str]] = frozenset()
    # Hashes of their e-mail address and phone number, if computed already.
    hashes: tuple[bytes | None, bytes | None] | None = None

    @property
    def is_blank(self) -> bool:
        """Whether no rule needs the address hashes."""
        return not self.contacts and not self.suppressed and not self.consents

    def with_contact(self, contact: compliance.PastContact, notices: tuple[str, ...]) -> "PriorContacts":
        """Return the history after one more contact."""
        return replace(self, contacts=(*self.contacts, contact), notices=(*self.notices, *notices))


NO_PRIOR_CONTACTS = PriorContacts()


def _facts_of(workspace: Workspace, identity: Identity, scenario: Scenario) -> compliance.Facts:
    """Return the facts that the rules evaluate for a debtor who was never contacted."""
    return compliance.Facts(
        zones=identity.zones,
        region=calendar.region_of(identity.country, identity.postal_code),
        party=compliance.Party.BUSINESS if identity.company else compliance.Party.CONSUMER,
        collector=_THIRD_PARTY[workspace.company.collector],
        exclusions=scenario.exclusions,
        contacts_per_day=workspace.contacts_per_day,
    )


def _with_history(facts: compliance.Facts, debt: Debt, prior_contacts: PriorContacts) -> compliance.Facts:
    """Return the facts after past contacts."""
    if prior_contacts.is_blank:
        return facts.with_notices(prior_contacts.notices)
    # The hashes only serve past contacts and the suppression list; most new debts have neither.
    email, phone = prior_contacts.hashes or hashes_of(debt.workspace, debt.debtor.identity)
    return compliance.Facts(
        zones=facts.zones,
        region=facts.region,
        party=facts.party,
        collector=facts.collector,
        exclusions=facts.exclusions,
        contacts_per_day=facts.contacts_per_day,
        contacts=prior_contacts.contacts,
        email_hash=email,
        phone_hash=phone,
        notices=frozenset(prior_contacts.notices),
        suppressed=prior_contacts.suppressed,
        consents=prior_contacts.consents,
    )


def hashes_of(workspace: Workspace, identity: Identity) -> tuple[bytes | None, bytes | None]:
    """Return the keyed hashes of a debtor's e-mail address and phone number, as caps and suppressions use."""
    lookup = workspace.lookup
    email = lookup.hash("email", identity.email.lower()) if identity.email else None
    return email, lookup.hash("phone", identity.phone) if identity.phone else None


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
    now = max(now, promises.paused_until(debt) or now)
    skipped_steps: list[Skip] = []
    steps = debt.running_scenario.after(after)
    for position, step in enumerate(steps):
        reason = evaluator.refusal(step)
        if reason is None and is_late and evaluator.is_dropped(step, steps[position + 1 :], now):
            reason = f"late: {step.when_late}"
        if reason is None:
            due_at = evaluator.allowed_from(step, max(now, evaluator.nominal_at(step)))
            if due_at is not None:
                missed_at = evaluator.offset_at(step) if is_late and evaluator.is_missed(step, now) else None
                return PlannedContact(
                    step.key, evaluator.channel(step), due_at, tuple(skipped_steps), missed_at
                )
            reason = evaluator.forbidden_reason(step, now)
        skipped_steps.append(Skip(step, reason))
    return PlannedContact(END, REVIEW, max(now, evaluator.nominal_end()), tuple(skipped_steps))


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the schedule of a debt depends on besides time and past contacts."""

    workspace: Workspace
    creditor: Creditor | None
    identity: Identity
    details: Details
    scenario: Scenario
    start: Start
    facts: compliance.Facts
    kinds: frozenset[AddressKind]
    # Why the debtor's number is not used, if so.
    expensive: str | None
    means: MessageMeans

    def hold_for(self, debt: Debt) -> bool:
        """Return whether nothing that they depend on has changed."""
        return (
            self.workspace is debt.workspace
            and self.creditor is debt.creditor
            and self.identity is debt.debtor.identity
            and self.details is debt.details
            and self.scenario is debt.running_scenario
            and self.start.on == debt.started_on
        )


def _terms_of(debt: Debt) -> _Terms:
    terms = debt.schedule_terms
    if not isinstance(terms, _Terms) or not terms.hold_for(debt):
        identity, scenario = debt.debtor.identity, debt.running_scenario
        facts = _facts_of(debt.workspace, identity, scenario)
        start = Start(debt.started_on, facts.zones[0], facts.region)
        terms = _Terms(
            debt.workspace,
            debt.creditor,
            identity,
            debt.details,
            scenario,
            start,
            facts,
            usable_kinds(debt),
            expensive_destination(debt),
            message_means(debt),
        )
        debt.schedule_terms = terms
    return terms


@dataclass(frozen=True, slots=True)
class ScheduleEvaluator:
    """The evaluator of a debt's steps: scenario and rules, after the contacts made so far."""

    scenario: Scenario
    start: Start
    facts: compliance.Facts
    kinds: frozenset[AddressKind]
    last_at: datetime | None
    means: MessageMeans
    # Why the debtor's number is not used, if so.
    expensive: str | None = None

    @classmethod
    def for_debt(cls, debt: Debt, prior_contacts: PriorContacts = NO_PRIOR_CONTACTS) -> "ScheduleEvaluator":
        """Return the evaluator of a debt after its past contacts."""
        terms = _terms_of(debt)
        facts = _with_history(terms.facts, debt, prior_contacts)
        last_at = max((contact.at for contact in prior_contacts.contacts if contact.same_case), default=None)
        return cls(
            debt.running_scenario, terms.start, facts, terms.kinds, last_at, terms.means, terms.expensive
        )

    def refusal(self, step: Step) -> str | None:
        """Return the first reason for which a step cannot leave, whatever the hour; None if it can.

        What the rules never allow is `forbidden_reason`.
        """
        return self.unreachable_reason(step) or self.obstacle(step.on(self.channel(step)))

    def obstacle(self, step: Step) -> str | None:
        """Return the first thing that a step lacks on its own channel; None if it lacks nothing."""
        return next((obstacle.reason for obstacle in obstacles_of(self.means, step)), None)

    def obstacles(self, step: Step) -> tuple[Obstacle, ...]:
        """Return everything that a step lacks on the channel that it uses; nothing if it can leave."""
        return obstacles_of(self.means, step.on(self.channel(step)))

    def unreachable_reason(self, step: Step) -> str | None:
        """Return why a step reaches no address; None if it does."""
        return None if step.reaching(self.kinds) else self.missing_address(step.channel)

    def missing_address(self, channel: Channel) -> str | None:
        """Return why a channel reaches no address; None if it does."""
        kind = ADDRESS_OF[channel]
        if kind in self.kinds:
            return None
        return self.expensive if self.expensive and kind in _PHONE_KINDS else MISSING[kind]

    def channel(self, step: Step) -> Channel:
        """Return a step's channel: its own, or the fallback's if its address is unknown or suppressed."""
        return (step.reaching(self._open_kinds()) or step.reaching(self.kinds) or step).channel

    def _open_kinds(self) -> frozenset[AddressKind]:
        facts, closed_kinds = self.facts, set[AddressKind]()
        if facts.email_hash in facts.suppressed:
            closed_kinds.add(AddressKind.EMAIL)
        if facts.phone_hash in facts.suppressed:
            closed_kinds |= {AddressKind.PHONE, AddressKind.MOBILE}
        return self.kinds - closed_kinds

    def nominal_end(self) -> datetime:
        """Return the nominal end of the scenario."""
        return scenarios.nominal_instant(self.scenario, self.scenario.end, self.start)

    def nominal_at(self, step: Step) -> datetime:
        """Return a step's nominal time, spaced from the last contact, before the rules are applied."""
        return scenarios.nominal_instant(self.scenario, step, self.start, self.last_at)

    def moving_rules(self, step: Step, at: datetime) -> tuple[compliance.FailedRule, ...]:
        """Return the rules that move a step from an instant on, in sequence."""
        return compliance.rule_moves(self.facts.with_notices(step.notices), self.channel(step), at)

    def allowed_from(self, step: Step, at: datetime) -> datetime | None:
        """Return the first instant from `at` on at which the rules allow a step; None if they never do."""
        return compliance.next_allowed(self.facts.with_notices(step.notices), self.channel(step), at)

    def forbidden_reason(self, step: Step, at: datetime) -> str:
        """Return why a step is never allowed."""
        verdict = compliance.evaluate(self.facts.with_notices(step.notices), self.channel(step), at)
        return NEVER + verdict.names

    def is_dropped(self, step: Step, later_steps: Sequence[Step], now: datetime) -> bool:
        """Return whether a step was missed and its late policy drops it."""
        if not self.is_missed(step, now):
            return False
        if step.when_late == Late.COLLAPSE:
            return any(self._covers_missed_step(later_step, now) for later_step in later_steps)
        return step.when_late == Late.SKIP

    def _covers_missed_step(self, step: Step, now: datetime) -> bool:
        if self.refusal(step) is not None or self.offset_at(step) > now:
            return False
        if step.when_late == Late.SKIP and self.is_missed(step, now):
            return False
        return self.allowed_from(step, now) is not None

    def is_missed(self, step: Step, now: datetime) -> bool:
        """Return whether a step's own offset is past the scenario's late limit."""
        return now > self.offset_at(step) + self.scenario.late_after

    def offset_at(self, step: Step) -> datetime:
        """Return the instant of a step's own offset."""
        return scenarios.nominal_instant(self.scenario, step, self.start)
