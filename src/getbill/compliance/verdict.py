"""The verdict on a contact at an instant: allowed, or every failed rule and when to try again.

Pure arithmetic on facts: the verdict is the same when a step is planned, claimed or explained.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial

from getbill.channels import Channel
from getbill.compliance.facts import Facts
from getbill.compliance.limits import Days
from getbill.compliance.model import Basis, Binding, Rule, Rulebook, Severity
from getbill.compliance.rule_book import STANDARD
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions

# If nothing is allowed within this time, the rules contradict each other for this debtor, such as hours that
# never overlap in the candidate zones: a person must find out where the debtor lives.
_HORIZON = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class FailedRule:
    """A rule that forbids the contact, and the first instant it allows; None if waiting does not help."""

    rule: Rule
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a contact is allowed; if not, every failed rule and the next instant that all allow."""

    is_allowed: bool
    failed_rules: tuple[FailedRule, ...]
    next_allowed_at: datetime | None

    @property
    def names(self) -> str:
        """The ids of the failed rules; if waiting does not help, only of those that cause it."""
        final = [failing for failing in self.failed_rules if failing.until is None]
        decisive = final if self.next_allowed_at is None and final else self.failed_rules
        return ", ".join(failing.rule.id for failing in decisive)


def evaluate(facts: Facts, channel: Channel, at: datetime, book: Rulebook = STANDARD) -> Verdict:
    """Return the verdict on a contact at an instant."""
    _refuse_naive(at)
    failed_rules = tuple(
        FailedRule(rule, _first_allowed(partial(_single_rule, rule), facts, channel, at))
        for rule in _rules(book, facts, channel, at)
        if rule.limit.first_allowed(facts, channel, at) != at
    )
    if not failed_rules:
        return Verdict(is_allowed=True, failed_rules=(), next_allowed_at=at)
    return Verdict(
        is_allowed=False, failed_rules=failed_rules, next_allowed_at=next_allowed(facts, channel, at, book)
    )


def next_allowed(
    facts: Facts,
    channel: Channel,
    not_before: datetime,
    book: Rulebook = STANDARD,
    *,
    within: timedelta = _HORIZON,
) -> datetime | None:
    """Return the first instant from `not_before` on that every rule allows; None if there is none `within` a time."""
    _refuse_naive(not_before)
    return _first_allowed(
        lambda at: _rules(book, facts, channel, at), facts, channel, not_before, within=min(within, _HORIZON)
    )


def refusing_rules(
    facts: Facts, channel: Channel, at: datetime, book: Rulebook = STANDARD
) -> tuple[FailedRule, ...]:
    """Return the rules that forbid a contact at an instant, each with the instant until which it certainly does.

    Only those for which waiting does not help, if there are any.
    """
    refusing = tuple(
        FailedRule(rule, until)
        for rule in _rules(book, facts, channel, at)
        if (until := rule.limit.first_allowed(facts, channel, at)) != at
    )
    return tuple(failing for failing in refusing if failing.until is None) or refusing


def rule_moves(
    facts: Facts,
    channel: Channel,
    not_before: datetime,
    book: Rulebook = STANDARD,
    *,
    within: timedelta = _HORIZON,
) -> tuple[FailedRule, ...]:
    """Return the rules that move a contact from `not_before` on, in sequence, each with its instant.

    The last one leads to `next_allowed`; one without an instant (None) ends the sequence.
    """
    _refuse_naive(not_before)
    failed_rules: list[FailedRule] = []
    _first_allowed(
        lambda at: _rules(book, facts, channel, at), facts, channel, not_before, failed_rules, within
    )
    return tuple(failed_rules)


def _first_allowed(
    rules_at: Callable[[datetime], tuple[Rule, ...]],
    facts: Facts,
    channel: Channel,
    at: datetime,
    failed_rules: list[FailedRule] | None = None,
    within: timedelta = _HORIZON,
) -> datetime | None:
    """Apply the rules in turn until none moves the instant, and record each that does.

    No rule moves beyond the first instant it allows, so the instant where all agree is the earliest.
    """
    horizon = at + within
    while at <= horizon:
        before = at
        for rule in rules_at(at):
            allowed_at = rule.limit.first_allowed(facts, channel, at)
            if failed_rules is not None and allowed_at != at:
                failed_rules.append(FailedRule(rule, allowed_at))
            if allowed_at is None:
                return None
            at = allowed_at
        if at == before:
            return at
    return None


def _single_rule(rule: Rule, _at: datetime) -> tuple[Rule, ...]:
    return (rule,)


def _rules(book: Rulebook, facts: Facts, channel: Channel, at: datetime) -> tuple[Rule, ...]:
    where = Binding(facts.region.country, facts.party, facts.collector, channel)
    rules = _binding_rules(book, where, at.date())
    if facts.exclusions == calendar.NOTHING_EXCLUDED:
        return rules
    return (_scenario_days(facts.exclusions), *rules)


@lru_cache(maxsize=4096)
def _binding_rules(book: Rulebook, where: Binding, on: date) -> tuple[Rule, ...]:
    return tuple(rule for rule in book.rules if rule.severity == Severity.BLOCK and rule.binds(where, on))


@lru_cache(maxsize=512)
def _scenario_days(exclusions: Exclusions) -> Rule:
    """Return the scenario's own days without contact as a rule, evaluated with the others."""
    return Rule(
        id="SCENARIO-DAYS",
        says="The scenario excludes this day.",
        channels=tuple(Channel),
        limit=Days(exclusions),
        source="the scenario",
        basis=Basis.SCENARIO,
        valid_from=date.min,
        reviewed_on=date.min,
    )


def _refuse_naive(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone; pass an aware datetime")
