"""A scenario: the contacts a debt should get, in order, from its day 0 to the moment a person decides.

It says what should happen, never what may: contact rules are in `compliance`. A scenario never changes;
a change is a new version, and a debt keeps the version it started with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from getbill.channels import ADDRESS_OF, MISSING, AddressKind, Channel
from getbill.kit import calendar
from getbill.kit.calendar import Exclusions, Place

_STRICT = ConfigDict(extra="forbid", strict=True)
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class ScenarioInvalid(ValueError):
    """A scenario that could not run; `problems` says each reason as (where, sentence)."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(f"{where}: {sentence}" for where, sentence in problems))
        self.problems = problems


class Unit(StrEnum):
    """What an offset from day 0 counts."""

    DAYS = "days"
    HOURS = "hours"
    BUSINESS_DAYS = "business_days"


class StartMode(StrEnum):
    """When a scenario starts: on the day the debt is created, or on the day after."""

    IMMEDIATE = "immediate"
    NEXT_DAY = "next_day"


class EndAction(StrEnum):
    """What happens after the last step; a scenario never escalates by itself (GDPR art. 22)."""

    ASK_TO_ESCALATE = "ask_to_escalate"


@dataclass(frozen=True, slots=True)
class Step:
    """One contact: `offset` units after day 0, on one channel, with one template.

    `notices` names what the law wants said once and this step says, such as the letter `FR-R124-4`.
    """

    __pydantic_config__ = _STRICT

    key: Name
    wave: Annotated[int, Field(ge=1)]
    offset: Annotated[int, Field(ge=0, le=3660)]
    channel: Channel
    template: Name
    unit: Unit = Unit.DAYS
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The moment a debt nobody answered for becomes `unresolved` and a person is asked what to do."""

    __pydantic_config__ = _STRICT

    offset: Annotated[int, Field(ge=0, le=3660)]
    unit: Unit = Unit.DAYS
    action: EndAction = EndAction.ASK_TO_ESCALATE


@dataclass(frozen=True, slots=True)
class Scenario:
    """A versioned plan of contacts; `id` is its `timeline_id` and is the same for all its versions.

    Two contacts are at least `spacing_days` calendar days apart, also when holidays push them together.
    """

    __pydantic_config__ = _STRICT

    id: UUID
    name: Name
    version: Annotated[int, Field(ge=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=100)]
    end: End
    exclusions: Exclusions = field(default_factory=Exclusions)
    spacing_days: Annotated[int, Field(ge=0, le=30)] = 1


@dataclass(frozen=True, slots=True)
class Start:
    """Where and when a debt's scenario runs: its day 0, and the debtor's zone and place."""

    on: date
    zone: str = calendar.DEFAULT_ZONE
    place: Place = calendar.DEFAULT_PLACE


class Skip(NamedTuple):
    """A step that is passed over, and why."""

    step: Step
    reason: str


class Next(NamedTuple):
    """The step to take, None at the end of the scenario, and those passed over before it."""

    step: Step | None
    skipped: tuple[Skip, ...]


def day_zero(created_on: date, due_on: date | None, mode: StartMode = StartMode.IMMEDIATE) -> date:
    """Return the day offsets count from: the later of the start and the day after `due_on`.

    Both dates are on the debtor's calendar.
    """
    start = created_on + timedelta(days=1) if mode == StartMode.NEXT_DAY else created_on
    return max(start, due_on + timedelta(days=1)) if due_on else start


def first_step(scenario: Scenario, reachable: frozenset[AddressKind]) -> Next:
    """Return the first step whose address is known, and those skipped before it."""
    return _next_of(scenario.steps, reachable)


def next_step(scenario: Scenario, after_key: str, reachable: frozenset[AddressKind]) -> Next:
    """Return the step after that of `after_key` whose address is known, and those skipped before it."""
    position = _position(scenario, after_key)
    return _next_of(scenario.steps[position + 1 :], reachable)


def nominal_instant(
    scenario: Scenario, step: Step | End, start: Start, last_contact_at: datetime | None = None
) -> datetime:
    """Return the instant from which the step is due, before contact rules move it.

    The start of its day in the debtor's zone, kept `spacing_days` away from the last contact made.
    """
    nominal = _offset_instant(step, start)
    if last_contact_at is None or isinstance(step, End):
        return nominal
    last_on = calendar.local_date(last_contact_at, start.zone)
    spaced = calendar.at_local(last_on + timedelta(days=scenario.spacing_days), time.min, start.zone)
    return max(nominal, spaced) if scenario.spacing_days else nominal


def to_data(scenario: Scenario) -> dict[str, Any]:
    """Return the scenario as plain JSON values, for storage and the API."""
    data: dict[str, Any] = _ADAPTER.dump_python(scenario, mode="json")
    return data


def from_data(data: Mapping[str, Any]) -> Scenario:
    """Return the scenario stored as `data`, or raise `ScenarioInvalid` with every problem at once."""
    try:
        scenario = _ADAPTER.validate_json(orjson.dumps(data))
    except ValidationError as error:
        raise ScenarioInvalid(
            tuple((".".join(map(str, problem["loc"])), problem["msg"]) for problem in error.errors())
        ) from None
    problems = tuple(_contradictions(scenario))
    if problems:
        raise ScenarioInvalid(problems)
    return scenario


_ADAPTER = TypeAdapter(Scenario)


def _next_of(steps: tuple[Step, ...], reachable: frozenset[AddressKind]) -> Next:
    skipped: list[Skip] = []
    for step in steps:
        needed = ADDRESS_OF[step.channel]
        if needed in reachable:
            return Next(step, tuple(skipped))
        skipped.append(Skip(step, MISSING[needed]))
    return Next(None, tuple(skipped))


def _position(scenario: Scenario, key: str) -> int:
    for position, step in enumerate(scenario.steps):
        if step.key == key:
            return position
    raise LookupError(f"{scenario.name} version {scenario.version} has no step {key}.")


def _offset_instant(step: Step | End, start: Start) -> datetime:
    day = start.on
    if step.unit == Unit.DAYS:
        day += timedelta(days=step.offset)
    elif step.unit == Unit.BUSINESS_DAYS:
        day = calendar.add_business_days(day, step.offset, start.place)
    midnight = calendar.at_local(day, time.min, start.zone)
    return midnight + timedelta(hours=step.offset) if step.unit == Unit.HOURS else midnight


def _contradictions(scenario: Scenario) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for position, step in enumerate(scenario.steps):
        if step.key in seen:
            yield f"steps.{position}.key", f"another step is already called {step.key}; give each its own key"
        seen.add(step.key)
    for position, (before, after) in enumerate(pairwise(scenario.steps), start=1):
        if _hours(after) < _hours(before):
            yield f"steps.{position}.offset", f"it comes before {before.key}; write the steps in their order"
        if after.wave < before.wave:
            yield f"steps.{position}.wave", f"wave {after.wave} comes after wave {before.wave}"
    if _hours(scenario.end) < _hours(scenario.steps[-1]):
        yield "end.offset", "the scenario ends before its last step; let it end later"


def _hours(step: Step | End) -> float:
    """Return about how long after day 0 the step is; five business days last about a week."""
    return step.offset * {Unit.HOURS: 1.0, Unit.DAYS: 24.0, Unit.BUSINESS_DAYS: 24.0 * 7 / 5}[step.unit]
