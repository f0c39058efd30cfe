"""Queries of followups: one, a page of a workspace or of one debt, and those of interrupted sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.followups.model import Followup, open_content
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

_FROM = """
    SELECT f.*, k.wrapped AS debt_key
    FROM followups f JOIN vault_keys k ON k.workspace_id = f.workspace_id AND k.subject_id = f.debt_id
    """
_CONDITIONS = """
    f.workspace_id = $1
      AND ($2::text[] IS NULL OR f.status = ANY($2)) AND ($3::text[] IS NULL OR f.type = ANY($3))
      AND ($4::text[] IS NULL OR f.channel = ANY($4))
      AND ($5::timestamptz IS NULL OR f.created_at >= $5) AND ($6::timestamptz IS NULL OR f.created_at < $6)
      AND ($7::boolean IS NULL OR (f.crossed_by IS NOT NULL) = $7)
    """
_AFTER = """
      AND ($8::timestamptz IS NULL OR (f.created_at, f.id) < ($8, $9))
    ORDER BY f.created_at DESC, f.id DESC LIMIT $10 OFFSET $11
    """
_FIND = Statement("followups.find_followup", "Followup.", _FROM + "WHERE f.workspace_id = $1 AND f.id = $2")
_FIND_MANY = Statement(
    "followups.find_followups", "Some followups.", _FROM + "WHERE f.workspace_id = $1 AND f.id = ANY($2)"
)
_PAGE = Statement(
    "followups.list_followups", "Page of all followups, newest first.", _FROM + "WHERE" + _CONDITIONS + _AFTER
)
_PAGE_OF_DEBT = Statement(
    "followups.list_debt_followups",
    "Page of a debt's followups, newest first.",
    _FROM + "WHERE f.debt_id = $12 AND" + _CONDITIONS + _AFTER,
)
_COUNT = Statement(
    "followups.count_followups",
    "Number of followups, up to a limit.",
    f"SELECT count(*) FROM (SELECT FROM followups f WHERE {_CONDITIONS} LIMIT $8) AS counted",
)
_COUNT_OF_DEBT = Statement(
    "followups.count_debt_followups",
    "Number of a debt's followups, up to a limit.",
    f"SELECT count(*) FROM (SELECT FROM followups f WHERE f.debt_id = $9 AND {_CONDITIONS} LIMIT $8) AS counted",
)
_FIND_DEBT_ID = Statement(
    "followups.find_debt_id",
    "Debt of a followup.",
    "SELECT debt_id FROM followups WHERE workspace_id = $1 AND id = $2",
)
_FIND_MANUAL_CONTACTS = Statement(
    "followups.list_manual_contacts",
    "Recent contacts made by people on these debts or at these addresses; visits have no cap.",
    """
    SELECT debt_id, channel, sent_at, address_hash FROM followups
    WHERE workspace_id = $1 AND step IS NULL AND (debt_id = ANY($2) OR address_hash = ANY($3)) AND sent_at > $4
      AND direction = 'outbound' AND channel <> 'visit'
      AND status NOT IN ('on_hold', 'scheduled', 'cancelled', 'failed')
    """,
)


@dataclass(frozen=True, slots=True)
class FollowupFilter:
    """The conditions of a list; None omits one. `until` is exclusive."""

    statuses: Sequence[str] | None
    types: Sequence[str] | None
    channels: Sequence[str] | None
    debt_id: UUID | None
    since: datetime | None
    until: datetime | None
    is_crossed: bool | None
    limit: int
    offset: int = 0
    after: tuple[datetime, UUID] | None = None


def _followup_from_row(row: Record, workspace: Workspace) -> Followup:
    key = workspace.vault.unwrap(row["debt_key"], workspace.id, row["debt_id"])
    return Followup(
        id=row["id"],
        debt_id=row["debt_id"],
        channel=row["channel"],
        type=row["type"],
        status=row["status"],
        step=row["step"],
        scheduled_at=row["scheduled_at"],
        sent_at=row["sent_at"],
        processed_at=row["processed_at"],
        reached_at=row["reached_at"],
        content=open_content(row["content"], key, workspace.id, row["id"]),
        provider_ref=row["provider_ref"],
        duration_ms=row["duration_ms"],
        direction=row["direction"],
        disconnection_reason=row["disconnection_reason"],
        is_retry=row["is_retry"],
        triggered_payment=row["triggered_payment"],
        crossed_by=row["crossed_by"],
        group_id=row["group_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def find(database: Database, workspace: Workspace, followup_id: UUID) -> Followup:
    """Return a followup; raise NotFound for an unknown id."""
    row = await database.fetchrow(_FIND, workspace.id, followup_id)
    if row is None:
        raise _not_found(followup_id)
    return _followup_from_row(row, workspace)


async def find_many(
    connection: Database | Transaction, workspace: Workspace, followup_ids: Sequence[UUID]
) -> dict[UUID, Followup]:
    """Return the existing ones of some followups; unchanged while a transaction holds their debts."""
    rows = await connection.fetch(_FIND_MANY, workspace.id, followup_ids)
    return {row["id"]: _followup_from_row(row, workspace) for row in rows}


async def find_debt_id(tx: Transaction, workspace_id: UUID, followup_id: UUID) -> UUID:
    """Return the debt of a followup; raise NotFound for an unknown id."""
    debt_id: UUID | None = await tx.fetchval(_FIND_DEBT_ID, workspace_id, followup_id)
    if debt_id is None:
        raise _not_found(followup_id)
    return debt_id


def _not_found(followup_id: UUID) -> NotFound:
    return NotFound(message("There is no followup {followup}.", followup=ids.show("followup", followup_id)))


async def find_manual_contacts(
    tx: Transaction, workspace_id: UUID, debt_ids: Sequence[UUID], addresses: Sequence[bytes], since: datetime
) -> list[Record]:
    """Return recent manual contacts on debts or to addresses: debt, channel, instant, address hash."""
    return await tx.fetch(_FIND_MANUAL_CONTACTS, workspace_id, debt_ids, addresses, since)


async def find_page(
    database: Database, workspace: Workspace, followup_filter: FollowupFilter
) -> list[Followup]:
    """Return a page of followups, newest first."""
    at, identifier = followup_filter.after or (None, None)
    values = (
        *_filter_values(workspace, followup_filter),
        at,
        identifier,
        followup_filter.limit,
        followup_filter.offset,
    )
    if followup_filter.debt_id is None:
        rows = await database.fetch(_PAGE, *values)
    else:
        rows = await database.fetch(_PAGE_OF_DEBT, *values, followup_filter.debt_id)
    return [_followup_from_row(row, workspace) for row in rows]


async def count(database: Database, workspace: Workspace, followup_filter: FollowupFilter, limit: int) -> int:
    """Return how many followups a list has, at most `limit`."""
    values = (*_filter_values(workspace, followup_filter), limit)
    if followup_filter.debt_id is None:
        return int(await database.fetchval(_COUNT, *values))
    return int(await database.fetchval(_COUNT_OF_DEBT, *values, followup_filter.debt_id))


def _filter_values(workspace: Workspace, followup_filter: FollowupFilter) -> tuple[object, ...]:
    return (
        workspace.id,
        followup_filter.statuses,
        followup_filter.types,
        followup_filter.channels,
        followup_filter.since,
        followup_filter.until,
        followup_filter.is_crossed,
    )
