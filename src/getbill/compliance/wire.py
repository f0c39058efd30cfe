"""Request and response schemas of the suppression list and of consents."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from getbill.compliance import consents
from getbill.compliance.consents import Consent
from getbill.compliance.suppressions import PREFIX, SuppressedAddress
from getbill.kit import ids, json, phones
from getbill.kit.errors import WrongValue
from getbill.kit.http import Instant, check_instant_text, require_any_field
from getbill.kit.messages import message
from getbill.kit.text import emails
from getbill.kit.text.names import Name

Reason = Literal["stop", "not_me", "hard_bounce"]
# The consents that rules require; others have no effect.
ConsentName = Literal["artificial_voice"]
Email = Annotated[str, Field(max_length=254), AfterValidator(emails.normalise)]
Phone = Annotated[str, Field(max_length=40), AfterValidator(phones.parse)]
_AS_WRITTEN = "Phone number in E.164 or in French national format."


class SuppressionBody(BaseModel):
    """An e-mail address or a phone number to suppress."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=require_any_field("email", "phone")
        | {"examples": [{"email": "jean.dupont@email.com", "reason": "stop"}]},
    )

    email: Email | None = None
    phone: Phone | None = Field(None, description=_AS_WRITTEN)
    reason: Reason = Field(
        "stop",
        description="Reason: `stop` (opt-out), `not_me` (address of another person) or `hard_bounce`.",
    )

    @model_validator(mode="after")
    def _check_one_address(self) -> Self:
        if (self.email is None) == (self.phone is None):
            raise WrongValue(message("Send either email or phone."))
        return self


class SuppressionShown(BaseModel):
    """An entry of the suppression list. The address itself is not kept."""

    id: str
    kind: Literal["email", "phone"]
    reason: Reason
    created_at: Instant


class SuppressionList(BaseModel):
    """The newest entries of the suppression list."""

    data: list[SuppressionShown]


class ConsentBody(BaseModel):
    """A consent of a phone number's owner, and how it was given."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "phone": "+12025550143",
                    "consent": "artificial_voice",
                    "source": "Box ticked in the contract of 3 May 2026, clause 9",
                }
            ]
        },
    )

    phone: Phone = Field(description=_AS_WRITTEN)
    consent: ConsentName = Field(
        description="Type of consent; `artificial_voice` permits calls with an artificial voice."
    )
    source: Annotated[Name, Field(min_length=1, max_length=500)] = Field(
        description="Circumstances of the consent and location of the evidence, without personal data."
    )
    given_at: Annotated[AwareDatetime, BeforeValidator(check_instant_text)] | None = Field(
        None, description="Time the consent was given, ISO 8601. Defaults to now."
    )


class ConsentShown(BaseModel):
    """A consent. The address itself is not kept."""

    id: str
    kind: Literal["email", "phone"]
    consent: ConsentName
    source: str
    given_at: Instant
    created_at: Instant
    withdrawn_at: Instant | None


class ConsentList(BaseModel):
    """The newest consents."""

    data: list[ConsentShown]


def serialize_consent(consent: Consent) -> dict[str, Any]:
    """Return a consent as the API shows it."""
    return {
        "id": ids.show(consents.PREFIX, consent.id),
        "kind": consent.kind,
        "consent": consent.consent,
        "source": consent.source,
        "given_at": json.instant(consent.given_at),
        "created_at": json.instant(consent.created_at),
        "withdrawn_at": json.instant(consent.withdrawn_at),
    }


def serialize_suppression(line: SuppressedAddress) -> dict[str, Any]:
    """Return an entry of the list as the API shows it."""
    return {
        "id": ids.show(PREFIX, line.id),
        "kind": line.kind,
        "reason": line.reason,
        "created_at": json.instant(line.created_at),
    }
