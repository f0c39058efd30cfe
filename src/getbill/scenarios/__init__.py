"""What should happen to a debt: plans of contacts, versioned, on data alone.

A step's instant is composed with `compliance`, which is on the same level and knows nothing of scenarios:

    start = scenarios.Start(scenarios.day_zero(created_on, due_on, mode), zones[0], place)
    step, skipped = scenarios.first_step(scenario, reachable)
    nominal = scenarios.nominal_instant(scenario, step, start)
    due_at = compliance.next_allowed(facts.saying(step.notices), step.channel, max(now, nominal))

where `facts.exclusions` is `scenario.exclusions`. Later steps do the same with `next_step` and the instant
of the last contact made.
"""

from getbill.scenarios.catalogue import BUILT_IN, ScenarioConflict, ScenarioUnknown, built_in, resolve
from getbill.scenarios.model import (
    End,
    EndAction,
    Next,
    Scenario,
    ScenarioInvalid,
    Skip,
    Start,
    StartMode,
    Step,
    Unit,
    day_zero,
    first_step,
    from_data,
    next_step,
    nominal_instant,
    to_data,
)

__all__ = [
    "BUILT_IN",
    "End",
    "EndAction",
    "Next",
    "Scenario",
    "ScenarioConflict",
    "ScenarioInvalid",
    "ScenarioUnknown",
    "Skip",
    "Start",
    "StartMode",
    "Step",
    "Unit",
    "built_in",
    "day_zero",
    "first_step",
    "from_data",
    "next_step",
    "nominal_instant",
    "resolve",
    "to_data",
]
