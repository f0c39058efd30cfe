"""A scenario: the contacts a debt should get, in order, from its day 0 to the moment a person decides.

It says what should happen, never what may: contact rules are in `compliance`. A scenario never changes;
a change is a new version, and a debt keeps the version it started with.
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
_STRICT = ConfigDict(extra="forbid", strict=True)
Name = Annotated[
    str,
    pattern_field(
        "^[a-z0-9_]{1,64}$",
        message(
            "{subject} must have 1 to 64 small letters, digits and _, such as first_reminder.", subject=VALUE
        ),
    ),
]
Language = Annotated[
    str,
    pattern_field(
        "^[a-z]{2}$",
        message("{subject} must be an ISO 639-1 code of two small letters, such as fr.", subject=VALUE),
    ),
]


class Unit(StrEnum):
    """What an offset from day 0 counts."""

    DAYS = "days"
    HOURS = "hours"
    BUSINESS_DAYS = "business_days"


class StartMode(StrEnum):
    """When a scenario starts: on the day the debt is created, or on the next on which it contacts anyone."""

    IMMEDIATE = "immediate"
    NEXT_DAY = "next_day"


class EndAction(StrEnum):
    """What happens after the last step; a scenario never escalates by itself (GDPR art. 22)."""

    ASK_TO_ESCALATE = "ask_to_escalate"


class Late(StrEnum):
    """What becomes of a step that GetBill could not take in time, after an outage or a stop of all contact.

    `send` takes it all the same, `skip` passes it over, `collapse` passes it over when a later step is due as well.
    """

    SEND = "send"
    COLLAPSE = "collapse"
    SKIP = "skip"


# A letter may be what the law asks for, and says nothing that a day changes. Of several messages that were missed
# the last one says it all; a call that was missed is not made up for: the next step comes anyway.
LATE_BY_CHANNEL = {
    Channel.LETTER: Late.SEND,
    Channel.EMAIL: Late.COLLAPSE,
    Channel.SMS: Late.COLLAPSE,
    Channel.WHATSAPP: Late.COLLAPSE,
    Channel.AI_CALL: Late.SKIP,
}


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a step says instead, and how, where the address of its own channel is not known or suppressed."""

    __pydantic_config__ = _STRICT

    channel: Channel
    template: Name


@dataclass(frozen=True, slots=True)
class Step:
    """One contact: `offset` units after day 0, on one channel, with one template.

    `notices` names what the law wants said once and this step says, such as the letter `FR-R124-4`. Conditions are
    looked at when the step is due; a step whose conditions do not hold then is passed over for good.
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

    @property
    def when_late(self) -> Late:
        """What becomes of the step when it is late."""
        return self.late or LATE_BY_CHANNEL[self.channel]

    def on(self, channel: str) -> "Step":
        """Return the step as it is taken on a channel: its own, or the fall-back's."""
        if self.fallback is None or channel != self.fallback.channel:
            return self
        return replace(self, channel=self.fallback.channel, template=self.fallback.template, fallback=None)

    def reaching(self, reachable: frozenset[AddressKind]) -> "Step | None":
        """Return the step on its channel, or on its fall-back's where only that one's address is known."""
        if ADDRESS_OF[self.channel] in reachable:
            return self
        if self.fallback is not None and ADDRESS_OF[self.fallback.channel] in reachable:
            return self.on(self.fallback.channel)
        return None


@dataclass(frozen=True, slots=True)
class End:
    """The moment a debt nobody answered for becomes `unresolved` and a person is asked what to do."""

    __pydantic_config__ = _STRICT

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)]
    unit: Unit = Unit.DAYS
    action: EndAction = EndAction.ASK_TO_ESCALATE


@dataclass(frozen=True, slots=True)
class Scenario:
    """A versioned plan of contacts; `id` is its `timeline_id` and is the same for all its versions.

    Two contacts are at least `spacing_days` calendar days apart, also when holidays push them together. Where that is
    none they are as far apart as their offsets put them, up to a day, also when an outage pushes them together.
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

    @property
    def late_after(self) -> timedelta:
        """How long after its instant a step is late."""
        return timedelta(hours=self.late_after_hours)

    def find_step(self, key: str) -> Step:
        """Return the step of that key; raise LookupError when there is none."""
        return self.steps[self._position(key)]

    def before(self, key: str) -> Step | None:
        """Return the step before that of `key`; None when it is the first."""
        position = self._position(key)
        return self.steps[position - 1] if position else None

    def after(self, key: str | None) -> tuple[Step, ...]:
        """Return the steps that come after that of `key`; all of them when it is None."""
        return self.steps if key is None else self.steps[self._position(key) + 1 :]

    def _position(self, key: str) -> int:
        for position, step in enumerate(self.steps):
            if step.key == key:
                return position
        raise LookupError(f"{self.name} version {self.version} has no step {key}.")


@dataclass(frozen=True, slots=True)
class Start:
    """Where and when a debt's scenario runs: its day 0, and the debtor's zone and place."""

    on: date
    zone: str = calendar.DEFAULT_ZONE
    region: Region = calendar.DEFAULT_REGION


class Skip(NamedTuple):
    """A step that is passed over, and why."""

    step: Step
    reason: str


def day_zero(start_on: date, due_on: date | None) -> date:
    """Return the day offsets count from: the later of the start and the day after `due_on`.

    Both dates are on the debtor's calendar.
    """
    return max(start_on, due_on + timedelta(days=1)) if due_on else start_on


def nominal_instant(
    scenario: Scenario, step: Step | End, start: Start, last_contact_at: datetime | None = None
) -> datetime:
    """Return the instant from which the step is due, before contact rules move it.

    The start of its day in the debtor's zone, kept `spacing_days` away from the last contact made.
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
