"""Queries of debtors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.debtors.model import Debtor, from_row
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

# The columns that `from_row` needs to open a debtor: `p` is the debtor's row, `pk` its key's.
COLUMNS = """p.id AS debtor_id, p.identity AS debtor_identity, pk.wrapped AS debtor_key,
    p.created_at AS debtor_created_at, p.updated_at AS debtor_updated_at"""

_FIND = Statement(
    "debtors.find",
    "One debtor with key and totals of their debts per currency.",
    f"""
    SELECT p.workspace_id, {COLUMNS}
    FROM debtors p JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
    WHERE p.workspace_id = $1 AND p.id = $2 AND p.erased_at IS NULL
    """,
)
_LOCK = Statement(
    "debtors.lock",
    "One debtor, so that nobody erases or changes them meanwhile.",
    _FIND.text + " FOR UPDATE OF p",
)
_LIST = Statement(
    "debtors.list",
    "A page of debtors, the newest first.",
    f"""
    SELECT p.workspace_id, {COLUMNS}
    FROM debtors p JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
    WHERE p.workspace_id = $1 AND p.erased_at IS NULL
      AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3))
    ORDER BY p.created_at DESC, p.id DESC LIMIT $4 OFFSET $5
    """,
)
_COUNT = Statement(
    "debtors.count",
    "How many debtors are there, as far as a page says?",
    """
    SELECT count(*) FROM (SELECT FROM debtors WHERE workspace_id = $1 AND erased_at IS NULL LIMIT $2) AS counted
    """,
)

_HOLDERS = Statement(
    "debtors.holders",
    "Whom do these hashes recognise? Null where a code stands for several people.",
    "SELECT match, debtor_id FROM debtor_matches WHERE workspace_id = $1 AND match = ANY($2)",
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
