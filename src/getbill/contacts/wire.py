"""Response schemas of timelines: past and future contacts of a debt, with reasons."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from getbill import companies, debts, scenarios
from getbill.channels.senders import Outgoing
from getbill.companies import ContactSwitches
from getbill.contacts.model import CONTACTED, Contact
from getbill.contacts.queries import Timeline
from getbill.contacts.schedule import ForecastStep, ScheduleReason, minimum_text, stored_reason
from getbill.creditors import ContactGap
from getbill.debts import Debt, NewDebtBody
from getbill.kit import ids, json, messages
from getbill.kit.errors import FieldError, WrongValue
from getbill.kit.http import Day, Flag, Instant, MoneyNumber, require_any_field
from getbill.scenarios import VersionBody


class ReasonShown(BaseModel):
    """A rule that moved a contact or blocks it."""

    rule: str = Field(
        examples=["FR-TEL-POLICY-HOURS"], description="Stable code of the rule, in every language."
    )
    says: str = Field(description="The rule in a sentence, in the language of `Accept-Language`.")
    basis: str = Field(description="Basis of the rule: `law`, `guidance`, `product_policy` or `scenario`.")
    source: str = Field(description="Source of the rule.")
    until: Instant | None = Field(
        description="Time to which the rule postponed the contact, in UTC; null if no later time is permitted."
    )
    way_out: str | None = Field(
        description="What to set or change so that the step is taken, and by which call or command; null if nothing is needed but time."
    )


class AttemptShown(BaseModel):
    """An attempt of a step that was made, skipped or stopped."""

    step: str
    run: int = Field(description="Run of the scenario: 1, and one more after each restart.")
    attempt: int
    channel: str
    state: str = Field(
        description="State of the attempt: `accepted`, `delivered`, `answered`, `failed`, `bounced`,"
        " `unknown`, `skipped`, `stopped`, `rehearsed`, `sending` while the provider's"
        " response is pending, or `set_aside` if it failed and is in quarantine."
    )
    reason: str | None = Field(
        description="Reason of the state, in the language of `Accept-Language`; a provider's own words stay as they are."
    )
    reason_code: str | None = Field(
        description="Stable code of the reason, such as `NO-PROVIDER`; null if there is none, or if the provider gave it."
    )
    way_out: str | None = Field(
        description="What to set or change so that the step can be taken; null if there is nothing to change."
    )
    due_at: Instant
    sent_at: Instant | None
    settled_at: Instant | None
    followup_id: str | None
    crossed_by: str | None = Field(
        description="Event that crossed the message: `payment`, or the status that ended contact; null if there was none."
    )


class ForecastStepShown(BaseModel):
    """A future step, assuming that the debtor does not respond and nothing changes."""

    step: str
    wave: int | None
    channel: str
    template: str | None
    language: str | None = Field(description="Language of the step; null to use the debtor's language.")
    nominal_at: Instant = Field(description="Time by the offset alone, before rules, in UTC.")
    due_at: Instant | None = Field(
        description="Time the step will run, in UTC; null if it will not as things are now: `blocked_by` has every reason."
    )
    moved_by: list[ReasonShown] = Field(description="Rules that postponed the step to `due_at`, in order.")
    blocked_by: list[ReasonShown] = Field(
        description="Everything that currently keeps the step from being taken, each with its way out."
    )


class CalendarShown(BaseModel):
    """The forecast of a debt."""

    scenario: str
    scenario_version: int
    timeline_id: str
    started_on: Day = Field(description="Day 0 of the scenario, YYYY-MM-DD.")
    timezones: list[str] = Field(
        description="Time zones where the debtor may be; contact hours apply in all of them."
    )
    planned: list[ForecastStepShown]


class TimelineShown(CalendarShown):
    """Past and future contacts of a debt."""

    debt_id: str
    status: str
    run: int
    next_action_at: Instant | None
    stopped_by: str | None = Field(description="Reason no step is planned; null while one is.")
    past: list[AttemptShown]


class ScenarioPreviewBody(BaseModel):
    """The debt to forecast: an existing one or a hypothetical one. Nothing is stored."""

    model_config = ConfigDict(
        title="ScenarioPreviewBody",
        extra="forbid",
        json_schema_extra=require_any_field("debt_id", "debt")
        | {
            "examples": [
                {
                    "debt": {
                        "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com"},
                        "amount": 2340.00,
                        "reference": "preview",
                    }
                }
            ]
        },
    )

    debt_id: str | None = None
    debt: NewDebtBody | None = Field(
        None, description="Debt to preview, as in `POST /debts`; its scenario is ignored."
    )
    version: VersionBody | None = Field(None, description="Unsaved version of the scenario to preview.")

    @model_validator(mode="after")
    def _check_one_debt(self) -> Self:
        if (self.debt_id is None) == (self.debt is None):
            raise WrongValue(messages.message("Send either debt_id or debt."))
        return self

    @classmethod
    def cross_field_errors(cls, raw: dict[str, Any]) -> list[FieldError]:
        """Return errors between the fields of the hypothetical debt."""
        debt = raw.get("debt")
        errors = NewDebtBody.cross_field_errors(debt) if isinstance(debt, dict) else []
        return [FieldError("/debt" + error.pointer, error.code, error.detail) for error in errors]

    @classmethod
    def workspace_errors(cls, raw: dict[str, Any], caller: Any) -> list[FieldError]:
        """Return errors of the hypothetical debt in this workspace, its scenario excepted."""
        debt = raw.get("debt")
        if not isinstance(debt, dict):
            return []
        errors = NewDebtBody.workspace_errors({**debt, "scenario": None, "timeline_id": None}, caller)
        return [FieldError("/debt" + error.pointer, error.code, error.detail) for error in errors]


MinimumBalance = Annotated[
    Decimal,
    BeforeValidator(companies.check_minimum),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": companies.MINIMUM_MAX}),
]


class ContactBody(BaseModel):
    """Contact settings to change; omitted fields keep their values."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"contact": "stopped"}]})

    contact: Literal["on", "dry_run", "stopped"] | None = None
    grace_hours: Annotated[int, Field(strict=True, ge=0, le=720)] | None = None
    minimum_balance: MinimumBalance | None = Field(
        None,
        description="Balance from which a debtor is contacted, in units of each debt's currency; 0 for no minimum.",
    )
    write_off_small_balances: Flag | None = Field(
        None,
        description="Whether to write off a smaller balance when contact would be due, without asking a person.",
    )


class ContactShown(BaseModel):
    """Contact settings of this workspace."""

    contact: Literal["on", "dry_run", "stopped"] = Field(
        description="`on` sends messages, `dry_run` schedules and renders messages without sending them, `stopped` makes no contact."
    )
    grace_hours: int = Field(description="Hours between an import and the first contact with its debtors.")
    minimum_balance: MoneyNumber = Field(
        description="Balance from which a debtor is contacted, in units of each debt's currency; 0 for no minimum."
    )
    write_off_small_balances: bool = Field(
        description="Whether a smaller balance is written off when contact would be due; otherwise a todo asks a person."
    )
    installation_stopped_at: Instant | None = Field(
        description="Time contact was stopped for the whole installation, in UTC; null if it is not stopped."
    )


class StepMessage(BaseModel):
    """The message that a step would send now."""

    model_config = ConfigDict(title="StepMessage")

    step: str
    channel: str
    language: str
    subject: str | None
    text: str
    html: str | None


def serialize_switches(switches: ContactSwitches) -> dict[str, Any]:
    """Return the contact settings as the API shows them."""
    return {
        "contact": switches.contact,
        "grace_hours": switches.grace_hours,
        "minimum_balance": switches.minimum_balance,
        "write_off_small_balances": switches.writes_off_small_balances,
        "installation_stopped_at": json.instant(switches.stopped_at),
    }


def serialize_message(step: str, outgoing: Outgoing) -> dict[str, Any]:
    """Return the message of a step as the API shows it."""
    return {
        "step": step,
        "channel": outgoing.channel,
        "language": outgoing.language,
        "subject": outgoing.subject,
        "text": outgoing.text,
        "html": outgoing.html,
    }


def serialize_calendar(debt: Debt, steps: Sequence[ForecastStep], language: str) -> dict[str, Any]:
    """Return the forecast of a debt as the API shows it."""
    return {
        "scenario": debt.scenario,
        "scenario_version": debt.running_scenario.version,
        "timeline_id": scenarios.scenario_public_id(debt.workspace, debt.scenario),
        "started_on": json.day(debt.started_on),
        "timezones": list(debt.debtor.identity.zones),
        "planned": [_serialize_step(step, language) for step in steps],
    }


def serialize_timeline(
    debt_timeline: Timeline, steps: Sequence[ForecastStep], language: str
) -> dict[str, Any]:
    """Return the past and future contacts of a debt as the API shows them."""
    debt = debt_timeline.debt
    gap = debts.contact_gap(debt)
    return {
        "debt_id": ids.show("debt", debt.id),
        "status": debt.status,
        "run": debt.run,
        "next_action_at": None if gap else json.instant(debts.next_contact_at(debt)),
        "stopped_by": _stopped_by(debt, gap, has_steps=bool(steps), language=language),
        "past": [
            _serialize_contact(contact, debt_timeline.crossings, language)
            for contact in debt_timeline.closed_contacts
        ],
        **serialize_calendar(debt, steps, language),
    }


def _stopped_by(debt: Debt, gap: ContactGap | None, *, has_steps: bool, language: str) -> str | None:
    if gap is not None and debt.is_contactable:
        return messages.translated(gap.says, language)
    if debt.is_contactable and debts.is_below_minimum(debt):
        return minimum_text(debt).translated(language)
    if has_steps:
        return None
    return messages.message("the debt is {status}", status=debt.status).translated(language)


def _serialize_contact(contact: Contact, crossings: Mapping[UUID, str], language: str) -> dict[str, Any]:
    followup_id = contact.followup_id
    reason = None if contact.reason is None else stored_reason(contact.reason)
    return {
        "step": contact.step,
        "run": contact.run,
        "attempt": contact.attempt,
        "channel": contact.channel,
        "state": contact.state,
        "reason": reason and messages.translated(reason.text, language),
        "reason_code": reason and reason.code,
        "way_out": _translated(reason and reason.way_out, language),
        "due_at": json.instant(contact.due_at),
        "sent_at": json.instant(contact.sent_at),
        "settled_at": json.instant(contact.settled_at),
        "followup_id": ids.show("followup", followup_id) if followup_id else None,
        # An attempt that failed before the sent one crossed nothing.
        "crossed_by": crossings.get(followup_id) if followup_id and contact.state in CONTACTED else None,
    }


def _translated(text: messages.Message | None, language: str) -> str | None:
    return None if text is None else text.translated(language)


def _serialize_step(step: ForecastStep, language: str) -> dict[str, Any]:
    return {
        "step": step.step,
        "wave": step.wave,
        "channel": step.channel,
        "template": step.template,
        "language": step.language,
        "nominal_at": json.instant(step.nominal_at),
        "due_at": json.instant(step.due_at),
        "moved_by": [_serialize_reason(reason, language) for reason in step.moved_by],
        "blocked_by": [_serialize_reason(reason, language) for reason in step.blocked_by],
    }


def _serialize_reason(reason: ScheduleReason, language: str) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "says": messages.translated(reason.says, language),
        "basis": reason.basis,
        "source": messages.translated(reason.source, language),
        "until": json.instant(reason.until),
        "way_out": _translated(reason.way_out, language),
    }
