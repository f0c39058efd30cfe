"""What should happen to a debt: plans of contacts, versioned, on data alone.

A scenario says what should happen and never what may: `compliance` is on the same level and knows nothing of it.
Whoever schedules a contact composes the two (`debts.next_contact`): of the steps after the last one taken, the first
whose address is known, at the instant it is due or the next one that all rules allow.

A workspace has the scenarios that come with GetBill until it writes its own version of one, or another beside them.
A debt runs one version to its end, whatever is written meanwhile, unless somebody moves it.
"""

from getbill.scenarios.actions import ScenarioExists, draft
from getbill.scenarios.api import router
from getbill.scenarios.catalogue import (
    BUILT_IN,
    ScenarioConflict,
    ScenarioUnknown,
    built_in,
    find_name,
    id_of,
    names,
    resolve,
    scenario_public_id,
    version_of,
)
from getbill.scenarios.checks import ScenarioInvalid, from_data, parse, texts_missing, to_data
from getbill.scenarios.conditions import ConditionFacts, Conditions
from getbill.scenarios.model import (
    LATE_BY_CHANNEL,
    End,
    EndAction,
    Fallback,
    Late,
    Scenario,
    Skip,
    Start,
    StartMode,
    Step,
    Unit,
    day_zero,
    nominal_instant,
)
from getbill.scenarios.versions import current, find, load
from getbill.scenarios.wire import VersionBody, invalid_scenario, version_content

__all__ = [
    "BUILT_IN",
    "LATE_BY_CHANNEL",
    "ConditionFacts",
    "Conditions",
    "End",
    "EndAction",
    "Fallback",
    "Late",
    "Scenario",
    "ScenarioConflict",
    "ScenarioExists",
    "ScenarioInvalid",
    "ScenarioUnknown",
    "Skip",
    "Start",
    "StartMode",
    "Step",
    "Unit",
    "VersionBody",
    "built_in",
    "current",
    "day_zero",
    "draft",
    "find",
    "find_name",
    "from_data",
    "id_of",
    "invalid_scenario",
    "load",
    "names",
    "nominal_instant",
    "parse",
    "resolve",
    "router",
    "scenario_public_id",
    "texts_missing",
    "to_data",
    "version_content",
    "version_of",
]
