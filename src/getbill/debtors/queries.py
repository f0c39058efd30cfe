"""Queries of debtors."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.debtors.model import Debtor, from_row
from getbill.kit import ids
from getbill.kit.database import Database, OptimisticConflict, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

# The columns that `from_row` needs to open a debtor: `p` is the debtor's row, `pk` its key's.
COLUMNS = """p.id AS debtor_id, p.identity AS debtor_identity, pk.wrapped AS debtor_key,
    p.created_at AS debtor_created_at, p.updated_at AS debtor_updated_at, p.version AS debtor_version"""

_FIND = Statement(
    "debtors.find_debtor",
    "Debtor with key and the totals of their debts per currency.",
    f"""
    SELECT p.workspace_id, {COLUMNS}
    FROM debtors p JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
    WHERE p.workspace_id = $1 AND p.id = $2 AND p.erased_at IS NULL
    """,
)
_LOCK = Statement(
    "debtors.lock_debtor",
    "Debtor, locked until the transaction ends.",
    _FIND.text + " FOR UPDATE OF p",
)
_LIST = Statement(
    "debtors.list_debtors",
    "Page of debtors, newest first.",
    f"""
    SELECT p.workspace_id, {COLUMNS}
    FROM debtors p JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
    WHERE p.workspace_id = $1 AND p.erased_at IS NULL
      AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3))
    ORDER BY p.created_at DESC, p.id DESC LIMIT $4 OFFSET $5
    """,
)
_COUNT = Statement(
    "debtors.count_debtors",
    "Number of debtors, up to a limit.",
    """
    SELECT count(*) FROM (SELECT FROM debtors WHERE workspace_id = $1 AND erased_at IS NULL LIMIT $2) AS counted
    """,
)

_HOLDERS = Statement(
    "debtors.find_holders",
    "Debtors that these hashes match; null for a code shared by several.",
    "SELECT match, debtor_id FROM debtor_matches WHERE workspace_id = $1 AND match = ANY($2)",
)

_MERGED_INTO = Statement(
    "debtors.find_survivor",
    "Debtor into whom a debtor was merged, directly or by later merges.",
    """
    WITH RECURSIVE merges AS (
        SELECT id, merged_into FROM debtors WHERE workspace_id = $1 AND id = $2
        UNION ALL
        SELECT p.id, p.merged_into FROM merges m JOIN debtors p ON p.workspace_id = $1 AND p.id = m.merged_into
    )
    SELECT m.id FROM merges m JOIN debtors p ON p.workspace_id = $1 AND p.id = m.id
    WHERE m.id <> $2 AND p.erased_at IS NULL
    """,
)
_LOCK_MANY = Statement(
    "debtors.lock_debtors",
    "Debtors, locked in id order until the transaction ends.",
    f"""
    SELECT p.workspace_id, {COLUMNS}
    FROM debtors p JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
    WHERE p.workspace_id = $1 AND p.id = ANY($2) AND p.erased_at IS NULL ORDER BY p.id FOR UPDATE OF p
    """,
)
_LOCK_SEALED = Statement(
    "debtors.lock_sealed",
    "Sealed identities of debtors, locked in id order.",
    """
    SELECT id, identity FROM debtors WHERE workspace_id = $1 AND id = ANY($2) AND erased_at IS NULL
    ORDER BY id FOR UPDATE
    """,
)


@dataclass(frozen=True, slots=True)
class DebtorPageQuery:
    """The position of a page: after a row, or at an offset."""

    limit: int
    offset: int = 0
    after: tuple[datetime, UUID] | None = None


async def find(database: Database, workspace: Workspace, debtor_id: UUID) -> Debtor:
    """Return a debtor; raise NotFound for an unknown id or an erased debtor."""
    return _require_debtor(await database.fetchrow(_FIND, workspace.id, debtor_id), workspace, debtor_id)


async def lock(tx: Transaction, workspace: Workspace, debtor_id: UUID) -> Debtor:
    """Return a debtor locked against change and erasure until the transaction ends."""
    return _require_debtor(await tx.fetchrow(_LOCK, workspace.id, debtor_id), workspace, debtor_id)


async def merged_into(connection: Database | Transaction, workspace_id: UUID, debtor_id: UUID) -> UUID | None:
    """Return the debtor into whom a debtor was merged; None if they were not, or that one is erased."""
    survivor: UUID | None = await connection.fetchval(_MERGED_INTO, workspace_id, debtor_id)
    return survivor


async def lock_unchanged(tx: Transaction, workspace_id: UUID, debtors: Iterable[Debtor]) -> None:
    """Lock debtors that were read without a lock; raise OptimisticConflict if any has changed since."""
    sealed = {debtor.id: debtor.sealed for debtor in debtors}
    if sealed:
        rows = await tx.fetch(_LOCK_SEALED, workspace_id, list(sealed))
        if {row["id"]: row["identity"] for row in rows} != sealed:
            raise OptimisticConflict


async def lock_many(
    tx: Transaction, workspace: Workspace, debtor_ids: Collection[UUID]
) -> dict[UUID, Debtor]:
    """Return debtors locked until the transaction ends; raise OptimisticConflict if one is gone."""
    rows = await tx.fetch(_LOCK_MANY, workspace.id, list(debtor_ids))
    if len(rows) < len(debtor_ids):
        raise OptimisticConflict
    return {row["debtor_id"]: from_row(row, workspace.vault) for row in rows}


async def holders_of(tx: Transaction, workspace_id: UUID, matches: list[bytes]) -> dict[bytes, UUID | None]:
    """Return the debtors that known match hashes identify; None for a shared code."""
    rows = await tx.peek(_HOLDERS, workspace_id, matches)
    return {row["match"]: row["debtor_id"] for row in rows}


def _require_debtor(row: Record | None, workspace: Workspace, debtor_id: UUID) -> Debtor:
    if row is None:
        raise NotFound(message("There is no debtor {debtor}.", debtor=ids.show("debtor", debtor_id)))
    return from_row(row, workspace.vault)


async def list_debtors(database: Database, workspace: Workspace, page: DebtorPageQuery) -> list[Debtor]:
    """Return a page of debtors, newest first."""
    at, identifier = page.after or (None, None)
    rows = await database.fetch(_LIST, workspace.id, at, identifier, page.limit, page.offset)
    return [from_row(row, workspace.vault) for row in rows]


async def count(database: Database, workspace: Workspace, limit: int) -> int:
    """Return how many debtors there are, at most `limit`."""
    total: int = await database.fetchval(_COUNT, workspace.id, limit)
    return total
