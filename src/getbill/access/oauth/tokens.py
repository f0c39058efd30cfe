"""Short-lived signed access tokens, and refresh tokens that rotate at every use.

All tokens of one grant are a family. Reuse of a refresh token means it was stolen (RFC 9700 section 4.14.2)
and revokes its family, with one exception: for 30 seconds the token just replaced can get another successor,
because responses get lost and clients run concurrently.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from authlib.oauth2.rfc6749 import TokenMixin
from joserfc import jwt
from joserfc.jwk import RSAKey

from getbill.access.cache_invalidation import invalidate
from getbill.access.model import digest
from getbill.access.oauth.clients import Client
from getbill.access.oauth.signing_keys import ALGORITHM, TOKEN_LIFE, TYPE
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction

REFRESH_PREFIX = "gbr_"
REFRESH_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=30)

_LOCK_FAMILY = Statement(
    "access.lock_family",
    "Let one request at a time use a family's refresh tokens.",
    """
    SELECT id FROM token_families WHERE id = (SELECT family_id FROM refresh_tokens WHERE hash = $1) FOR UPDATE
    """,
)
_REFRESH_TOKEN = Statement(
    "access.refresh_token",
    "A refresh token with its family, and whether a successor of it was itself replaced.",
    """
    SELECT r.hash, r.family_id, f.client_id, f.scopes, r.expires_at, r.replaced_at, f.revoked_at,
           EXISTS (SELECT FROM refresh_tokens s WHERE s.family_id = r.family_id AND s.parent = r.hash
                   AND s.replaced_at IS NOT NULL) AS is_outlived
    FROM refresh_tokens r JOIN token_families f ON f.id = r.family_id WHERE r.hash = $1
    """,
)
_INSERT_FAMILY = Statement(
    "access.insert_family",
    "Begin a family of tokens.",
    "INSERT INTO token_families (id, client_id, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
)
_INSERT_REFRESH = Statement(
    "access.insert_refresh_token",
    "Hand out a refresh token.",
    "INSERT INTO refresh_tokens (hash, family_id, parent, expires_at) VALUES ($1, $2, $3, $4)",
)
_REPLACE = Statement(
    "access.replace_refresh_token",
    "A refresh token was exchanged for its first successor.",
    "UPDATE refresh_tokens SET replaced_at = $2 WHERE hash = $1 AND replaced_at IS NULL",
)
_PROLONG = Statement(
    "access.prolong_family",
    "A family lives as long as its newest refresh token.",
    "UPDATE token_families SET expires_at = $2 WHERE id = $1",
)
_REVOKE_FAMILY = Statement(
    "access.revoke_family",
    "Revoke a family with all its tokens.",
    "UPDATE token_families SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
)
_REVOKE_TOKEN = Statement(
    "access.revoke_token",
    "Revoke one access token.",
    "INSERT INTO revoked_tokens (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
)
_PRUNE = (
    Statement(
        "access.prune_revoked_tokens",
        "Forget revoked access tokens that have expired.",
        "DELETE FROM revoked_tokens WHERE expires_at < $1",
    ),
    Statement(
        "access.prune_refresh_tokens",
        "Forget refresh tokens that have expired.",
        "DELETE FROM refresh_tokens WHERE expires_at < $1",
    ),
    Statement(
        "access.prune_families",
        "Forget families whose last refresh token has expired.",
        "DELETE FROM token_families WHERE expires_at < $1",
    ),
)

RefreshTokenStatus = Literal["good", "reused", "expired", "dead"]


@dataclass(frozen=True)
class RefreshToken(TokenMixin):  # type: ignore[misc]  # Authlib ships no types
    """A stored refresh token, as Authlib's grants use it."""

    hash: bytes
    family_id: UUID
    client_id: UUID
    scopes: tuple[str, ...]
    expires_at: datetime
    replaced_at: datetime | None
    revoked_at: datetime | None
    is_outlived: bool

    def check_client(self, client: Client) -> bool:
        """Return whether it was issued to this client."""
        return self.client_id == client.id

    def get_scope(self) -> str:
        """Return the scopes granted to its family."""
        return " ".join(self.scopes)

    def status(self, now: datetime) -> RefreshTokenStatus:
        """Return whether it may be exchanged, is expired or revoked, or was reused and so probably copied."""
        if self.revoked_at is not None:
            return "dead"
        if self.expires_at <= now:
            return "expired"
        if self.replaced_at is None:
            return "good"
        if not self.is_outlived and now - self.replaced_at <= GRACE:
            return "good"
        return "reused"


@dataclass(frozen=True)
class AccessToken(TokenMixin):  # type: ignore[misc]  # as above
    """An access token in a revocation request."""

    id: UUID
    client_id: UUID
    expires_at: datetime

    def check_client(self, client: Client) -> bool:
        """Return whether it was issued to this client."""
        return self.client_id == client.id


@dataclass(frozen=True, slots=True)
class Issue:
    """Tokens to issue, in a new family unless they descend from `parent`."""

    client: Client
    scopes: tuple[str, ...]
    family_id: UUID
    refresh_token: str | None
    parent: RefreshToken | None


def sign(issue: Issue, key: RSAKey, issuer: str, now: datetime) -> str:
    """Return the signed access token of an issue (RFC 9068)."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": issue.client.public_id,
        "aud": issuer,
        "client_id": issue.client.public_id,
        "iat": issued_at,
        "exp": issued_at + int(TOKEN_LIFE.total_seconds()),
        "jti": str(ids.new()),
        "scope": " ".join(issue.scopes),
    }
    if issue.refresh_token is not None:
        claims["family"] = str(issue.family_id)
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


def new_refresh_token() -> str:
    """Return a new refresh token."""
    return REFRESH_PREFIX + secrets.token_urlsafe(32)


async def find_refresh_token(tx: Transaction, text: str) -> RefreshToken | None:
    """Return a refresh token, its family locked until the transaction ends."""
    token_hash = digest(text)
    if await tx.fetchval(_LOCK_FAMILY, token_hash) is None:
        return None
    # A separate statement: it must see what the previous holder of the lock wrote.
    row = await tx.fetchrow(_REFRESH_TOKEN, token_hash)
    return None if row is None else RefreshToken(**{**dict(row), "scopes": tuple(row["scopes"])})


async def store_refresh_token(tx: Transaction, issue: Issue) -> None:
    """Store an issued refresh token, and mark the one it replaces."""
    if issue.refresh_token is None:
        return
    expires_at = tx.now + REFRESH_LIFE
    parent = issue.parent
    if parent is None:
        await tx.execute(
            _INSERT_FAMILY, issue.family_id, issue.client.id, list(issue.scopes), tx.now, expires_at
        )
    else:
        await tx.execute(_REPLACE, parent.hash, tx.now)
        await tx.execute(_PROLONG, issue.family_id, expires_at)
    token_hash = digest(issue.refresh_token)
    await tx.execute(_INSERT_REFRESH, token_hash, issue.family_id, parent and parent.hash, expires_at)


async def revoke_token(tx: Transaction, token: RefreshToken | AccessToken) -> None:
    """Revoke an access token, or a refresh token with its whole family (RFC 7009 section 2.1)."""
    if isinstance(token, RefreshToken):
        await tx.execute(_REVOKE_FAMILY, token.family_id, tx.now)
        await invalidate(tx, token.family_id)
    else:
        await tx.execute(_REVOKE_TOKEN, token.id, token.expires_at)
        await invalidate(tx, token.id)


async def prune_tokens(database: Database, now: datetime) -> None:
    """Delete expired tokens."""
    for statement in _PRUNE:
        await database.execute(statement, now)
