"""The evaluator of a debt's steps: what reaches the debtor, what the rules allow, and when, after the contacts so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from getbill import compliance, scenarios
from getbill.channels import ADDRESS_OF, MISSING, AddressKind, Channel, reachable
from getbill.companies import Workspace
from getbill.creditors import Creditor
from getbill.debtors import Identity
from getbill.debts.model import Debt, Details
from getbill.debts.obstacles import MessageMeans, Obstacle, message_means, obstacles_of
from getbill.debts.schedule.pace import Pace, open_day
from getbill.kit import calendar, phones
from getbill.scenarios import Late, Scenario, Start, Step

# Prefix of reasons for which a step is skipped until better addresses of the debtor are known.
NEVER = "never allowed: "
EXPENSIVE = "expensive destination: "
# Prefix of reasons for which a step is passed over because it would hold up the others.
WAITS = "waits too long: "

_PHONE_KINDS = frozenset({AddressKind.PHONE, AddressKind.MOBILE})

_THIRD_PARTY = {"creditor": compliance.Collector.CREDITOR, "third_party": compliance.Collector.THIRD_PARTY}


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
    # The steps taken in the debt's current run, in order of time.
    taken_steps: tuple[tuple[str, datetime], ...] = ()
    # Why steps of the current run were passed over as too slow.
    slow_steps: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Whether no rule needs the address hashes."""
        return not self.contacts and not self.suppressed and not self.consents

    def with_contact(self, contact: compliance.PastContact, step: Step) -> "PriorContacts":
        """Return the history after one more contact, by a step of the debt's scenario."""
        return replace(
            self,
            contacts=(*self.contacts, contact),
            notices=(*self.notices, *step.notices),
            taken_steps=(*self.taken_steps, (step.key, contact.at)),
        )


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


@dataclass(frozen=True, slots=True)
class ChannelOption:
    """A channel by which a step may be taken, and the first instant at which the rules allow it."""

    channel: Channel
    at: datetime


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
    # Day 0 as the contacts made so far set it: a wait moves it, so that the rest keeps its own pace.
    start: Start
    facts: compliance.Facts
    kinds: frozenset[AddressKind]
    last_at: datetime | None
    means: MessageMeans
    # Why the debtor's number is not used, if so.
    expensive: str | None = None
    # The last step taken, and its instant.
    last_step: tuple[Step, datetime] | None = None
    # Day 0 before that step was counted.
    previous_start: Start | None = None
    slow_steps: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def for_debt(cls, debt: Debt, prior_contacts: PriorContacts = NO_PRIOR_CONTACTS) -> "ScheduleEvaluator":
        """Return the evaluator of a debt after its past contacts."""
        terms = _terms_of(debt)
        facts = _with_history(terms.facts, debt, prior_contacts)
        last_at = max((contact.at for contact in prior_contacts.contacts if contact.same_case), default=None)
        pace = Pace(debt.running_scenario, terms.start, terms.facts, debt.created_at)
        for key, at in prior_contacts.taken_steps:
            pace.take(key, at)
        return cls(
            debt.running_scenario,
            pace.start,
            facts,
            terms.kinds,
            last_at,
            terms.means,
            terms.expensive,
            pace.last_step,
            pace.previous_start,
            prior_contacts.slow_steps,
        )

    def before_delay_of(self, key: str | None) -> "ScheduleEvaluator":
        """Return the evaluator without the delay of the last step, if that is the step of this key."""
        if self.last_step is None or self.last_step[0].key != key:
            return self
        return replace(self, start=self.previous_start or self.start)

    def refusal(self, step: Step) -> str | None:
        """Return the first reason for which a step cannot leave, whatever the hour; None if it can.

        What the rules refuse is `rule_refusal`.
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

    def option(self, step: Step, since: datetime, at: datetime | None = None) -> "ChannelOption | str":
        """Return the channel and instant of a step that could be taken since an instant, or why it is passed over.

        Its own channel if the rules allow it within the limit of the wait, else its fallback's on the same terms.
        """
        first_refusal = ""
        for channel in self._channels(step):
            option = self._option_on(step, channel, since, at or since)
            if isinstance(option, ChannelOption):
                return option
            first_refusal = first_refusal or option
        return first_refusal

    def _channels(self, step: Step) -> tuple[Channel, ...]:
        channel = self.channel(step)
        fallback = step.fallback.channel if step.fallback else None
        if fallback is None or fallback == channel or ADDRESS_OF[fallback] not in self.kinds:
            return (channel,)
        return channel, fallback

    def _option_on(
        self, step: Step, channel: Channel, since: datetime, at: datetime
    ) -> "ChannelOption | str":
        obstacle = self.obstacle(step.on(channel))
        if obstacle is not None:
            return obstacle
        facts = self.facts.with_notices(step.notices)
        allowed_at = compliance.next_allowed(facts, channel, at, within=self.search_time(step))
        if allowed_at is not None and not self.is_slow(step, since, allowed_at):
            return ChannelOption(channel, allowed_at)
        return self.rule_refusal(step, channel, at)

    def rule_refusal(self, step: Step, channel: Channel, at: datetime) -> str:
        """Return why a step is passed over on a channel: a rule never allows it, or only after its limit."""
        refusing = compliance.refusing_rules(self.facts.with_notices(step.notices), channel, at)
        names = ", ".join(failing.rule.id for failing in refusing)
        return (NEVER if any(failing.until is None for failing in refusing) else WAITS) + names

    def search_time(self, step: Step) -> timedelta:
        """Return how far ahead an allowed instant matters for a step: its limit, with the closed days between."""
        limit = self.scenario.wait_limit(step)
        return timedelta.max if limit is None else timedelta(days=3 * limit + 15)

    def is_slow(self, step: Step, since: datetime, until: datetime) -> bool:
        """Return whether a wait exceeds the step's limit; closed days do not count, they hold every channel."""
        limit = self.scenario.wait_limit(step)
        if limit is None or until - since <= timedelta(days=limit):
            return False
        day, last = (calendar.local_date(instant, self.start.zone) for instant in (since, until))
        day = self._open_day(day)
        open_days = 0
        while day < last and open_days <= limit:
            day, open_days = self._open_day(day + timedelta(days=1)), open_days + 1
        return open_days > limit

    def _open_day(self, day: date) -> date:
        return open_day(day, self.start, self.scenario)

    def slow_reason(self, step: Step, now: datetime) -> str | None:
        """Return why a step stays passed over: it was too slow, and its time is over."""
        reason = self.slow_steps.get(step.key)
        return reason if reason and self.is_slow(step, self.nominal_at(step), now) else None

    def _open_kinds(self) -> frozenset[AddressKind]:
        facts, closed_kinds = self.facts, set[AddressKind]()
        if facts.email_hash in facts.suppressed:
            closed_kinds.add(AddressKind.EMAIL)
        if facts.phone_hash in facts.suppressed:
            closed_kinds |= {AddressKind.PHONE, AddressKind.MOBILE}
        return self.kinds - closed_kinds

    def nominal_end(self) -> datetime:
        """Return the nominal end of the scenario, at its distance after the last step taken."""
        nominal = scenarios.nominal_instant(self.scenario, self.scenario.end, self.start)
        if self.last_step is None:
            return nominal
        step, at = self.last_step
        return max(nominal, scenarios.end_after(self.scenario, step, self.start, at))

    def nominal_at(self, step: Step) -> datetime:
        """Return a step's nominal time, spaced from the last contact, before the rules are applied."""
        return scenarios.nominal_instant(self.scenario, step, self.start, self.last_at)

    def moving_rules(self, step: Step, at: datetime) -> tuple[compliance.FailedRule, ...]:
        """Return the rules that move a step from an instant on, in sequence."""
        facts, within = (
            self.facts.with_notices(step.notices),
            min(self.search_time(step), timedelta(days=400)),
        )
        return compliance.rule_moves(facts, self.channel(step), at, within=within)

    def allowed_from(self, step: Step, at: datetime) -> datetime | None:
        """Return the first instant from `at` on at which the rules allow a step; None if they never do."""
        facts = self.facts.with_notices(step.notices)
        return compliance.next_allowed(facts, self.channel(step), at, within=self.search_time(step))

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
