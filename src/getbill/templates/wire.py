"""Request and response bodies of templates."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.channels import Channel, RenderedMessage, Wording
from getbill.kit import http, json
from getbill.kit.http import Instant, Pagination
from getbill.kit.text.names import Name
from getbill.templates.model import BUILT_IN, Confirmation, Edition

Language = Literal["fr", "en", "de", "es"]
_Part = Annotated[str, Field(min_length=1, max_length=20_000)]


class ConfirmationBody(BaseModel):
    """The confirmation of an administrator that a wording may say what a rule allows only with a reason."""

    model_config = ConfigDict(extra="forbid")

    rule: Annotated[str, Field(min_length=1, max_length=100, examples=["EN-COURT"])] = Field(
        description="Id of the rule, as the error names it."
    )
    reason: Annotated[Name, Field(min_length=10, max_length=1000)] = Field(
        description="Why the wording is lawful and true."
    )
    confirmed_by: Annotated[str, Field(min_length=3, max_length=254, examples=["admin@example.com"])] = Field(
        description="E-mail of the administrator of the company who confirms it."
    )


class WordingBody(BaseModel):
    """The wording of a template in one language."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "subject": "{{ creditor }}: your case {{ reference }}",
                    "text": "Hello {{ debtor }},\n\n{{ balance }} remain open.\n\n{{ how_to_pay }}\n\n{{ foot }}",
                }
            ]
        },
    )

    subject: Annotated[Name, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Subject of an e-mail or letter; other channels have none."
    )
    text: _Part = Field(
        description="Text of the message, a Jinja template; `GET /templates` lists its variables."
    )
    html: _Part | None = Field(
        None, description="HTML of an e-mail, placed in GetBill's layout; generated from the text by default."
    )
    confirmations: Annotated[list[ConfirmationBody], Field(max_length=20)] = Field(
        default_factory=list,
        description="Confirmations by administrators, for rules on wording that leave room.",
    )


class TemplatePreviewBody(BaseModel):
    """A wording to preview; without a body, the published version."""

    model_config = ConfigDict(
        title="TemplatePreviewBody", extra="forbid", json_schema_extra={"examples": [{}]}
    )

    wording: WordingBody | None = None


class EditionQuery(BaseModel):
    """The version to return."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="Version of the template; 0 is the built-in one. Defaults to the version in force."
    )


class TemplatePageQuery(BaseModel):
    """The page of versions to return."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT


class EditionBrief(BaseModel):
    """A template in a language, without its wording."""

    name: str = Field(examples=["wave_1_email"])
    language: Language
    channel: Channel
    version: int = Field(description="Version of the template; 0 is the built-in one.")
    is_built_in: bool
    published_at: Instant | None


class EditionShown(EditionBrief):
    """One version of a template in a language."""

    subject: str | None
    text: str
    html: str | None
    confirmations: list[ConfirmationBody] = Field(
        description="Confirmations by administrators that the version was published with."
    )


class TemplateList(BaseModel):
    """Every template in every language, in the version in force."""

    data: list[EditionBrief]
    variables: list[str] = Field(description="Variables that a template may use.")


class EditionList(BaseModel):
    """A page of a template's versions in a language, newest first."""

    data: list[EditionShown]
    pagination: Pagination


class PreviewShown(BaseModel):
    """A message as a debtor would receive it, with the facts of a sample debt."""

    subject: str | None
    text: str
    html: str | None


def read_wording(body: WordingBody) -> Wording:
    """Return the wording of a body."""
    return Wording(body.subject, body.text, body.html)


def read_confirmations(body: WordingBody) -> tuple[Confirmation, ...]:
    """Return the confirmations of a body."""
    return tuple(Confirmation(**item.model_dump()) for item in body.confirmations)


def serialize_brief(edition: Edition) -> dict[str, Any]:
    """Return an edition as a list entry."""
    return {
        "name": edition.name,
        "language": edition.language,
        "channel": edition.channel.value,
        "version": edition.version,
        "is_built_in": edition.version == BUILT_IN,
        "published_at": json.instant(edition.published_at),
    }


def serialize_edition(edition: Edition) -> dict[str, Any]:
    """Return an edition with its wording."""
    words = edition.wording
    confirmations = [asdict(confirmation) for confirmation in edition.confirmations]
    parts = {"subject": words.subject, "text": words.text, "html": words.html}
    return serialize_brief(edition) | parts | {"confirmations": confirmations}


def serialize_preview(message: RenderedMessage) -> dict[str, Any]:
    """Return a rendered message."""
    return {"subject": message.subject, "text": message.text, "html": message.html}
