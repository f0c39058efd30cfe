"""Request and response schemas of gateway reports."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.channels.senders import Fate, SendOutcome

_FATES = {
    "delivered": Fate.DELIVERED,
    "answered": Fate.ANSWERED,
    "unanswered": Fate.UNANSWERED,
    "failed": Fate.FAILED,
}


class ReportBody(BaseModel):
    """The status of a message that a gateway accepted."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "id": "followup_01jd3v9wq8e0brt4k2m5n6p7q8",
                    "workspace": "workspace_01jd3v9wq8e0brt4k2m5n6p7q8",
                    "status": "delivered",
                }
            ]
        },
    )

    id: Annotated[str, Field(max_length=64)] = Field(description="Id of the message, as sent to the gateway.")
    workspace: Annotated[str, Field(max_length=64)] = Field(
        description="Workspace of the message, as sent to the gateway."
    )
    status: Literal["delivered", "answered", "unanswered", "failed"]
    ref: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Id of the message at the provider."
    )
    reason: Annotated[str, Field(max_length=200)] | None = None
    duration_ms: Annotated[int, Field(strict=True, ge=0, le=86_400_000)] | None = None


class ReportAccepted(BaseModel):
    """The report was accepted."""

    changed: bool = Field(
        description="Whether the report changed anything; false for a status already known."
    )


def parse_report(report: ReportBody) -> SendOutcome:
    """Return the outcome that a report states."""
    return SendOutcome(_FATES[report.status], report.ref, report.reason, duration_ms=report.duration_ms)
