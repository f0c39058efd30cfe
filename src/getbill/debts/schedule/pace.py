"""The pace of a scenario: the day 0 that the steps taken so far set."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from getbill import compliance, scenarios
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions
from getbill.scenarios import Scenario, Start, Step


@dataclass(slots=True)
class Pace:
    """The day 0 that the steps taken so far set.

    A step taken later than its scenario, weekends and holidays explain has waited: for a promise, a cap, a stop of
    contact, an outage. Day 0 then moves with it, so that later steps keep their distance to it.
    """

    scenario: Scenario
    start: Start
    facts: compliance.Facts
    created_at: datetime
    last_step: tuple[Step, datetime] | None = None
    previous_start: Start | None = None

    def take(self, key: str, at: datetime) -> None:
        """Count a step taken at an instant; a step of another version sets no pace."""
        try:
            step = self.scenario.find_step(key)
        except LookupError:
            return
        self.previous_start = self.start
        own_day, day = scenarios.offset_day(step, self.start), calendar.local_date(at, self.start.zone)
        if day > own_day and day > self._expected_day(step):
            self.start = replace(self.start, on=self.start.on + (day - own_day))
        self.last_step = step, at

    def _expected_day(self, step: Step) -> date:
        last_at = self.last_step[1] if self.last_step else None
        nominal = scenarios.nominal_instant(self.scenario, step, self.start, last_at)
        earliest = max(nominal, self.created_at)
        if earliest == nominal:
            return open_day(calendar.local_date(nominal, self.start.zone), self.start, self.scenario)
        # Created late in the day: the first contact may have to wait for the next morning.
        allowed_at = compliance.next_allowed(self.facts.with_notices(step.notices), step.channel, earliest)
        return calendar.local_date(allowed_at or earliest, self.start.zone)


def open_day(day: date, start: Start, scenario: Scenario) -> date:
    """Return the first day from `day` on that neither the scenario nor the policy on days excludes."""
    while True:
        opened = calendar.open_day(
            calendar.open_day(day, start.region, Exclusions()), start.region, scenario.exclusions
        )
        if opened == day:
            return day
        day = opened
