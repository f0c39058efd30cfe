"""Uses of credentials by others than their creator, so that they are not revoked with the creator.

It also checks whether one of those users still holds a scope: what was created on it does not outlive it.
"""

from uuid import UUID

from getbill.access.model import Actor
from getbill.kit import clock
from getbill.kit.database import Statement, Transaction

_RECORD = Statement(
    "access.record_use",
    "Record that a credential changed, rotated or used an SFTP login or an endpoint.",
    """
    INSERT INTO credential_uses (workspace_id, subject_id, actor_kind, actor, used_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (workspace_id, subject_id, actor_kind, actor) DO UPDATE SET used_at = excluded.used_at
    """,
)


def holding(kind: str, identifier: str, scope: str) -> str:
    """Return the SQL condition that the actor of two columns exists, is not revoked, and holds a scope."""
    return f"""CASE {kind}
        WHEN 'operator' THEN true
        WHEN 'client' THEN EXISTS (SELECT FROM clients c
            WHERE c.id = {identifier} AND c.revoked_at IS NULL AND '{scope}' = ANY (c.scopes))
        WHEN 'key' THEN EXISTS (SELECT FROM api_keys k WHERE k.id = {identifier} AND k.revoked_at IS NULL)
        WHEN 'user' THEN EXISTS (SELECT FROM users p WHERE p.id = {identifier} AND p.is_active)
        ELSE false END"""


# The operator has no id.
_NO_ACTOR = UUID(int=0)


def record_use(tx: Transaction, workspace_id: UUID, subject_id: UUID, by: Actor) -> None:
    """Record, before the commit, that an actor used something."""
    tx.defer(_RECORD, workspace_id, subject_id, by.kind, by.id or _NO_ACTOR, clock.wall())
