"""The bodies and answers of templates."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.channels import Channel, RenderedMessage, Wording
from getbill.kit import http, json
from getbill.kit.http import Instant, Pagination
from getbill.kit.text.names import Name
from getbill.templates.model import BUILT_IN, Edition

Language = Literal["fr", "en", "de", "es"]
_Part = Annotated[str, Field(min_length=1, max_length=20_000)]


class WordingBody(BaseModel):
    """What a template says in one language."""

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
        None, description="Subject of an e-mail or a letter; other channels have none."
    )
    text: _Part = Field(
        description="Text of the message, a Jinja template; `GET /templates` names its variables."
    )
    html: _Part | None = Field(
        None, description="HTML of an e-mail, inside GetBill's layout; made from the text by default."
    )


class TemplatePreviewBody(BaseModel):
    """What to preview: a wording that is not published yet, or with no body the one in force."""

    model_config = ConfigDict(
        title="TemplatePreviewBody", extra="forbid", json_schema_extra={"examples": [{}]}
    )

    wording: WordingBody | None = None


class EditionQuery(BaseModel):
    """Which edition is asked for."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="Version of the template; 0 is the built-in one. Defaults to the one in force."
    )


class TemplatePageQuery(BaseModel):
    """Which page of the editions."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT


class EditionBrief(BaseModel):
    """A template in a language, without its words."""

    name: str = Field(examples=["wave_1_email"])
    language: Language
    channel: Channel
    version: int = Field(description="Version of the template; 0 is the built-in one.")
    is_built_in: bool
    published_at: Instant | None


class EditionShown(EditionBrief):
    """What a template says in a language, in one version."""

    subject: str | None
    text: str
    html: str | None


class TemplateList(BaseModel):
    """Every template in every language, in the edition in force."""

    data: list[EditionBrief]
    variables: list[str] = Field(description="Variables that a template may use.")


class EditionList(BaseModel):
    """A page of a template's editions in a language, the newest first."""

    data: list[EditionShown]
    pagination: Pagination


class PreviewShown(BaseModel):
    """A message as a debtor would get it, with the facts of nobody's debt."""

    subject: str | None
    text: str
    html: str | None


def read_wording(body: WordingBody) -> Wording:
    """Return the wording a body holds."""
    return Wording(body.subject, body.text, body.html)


def serialize_brief(edition: Edition) -> dict[str, Any]:
    """Return an edition as the list shows it."""
    return {
        "name": edition.name,
        "language": edition.language,
        "channel": edition.channel.value,
        "version": edition.version,
        "is_built_in": edition.version == BUILT_IN,
        "published_at": json.instant(edition.published_at),
    }


def serialize_edition(edition: Edition) -> dict[str, Any]:
    """Return an edition with its words."""
    words = edition.wording
    return serialize_brief(edition) | {"subject": words.subject, "text": words.text, "html": words.html}


def serialize_preview(message: RenderedMessage) -> dict[str, Any]:
    """Return a rendered message."""
    return {"subject": message.subject, "text": message.text, "html": message.html}
