"""Signing keys of access tokens (RS256), and their rotation.

One key signs at a time. A retired one verifies until the last token it signed has expired, so clients do not
notice a rotation. Private keys are stored in the database wrapped by the master key.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from getbill.access.cache_invalidation import invalidate_all
from getbill.access.model import Actor
from getbill.kit import ids, json
from getbill.kit.database import Database, Statement
from getbill.kit.errors import BadRequest
from getbill.vault import Vault

TOKEN_LIFE = timedelta(hours=1)
ALGORITHM = "RS256"
# RFC 9068 section 2.1: no other JWT of ours can be used as an access token.
TYPE = "at+jwt"

_RSA_BITS = 2048
# For this long after its retirement a key's expired tokens are distinguished from foreign ones.
_RETIRED_LIFE = timedelta(days=1)

_CURRENT = Statement(
    "access.current_signing_key",
    "The key that signs now.",
    "SELECT id, private FROM signing_keys WHERE retired_at IS NULL",
)
_VERIFYING = Statement(
    "access.verifying_keys",
    "The key that signs now and those retired after an instant.",
    """
    SELECT id, public, retired_at FROM signing_keys WHERE retired_at IS NULL OR retired_at > $1
    ORDER BY created_at DESC
    """,
)
_LOCK = Statement(
    "access.lock_signing_keys",
    "Let one process at a time change which key signs.",
    "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE",
)
_RETIRE = Statement(
    "access.retire_signing_key",
    "The key that signs now signs no more.",
    "UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL",
)
_DISTRUST = Statement(
    "access.distrust_signing_keys",
    "Retired keys verify nothing any more.",
    "UPDATE signing_keys SET retired_at = $1 WHERE retired_at > $1",
)
_INSERT = Statement(
    "access.insert_signing_key",
    "Begin to sign with a new key.",
    """
    INSERT INTO signing_keys (id, public, private, created_at, created_by_kind, created_by)
    VALUES ($1, $2, $3, $4, $5, $6)
    """,
)
_PRUNE = Statement(
    "access.prune_signing_keys",
    "Forget signing keys whose last token has expired long ago.",
    "DELETE FROM signing_keys WHERE retired_at < $1",
)


def _seal_context(key_id: UUID) -> bytes:
    return b"signing" + key_id.bytes


def _generate_key(key_id: UUID) -> RSAKey:
    return RSAKey.generate_key(_RSA_BITS, {"kid": str(key_id), "use": "sig", "alg": ALGORITHM})


async def rotate(
    database: Database,
    vault: Vault,
    now: datetime,
    *,
    by: Actor | None = None,
    only_first: bool = False,
    at_once: bool = False,
) -> None:
    """Create a new signing key and use it from now on; with `only_first`, only if none signs yet.

    `by` is recorded; None for the program itself. With `at_once` everything that older keys signed becomes
    invalid: for a key that was copied.
    """
    key_id = ids.new()
    key = await asyncio.to_thread(_generate_key, key_id)
    public = json.write(key.as_dict(private=False)).decode()
    private = vault.seal(json.write(key.as_dict(private=True)), _seal_context(key_id))
    async with database.transaction(now) as tx:
        await tx.execute(_LOCK)
        if only_first and await tx.fetchrow(_CURRENT):
            return
        await tx.execute(_RETIRE, now)
        creator = (None, None) if by is None else (by.kind, by.id)
        await tx.execute(_INSERT, key_id, public, private, now, *creator)
        if at_once:
            await tx.execute(_DISTRUST, now - TOKEN_LIFE)
            await invalidate_all(tx)


async def prune_signing_keys(database: Database, now: datetime) -> None:
    """Delete keys whose tokens expired long ago."""
    await database.execute(_PRUNE, now - _RETIRED_LIFE)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """The claims of a verified token, and the key that signed it."""

    claims: dict[str, Any]
    key_id: UUID


class SigningKeys:
    """This process's cache of signing keys; which one signs is read from the database every time."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._private: tuple[UUID, RSAKey] | None = None
        self._public: dict[str, RSAKey] = {}

    async def signer(self, now: datetime) -> RSAKey:
        """Return the current signing key, creating the installation's first one if needed."""
        row = await self._database.fetchrow(_CURRENT)
        if row is None:
            await rotate(self._database, self._vault, now, only_first=True)
            row = await self._database.fetchrow(_CURRENT)
        if row is None:
            raise LookupError("the signing key vanished between two statements")
        return self._import_private_key(row)

    def _import_private_key(self, row: Record) -> RSAKey:
        if self._private is None or self._private[0] != row["id"]:
            private_jwk = self._vault.open(row["private"], _seal_context(row["id"]))
            self._private = (row["id"], RSAKey.import_key(json.read(private_jwk)))
        return self._private[1]

    async def published_keys(self, now: datetime) -> list[dict[str, Any]]:
        """Return the public keys that verify tokens now, as JWKs, the newest first."""
        # Older keys verify nothing; they only tell an expired token of ours from a foreign one.
        rows = await self._database.fetch(_VERIFYING, now - _RETIRED_LIFE)
        keys: list[dict[str, Any]] = [json.read(row["public"].encode()) for row in rows]
        self._public = {key["kid"]: RSAKey.import_key(key) for key in keys}
        verifying_since = now - TOKEN_LIFE
        return [
            key
            for key, row in zip(keys, rows, strict=True)
            if row["retired_at"] is None or row["retired_at"] > verifying_since
        ]

    async def verify(self, token: str, now: datetime) -> VerifiedToken | None:
        """Return the claims of a token if one of our keys signed it; its times are not checked here."""
        try:
            envelope = jws.extract_compact(token.encode())
            key = await self._key(envelope.protected, now)
            if key is None or not jws.validate_compact(envelope, key, [ALGORITHM]):
                return None
            claims = json.read(envelope.payload)
        except (JoseError, BadRequest, ValueError, TypeError):
            return None
        return VerifiedToken(claims, UUID(key.kid)) if isinstance(claims, dict) else None

    async def _key(self, header: dict[str, Any], now: datetime) -> RSAKey | None:
        key_id = header.get("kid")
        if not isinstance(key_id, str) or header.get("typ") != TYPE:
            return None
        if key_id not in self._public:
            await self.published_keys(now)
        return self._public.get(key_id)
