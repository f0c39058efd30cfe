"""Request and response schemas of credentials."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.credentials.actions import Revocation, RevocationResult
from getbill.credentials.model import CreatedCredential
from getbill.kit import ids, json
from getbill.kit.http import Flag, Instant

_USED_BY = "Other credentials and people that changed, rotated or own it; itself if a person created it and it was used within"


class CreatedShown(BaseModel):
    """An active credential with its creator."""

    id: str = Field(description="Id of the credential.", examples=["sftp_01m804scmte4gbpp4yw1mc91gy"])
    kind: Literal["client", "key", "sftp_login", "webhook"] = Field(description="Type of credential.")
    name: str = Field(
        description="Name of the credential; for an SFTP login the user name, for a webhook the URL."
    )
    workspace_id: str = Field(description="Workspace of the credential.")
    created_at: Instant = Field(description="Creation time.")
    created_by: str = Field(
        description="Credential or person that created it.",
        examples=["client_01m804scmte4gbpp4yw1mc91gy"],
    )
    used_at: Instant | None = Field(
        description="Time of the last use, according to the access log; null if none is recorded."
    )
    used_by: list[str] = Field(description=f"{_USED_BY} 90 days.")


class CreatedList(BaseModel):
    """The credentials of a creator, by what would become of them."""

    would_be_revoked: list[CreatedShown] = Field(
        description="Credentials that no other credential or person uses."
    )
    would_stay: list[CreatedShown] = Field(description="Credentials that another credential or person uses.")


class RevokeBody(BaseModel):
    """A revocation, with or without the credentials that only this one used."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"created": "revoke"}]})

    created: Literal["keep", "revoke"] = Field(
        "keep", description="`revoke` also revokes the credentials that it created and only it uses."
    )
    preview: Flag = Field(
        default=False, description="Whether to change nothing and return what would be revoked."
    )


class RevokedShown(BaseModel):
    """The revoked credential or person, and what was revoked with it (in a preview: would be)."""

    id: str = Field(description="Id of the revoked client, key or user.")
    preview: bool = Field(description="Whether this is a preview, without any change.")
    revoked: list[CreatedShown] = Field(description="Credentials revoked with it; webhooks are disabled.")
    left: list[CreatedShown] = Field(description="Credentials that it created and that remain active.")


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
