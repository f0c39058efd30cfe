"""Sandbox keys: static credentials that hold every scope and reach no real person.

They exist to create the first debt within minutes. A key is shown once; its SHA-256 is stored, and its last
four characters to tell keys apart.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill.access.cache_invalidation import invalidate
from getbill.access.model import OPERATOR, Actor, ActorKind, digest
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound, one_field
from getbill.kit.messages import message
from getbill.kit.text import names

PREFIX = "gbk_sandbox_"

_INSERT = Statement(
    "access.insert_key",
    "Cut a key for a sandbox; a live workspace gets none.",
    """
    INSERT INTO api_keys (id, workspace_id, name, hash, last4, limit_per_minute, created_at, created_by_kind, created_by)
    SELECT $1, workspace_id, $3, $4, $5, $6, $7, $8, $9 FROM workspaces WHERE workspace_id = $2 AND kind = 'sandbox'
    RETURNING id
    """,
)
KEY = Statement(
    "access.key",
    "The key with this hash, unless it is revoked.",
    "SELECT id, workspace_id, name, limit_per_minute FROM api_keys WHERE hash = $1 AND revoked_at IS NULL",
)
_KEYS = Statement(
    "access.keys",
    "The keys of a company's sandboxes, or of all, the oldest first.",
    """
    SELECT k.id, k.workspace_id, k.name, k.last4, k.limit_per_minute, k.created_at, k.revoked_at,
        k.created_by_kind, k.created_by
    FROM api_keys k JOIN workspaces w USING (workspace_id)
    WHERE $1::uuid IS NULL OR w.company_id = $1 ORDER BY k.created_at, k.id
    """,
)
_REVOKE = Statement(
    "access.revoke_key",
    "A key opens no longer.",
    "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id",
)


class KeysAreForSandboxes(NotFound):
    """The sandbox does not exist; live workspaces accept OAuth clients only."""

    code = "keys-are-for-sandboxes"
    way_out = "Create an OAuth client for live; API keys exist only in the sandbox."


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A sandbox key without its secret."""

    id: UUID
    workspace_id: UUID
    name: str
    last4: str
    limit_per_minute: int | None
    created_at: datetime
    revoked_at: datetime | None
    created_by_kind: ActorKind | None
    created_by: UUID | None

    @property
    def creator(self) -> Actor | None:
        """The actor who created it; None for keys older than that record."""
        return None if self.created_by_kind is None else Actor(self.created_by_kind, self.created_by)

    @property
    def hint(self) -> str:
        """The characters that tell keys apart."""
        return f"{PREFIX}...{self.last4}"


@dataclass(frozen=True, slots=True)
class NewKey:
    """The fields of a new sandbox key."""

    workspace_id: UUID
    name: str
    limit_per_minute: int | None = None
    created_by: Actor = OPERATOR


async def create_key(database: Database, new: NewKey, now: datetime) -> tuple[ApiKey, str]:
    """Create a key for a sandbox and return it with its secret, which is shown only now."""
    if not new.name.strip():
        raise one_field("/name", "missing", message("A key requires a name."))
    names.refuse_hidden({"/name": new.name.strip()})
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        ids.new(),
        new.workspace_id,
        new.name.strip(),
        text[-4:],
        new.limit_per_minute,
        now,
        revoked_at=None,
        created_by_kind=new.created_by.kind,
        created_by=new.created_by.id,
    )
    by = (key.created_by_kind, key.created_by)
    row = (key.id, key.workspace_id, key.name, digest(text), key.last4, key.limit_per_minute, now, *by)
    if await database.fetchval(_INSERT, *row) is None:
        raise KeysAreForSandboxes(
            message("There is no sandbox with this id. Live workspaces use OAuth clients.")
        )
    return key, text


async def keys(database: Database, company_id: UUID | None = None) -> list[ApiKey]:
    """Return the keys of a company's sandboxes, or of all companies, the oldest first."""
    return [ApiKey(**dict(row)) for row in await database.fetch(_KEYS, company_id)]


async def revoke_key(database: Database, key_id: UUID, now: datetime) -> None:
    """Revoke a key in every process at once."""
    async with database.transaction(now) as tx:
        await end_key(tx, key_id, now)


async def end_key(tx: Transaction, key_id: UUID, now: datetime) -> None:
    """Revoke a key from the commit on; raise NotFound if it does not exist or is revoked already."""
    if await tx.fetchval(_REVOKE, key_id, now) is None:
        raise NotFound(message("The key does not exist or is already revoked."))
    await invalidate(tx, key_id)
