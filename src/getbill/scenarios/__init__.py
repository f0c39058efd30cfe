"""Scenarios: versioned plans of the contacts that should be made for a debt, as plain data.

A scenario states what should happen, never what may: `compliance` is on the same level and independent. The
caller that schedules a contact combines the two (`debts.next_contact`): of the steps after the last one
taken, the first with a known address, at its due instant or the next one that all rules allow.

A workspace uses the built-in scenarios until it publishes its own version of one, or another scenario. A debt
runs one version to its end, whatever is published meanwhile, unless it is moved explicitly.
"""

from getbill.scenarios.actions import draft
from getbill.scenarios.catalogue import (
    BUILT_IN,
    ScenarioConflict,
    ScenarioReserved,
    ScenarioUnknown,
    built_in,
    find_name,
    names,
    refuse_notices,
    resolve,
    scenario_public_id,
    version_of,
)
from getbill.scenarios.checks import ScenarioInvalid, from_data, parse, texts_missing, to_data
from getbill.scenarios.conditions import ConditionFacts, Conditions
from getbill.scenarios.model import (
    End,
    Fallback,
    Grouping,
    Late,
    Scenario,
    Skip,
    Start,
    StartMode,
    Step,
    Unit,
    day_zero,
    end_after,
    nominal_instant,
    offset_day,
)
from getbill.scenarios.versions import current, find, load
from getbill.scenarios.wire import VersionBody, invalid_scenario, version_content
