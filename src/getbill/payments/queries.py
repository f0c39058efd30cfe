"""Queries of a debt's entries."""

from uuid import UUID

from asyncpg import Record

from getbill.debts import Debt
from getbill.kit.database import Database, Statement, Transaction
from getbill.payments.model import Entry, RelatedEntry, note_context

_OF_DEBT = Statement(
    "payments.list_entries",
    "Page of a debt's entries, oldest first.",
    "SELECT * FROM payments WHERE workspace_id = $1 AND debt_id = $2 ORDER BY id LIMIT $3 OFFSET $4",
)
_COUNT = Statement(
    "payments.count_entries",
    "Number of a debt's entries.",
    "SELECT count(*) FROM payments WHERE workspace_id = $1 AND debt_id = $2",
)
_BY_PROVIDER_ID = Statement(
    "payments.find_by_provider_id",
    "Entry with this id of a payment provider.",
    "SELECT * FROM payments WHERE workspace_id = $1 AND provider = $2 AND provider_id = $3",
)
_FIND_RELATED = Statement(
    "payments.find_related",
    "Entry of a debt, with its reversal and what refunds and chargebacks returned of it.",
    """
    SELECT e.*, r.id AS reversal_id, coalesce((
        SELECT sum(minor) FROM payments n
        WHERE n.workspace_id = $1 AND n.debt_id = $2 AND n.related_id = e.id AND n.kind <> 'reversal'
    ), 0)::bigint AS returned
    FROM payments e LEFT JOIN payments r
        ON r.workspace_id = e.workspace_id AND r.related_id = e.id AND r.kind = 'reversal'
    WHERE e.workspace_id = $1 AND e.debt_id = $2 AND e.id = $3
    """,
)


def _entry(row: Record, debt: Debt) -> Entry:
    # A note opens with the key of its own debt; notes of other debts stay sealed here.
    note, key = row["note"], debt.key
    text = None
    if note is not None and key is not None and row["debt_id"] == debt.id:
        text = key.open(note, note_context(debt.workspace_id, row["id"])).decode()
    columns = {name: row[name] for name in Entry.__slots__ if name != "note"}
    return Entry(note=text, **columns)


async def entries_of(database: Database, debt: Debt, limit: int, offset: int) -> tuple[list[Entry], int]:
    """Return a page of a debt's entries, oldest first, and their number."""
    rows = await database.fetch(_OF_DEBT, debt.workspace_id, debt.id, limit, offset)
    total: int = await database.fetchval(_COUNT, debt.workspace_id, debt.id)
    return [_entry(row, debt) for row in rows], total


async def find_by_provider(
    tx: Transaction, debt: Debt, provider: str | None, provider_id: str
) -> Entry | None:
    """Return the entry of a provider's id in the debt's workspace, on any debt."""
    row = await tx.fetchrow(_BY_PROVIDER_ID, debt.workspace_id, provider, provider_id)
    return None if row is None else _entry(row, debt)


async def find_related(tx: Transaction, debt: Debt, entry_id: UUID) -> RelatedEntry | None:
    """Return an entry of a locked debt with what cancels or returns it; None if the debt has no such entry."""
    row = await tx.fetchrow(_FIND_RELATED, debt.workspace_id, debt.id, entry_id)
    return None if row is None else RelatedEntry(_entry(row, debt), row["reversal_id"], row["returned"])
