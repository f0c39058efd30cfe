"""Who may call, and what they may do: scopes, callers, and the refusals that name what is missing.

A caller is one verified credential in one workspace. Whatever a route does, it does as that caller and there;
nothing below the door reads a token again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Literal
from uuid import UUID

from getbill.companies import Workspace
from getbill.kit.errors import Forbidden, Unauthenticated

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
    "webhooks:write": "Manage webhook endpoints.",
}

GRANTS = ("client_credentials", "refresh_token", "authorization_code")

Kind = Literal["client", "key"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation decides about access; taken from its settings once at start."""

    base_url: str = "http://127.0.0.1:8000"
    live_per_minute: int = 1000
    sandbox_per_minute: int = 100
    anonymous_per_minute: int = 300
    body_bytes_max: int = 1024 * 1024
    # Peers that end TLS for us and whose X-Forwarded-* headers are believed.
    tls_proxies: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified credential: where it acts, what it may do, how often, until when."""

    workspace: Workspace
    credential_id: UUID
    kind: Kind
    name: str
    scopes: frozenset[str]
    limit_per_minute: int
    expires_at: datetime | None
    # Whose minute this caller's requests count against: its own, or its sandbox's.
    counted_as: UUID
    family_id: UUID | None = None
    expires_unix: float = field(default=float("inf"), compare=False)

    def may(self, scope: str) -> bool:
        """Say whether the credential holds a scope."""
        return scope in self.scopes


class NoCredential(Unauthenticated):
    """No Bearer credential came with the request (RFC 6750 section 3: then no error code is given)."""

    def __init__(self) -> None:
        super().__init__(
            "Send an access token or a sandbox key as `Authorization: Bearer ...`.",
            headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'},
        )


class TokenInvalid(Unauthenticated):
    """The credential is unknown, malformed, expired or revoked."""

    code = "invalid-token"

    def __init__(self, detail: str) -> None:
        challenge = f'Bearer realm="{REALM}", error="invalid_token", error_description="{detail}"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class ScopeMissing(Forbidden):
    """The credential lacks the scope that this call needs."""

    code = "scope-missing"

    def __init__(self, scope: str) -> None:
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{scope}"'
        super().__init__(
            f'Required scope "{scope}" not found in token',
            extra={"required_scope": scope},
            headers={"WWW-Authenticate": challenge},
        )


class TlsRequired(Forbidden):
    """A live credential came over a connection that others could read."""

    code = "tls-required"


def digest(secret: str) -> bytes:
    """Return what is stored of a high-entropy secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def in_order(scopes: Iterable[str]) -> list[str]:
    """Return scopes in the order people read them."""
    held = frozenset(scopes)
    return [scope for scope in SCOPES if scope in held]
