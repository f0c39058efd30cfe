"""OAuth clients: programs authorized by a company, each in one workspace, with its granted scopes.

The secret is shown once, on creation; its SHA-256 is stored (256 random bits need no slow hash).
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from asyncpg import Record
from authlib.oauth2.rfc6749 import ClientMixin

from getbill.access.cache_invalidation import invalidate
from getbill.access.model import (
    DEFAULT_SCOPES,
    GRANTS,
    OPERATOR,
    SCOPES,
    Actor,
    ActorKind,
    digest,
    sort_scopes,
)
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import FieldError, NotFound, refusal
from getbill.kit.messages import excerpt, message
from getbill.kit.text import names

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_INSERT = Statement(
    "access.insert_client",
    "Let a program in.",
    """
    WITH made AS (
        INSERT INTO clients (id, workspace_id, name, secret_hash, grants, scopes, redirect_uris, limit_per_minute,
                             created_at, created_by_kind, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *)
    SELECT made.*, w.kind = 'live' AS is_live FROM made JOIN workspaces w USING (workspace_id)
    """,
)
CLIENT = Statement(
    "access.client",
    "One client that is not revoked.",
    """
    SELECT c.*, w.kind = 'live' AS is_live FROM clients c JOIN workspaces w USING (workspace_id)
    WHERE c.id = $1 AND c.revoked_at IS NULL
    """,
)
_CLIENTS = Statement(
    "access.clients",
    "The clients of a company, or of all, the oldest first.",
    """
    SELECT c.*, w.kind = 'live' AS is_live FROM clients c JOIN workspaces w USING (workspace_id)
    WHERE $1::uuid IS NULL OR w.company_id = $1 ORDER BY c.created_at, c.id
    """,
)
_REVOKE = Statement(
    "access.revoke_client",
    "Let a program in no longer.",
    "UPDATE clients SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id",
)


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """An OAuth client; Authlib's grants use it through its mixin."""

    id: UUID
    workspace_id: UUID
    name: str
    secret_hash: bytes
    grants: tuple[str, ...]
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    limit_per_minute: int | None
    created_at: datetime
    revoked_at: datetime | None
    created_by_kind: ActorKind | None
    created_by: UUID | None
    is_live: bool

    @property
    def creator(self) -> Actor | None:
        """The actor who created it; None for clients older than that record."""
        return None if self.created_by_kind is None else Actor(self.created_by_kind, self.created_by)

    @property
    def public_id(self) -> str:
        """The `client_id`."""
        return ids.show("client", self.id)

    def get_client_id(self) -> str:
        """Return the `client_id` (RFC 6749 section 2.2)."""
        return self.public_id

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether this is the secret, compared in constant time."""
        return hmac.compare_digest(digest(client_secret), self.secret_hash)

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use a grant."""
        return grant_type in self.grants


@dataclass(frozen=True, slots=True)
class NewClient:
    """The fields of a new client; it holds scopes that administer credentials only if they are named."""

    workspace_id: UUID
    name: str
    grants: tuple[str, ...] = ("client_credentials", "refresh_token")
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    redirect_uris: tuple[str, ...] = ()
    limit_per_minute: int | None = None
    created_by: Actor = OPERATOR


def client_of(row: Record) -> Client:
    """Return the client of a row."""
    values = dict(row)
    for name in ("grants", "scopes", "redirect_uris"):
        values[name] = tuple(values[name])
    return Client(**values)


async def create_client(database: Database, new: NewClient, now: datetime) -> tuple[Client, str]:
    """Create a client and return it with its secret, which is shown only now."""
    _check(new)
    secret = f"gbs_{secrets.token_urlsafe(32)}"
    row = await database.fetchrow(
        _INSERT,
        ids.new(),
        new.workspace_id,
        new.name.strip(),
        digest(secret),
        [grant for grant in GRANTS if grant in new.grants],
        sort_scopes(new.scopes),
        list(new.redirect_uris),
        new.limit_per_minute,
        now,
        new.created_by.kind,
        new.created_by.id,
    )
    if row is None:
        raise NotFound(message("This workspace does not exist."))
    return client_of(row), secret


def _check(new: NewClient) -> None:
    errors = [
        FieldError(
            "/grants",
            "unknown",
            message(
                "Unknown grant '{grant}'. Valid grants: {grants}.", grant=excerpt(grant), grants=list(GRANTS)
            ),
        )
        for grant in new.grants
        if grant not in GRANTS
    ]
    errors += [
        FieldError(
            "/scopes",
            "unknown",
            message(
                "Unknown scope '{scope}'. Valid scopes: {scopes}.", scope=excerpt(scope), scopes=list(SCOPES)
            ),
        )
        for scope in new.scopes
        if scope not in SCOPES
    ]
    errors += [
        FieldError(
            "/redirect_uris",
            "invalid",
            message("'{uri}' is not an https address (or http on the loopback).", uri=excerpt(uri)),
        )
        for uri in new.redirect_uris
        if not _is_redirect_uri(uri)
    ]
    if not new.name.strip():
        errors.append(FieldError("/name", "missing", message("A client requires a name.")))
    elif hidden := names.hidden_in(new.name.strip()):
        errors.append(FieldError("/name", "characters", names.hidden_character_message(hidden)))
    if not new.grants:
        errors.append(FieldError("/grants", "missing", message("A client requires at least one grant.")))
    if not new.scopes:
        errors.append(FieldError("/scopes", "missing", message("A client requires at least one scope.")))
    if "authorization_code" in new.grants and not new.redirect_uris:
        errors.append(
            FieldError(
                "/redirect_uris", "missing", message("The grant authorization_code requires a redirect URI.")
            )
        )
    if errors:
        raise refusal(errors)


def _is_redirect_uri(uri: str) -> bool:
    """RFC 6749 section 3.1.2: absolute, no fragment; RFC 8252 section 7.3: http on the loopback only."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.fragment or "#" in uri:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


async def clients(database: Database, company_id: UUID | None = None) -> list[Client]:
    """Return the clients of a company, or of all companies, the oldest first."""
    return [client_of(row) for row in await database.fetch(_CLIENTS, company_id)]


async def revoke_client(database: Database, client_id: UUID, now: datetime) -> None:
    """Revoke a client: its secret and all its tokens stop working everywhere at once."""
    async with database.transaction(now) as tx:
        await end_client(tx, client_id, now)


async def end_client(tx: Transaction, client_id: UUID, now: datetime) -> None:
    """Revoke a client from the commit on; raise NotFound if it does not exist or is revoked already."""
    if await tx.fetchval(_REVOKE, client_id, now) is None:
        raise NotFound(message("The client does not exist or is already revoked."))
    await invalidate(tx, client_id)
