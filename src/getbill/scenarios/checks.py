"""A scenario read from JSON and written to it, and everything that would keep one from running.

Every problem is told at once, each with the place it is at.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter, ValidationError

from getbill.channels import NOTICES, Channel
from getbill.kit import json, languages
from getbill.scenarios.model import End, Scenario, Step, Unit

Problem = tuple[str, str]


class ScenarioInvalid(ValueError):
    """A scenario that could not run; `problems` says each reason as (where, sentence)."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{where}: {sentence}" for where, sentence in problems))
        self.problems = problems


def to_data(scenario: Scenario) -> dict[str, Any]:
    """Return the scenario as plain JSON values, for storage and the API."""
    data: dict[str, Any] = json.read(json.write(scenario))
    return data


def from_data(data: Mapping[str, Any]) -> Scenario:
    """Return the scenario stored as `data`, or raise `ScenarioInvalid` with every problem at once."""
    return parse(json.write(data))


def parse(text: bytes | str) -> Scenario:
    """Return the scenario written as JSON, or raise `ScenarioInvalid` with every problem at once."""
    try:
        scenario = _ADAPTER.validate_json(text)
    except ValidationError as error:
        found = [(".".join(map(str, problem["loc"])), problem["msg"]) for problem in error.errors()]
        places = [where for where, _ in found]
        # Of a list whose members are wrong pydantic also says that it has too few of them.
        raise ScenarioInvalid(
            tuple(
                (where, sentence)
                for where, sentence in found
                if not any(other.startswith(where + ".") for other in places)
            )
        ) from None
    problems = tuple(_contradictions(scenario))
    if problems:
        raise ScenarioInvalid(problems)
    return scenario


def texts_missing(scenario: Scenario, known: Collection[str]) -> tuple[Problem, ...]:
    """Return where a scenario names a template that there is none of, or claims a notice its text does not give."""
    return tuple(_texts(scenario, known))


def unknown_languages(scenario: Scenario) -> tuple[Problem, ...]:
    """Return where a scenario names a language that there is none of."""
    return tuple(
        (
            f"steps.{position}.language",
            f"{step.language!r} is not an ISO 639-1 language. Send for example fr.",
        )
        for position, step in enumerate(scenario.steps)
        if step.language is not None and step.language not in languages.codes()
    )


_ADAPTER = TypeAdapter(Scenario)


def _texts(scenario: Scenario, known: Collection[str]) -> Iterator[Problem]:
    for position, step in enumerate(scenario.steps):
        named = [(f"steps.{position}.template", step.template)]
        if step.fallback is not None:
            named.append((f"steps.{position}.fallback.template", step.fallback.template))
        for where, template in named:
            if template not in known:
                yield where, f"There is no template {template}; there are {', '.join(sorted(known))}."
        if NOTICES.get(step.template) and step.channel != Channel.LETTER:
            yield f"steps.{position}.channel", f"The law wants {step.template} as a letter."
        if set(step.notices) != set(NOTICES.get(step.template, ())):
            yield f"steps.{position}.notices", "A step gives the notices that its template gives, no others."


def _contradictions(scenario: Scenario) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, step in enumerate(scenario.steps):
        where = f"steps.{position}"
        if step.key in seen:
            yield f"{where}.key", f"Another step is already called {step.key}; give each its own key."
        if step.key == "end":
            yield f"{where}.key", "`end` is the name of the scenario's end; call the step otherwise."
        seen.add(step.key)
        yield from _contradictions_of(step, where)
    for position, (before, after) in enumerate(pairwise(scenario.steps), start=1):
        if _hours(after) < _hours(before):
            yield f"steps.{position}.offset", f"It comes before {before.key}; write the steps in their order."
        if after.wave < before.wave:
            yield f"steps.{position}.wave", f"Wave {after.wave} comes after wave {before.wave}."
    if _hours(scenario.end) < _hours(scenario.steps[-1]):
        yield "end.offset", "The scenario ends before its last step; let it end later."


def _contradictions_of(step: Step, where: str) -> Iterator[Problem]:
    if step.fallback is not None:
        if step.fallback.channel == step.channel:
            yield f"{where}.fallback.channel", f"The step is on {step.channel} already; fall back to another."
        if step.notices:
            yield f"{where}.fallback", "The law asks for this very letter; nothing stands in for it."
    asked = step.only_if
    if asked is None:
        return
    for name in ("balance", "amount", "age_days"):
        least, most = getattr(asked, f"{name}_min"), getattr(asked, f"{name}_max")
        if least is not None and most is not None and most < least:
            yield f"{where}.only_if.{name}_max", f"It is below {name}_min: the step would never be taken."
    if set(asked.contactable) & set(asked.not_contactable):
        yield f"{where}.only_if.not_contactable", "An address cannot be known and not known at once."


def _hours(step: Step | End) -> float:
    """Return about how long after day 0 the step is; five business days last about a week."""
    return step.offset * {Unit.HOURS: 1.0, Unit.DAYS: 24.0, Unit.BUSINESS_DAYS: 24.0 * 7 / 5}[step.unit]
