"""A scenario: the planned contacts of a debt, in order, from day 0 to a person's decision.

It states what should happen, never what may: contact rules are in `compliance`. A scenario never changes; a
change is a new version, and a debt keeps the version it started with.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import ConfigDict, Field

from getbill.channels import ADDRESS_OF, AddressKind, Channel
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Region
from getbill.kit.messages import VALUE, message
from getbill.kit.validation import pattern_field
from getbill.scenarios.conditions import Conditions

OFFSET_MAX = 3660
WAIT_MAX = 366
# A working week: as long as a cap on contacts in seven days may postpone a step.
WAIT_DEFAULT = 5
_STRICT = ConfigDict(extra="forbid", strict=True)
Name = Annotated[
    str,
    pattern_field(
        "^[a-z0-9_]{1,64}$",
        message(
            "{subject} must have 1 to 64 lowercase letters, digits and _, such as first_reminder.",
            subject=VALUE,
        ),
    ),
]
Language = Annotated[
    str,
    pattern_field(
        "^[a-z]{2}$",
        message("{subject} must be an ISO 639-1 code of two lowercase letters, such as fr.", subject=VALUE),
    ),
]


class Unit(StrEnum):
    """The unit of an offset from day 0."""

    DAYS = "days"
    HOURS = "hours"
    BUSINESS_DAYS = "business_days"


class StartMode(StrEnum):
    """The start of a scenario: the day the debt is created, or the next day with contacts."""

    IMMEDIATE = "immediate"
    NEXT_DAY = "next_day"


class EndAction(StrEnum):
    """The action after the last step; a scenario never escalates by itself (GDPR art. 22)."""

    ASK_TO_ESCALATE = "ask_to_escalate"


class Late(StrEnum):
    """The policy for a step that GetBill missed, after an outage or a stop of all contact.

    `send` still takes it, `skip` drops it, `collapse` drops it if a later step is due as well.
    """

    SEND = "send"
    COLLAPSE = "collapse"
    SKIP = "skip"


class Grouping(StrEnum):
    """Whether debts of one debtor and creditor that are due are contacted by one message."""

    BY_DEBTOR = "by_debtor"
    OFF = "off"


# A letter may be required by law, and a day's delay does not change its content. Of several missed messages
# the last one is enough. A missed call is not made up for: the next step follows anyway.
LATE_BY_CHANNEL = {
    Channel.LETTER: Late.SEND,
    Channel.EMAIL: Late.COLLAPSE,
    Channel.SMS: Late.COLLAPSE,
    Channel.WHATSAPP: Late.COLLAPSE,
    Channel.AI_CALL: Late.SKIP,
}


@dataclass(frozen=True, slots=True)
class Fallback:
    """The channel and template of a step whose own address is unknown or suppressed."""

    __pydantic_config__ = _STRICT

    channel: Channel
    template: Name


@dataclass(frozen=True, slots=True)
class Step:
    """One contact: `offset` units after day 0, on one channel, with one template.

    `notices` names the notices that the law requires once and this step gives, such as the letter
    `FR-R124-4`. Conditions are evaluated when the step is due; a step whose conditions do not hold then is
    skipped for good.
    """

    __pydantic_config__ = _STRICT

    key: Name
    wave: Annotated[int, Field(ge=1)]
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)]
    channel: Channel
    template: Name
    unit: Unit = Unit.DAYS
    notices: tuple[str, ...] = ()
    language: Language | None = None
    only_if: Conditions | None = None
    fallback: Fallback | None = None
    late: Late | None = None
    wait_max_days: Annotated[int, Field(ge=0, le=WAIT_MAX)] | None = None

    @property
    def when_late(self) -> Late:
        """The late policy of the step."""
        return self.late or LATE_BY_CHANNEL[self.channel]

    def on(self, channel: str) -> "Step":
        """Return the step on a channel: its own, or the fallback's."""
        if self.fallback is None or channel != self.fallback.channel:
            return self
        return replace(self, channel=self.fallback.channel, template=self.fallback.template, fallback=None)

    def reaching(self, reachable: frozenset[AddressKind]) -> "Step | None":
        """Return the step on its channel, or on its fallback's if only that address is known; else None."""
        if ADDRESS_OF[self.channel] in reachable:
            return self
        if self.fallback is not None and ADDRESS_OF[self.fallback.channel] in reachable:
            return self.on(self.fallback.channel)
        return None


@dataclass(frozen=True, slots=True)
class End:
    """The moment an unanswered debt becomes `unresolved` and a person decides."""

    __pydantic_config__ = _STRICT

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)]
    unit: Unit = Unit.DAYS
    action: EndAction = EndAction.ASK_TO_ESCALATE


@dataclass(frozen=True, slots=True)
class Scenario:
    """A versioned plan of contacts; `id` is its `timeline_id` and is the same for all its versions.

    Two contacts are at least `spacing_days` calendar days apart, even if holidays push them together. Without
    spacing, they are as far apart as their offsets, up to a day, even after an outage.

    A step that the rules would postpone by more than `wait_max_days` days with contact is passed over, so that it
    does not hold up the steps after it. One that gives a legal notice is not.
    """

    __pydantic_config__ = _STRICT

    id: UUID
    name: Name
    version: Annotated[int, Field(ge=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=100)]
    end: End
    exclusions: Exclusions = field(default_factory=Exclusions)
    spacing_days: Annotated[int, Field(ge=0, le=30)] = 1
    late_after_hours: Annotated[int, Field(ge=1, le=720)] = 24
    grouping: Grouping = Grouping.BY_DEBTOR
    wait_max_days: Annotated[int, Field(ge=0, le=WAIT_MAX)] = WAIT_DEFAULT

    @property
    def late_after(self) -> timedelta:
        """How long after its instant a step counts as late."""
        return timedelta(hours=self.late_after_hours)

    def wait_limit(self, step: Step) -> int | None:
        """Return how many days with contact a step may be postponed; None for one that gives a legal notice."""
        if step.notices:
            return None
        return self.wait_max_days if step.wait_max_days is None else step.wait_max_days

    def find_step(self, key: str) -> Step:
        """Return the step of a key; raise LookupError for an unknown one."""
        return self.steps[self._position(key)]

    def before(self, key: str) -> Step | None:
        """Return the step before a key; None for the first."""
        position = self._position(key)
        return self.steps[position - 1] if position else None

    def after(self, key: str | None) -> tuple[Step, ...]:
        """Return the steps after a key; all of them for None."""
        return self.steps if key is None else self.steps[self._position(key) + 1 :]

    def progress(self, key: str) -> tuple[int, int]:
        """Return how far along a step is: its wave and its position."""
        position = self._position(key)
        return self.steps[position].wave, position

    def _position(self, key: str) -> int:
        for position, step in enumerate(self.steps):
            if step.key == key:
                return position
        raise LookupError(f"{self.name} version {self.version} has no step {key}.")


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a debt's scenario: its day 0, and the debtor's zone and region."""

    on: date
    zone: str = calendar.DEFAULT_ZONE
    region: Region = calendar.DEFAULT_REGION


class Skip(NamedTuple):
    """A skipped step, and why."""

    step: Step
    reason: str


def day_zero(start_on: date, due_on: date | None) -> date:
    """Return day 0: the later of the start and the day after `due_on`.

    Both dates are on the debtor's calendar.
    """
    return max(start_on, due_on + timedelta(days=1)) if due_on else start_on


def nominal_instant(
    scenario: Scenario, step: Step | End, start: Start, last_contact_at: datetime | None = None
) -> datetime:
    """Return the instant from which the step is due, before contact rules move it.

    The start of its day in the debtor's zone, at least `spacing_days` after the last contact.
    """
    nominal = _offset_instant(step, start)
    if last_contact_at is None or isinstance(step, End):
        return nominal
    if not scenario.spacing_days:
        return max(nominal, last_contact_at + _own_distance(scenario, step, start))
    last_on = calendar.local_date(last_contact_at, start.zone)
    spaced = calendar.at_local(last_on + timedelta(days=scenario.spacing_days), time.min, start.zone)
    return max(nominal, spaced)


def _own_distance(scenario: Scenario, step: Step, start: Start) -> timedelta:
    before = scenario.before(step.key)
    if before is None:
        return timedelta(0)
    return min(_offset_instant(step, start) - _offset_instant(before, start), timedelta(days=1))


def _offset_instant(step: Step | End, start: Start) -> datetime:
    day = start.on
    if step.unit == Unit.DAYS:
        day += timedelta(days=step.offset)
    elif step.unit == Unit.BUSINESS_DAYS:
        day = calendar.add_business_days(day, step.offset, start.region)
    midnight = calendar.at_local(day, time.min, start.zone)
    return midnight + timedelta(hours=step.offset) if step.unit == Unit.HOURS else midnight


def offset_day(step: Step | End, start: Start) -> date:
    """Return the day of a step's own offset, on the debtor's calendar."""
    return calendar.local_date(_offset_instant(step, start), start.zone)


def end_after(scenario: Scenario, step: Step, start: Start, last_at: datetime) -> datetime:
    """Return the nominal end after a step that was taken at an instant: at the distance of their offsets."""
    end = scenario.end
    if end.unit == Unit.HOURS:
        return last_at + (_offset_instant(end, start) - _offset_instant(step, start))
    distance = offset_day(end, start) - offset_day(step, start)
    return calendar.at_local(calendar.local_date(last_at, start.zone) + distance, time.min, start.zone)
