"""What callers send and are answered about SFTP."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from getbill.kit import ids, json
from getbill.kit.names import Name
from getbill.kit.shapes import Instant
from getbill.sftp.model import KEYS_MAX, PREFIX, Login

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1oIhQ8zO0pN1vDkEo7N6PZ8Qd9J0a7y1m9mJw3w2bX erp@company.example"


class NewLoginBody(BaseModel):
    """Who may drop files; with no member at all it gets a user name and a password made up for it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "ERP", "password": True}}
    )

    name: Name = Field("SFTP login", min_length=1, max_length=100, description="What people call it.")
    username: str | None = Field(
        None,
        max_length=63,
        description="Small letters, digits, dots, dashes, underscores; made up by default.",
    )
    public_keys: list[str] = Field(
        default_factory=list,
        max_length=KEYS_MAX,
        description="Public keys that open it, as `~/.ssh/id_ed25519.pub` holds them.",
    )
    password: bool | None = Field(
        None, description="Whether a password opens it; by default where no key does."
    )


class RotateLoginBody(BaseModel):
    """What a login is opened by from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"public_keys": [_KEY]}})

    public_keys: list[str] | None = Field(
        None, max_length=KEYS_MAX, description="The keys in place of those it has; they stay by default."
    )


class LoginShown(BaseModel):
    """A login."""

    id: str = Field(examples=["sftp_01m804scmte4gbpp4yw1mc91gy"])
    username: str = Field(examples=["erp-3f9c2a71"])
    name: str
    has_password: bool
    fingerprints: list[str] = Field(description="Of its public keys, as `ssh-keygen -l` shows them.")
    host: str = Field(description="Where it drops files.")
    port: int
    created_at: Instant
    rotated_at: Instant | None
    used_at: Instant | None = Field(description="When it was last opened.")
    revoked_at: Instant | None
    created_by: str | None = Field(
        description="The credential or person that created it; null from before that was recorded."
    )


class OpenedLogin(LoginShown):
    """A login with what opens it."""

    password: str | None = Field(description="Shown this once; null where only keys open.")
    host_fingerprints: list[str] = Field(
        description="What the server's own keys are recognised by; empty until `getbill sftp` has started once."
    )


class LoginList(BaseModel):
    """A workspace's logins."""

    data: list[LoginShown]


class PickUpShown(BaseModel):
    """What is being picked up."""

    files: int = Field(
        description="Files that are imported now; those still being written to are not among them."
    )


def login(one: Login, host: str, port: int) -> dict[str, Any]:
    """Return a login as callers see it."""
    return {
        "id": ids.show(PREFIX, one.id),
        "username": one.username,
        "name": one.name,
        "has_password": one.has_password,
        "fingerprints": list(one.fingerprints),
        "host": host,
        "port": port,
        "created_at": json.instant(one.created_at),
        "rotated_at": json.instant(one.rotated_at),
        "used_at": json.instant(one.used_at),
        "revoked_at": json.instant(one.revoked_at),
        "created_by": one.creator.shown if one.creator else None,
    }
