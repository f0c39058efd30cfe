"""Request and response schemas of credentials."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.credentials.actions import Revocation, RevocationResult
from getbill.credentials.model import CreatedCredential
from getbill.kit import ids, json
from getbill.kit.http import Flag, Instant

_USED_BY = "Others that use it: whoever changed, rotated or owns it; itself where a person created it and it was used within"


class CreatedShown(BaseModel):
    """An active credential with its creator."""

    id: str = Field(description="What it is named by.", examples=["sftp_01m804scmte4gbpp4yw1mc91gy"])
    kind: Literal["client", "key", "sftp_login", "webhook"] = Field(description="What it is.")
    name: str = Field(description="Its name; of an SFTP login the user name, of a webhook the URL.")
    workspace_id: str = Field(description="The workspace it acts in.")
    created_at: Instant = Field(description="When it was created.")
    created_by: str = Field(
        description="The credential or person that created it.",
        examples=["client_01m804scmte4gbpp4yw1mc91gy"],
    )
    used_at: Instant | None = Field(description="When it was last used, as far as the access log tells.")
    used_by: list[str] = Field(description=f"{_USED_BY} 90 days.")


class CreatedList(BaseModel):
    """The credentials of a creator, by what would become of them."""

    would_be_revoked: list[CreatedShown] = Field(description="Nobody else uses it.")
    would_stay: list[CreatedShown] = Field(description="Another uses it.")


class RevokeBody(BaseModel):
    """Whether the credentials that only this one used are revoked too."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"created": "revoke"}]})

    created: Literal["keep", "revoke"] = Field(
        "keep", description="`revoke` also revokes what it created and nobody else uses."
    )
    preview: Flag = Field(default=False, description="Change nothing, and answer what would be revoked.")


class RevokedShown(BaseModel):
    """The revoked credential or person, and what was revoked with it (in a preview: would be)."""

    id: str = Field(description="The client, key or user that was revoked.")
    preview: bool = Field(description="Whether nothing was changed.")
    revoked: list[CreatedShown] = Field(description="What was revoked with it; a webhook is disabled.")
    left: list[CreatedShown] = Field(description="What it created and was left.")


def serialize_credential(credential: CreatedCredential, now: datetime) -> dict[str, Any]:
    """Return a created credential as a response."""
    return {
        "id": credential.public_id,
        "kind": credential.kind,
        "name": credential.name,
        "workspace_id": ids.show("workspace", credential.workspace_id),
        "created_at": json.instant(credential.created_at),
        "created_by": credential.creator.public_id,
        "used_at": json.instant(credential.used_at),
        "used_by": credential.used_by(now),
    }


def serialize_revocation(revocation: Revocation, now: datetime) -> dict[str, Any]:
    """Return the credentials of a creator as a response."""
    return {
        "would_be_revoked": [serialize_credential(credential, now) for credential in revocation.revocable],
        "would_stay": [serialize_credential(credential, now) for credential in revocation.retained],
    }


def serialize_revocation_result(
    revocation: RevocationResult, now: datetime, *, is_preview: bool
) -> dict[str, Any]:
    """Return the result of a revocation or a preview as a response."""
    return {
        "id": revocation.subject.public_id,
        "preview": is_preview,
        "revoked": [serialize_credential(credential, now) for credential in revocation.revoked],
        "left": [serialize_credential(credential, now) for credential in revocation.retained],
    }
