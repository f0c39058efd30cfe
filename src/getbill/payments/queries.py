"""Queries of a debt's entries."""

from asyncpg import Record

from getbill.debts import Debt
from getbill.kit.database import Database, Statement, Transaction
from getbill.payments.model import Entry, note_context

_OF_DEBT = Statement(
    "payments.of_debt",
    "A page of a debt's entries, in the order they were made.",
    "SELECT * FROM payments WHERE workspace_id = $1 AND debt_id = $2 ORDER BY id LIMIT $3 OFFSET $4",
)
_COUNT = Statement(
    "payments.count",
    "How many entries has a debt?",
    "SELECT count(*) FROM payments WHERE workspace_id = $1 AND debt_id = $2",
)
_OF_PROVIDER = Statement(
    "payments.of_provider",
    "The entry that a provider's id stands for.",
    "SELECT * FROM payments WHERE workspace_id = $1 AND provider = $2 AND provider_id = $3",
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
    row = await tx.fetchrow(_OF_PROVIDER, debt.workspace_id, provider, provider_id)
    return None if row is None else _entry(row, debt)
