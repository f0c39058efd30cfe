"""The limits a rule can set: hours, days, a number of contacts, a required notice or consent.

Each limit has one method, `first_allowed`: the first instant, from `at` on, before which it certainly forbids
the contact; `at` itself if it allows the contact, None if waiting does not help.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from getbill.channels import Channel
from getbill.compliance.facts import Facts, Per
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region

_DAY = timedelta(days=1)
_STRICT = ConfigDict(extra="forbid")


# A batch evaluates hundreds of debtors in a few zones at one instant.
@lru_cache(maxsize=4096)
def _within_hours(
    weekdays: tuple[int, ...], spans: tuple[tuple[time, time], ...], zone: str, at: datetime
) -> datetime:
    local = at.astimezone(ZoneInfo(zone))
    day, clock = local.date(), local.time()
    if day.isoweekday() in weekdays:
        for begins, ends in spans:
            if clock < begins:
                return calendar.at_local(day, begins, zone)
            if clock < ends:
                return at
    day += _DAY
    while day.isoweekday() not in weekdays:
        day += _DAY
    return calendar.at_local(day, spans[0][0], zone)


@lru_cache(maxsize=4096)
def _on_allowed_day(exclusions: Exclusions, region: Region, zone: str, at: datetime) -> datetime:
    today = calendar.local_date(at, zone)
    day = calendar.open_day(today, region, exclusions)
    return at if day == today else calendar.at_local(day, time.min, zone)


class LimitKind(StrEnum):
    """The names of the limits in stored rules."""

    HOURS = "hours"
    DAYS = "days"
    CAP = "cap"
    NOTICE = "notice"
    SUPPRESSION = "suppression"
    CONSENT = "consent"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class Hours:
    """Contact only on these weekdays (ISO, Monday is 1) at these local times, in every candidate zone."""

    __pydantic_config__ = _STRICT

    weekdays: tuple[int, ...]
    spans: tuple[tuple[time, time], ...]
    kind: Literal[LimitKind.HOURS] = LimitKind.HOURS

    def first_allowed(self, facts: Facts, _channel: Channel, at: datetime) -> datetime | None:
        """Return the first instant within the hours in the zone where they begin last."""
        instants = [_within_hours(self.weekdays, self.spans, zone, at) for zone in facts.zones]
        return instants[0] if len(instants) == 1 else max(instants)


@dataclass(frozen=True, slots=True)
class Days:
    """No contact on excluded days where the debtor lives, in any candidate zone."""

    __pydantic_config__ = _STRICT

    exclusions: Exclusions
    kind: Literal[LimitKind.DAYS] = LimitKind.DAYS

    def first_allowed(self, facts: Facts, _channel: Channel, at: datetime) -> datetime | None:
        """Return the start of the first day that is not excluded, in the zone where it begins last."""
        instants = [_on_allowed_day(self.exclusions, facts.region, zone, at) for zone in facts.zones]
        return instants[0] if len(instants) == 1 else max(instants)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `contacts_max` contacts on the rule's channels in any `days` days, for a case or an address."""

    __pydantic_config__ = _STRICT

    contacts_max: int
    days: int
    per: Per
    channels: tuple[Channel, ...]
    kind: Literal[LimitKind.CAP] = LimitKind.CAP

    def first_allowed(self, facts: Facts, channel: Channel, at: datetime) -> datetime | None:
        """Return the first instant at which one more contact leaves every window of `days` within the cap."""
        instants = facts.contact_instants(self.per, channel, self.channels)
        if len(instants) < self.contacts_max:
            return at
        return next(instant for instant in self._candidates(instants, at) if self._fits(instants, instant))

    def _candidates(self, instants: list[datetime], at: datetime) -> Iterator[datetime]:
        yield at
        window = timedelta(days=self.days)
        yield from (instant + window for instant in instants if instant + window > at)

    def _fits(self, instants: list[datetime], at: datetime) -> bool:
        """Return whether no window of `days` holds the contact at `at` and `contacts_max` others."""
        window = timedelta(days=self.days)
        near = [instant for instant in instants if at - window < instant < at + window]
        insort(near, at)
        return all(
            last - first >= window for first, last in zip(near, near[self.contacts_max :], strict=False)
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """No contact before the notice of that name was given, unless the contact gives it."""

    __pydantic_config__ = _STRICT

    notice: str
    kind: Literal[LimitKind.NOTICE] = LimitKind.NOTICE

    def first_allowed(self, facts: Facts, _channel: Channel, at: datetime) -> datetime | None:
        """Return `at` if the notice was given or this contact gives it; waiting never helps."""
        return at if self.notice in facts.notices else None


@dataclass(frozen=True, slots=True)
class Suppression:
    """No contact at an address on the suppression list."""

    __pydantic_config__ = _STRICT

    kind: Literal[LimitKind.SUPPRESSION] = LimitKind.SUPPRESSION

    def first_allowed(self, facts: Facts, channel: Channel, at: datetime) -> datetime | None:
        """Return `at` unless the address is on the list; waiting never helps."""
        return None if facts.hash_for(channel) in facts.suppressed else at


@dataclass(frozen=True, slots=True)
class ConsentRequired:
    """No contact without the consent of that name, given by the owner of the address."""

    __pydantic_config__ = _STRICT

    consent: str
    kind: Literal[LimitKind.CONSENT] = LimitKind.CONSENT

    def first_allowed(self, facts: Facts, channel: Channel, at: datetime) -> datetime | None:
        """Return `at` if the consent was given; waiting never helps."""
        return at if (facts.hash_for(channel), self.consent) in facts.consents else None


@dataclass(frozen=True, slots=True)
class Distance:
    """At most the workspace's number of contacts on one local day, over all other cases of a person or an address.

    The contacts of one case are spaced by its scenario.
    """

    __pydantic_config__ = _STRICT

    per: Per
    kind: Literal[LimitKind.DISTANCE] = LimitKind.DISTANCE

    def first_allowed(self, facts: Facts, channel: Channel, at: datetime) -> datetime | None:
        """Return `at`, or the next midnight if the day is taken, in the zone where it comes last."""
        if not facts.contacts or not facts.contacts_per_day:
            return at
        instants = facts.other_case_instants(self.per, channel)
        if len(instants) < facts.contacts_per_day:
            return at
        return max(self._free_day(instants, facts.contacts_per_day, zone, at) for zone in facts.zones)

    def _free_day(self, instants: list[datetime], contacts_max: int, zone: str, at: datetime) -> datetime:
        today = calendar.local_date(at, zone)
        contacts_today = sum(calendar.local_date(instant, zone) == today for instant in instants)
        return at if contacts_today < contacts_max else calendar.at_local(today + _DAY, time.min, zone)


Limit = Annotated[
    Hours | Days | Cap | Notice | Suppression | ConsentRequired | Distance,
    Field(discriminator="kind"),
]
