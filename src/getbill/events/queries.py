"""Reading a workspace's stream."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill.kit.db import Database, Statement

_READ = Statement(
    "events.read",
    "The events of a workspace after a place in its stream, in order, of some kinds or one debt if asked.",
    """
    SELECT e.id, e.debt_id, e.sequence, e.kind, e.occurred_at, e.position, e.data, k.wrapped
    FROM events e
    LEFT JOIN vault_keys k ON k.workspace_id = e.workspace_id AND k.subject_id = e.debt_id
    WHERE e.workspace_id = $1 AND e.position > $2
        AND ($3::text[] IS NULL OR e.kind = ANY ($3)) AND ($4::uuid IS NULL OR e.debt_id = $4)
    ORDER BY e.position LIMIT $5
    """,
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A committed event at its place in the stream; `sealed` and `wrapped` are None once the debt is erased."""

    id: UUID
    debt_id: UUID
    sequence: int
    kind: str
    occurred_at: datetime
    position: int
    sealed: bytes | None
    wrapped: bytes | None


async def read(
    database: Database,
    workspace_id: UUID,
    after: int,
    limit: int,
    *,
    kinds: list[str] | None = None,
    debt_id: UUID | None = None,
) -> list[Placed]:
    """Return up to `limit` events that stand after a place in the stream, in its order."""
    rows = await database.fetch(_READ, workspace_id, after, kinds, debt_id, limit)
    return [Placed(*row.values()) for row in rows]
