"""Request and response schemas of a sandbox's clock."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from getbill.channels import Channel
from getbill.channels.senders import FICTION_RANGES, SIMULATED_DEBTORS, SimulatedDebtor
from getbill.kit import json
from getbill.kit.clock import WorkspaceClock
from getbill.kit.errors import WrongValue
from getbill.kit.http import Instant, require_any_field
from getbill.kit.messages import message
from getbill.sandbox.model import ADVANCE_DAYS_MAX, Advance


class AdvanceBody(BaseModel):
    """The duration to advance a sandbox's clock by; days and hours add up."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra=require_any_field("days", "hours") | {"examples": [{"days": 30}]},
    )

    days: Annotated[int, Field(ge=0, le=ADVANCE_DAYS_MAX)] = 0
    hours: Annotated[int, Field(ge=0, le=ADVANCE_DAYS_MAX * 24)] = 0

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        if not timedelta(0) < self.by <= timedelta(days=ADVANCE_DAYS_MAX):
            raise WrongValue(
                message(
                    "Send days or hours: more than zero, and at most {days} days in total.",
                    days=ADVANCE_DAYS_MAX,
                )
            )
        return self

    @property
    def by(self) -> timedelta:
        """The total duration."""
        return timedelta(days=self.days, hours=self.hours)


class AdvanceShown(BaseModel):
    """An advance of a sandbox's clock."""

    id: str = Field(examples=["advance_01jd3v9wq8e0brt4k2m5n6p7q8"])
    status: Literal["running", "done"]
    started_from: Instant = Field(description="Clock time before the advance, in UTC.")
    target: Instant = Field(description="Target time of the advance, in UTC.")
    now: Instant = Field(description="Clock time reached so far, in UTC.")
    contacts: int = Field(description="Number of contacts that fell due and were made.")
    url: str = Field(description="URL of the advance's progress.")


class ClockShown(BaseModel):
    """A workspace's time."""

    now: Instant
    is_frozen: bool = Field(description="Whether the clock is stopped.")
    ahead_seconds: int = Field(description="Seconds by which the clock is ahead of real time.")
    advance: AdvanceShown | None = Field(description="Advance in progress; null if there is none.")


class OutcomeShown(BaseModel):
    """A reserved address of a sandbox and what happens to contacts at it."""

    outcome: str = Field(description="Name of the outcome.", examples=["promise"])
    email: str | None = Field(
        description="Example of an e-mail address with this outcome; null if there is none.",
        examples=["promise@example.com"],
    )
    phone_ends_with: str | None = Field(
        description="Last two digits of the fictitious numbers with this outcome; null if there are none.",
        examples=["84"],
    )
    channels: list[Channel] = Field(description="Channels on which the address has this outcome.")
    description: str = Field(description="What happens, in the language of the request.")


class FictionRangeShown(BaseModel):
    """A range of phone numbers reserved for fiction, whose last twenty numbers have outcomes."""

    country: str = Field(description="Country of the numbers, ISO 3166-1 alpha-2.", examples=["FR"])
    kind: Literal["mobile", "landline"] = Field(description="Kind of the numbers.")
    regulator: str = Field(description="Regulator that reserves the range, and the source.")
    first: str = Field(description="First number with an outcome, E.164.", examples=["+33639989980"])
    last: str = Field(description="Last number with an outcome, E.164.", examples=["+33639989999"])


class OutcomeList(BaseModel):
    """The outcomes that a sandbox simulates."""

    data: list[OutcomeShown]
    phone_ranges: list[FictionRangeShown] = Field(
        description="Fictitious numbers. For US and CA one area code is an example of all."
    )


def serialize_outcomes(language: str) -> dict[str, Any]:
    """Return the outcomes that a sandbox simulates, as a response in a language."""
    return {
        "data": [_serialize_debtor(debtor, language) for debtor in SIMULATED_DEBTORS],
        "phone_ranges": [
            {
                "country": fiction_range.country,
                "kind": fiction_range.kind,
                "regulator": fiction_range.regulator,
                "first": f"{fiction_range.start}80",
                "last": f"{fiction_range.start}99",
            }
            for fiction_range in FICTION_RANGES
        ],
    }


def _serialize_debtor(debtor: SimulatedDebtor, language: str) -> dict[str, Any]:
    return {
        "outcome": debtor.name,
        "email": f"{debtor.name}@example.com" if debtor.email else None,
        "phone_ends_with": debtor.digits,
        "channels": debtor.channels,
        "description": debtor.description.filled({}).translated(language),
    }


def serialize_advance(advance: Advance) -> dict[str, Any]:
    """Return an advance as a response."""
    return {
        "id": advance.public_id,
        "status": "done" if advance.done_at else "running",
        "started_from": json.instant(advance.started_from),
        "target": json.instant(advance.target_at),
        "now": json.instant(advance.reached_at),
        "contacts": advance.contacts,
        "url": advance.url,
    }


def serialize_clock(workspace_clock: WorkspaceClock, running: Advance | None) -> dict[str, Any]:
    """Return a workspace's time as a response."""
    return {
        "now": json.instant(workspace_clock.now()),
        "is_frozen": workspace_clock.frozen_at is not None,
        "ahead_seconds": int(workspace_clock.offset.total_seconds()),
        "advance": serialize_advance(running) if running else None,
    }
