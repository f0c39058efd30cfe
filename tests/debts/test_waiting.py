"""Every step leaves or is passed over within its limit, wherever the debtor lives and whenever the scenario starts."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import phonenumbers
import pycountry
import pytest

from getbill import scenarios
from getbill.channels import reachable
from getbill.compliance import Facts, PastContact
from getbill.debts.obstacles import MessageMeans
from getbill.debts.schedule.evaluator import ChannelOption, ScheduleEvaluator
from getbill.debts.schedule.pace import Pace
from getbill.kit import calendar
from getbill.scenarios import Scenario, Start, Step

STANDARD = scenarios.built_in("standard_3_waves", 1)
MEANS = MessageMeans._make([True, False, True, True, True, None, None])
EVERYONE = reachable("jean.dupont@email.com", "+33612345678", postal=True)
POSTCODES = {
    "US": ("10001", "37402", "86001", "96799"),
    "CA": ("V0B 1G0", "A0K 1A0"),
    "AU": ("0872",),
    "RU": ("678000",),
}


def places() -> Iterator[tuple[str, ...]]:
    """Yield the zones of every country, of its example number, and of postcodes that straddle zones."""
    for country in pycountry.countries:
        code = country.alpha_2
        number = phonenumbers.example_number(code)
        phone = number and phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        yield code, calendar.zones_of(code, None, None)
        yield code, calendar.zones_of(code, None, phone)
        for postcode in POSTCODES.get(code, ()):
            yield code, calendar.zones_of(code, postcode, phone)


def walk(scenario: Scenario, facts: Facts, on: date) -> Iterator[tuple[Step, datetime, datetime | None]]:
    """Yield each step with its nominal time and its instant, None if it is passed over; the end comes last."""
    now = calendar.at_local(on, time(9), facts.zones[0])
    start, taken = Start(on, facts.zones[0], facts.region), []
    contacts: tuple[PastContact, ...] = ()
    for step in (*scenario.steps, None):
        pace = Pace(scenario, start, facts, now)
        for key, at in taken:
            pace.take(key, at)
        last_at = taken[-1][1] if taken else None
        evaluator = ScheduleEvaluator(
            scenario, pace.start, facts, EVERYONE, last_at, MEANS, None, pace.last_step, pace.previous_start
        )
        if step is None:
            yield scenario.steps[-1], evaluator.nominal_end(), None
            return
        since = max(now, evaluator.nominal_at(step))
        option = evaluator.option(step, since)
        yield step, since, option.at if isinstance(option, ChannelOption) else None
        if isinstance(option, ChannelOption):
            taken.append((step.key, option.at))
            contacts = (*contacts, PastContact(option.channel, option.at, b"address"))
            now = option.at


@pytest.mark.parametrize("seed", range(4))
def test_each_step_leaves_or_is_passed_over_within_its_limit_everywhere(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a sample
    for country, zones in places():
        facts = Facts(zones, calendar.region_of(country, None), exclusions=STANDARD.exclusions)
        on = date(2026, 1, 1) + timedelta(days=chance.randrange(365))

        *steps, (last, end, _) = walk(STANDARD, facts, on)

        instants = [at for _, _, at in steps if at is not None]
        assert instants == sorted(set(instants)), (country, on)
        for _, since, at in steps:
            # Five days with contact; weekends and the longest holidays lie between them.
            assert at is None or at - since <= timedelta(days=30), (country, on)
        if steps[-1][2] is not None:
            days = calendar.local_date(end, zones[0]) - calendar.local_date(steps[-1][2], zones[0])
            assert days.days >= STANDARD.end.offset - last.offset, (country, on)
