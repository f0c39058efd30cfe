"""The suppression list and the rules as callers read them."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from getbill.compliance.suppressions import PREFIX, Suppressed
from getbill.kit import emails, ids, json, phones
from getbill.kit.shapes import Instant

Reason = Literal["stop", "not_me", "hard_bounce"]
Email = Annotated[str, Field(max_length=254), AfterValidator(emails.normalise)]
Phone = Annotated[str, Field(max_length=40), AfterValidator(phones.parse)]


class SuppressionBody(BaseModel):
    """An address that nobody is to be contacted at any more."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "jean.dupont@email.com", "reason": "stop"}]},
    )

    email: Email | None = None
    phone: Phone | None = Field(None, description="In E.164, or as written in France.")
    reason: Reason = Field(
        "stop", description="Asked to be left alone, belongs to somebody else, or returns mail."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            raise ValueError("Send email or phone, one of the two.")
        return self


class SuppressionShown(BaseModel):
    """A line of the suppression list. The address itself is not kept."""

    id: str
    kind: Literal["email", "phone"]
    reason: Reason
    created_at: Instant


class SuppressionList(BaseModel):
    """The newest lines of the suppression list."""

    data: list[SuppressionShown]


def suppression(line: Suppressed) -> dict[str, Any]:
    """Return a line of the list as answers show it."""
    return {
        "id": ids.show(PREFIX, line.id),
        "kind": line.kind,
        "reason": line.reason,
        "created_at": json.instant(line.created_at),
    }
