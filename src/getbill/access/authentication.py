"""Authentication of Bearer credentials, with a cache of callers.

A verified credential is cached by the SHA-256 of its text. Anything that could change it (revocation, a
sandbox's clock, a company's defaults) is notified to every process by NOTIFY; a process that is not listening
asks the database every time. Expiry is checked against the wall clock at every use.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from getbill import companies
from getbill.access.keys import KEY, PREFIX
from getbill.access.model import SCOPES, Caller, Kind, Policy, TokenExpired, TokenInvalid
from getbill.access.oauth import TOKEN_LIFE, SigningKeys, VerifiedToken
from getbill.kit import clock, ids
from getbill.kit.database import Database, Listener, Statement
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.vault import Vault

_CACHE_MAX = 10_000
_TOKEN_CHARACTERS_MAX = 4096
# How far the clock of the issuing machine may be ahead of ours, or ours may have gone back.
_CLOCK_SKEW_SECONDS = 60

# Reads at once everything that can invalidate a token before it expires.
_FIND_TOKEN_CLIENT = Statement(
    "access.find_token_client",
    "Client of an access token, if the client, the family, the token and its signing key are not revoked.",
    """
    SELECT c.id, c.workspace_id, c.name, c.scopes, c.limit_per_minute FROM clients c
    WHERE c.id = $1 AND c.revoked_at IS NULL
      AND NOT EXISTS (SELECT FROM revoked_tokens t WHERE t.id = $2)
      AND ($3::uuid IS NULL OR EXISTS (SELECT FROM token_families f
                                       WHERE f.id = $3 AND f.client_id = c.id AND f.revoked_at IS NULL))
      AND EXISTS (SELECT FROM signing_keys s WHERE s.id = $4 AND (s.retired_at IS NULL OR s.retired_at > $5))
    """,
)


class _ClaimsRegistry(JWTClaimsRegistry):
    """Claim rules of our access tokens: they expire to the second, but the issuer's clock may be ahead."""

    def validate_iat(self, value: object) -> None:
        if isinstance(value, int) and value <= self.now + _CLOCK_SKEW_SECONDS:
            return
        super().validate_iat(value)


@dataclass(frozen=True, slots=True)
class _CachedCaller:
    caller: Caller
    expires: float
    # The subjects whose notification drops this cache entry.
    subjects: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class _Claims:
    """The claims of an access token whose signature is verified."""

    client_id: UUID
    token_id: UUID
    family_id: UUID | None
    key_id: UUID
    scopes: frozenset[str]
    expires: int


class Authenticator:
    """Authenticator with this process's cache of callers."""

    def __init__(self, database: Database, vault: Vault, signing: SigningKeys, policy: Policy) -> None:
        self._database = database
        self._vault = vault
        self._signing = signing
        self._policy = policy
        self._listener: Listener | None = None
        self._cache: dict[bytes, _CachedCaller] = {}
        # Counts invalidations, so that a row read before a revocation is not cached after it.
        self._invalidations = 0

    def listen(self, listener: Listener) -> None:
        """Trust the cache for as long as this listener is live."""
        self._listener = listener
        listener.on_live(self.invalidate_all)

    def on_notification(self, payload: str) -> None:
        """Drop what a notification names; a notification that cannot be parsed drops everything."""
        try:
            self.invalidate(UUID(payload))
        except ValueError:
            self.invalidate_all()

    def invalidate(self, subject_id: UUID) -> None:
        """Drop every caller that depends on a credential, token, family, workspace or company."""
        self._invalidations += 1
        stale = [key for key, memory in self._cache.items() if subject_id in memory.subjects]
        for key in stale:
            del self._cache[key]

    def invalidate_all(self) -> None:
        """Drop every caller."""
        self._invalidations += 1
        self._cache.clear()

    def cached_caller(self, token: str, now: float) -> Caller | None:
        """Return the cached caller of a credential if it can be trusted; never waits."""
        if self._listener is None or not self._listener.is_live:
            return None
        memory = self._cache.get(hashlib.sha256(token.encode()).digest())
        return memory.caller if memory is not None and memory.expires > now else None

    async def authenticate(self, token: str) -> Caller:
        """Return the caller of a credential; raise TokenInvalid if it is invalid or no longer valid."""
        caller = self.cached_caller(token, clock.unix())
        if caller is not None:
            return caller
        if len(token) > _TOKEN_CHARACTERS_MAX:
            raise TokenInvalid(message("The credential is too long to be valid"))
        invalidations = self._invalidations
        memory = await (self._by_key(token) if token.startswith(PREFIX) else self._by_token(token))
        if invalidations == self._invalidations:
            self._add_to_cache(hashlib.sha256(token.encode()).digest(), memory)
        return memory.caller

    def _add_to_cache(self, key: bytes, memory: _CachedCaller) -> None:
        if len(self._cache) >= _CACHE_MAX:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = memory

    async def _by_key(self, token: str) -> _CachedCaller:
        row = await self._database.fetchrow(KEY, hashlib.sha256(token.encode()).digest())
        if row is None:
            raise TokenInvalid(message("The sandbox key is unknown or revoked"))
        return await self._caller(row, "key", frozenset(SCOPES), None)

    async def _by_token(self, token: str) -> _CachedCaller:
        now = clock.wall()
        claims = self._read_claims(await self._signing.verify(token, now), now)
        values = (claims.client_id, claims.token_id, claims.family_id, claims.key_id, now - TOKEN_LIFE)
        row = await self._database.fetchrow(_FIND_TOKEN_CLIENT, *values)
        if row is None:
            raise TokenInvalid(message("The access token was revoked"))
        return await self._caller(row, "client", claims.scopes & frozenset(row["scopes"]), claims)

    def _read_claims(self, verified_token: VerifiedToken | None, now: datetime) -> _Claims:
        if verified_token is None:
            raise TokenInvalid(message("The access token is malformed or its signature is invalid"))
        issuer = self._policy.base_url
        registry = _ClaimsRegistry(
            now=int(now.timestamp()),
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": issuer},
            exp={"essential": True},
        )
        try:
            registry.validate(verified_token.claims)
        except ExpiredTokenError as error:
            raise TokenExpired from error
        except JoseError as error:
            raise TokenInvalid(
                message("The access token is intended for another server or not yet valid")
            ) from error
        claims = verified_token.claims
        return _Claims(
            ids.read("client", claims["client_id"]),
            UUID(claims["jti"]),
            UUID(claims["family"]) if "family" in claims else None,
            verified_token.key_id,
            frozenset(claims["scope"].split()),
            claims["exp"],
        )

    async def _caller(
        self, row: Any, kind: Kind, scopes: frozenset[str], claims: _Claims | None
    ) -> _CachedCaller:
        try:
            workspace = await companies.workspace(self._database, self._vault, row["workspace_id"])
        except NotFound as error:
            raise TokenInvalid(message("The workspace of this credential no longer exists")) from error
        own_limit = row["limit_per_minute"]
        default_limit = self._policy.live_per_minute if workspace.is_live else self._policy.sandbox_per_minute
        expires_at = None if claims is None else datetime.fromtimestamp(claims.expires, UTC)
        caller = Caller(
            workspace=workspace,
            credential_id=row["id"],
            kind=kind,
            name=row["name"],
            scopes=scopes,
            limit_per_minute=own_limit or default_limit,
            # All credentials of a sandbox share one rate limit, except those with a limit of their own.
            counted_as=row["id"] if own_limit or workspace.is_live else workspace.id,
            expires_at=expires_at,
        )
        subjects = {row["id"], workspace.id, workspace.company.id}
        if claims is None:
            return _CachedCaller(caller, float("inf"), frozenset(subjects))
        subjects.add(claims.token_id)
        if claims.family_id is not None:
            subjects.add(claims.family_id)
        return _CachedCaller(caller, float(claims.expires), frozenset(subjects))
