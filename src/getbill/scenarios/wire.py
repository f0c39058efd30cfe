"""Request and response schemas of scenarios."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from getbill.channels import AddressKind, Channel
from getbill.companies import Workspace
from getbill.kit.errors import FieldError, Invalid, refusal
from getbill.kit.http import Flag, MoneyNumber, check_day_text
from getbill.scenarios import catalogue
from getbill.scenarios.checks import ScenarioInvalid, to_data
from getbill.scenarios.conditions import PromiseWord
from getbill.scenarios.model import WAIT_DEFAULT, WAIT_MAX, Grouping, Language, Late, Name, Scenario, Unit

_Name = Name
_Whole = Annotated[int, Field(strict=True)]
_Tag = Annotated[str, Field(min_length=1, max_length=100)]
_Day = Annotated[date, BeforeValidator(check_day_text)]


# Responses repeat these in full, including defaults.
_REPEATED = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class ConditionsBody(BaseModel):
    """Conditions of a step, evaluated when it is due. All must hold."""

    model_config = _REPEATED

    balance_min: MoneyNumber | None = Field(
        None, description="Minimum outstanding balance, in the debt's currency."
    )
    balance_max: MoneyNumber | None = None
    amount_min: MoneyNumber | None = Field(
        None, description="Minimum amount claimed, in the debt's currency."
    )
    amount_max: MoneyNumber | None = None
    age_days_min: _Whole | None = Field(None, description="Minimum number of days since the due date.")
    age_days_max: _Whole | None = None
    reached: Flag | None = Field(None, description="Whether a contact has reached the debtor so far.")
    answered: Flag | None = Field(None, description="Whether the debtor has answered a call so far.")
    promise: list[PromiseWord] = Field(
        [], description="Permitted states of the debtor's promise to pay; any by default."
    )
    tags: list[_Tag] = Field([], description="Tags required in `tags` of the debt's metadata.", max_length=20)
    not_tags: list[_Tag] = Field(
        [], description="Tags that `tags` of the debt's metadata must not contain.", max_length=20
    )
    contactable: list[AddressKind] = Field([], description="Types of address that must be known.")
    not_contactable: list[AddressKind] = Field([], description="Types of address that must be unknown.")
    metadata: dict[str, str | _Whole | Flag | Decimal] | None = Field(
        None, description="Values required in the debt's metadata.", max_length=20
    )


class FallbackBody(BaseModel):
    """The channel and template of a step whose address is unknown or on the suppression list."""

    model_config = _REPEATED

    channel: Channel
    template: _Name


class StepBody(BaseModel):
    """One contact, at an offset from day 0."""

    model_config = _REPEATED

    key: _Name = Field(description="Key of the step, unique in the scenario.", examples=["wave_1_email"])
    wave: _Whole = Field(1, ge=1)
    offset: _Whole = Field(
        ge=0,
        le=3660,
        description="Time after day 0, in `unit`. Day 0 is the later of the start and the day after"
        " `due_date`.",
    )
    unit: Unit = Unit.DAYS
    channel: Channel
    template: _Name = Field(description="Name of the template.", examples=["wave_1_email"])
    language: Language | None = Field(
        None, description="Language of the message, ISO 639-1; defaults to the debtor's."
    )
    only_if: ConditionsBody | None = None
    fallback: FallbackBody | None = None
    late: Late | None = Field(
        None,
        description="Handling of a step missed by more than `late_after_hours`: `send` still sends it"
        " (default for letters), `collapse` skips it if a later one is also due (default"
        " for e-mail and SMS), `skip` skips it (default for calls).",
    )
    wait_max_days: _Whole | None = Field(
        None, ge=0, le=WAIT_MAX, description="`wait_max_days` of this step, instead of the scenario's."
    )
    notices: list[str] | None = Field(
        None,
        description="Legal notices given by this step. They are derived from the template; a submitted value must match.",
        max_length=20,
    )


class EndBody(BaseModel):
    """The end of a scenario: an unpaid debt becomes `unresolved` and a person decides."""

    model_config = _REPEATED

    offset: _Whole = Field(ge=0, le=3660)
    unit: Unit = Unit.DAYS
    action: Literal["ask_to_escalate"] = "ask_to_escalate"


class ExclusionsBody(BaseModel):
    """Days without contact, where the debtor lives. The contact rules may exclude more."""

    model_config = _REPEATED

    weekends: Flag = True
    public_holidays: Flag = True
    dates: list[_Day] = Field([], max_length=400)


class VersionBody(BaseModel):
    """The next version of a scenario."""

    model_config = ConfigDict(extra="forbid")

    steps: list[StepBody] = Field(min_length=1, max_length=100)
    end: EndBody
    exclusions: ExclusionsBody = Field(default_factory=ExclusionsBody)
    spacing_days: _Whole = Field(
        1,
        ge=0,
        le=30,
        description="Minimum number of days between two contacts; 0 allows several contacts on one day, by their offsets.",
    )
    late_after_hours: _Whole = Field(24, ge=1, le=720)
    grouping: Grouping = Field(
        Grouping.BY_DEBTOR,
        description="`by_debtor` contacts a debtor by one message about all debts to one creditor that are due;"
        " `off` contacts them about each debt.",
    )
    wait_max_days: _Whole = Field(
        WAIT_DEFAULT,
        ge=0,
        le=WAIT_MAX,
        description="Maximum number of days with contact (no weekend, holiday or excluded date) by which the contact"
        " rules may postpone a step. A step that would wait longer uses its fallback, or is passed over, so that it"
        " does not hold up the steps after it. A step that gives a legal notice always waits.",
    )


class ScenarioBody(VersionBody):
    """A scenario to create."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "two_mails",
                    "steps": [
                        {"key": "first", "offset": 0, "channel": "email", "template": "wave_1_email"},
                        {
                            "key": "second",
                            "offset": 5,
                            "unit": "business_days",
                            "channel": "email",
                            "template": "wave_2_email",
                            "fallback": {"channel": "sms", "template": "wave_1_sms"},
                        },
                    ],
                    "end": {"offset": 20},
                }
            ]
        },
    )

    name: _Name = Field(
        description="Name of the scenario, used as `scenario` of a debt.", examples=["two_mails"]
    )


class ScenarioShown(BaseModel):
    """A version of a scenario."""

    id: str = Field(
        description="Id of the scenario, identical for all its versions and used as `timeline_id` of a debt."
    )
    name: str
    version: int
    current_version: int = Field(description="Version used for new debts.")
    is_built_in: bool = Field(description="Whether the version is built into GetBill.")
    steps: list[StepBody]
    end: EndBody
    exclusions: ExclusionsBody
    spacing_days: int
    late_after_hours: int
    grouping: Grouping
    wait_max_days: int


class ScenarioList(BaseModel):
    """The scenarios of a workspace, each in its current version."""

    data: list[ScenarioShown]


def version_content(payload: VersionBody) -> dict[str, Any]:
    """Return the content of a version as plain values."""
    return payload.model_dump(mode="python")


def serialize_scenario(workspace: Workspace, scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the API shows it."""
    own_scenario = workspace.own_scenarios.get(scenario.name)
    head = {
        "id": catalogue.scenario_public_id(workspace, scenario.name),
        "name": scenario.name,
        "version": scenario.version,
        "current_version": catalogue.version_of(workspace, scenario.name),
        "is_built_in": own_scenario is None or scenario.version < own_scenario.since,
    }
    return head | {name: value for name, value in to_data(scenario).items() if name not in head}


def invalid_scenario(error: ScenarioInvalid, under: str = "") -> Invalid:
    """Return the error that names every problem of a scenario by its field."""
    return refusal(
        [
            FieldError(f"{under}/{where.replace('.', '/')}", "invalid-scenario", sentence)
            for where, sentence in error.problems
        ]
    )
