"""Who may call, and what they may do: scopes, callers, and the refusals that name what is missing.

A caller is one verified credential in one workspace. Whatever a route does, it does as that caller and there;
nothing below the door reads a token again.
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

# What each scope lets its holder do, in the order people read them.
SCOPES = {
    "debts:read": "Read debts and what happens to them.",
    "debts:write": "Create, update and delete debts.",
    "followups:read": "Read followups.",
    "followups:write": "Create and update followups.",
    "debtors:read": "Read debtors.",
    "debtors:write": "Update debtors.",
    "creditors:read": "Read creditors.",
    "creditors:write": "Update creditors.",
    "reports:read": "Read reports and analytics.",
    "company:read": "Read the company's profile and statistics.",
    "users:read": "Read the company's users.",
    "webhooks:read": "Read webhook endpoints, logs and statistics, and the event stream.",
    "webhooks:write": "Manage webhook endpoints; where data goes to needs debts:read too.",
    "sftp:read": "Read SFTP logins.",
    "sftp:write": "Create and revoke SFTP logins; creating one needs debts:read and debts:write too.",
    "credentials:read": "Read credentials, who created them and what they created.",
    "credentials:write": "Revoke credentials, and what only they used.",
}
# Let their holder make or end credentials: a client holds them only where they are named.
ADMINISTRATIVE = frozenset({"sftp:read", "sftp:write", "credentials:read", "credentials:write"})
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope not in ADMINISTRATIVE)

GRANTS = ("client_credentials", "refresh_token", "authorization_code")

Kind = Literal["client", "key"]
# Who creates credentials: those, a member of staff, or whoever runs the installation by its command line.
ActorKind = Literal["client", "key", "user", "operator"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: a credential or a member of staff by its id, or the operator, who has none."""

    kind: ActorKind
    id: UUID | None = None

    @property
    def public_id(self) -> str:
        """The actor as answers name it."""
        return self.kind if self.id is None else ids.show(self.kind, self.id)


OPERATOR = Actor("operator")


class AccessSettings(Protocol):
    """What access reads of the installation's settings."""

    @property
    def dsn(self) -> str:
        """The database."""

    @property
    def url(self) -> str:
        """The address of this installation, which its tokens name as issuer and audience."""

    @property
    def rate_limit_live(self) -> int:
        """Requests a minute of one live client."""

    @property
    def rate_limit_sandbox(self) -> int:
        """Requests a minute of one sandbox workspace."""

    @property
    def rate_limit_anonymous(self) -> int:
        """Requests a minute of one address without a good credential."""

    @property
    def body_bytes_max(self) -> int:
        """The largest body that is read."""

    @property
    def import_bytes_max(self) -> int:
        """The largest file that is imported."""


LARGER_BODIES: Mapping[str, int] = {"/external-api/v1/debts/batch": 20_000_000}


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation decides about access."""

    base_url: str = "http://127.0.0.1:8000"
    live_per_minute: int = 1000
    sandbox_per_minute: int = 100
    # Requests without a good credential, and to the token endpoint, per client address and process.
    anonymous_per_minute: int = 600
    body_bytes_max: int = 1_000_000
    # Paths whose bodies may be larger.
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
    """A verified credential: where it acts, what it may do, how often, until when."""

    workspace: Workspace
    credential_id: UUID
    kind: Kind
    name: str
    scopes: frozenset[str]
    limit_per_minute: int
    # Whose minute this caller's requests count against: its own, or its sandbox's.
    counted_as: UUID
    expires_at: datetime | None

    def may(self, scope: str) -> bool:
        """Say whether the credential holds a scope."""
        return scope in self.scopes

    def require(self, *scopes: str) -> None:
        """Raise ScopeMissing for the first of these scopes that the credential lacks."""
        for scope in scopes:
            if scope not in self.scopes:
                raise ScopeMissing(scope)

    @property
    def actor(self) -> Actor:
        """The credential as who did something."""
        return Actor(self.kind, self.credential_id)


class NoCredential(Unauthenticated):
    """No Bearer credential came with the request (RFC 6750 section 3: then no error code is given)."""

    def __init__(self) -> None:
        super().__init__(
            message("Send an access token or a sandbox key as `Authorization: Bearer ...`."),
            headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'},
        )


class TokenInvalid(Unauthenticated):
    """The credential is unknown, malformed, expired or revoked."""

    code = "invalid-token"
    way_out = "Get a new access token, by the refresh token or by the client's credentials; a revoked key stays revoked."

    def __init__(self, detail: Message, reason: str | None = None) -> None:
        # A header is ASCII: its description stays English (RFC 6750 section 3).
        challenge = f'Bearer realm="{REALM}", error="invalid_token", error_description="{detail}"'
        extra = {"reason": reason} if reason else {}
        super().__init__(detail, extra=extra, headers={"WWW-Authenticate": challenge})


class TokenExpired(TokenInvalid):
    """An access token of ours whose hour is over; `reason` is `expired`."""

    def __init__(self) -> None:
        super().__init__(message("The access token has expired"), "expired")


class ScopeMissing(Forbidden):
    """The credential lacks the scope that this call needs."""

    code = "scope-missing"
    way_out = "Ask for a token with the scope that `required_scope` names; a client that was not granted it needs a new one."

    def __init__(self, scope: str) -> None:
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{scope}"'
        super().__init__(
            message('Required scope "{scope}" not found in token', scope=scope),
            extra={"required_scope": scope},
            headers={"WWW-Authenticate": challenge},
        )


class TlsRequired(Forbidden):
    """A live credential came over a connection that others could read."""

    code = "tls-required"
    way_out = "Call over https, and treat the credential that was sent as known to others: revoke it."

    def __init__(self) -> None:
        super().__init__(
            message(
                "A live credential came over a connection without TLS. Call over https, or declare the proxy that ends"
                " TLS; treat this credential as known to others and replace it."
            )
        )


class RateLimited(TooManyRequests):
    """The minute's requests are used up."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(
            counted(
                "More than {limit} requests in a minute. Come back in {count} second.",
                "More than {limit} requests in a minute. Come back in {count} seconds.",
                count=seconds,
                limit=limit,
            ),
            extra={"limit": limit, "retry_after": seconds},
            headers={"Retry-After": str(seconds)},
        )


class BodyTooLarge(TooLarge):
    """The body is larger than this path takes."""

    def __init__(self, most: int) -> None:
        super().__init__(
            message("A body has at most {most} bytes here.", most=most), extra={"bytes_max": most}
        )


def digest(secret: str) -> bytes:
    """Return what is stored of a high-entropy secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def sort_scopes(scopes: Iterable[str]) -> list[str]:
    """Return scopes in the order people read them."""
    granted = frozenset(scopes)
    return [scope for scope in SCOPES if scope in granted]
