"""Callers, actors and scopes, and the refusals that name what is missing.

A caller is one verified credential in one workspace. A route acts as that caller and in that workspace; no
code below the middleware reads a token again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from getbill.companies import Workspace
from getbill.kit import ids
from getbill.kit.errors import Forbidden, TooLarge, TooManyRequests, Unauthenticated
from getbill.kit.messages import Message, counted, message

REALM = "getbill"

# What each scope permits, in display order.
SCOPES = {
    "debts:read": "Read debts and their history.",
    "debts:write": "Create, update and delete debts.",
    "followups:read": "Read followups.",
    "followups:write": "Create and update followups.",
    "debtors:read": "Read debtors.",
    "debtors:write": "Update debtors.",
    "creditors:read": "Read creditors.",
    "creditors:write": "Create, update and delete creditors.",
    "reports:read": "Read reports and analytics.",
    "company:read": "Read the company's profile and statistics.",
    "company:write": "Declare the role in which the company collects.",
    "users:read": "Read the company's users.",
    "webhooks:read": "Read webhook endpoints, logs and statistics, and the event stream.",
    "webhooks:write": "Manage webhook endpoints; changing where data is sent also needs debts:read.",
    "sftp:read": "Read SFTP logins.",
    "sftp:write": "Create and revoke SFTP logins; creating one also needs debts:read and debts:write.",
    "credentials:read": "Read credentials, their creators and the credentials they created.",
    "credentials:write": "Revoke credentials, and the credentials that only they use.",
}
# Scopes to create or revoke credentials: a client holds them only if they are granted by name.
ADMINISTRATIVE = frozenset({"sftp:read", "sftp:write", "credentials:read", "credentials:write"})
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope not in ADMINISTRATIVE)

GRANTS = ("client_credentials", "refresh_token", "authorization_code")

Kind = Literal["client", "key"]
# Creators of credentials: credentials, a member of staff, or the operator on the command line.
ActorKind = Literal["client", "key", "user", "operator"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of an action: a credential or a member of staff by id, or the operator, without an id."""

    kind: ActorKind
    id: UUID | None = None

    @property
    def public_id(self) -> str:
        """The actor's id in responses."""
        return self.kind if self.id is None else ids.show(self.kind, self.id)


OPERATOR = Actor("operator")


class AccessSettings(Protocol):
    """The settings of the installation that access uses."""

    @property
    def dsn(self) -> str:
        """The DSN of the database."""

    @property
    def url(self) -> str:
        """The URL of this installation, issuer and audience of its tokens."""

    @property
    def rate_limit_live(self) -> int:
        """Requests per minute of one live client."""

    @property
    def rate_limit_sandbox(self) -> int:
        """Requests per minute of one sandbox workspace."""

    @property
    def rate_limit_anonymous(self) -> int:
        """Requests per minute of one address without a valid credential."""

    @property
    def body_bytes_max(self) -> int:
        """Maximum body size."""

    @property
    def import_bytes_max(self) -> int:
        """Maximum size of an imported file."""


LARGER_BODIES: Mapping[str, int] = {"/external-api/v1/debts/batch": 20_000_000}


@dataclass(frozen=True, slots=True)
class Policy:
    """The access policy of an installation."""

    base_url: str = "http://127.0.0.1:8000"
    live_per_minute: int = 1000
    sandbox_per_minute: int = 100
    # Requests without a valid credential, and to the token endpoint, per client address and process.
    anonymous_per_minute: int = 600
    body_bytes_max: int = 1_000_000
    # Paths that accept larger bodies.
    larger_bodies: Mapping[str, int] = field(default_factory=lambda: dict(LARGER_BODIES))

    @classmethod
    def from_settings(cls, settings: AccessSettings) -> "Policy":
        """Return the policy of an installation."""
        return cls(
            base_url=settings.url,
            live_per_minute=settings.rate_limit_live,
            sandbox_per_minute=settings.rate_limit_sandbox,
            anonymous_per_minute=settings.rate_limit_anonymous,
            body_bytes_max=settings.body_bytes_max,
            # A form is a little larger than the file in it.
            larger_bodies={**LARGER_BODIES, "/external-api/v1/imports": settings.import_bytes_max + 65_536},
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified credential with its workspace, scopes, rate limit and expiry."""

    workspace: Workspace
    credential_id: UUID
    kind: Kind
    name: str
    scopes: frozenset[str]
    limit_per_minute: int
    # The subject whose rate limit this caller's requests count against: its own, or its sandbox's.
    counted_as: UUID
    expires_at: datetime | None

    def may(self, scope: str) -> bool:
        """Return whether the credential holds a scope."""
        return scope in self.scopes

    def require(self, *scopes: str) -> None:
        """Raise ScopeMissing for the first of these scopes that the credential lacks."""
        for scope in scopes:
            if scope not in self.scopes:
                raise ScopeMissing(scope)

    @property
    def actor(self) -> Actor:
        """The credential as an actor."""
        return Actor(self.kind, self.credential_id)


class NoCredential(Unauthenticated):
    """The request has no Bearer credential (RFC 6750 section 3: then no error code is given)."""

    def __init__(self) -> None:
        super().__init__(
            message("Send an access token or a sandbox key as `Authorization: Bearer ...`."),
            headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'},
        )


class TokenInvalid(Unauthenticated):
    """The credential is unknown, malformed, expired or revoked."""

    code = "invalid-token"
    way_out = "Get a new access token with the refresh token or the client credentials. A revoked key stays revoked."

    def __init__(self, detail: Message, reason: str | None = None) -> None:
        # A header is ASCII: its description stays English (RFC 6750 section 3).
        challenge = f'Bearer realm="{REALM}", error="invalid_token", error_description="{detail}"'
        extra = {"reason": reason} if reason else {}
        super().__init__(detail, extra=extra, headers={"WWW-Authenticate": challenge})


class TokenExpired(TokenInvalid):
    """The access token has expired after its hour; `reason` is `expired`."""

    def __init__(self) -> None:
        super().__init__(message("The access token has expired"), "expired")


class ScopeMissing(Forbidden):
    """The credential lacks a scope that this call requires."""

    code = "scope-missing"
    way_out = "Request a token with the scope in `required_scope`. A client without this scope has to be replaced by a new one."

    def __init__(self, scope: str) -> None:
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{scope}"'
        super().__init__(
            message('Required scope "{scope}" not found in token', scope=scope),
            extra={"required_scope": scope},
            headers={"WWW-Authenticate": challenge},
        )


class TlsRequired(Forbidden):
    """A live credential was sent over a connection without TLS."""

    code = "tls-required"
    way_out = "Use https. Treat the credential as compromised and revoke it."

    def __init__(self) -> None:
        super().__init__(
            message(
                "A live credential was sent over a connection without TLS. Use https, or declare the"
                " proxy that terminates TLS. Treat this credential as compromised and replace it."
            )
        )


class RateLimited(TooManyRequests):
    """The rate limit of this minute is used up."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(
            counted(
                "More than {limit} requests in a minute. Retry in {count} second.",
                "More than {limit} requests in a minute. Retry in {count} seconds.",
                count=seconds,
                limit=limit,
            ),
            extra={"limit": limit, "retry_after": seconds},
            headers={"Retry-After": str(seconds)},
        )


class BodyTooLarge(TooLarge):
    """The body is larger than this path accepts."""

    def __init__(self, most: int) -> None:
        super().__init__(
            message("The body of this request may have at most {most} bytes.", most=most),
            extra={"bytes_max": most},
        )


def digest(secret: str) -> bytes:
    """Return the stored form of a high-entropy secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def sort_scopes(scopes: Iterable[str]) -> list[str]:
    """Return scopes in display order."""
    granted = frozenset(scopes)
    return [scope for scope in SCOPES if scope in granted]
