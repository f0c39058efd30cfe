"""Queries for credentials by creator, in one workspace or in all of a company's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from getbill.access import Actor
from getbill.credentials.model import CreatedCredential, Kind
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

_SUBJECT = Statement(
    "credentials.subject",
    "Is there a client, key or member of staff of this id here, and since when is it revoked?",
    """
    SELECT revoked_at IS NOT NULL AS is_revoked FROM clients WHERE $1 = 'client' AND id = $2 AND workspace_id = ANY ($3)
    UNION ALL
    SELECT revoked_at IS NOT NULL FROM api_keys WHERE $1 = 'key' AND id = $2 AND workspace_id = ANY ($3)
    UNION ALL
    SELECT NOT is_active FROM users WHERE $1 = 'user' AND id = $2 AND company_id = $4
    """,
)
_CREATED = Statement(
    "credentials.created",
    "What a client, key or person created in a workspace and is not revoked, the oldest first.",
    """
    SELECT 'client' AS kind, id, name, created_at, NULL::timestamptz AS used_at, NULL::text AS owner_kind,
        NULL::uuid AS owner
    FROM clients WHERE workspace_id = $1 AND created_by_kind = $2 AND created_by = $3 AND revoked_at IS NULL
    UNION ALL
    SELECT 'key', id, name, created_at, NULL, NULL, NULL
    FROM api_keys WHERE workspace_id = $1 AND created_by_kind = $2 AND created_by = $3 AND revoked_at IS NULL
    UNION ALL
    SELECT 'sftp_login', id, username, created_at, used_at, NULL, NULL
    FROM sftp_logins WHERE workspace_id = $1 AND created_by_kind = $2 AND created_by = $3 AND revoked_at IS NULL
    UNION ALL
    SELECT 'webhook', id, url, created_at, NULL, owner_kind, owner
    FROM webhook_endpoints
    WHERE workspace_id = $1 AND created_by_kind = $2 AND created_by = $3 AND deleted_at IS NULL
    ORDER BY created_at, id
    """,
)
_LAST_REQUEST = Statement(
    "credentials.last_request",
    "When a client or key was last let in.",
    """
    SELECT at FROM access_log WHERE workspace_id = $1 AND credential_id = $2 AND status < 400
    ORDER BY at DESC LIMIT 1
    """,
)
_OTHERS = Statement(
    "credentials.others",
    "Who else has handled something since, and is not revoked.",
    """
    SELECT u.actor_kind, u.actor FROM credential_uses u
    WHERE u.workspace_id = $1 AND u.subject_id = $2 AND CASE u.actor_kind
        WHEN 'client' THEN EXISTS (SELECT FROM clients c WHERE c.id = u.actor AND c.revoked_at IS NULL)
        WHEN 'key' THEN EXISTS (SELECT FROM api_keys k WHERE k.id = u.actor AND k.revoked_at IS NULL)
        WHEN 'user' THEN EXISTS (SELECT FROM users p WHERE p.id = u.actor AND p.is_active)
        ELSE true END
    ORDER BY u.used_at, u.actor
    """,
)
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Scope:
    """Scope of a search: some workspaces, and the company whose staff is included, if any."""

    company_id: UUID | None
    workspace_ids: Sequence[UUID]


async def is_revoked(tx: Transaction, scope: Scope, subject: Actor) -> bool:
    """Return whether a subject is revoked already; raise NotFound if it is not in the scope."""
    rows = await tx.fetch(_SUBJECT, subject.kind, subject.id, list(scope.workspace_ids), scope.company_id)
    if not rows:
        raise NotFound(message("{id} was not found.", id=subject.public_id))
    return bool(rows[0]["is_revoked"])


async def created_by(tx: Transaction, scope: Scope, creator: Actor) -> list[CreatedCredential]:
    """Return the active credentials created by a subject, the oldest first, workspace by workspace."""
    return [
        await _credential_of_row(tx, workspace_id, creator, row)
        for workspace_id in scope.workspace_ids
        for row in await tx.fetch(_CREATED, workspace_id, creator.kind, creator.id)
    ]


async def _credential_of_row(
    tx: Transaction, workspace_id: UUID, creator: Actor, row: Any
) -> CreatedCredential:
    kind: Kind = row["kind"]
    other_users = [
        _actor(*other_user.values()) for other_user in await tx.fetch(_OTHERS, workspace_id, row["id"])
    ]
    if row["owner_kind"] not in {None, "unknown"}:
        other_users.append(_actor(row["owner_kind"], row["owner"]))
    other_users = [other_user for other_user in dict.fromkeys(other_users) if other_user != creator]
    used_at: datetime | None = row["used_at"]
    if kind in {"client", "key"}:
        used_at = await tx.fetchval(_LAST_REQUEST, workspace_id, row["id"])
    columns = (row["id"], row["name"], row["created_at"])
    return CreatedCredential(kind, workspace_id, *columns, creator, used_at, tuple(other_users))


def _actor(kind: Any, identifier: UUID | None) -> Actor:
    return Actor(kind, None if identifier in {None, _NOBODY} else identifier)
