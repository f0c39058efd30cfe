"""Parsing, serialization and validation of scenarios.

Every problem is reported at once, each with its location.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter, ValidationError

from getbill.channels import NOTICES, Channel
from getbill.kit import json
from getbill.kit.messages import Message, excerpt, message
from getbill.kit.text import languages
from getbill.kit.validation import error_sentence, field_subject
from getbill.scenarios.model import End, Scenario, Step, Unit

Problem = tuple[str, Message]


class ScenarioInvalid(ValueError):
    """The scenario cannot run; `problems` gives each reason as (location, sentence)."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{where}: {detail}" for where, detail in problems))
        self.problems = problems


def to_data(scenario: Scenario) -> dict[str, Any]:
    """Return the scenario as plain JSON values, for storage and the API."""
    data: dict[str, Any] = json.read(json.write(scenario))
    return data


def from_data(data: Mapping[str, Any]) -> Scenario:
    """Return the scenario stored as `data`, or raise `ScenarioInvalid` with every problem at once."""
    return parse(json.write(data))


def parse(text: bytes | str) -> Scenario:
    """Return the scenario of a JSON text, or raise `ScenarioInvalid` with every problem at once."""
    try:
        scenario = _ADAPTER.validate_json(text)
    except ValidationError as error:
        field_problems = [_problem(problem) for problem in error.errors(include_url=False)]
        places = [where for where, _ in field_problems]
        # For a list with wrong members, pydantic also reports that it has too few.
        raise ScenarioInvalid(
            tuple(
                (where, detail)
                for where, detail in field_problems
                if not any(other.startswith(where + ".") for other in places)
            )
        ) from None
    problems = tuple(_contradictions(scenario))
    if problems:
        raise ScenarioInvalid(problems)
    return scenario


def texts_missing(scenario: Scenario, template_names: Collection[str]) -> tuple[Problem, ...]:
    """Return where a scenario names an unknown template, or a notice its text does not give."""
    return tuple(_texts(scenario, template_names))


def unknown_languages(scenario: Scenario) -> tuple[Problem, ...]:
    """Return where a scenario names an unknown language."""
    return tuple(
        (f"steps.{position}.language", languages.unknown_language(step.language))
        for position, step in enumerate(scenario.steps)
        if step.language is not None and step.language not in languages.codes()
    )


_ADAPTER = TypeAdapter(Scenario)


def _problem(error: Mapping[str, Any]) -> Problem:
    if error["type"] == "unexpected_keyword_argument":
        name = excerpt(error["loc"][-1])
        detail = message("There is no field '{field}' here. Check its spelling, or omit it.", field=name)
    else:
        detail = error_sentence(error, field_subject(error["loc"]))
    return ".".join(map(str, error["loc"])), detail


def _texts(scenario: Scenario, template_names: Collection[str]) -> Iterator[Problem]:
    for position, step in enumerate(scenario.steps):
        references = [(f"steps.{position}.template", step.template)]
        if step.fallback is not None:
            references.append((f"steps.{position}.fallback.template", step.fallback.template))
        for where, template in references:
            if template not in template_names:
                yield (
                    where,
                    message(
                        "There is no template {template}. Valid templates: {known}.",
                        template=excerpt(template),
                        known=sorted(template_names),
                    ),
                )
        if NOTICES.get(step.template) and step.channel != Channel.LETTER:
            yield (
                f"steps.{position}.channel",
                message("The law requires {template} to be a letter.", template=step.template),
            )
        if set(step.notices) != set(NOTICES.get(step.template, ())):
            yield (
                f"steps.{position}.notices",
                message("A step must list exactly the notices of its template."),
            )


def _contradictions(scenario: Scenario) -> Iterator[Problem]:
    keys_seen: set[str] = set()
    for position, step in enumerate(scenario.steps):
        where = f"steps.{position}"
        if step.key in keys_seen:
            yield (
                f"{where}.key",
                message("Another step already has the key {key}; keys must be unique.", key=step.key),
            )
        if step.key == "end":
            yield (
                f"{where}.key",
                message("`end` is reserved for the end of the scenario; choose another key."),
            )
        keys_seen.add(step.key)
        yield from _contradictions_of(step, where)
    for position, (before, after) in enumerate(pairwise(scenario.steps), start=1):
        if _hours(after) < _hours(before):
            yield (
                f"steps.{position}.offset",
                message("The step comes before {before}; list the steps in order.", before=before.key),
            )
        if after.wave < before.wave:
            yield (
                f"steps.{position}.wave",
                message("Wave {wave} comes after wave {before}.", wave=after.wave, before=before.wave),
            )
    if _hours(scenario.end) < _hours(scenario.steps[-1]):
        yield "end.offset", message("The scenario ends before its last step; set a later end.")


def _contradictions_of(step: Step, where: str) -> Iterator[Problem]:
    if step.fallback is not None:
        if step.fallback.channel == step.channel:
            yield (
                f"{where}.fallback.channel",
                message(
                    "The step already uses {channel}; choose another fallback channel.", channel=step.channel
                ),
            )
        if step.notices:
            yield f"{where}.fallback", message("The law requires this letter; it cannot have a fallback.")
    conditions = step.only_if
    if conditions is None:
        return
    for name in ("balance", "amount", "age_days"):
        least, most = getattr(conditions, f"{name}_min"), getattr(conditions, f"{name}_max")
        if least is not None and most is not None and most < least:
            yield (
                f"{where}.only_if.{name}_max",
                message("The value is below {name}_min: the step would never run.", name=name),
            )
    if set(conditions.contactable) & set(conditions.not_contactable):
        yield f"{where}.only_if.not_contactable", message("An address cannot be known and not known at once.")


def _hours(step: Step | End) -> float:
    """Return roughly how many hours after day 0 the step is; five business days last about a week."""
    return step.offset * {Unit.HOURS: 1.0, Unit.DAYS: 24.0, Unit.BUSINESS_DAYS: 24.0 * 7 / 5}[step.unit]
