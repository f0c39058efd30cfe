"""A check that a scenario cannot end before its last step, which weekends, holidays and spacing may delay.

It tries a year and a half of start days at one place. Conditions only remove steps; promises and holds move
the end as well, so neither matters.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region
from getbill.kit.messages import Message, message
from getbill.scenarios.model import OFFSET_MAX, End, Scenario, Step, Unit

_FIRST_START: Final = date(2026, 1, 1)
_STARTS: Final = 550
# After this hour, a step is taken on the next day.
_LAST_HOUR: Final = 19
# Upper limit of two weekends with all the holidays between them.
_CLOSED_DAYS_MAX: Final = 10


def ends_too_early(scenario: Scenario, region: Region) -> Message | None:
    """Return why a scenario may end before its last step, with a valid end; None if it cannot."""
    if _is_ample(scenario):
        return None
    starts = [_FIRST_START + timedelta(days=number) for number in range(_STARTS)]
    last_contacts = [(start, _last_contact(scenario, start, region)) for start in starts]
    if all(_day(scenario.end, start, region) >= last for start, last in last_contacts):
        return None
    needed = max((last - start).days for start, last in last_contacts)
    return message(
        "Weekends, holidays and the spacing of contacts can postpone the last step to day {day}; end the scenario on day {day} or later.",
        day=needed,
    )


def _is_ample(scenario: Scenario) -> bool:
    """Return whether the end is so late that no calendar delays a step beyond it."""
    units = {scenario.end.unit, *(step.unit for step in scenario.steps)}
    if Unit.BUSINESS_DAYS in units:
        return False
    latest = 0
    for step in scenario.steps:
        latest = max(_offset(step), latest + scenario.spacing_days) + (
            _CLOSED_DAYS_MAX + len(scenario.exclusions.dates)
        )
    return _offset(scenario.end) >= latest


def _last_contact(scenario: Scenario, start: date, region: Region) -> date:
    last: date | None = None
    for day in _nominal_days(scenario.steps, start, region):
        spaced = day if last is None else max(day, last + timedelta(days=scenario.spacing_days))
        last = calendar.open_day(spaced, region, scenario.exclusions)
    return last or start


def _nominal_days(steps: tuple[Step, ...], start: date, region: Region) -> Iterator[date]:
    for step in steps:
        is_evening = step.unit == Unit.HOURS and step.offset % 24 > _LAST_HOUR
        yield _day(step, start, region) + timedelta(days=is_evening)


def _day(part: Step | End, start: date, region: Region) -> date:
    if part.unit == Unit.BUSINESS_DAYS:
        days = _business_days(region)
        return days[bisect_left(days, start) + part.offset]
    return start + timedelta(days=_offset(part))


@lru_cache(maxsize=64)
def _business_days(region: Region) -> tuple[date, ...]:
    """Return as many business days as the furthest offset of the last start needs."""
    days = [calendar.open_day(_FIRST_START, region, Exclusions())]
    while len(days) <= _STARTS + OFFSET_MAX:
        days.append(calendar.open_day(days[-1] + timedelta(days=1), region, Exclusions()))
    return tuple(days)


def _offset(part: Step | End) -> int:
    return part.offset // 24 if part.unit == Unit.HOURS else part.offset
