"""Schemas of the OAuth endpoints, the profile and the staff list."""

from typing import Any

from pydantic import BaseModel, Field

from getbill.access.model import SCOPES, Caller, sort_scopes
from getbill.companies import User
from getbill.kit import ids, json
from getbill.kit.http import Instant


class TokenShown(BaseModel):
    """An access token with its type, lifetime and scopes (RFC 6749 section 5.1)."""

    access_token: str = Field(description="Access token: a JWT signed with RS256. Treat it as opaque.")
    token_type: str = Field(examples=["Bearer"])
    expires_in: int = Field(description="Lifetime of the access token in seconds.", examples=[3600])
    refresh_token: str | None = Field(
        None,
        description="Refresh token, valid once within 30 days; absent if the client has no refresh grant.",
    )
    scope: str = Field(examples=["debts:read debts:write followups:read"])


class OAuthRefusal(BaseModel):
    """An OAuth error (RFC 6749 section 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str | None = Field(None, examples=["Client authentication failed"])


class RevokedToken(BaseModel):
    """Confirmation that the token is not valid, or never was (RFC 7009 section 2.2)."""


class Metadata(BaseModel):
    """Metadata of the authorization server (RFC 8414 section 2)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]


class KeySet(BaseModel):
    """The public keys that verify access tokens (RFC 7517 section 5)."""

    keys: list[dict[str, Any]]


class Configuration(BaseModel):
    """The company's defaults for new debts, and the credential's workspace."""

    workspace: str = Field(
        examples=["sandbox"], description="`live`, or `sandbox`, which contacts no real person."
    )
    workspace_id: str
    workspace_time: Instant = Field(
        description="Current time of the workspace, in UTC; a sandbox's clock can be advanced."
    )
    currency: str = Field(examples=["EUR"])
    country: str = Field(examples=["FR"])
    language: str = Field(examples=["fr"])
    scenario: str = Field(examples=["standard_3_waves"])
    collector: str = Field(
        description="`creditor` if the company collects its own debts, `third_party` if it collects those of others."
    )
    iban: str | None
    scopes: list[str] = Field(description="Scopes of this credential.")
    requests_per_minute: int


class CompanyProfile(BaseModel):
    """The company of a credential."""

    id: str
    name: str
    email: str | None
    phone: str | None
    created_at: Instant
    configuration: Configuration


class UserShown(BaseModel):
    """A member of staff."""

    id: str
    email: str
    firstname: str | None
    lastname: str | None
    role: str = Field(examples=["admin"])
    is_active: bool
    created_at: Instant
    last_activity: Instant | None


class UserList(BaseModel):
    """A company's staff."""

    data: list[UserShown]


def serialize_profile(caller: Caller) -> dict[str, Any]:
    """Return the company of a caller as a response."""
    workspace = caller.workspace
    company = workspace.company
    return {
        "id": ids.show("company", company.id),
        "name": company.name,
        "email": company.email,
        "phone": company.phone,
        "created_at": json.instant(company.created_at),
        "configuration": {
            "workspace": workspace.kind,
            "workspace_id": ids.show("workspace", workspace.id),
            "workspace_time": json.instant(workspace.now()),
            "currency": company.currency,
            "country": company.country,
            "language": company.language,
            "scenario": company.scenario,
            "collector": company.collector,
            "iban": company.iban,
            "scopes": sort_scopes(caller.scopes),
            "requests_per_minute": caller.limit_per_minute,
        },
    }


def serialize_user(member: User) -> dict[str, Any]:
    """Return a member of staff as a response."""
    return {
        "id": ids.show("user", member.id),
        "email": member.email,
        "firstname": member.first_name,
        "lastname": member.last_name,
        "role": member.role,
        "is_active": member.is_active,
        "created_at": json.instant(member.created_at),
        "last_activity": json.instant(member.last_seen_at),
    }


_CREDENTIALS = {
    "client_id": {"type": "string", "description": "Id of the client, unless sent with HTTP Basic."},
    "client_secret": {"type": "string", "description": "Secret of the client, unless sent with HTTP Basic."},
}


def form_schema(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI schema of a form-encoded body with client credentials."""
    schema = {"type": "object", "required": required, "properties": properties | _CREDENTIALS}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


TOKEN_FORM = form_schema(
    ["grant_type"],
    {
        "grant_type": {
            "type": "string",
            "enum": ["client_credentials", "refresh_token"],
            "description": "Grant: client credentials, or the refresh token of an earlier response.",
        },
        "refresh_token": {
            "type": "string",
            "description": "Refresh token, with grant_type=refresh_token.",
        },
        "scope": {
            "type": "string",
            "description": f"Scopes, by default all of the client's: {', '.join(SCOPES)}.",
        },
    },
)
REVOCATION_FORM = form_schema(
    ["token"],
    {
        "token": {
            "type": "string",
            "description": "Access token, or refresh token, which is revoked with all tokens of its family.",
        },
        "token_type_hint": {
            "type": "string",
            "enum": ["access_token", "refresh_token"],
            "description": "Type of the token; optional.",
        },
    },
)
