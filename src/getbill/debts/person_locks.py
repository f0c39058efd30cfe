"""Locks of all debts of a person, whose change is announced on each of them.

Debts are locked in id order and before their debtor. A transaction that did not know the person beforehand
locks the rest without waiting, and runs again where another transaction is in the way.
"""

from collections.abc import Iterable
from uuid import UUID

from getbill.companies import Workspace
from getbill.debts.model import Debt
from getbill.debts.queries import lock_many
from getbill.kit.database import OptimisticConflict, Statement, Transaction

_SIBLINGS = Statement(
    "debts.list_siblings",
    "All debts of the debtors of these debts.",
    """
    SELECT s.id FROM debts o
    JOIN debts s ON s.workspace_id = $1 AND s.debtor_id = o.debtor_id AND s.erased_at IS NULL
    WHERE o.workspace_id = $1 AND o.id = ANY($2) AND o.erased_at IS NULL
    """,
)
_OF_DEBTORS = Statement(
    "debts.list_of_debtors",
    "Debts of some debtors, without erased debts.",
    "SELECT id FROM debts WHERE workspace_id = $1 AND debtor_id = ANY($2) AND erased_at IS NULL ORDER BY id",
)
_LOCK_FREE = Statement(
    "debts.lock_free_debts",
    "Those of some debts that no other transaction has locked, locked.",
    "SELECT id FROM debts WHERE workspace_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE SKIP LOCKED",
)


async def lock_with_siblings(
    tx: Transaction, workspace: Workspace, debt_ids: Iterable[UUID], also: Iterable[UUID] = ()
) -> None:
    """Lock debts and every other debt of their debtors, and some more, before anything else is locked.

    They are held until the transaction ends: locking one again returns the same object.
    """
    siblings = await tx.peek(_SIBLINGS, workspace.id, list(debt_ids))
    await lock_many(tx, workspace, {row["id"] for row in siblings}.union(also))


async def lock_of_debtors(tx: Transaction, workspace: Workspace, debtor_ids: Iterable[UUID]) -> None:
    """Lock every debt of some debtors in id order; they are held like siblings."""
    rows = await tx.peek(_OF_DEBTORS, workspace.id, list(debtor_ids))
    await lock_many(tx, workspace, [row["id"] for row in rows])


async def lock_rest(tx: Transaction, workspace: Workspace, debtor_id: UUID) -> dict[UUID, Debt]:
    """Return every debt of a locked debtor, locking those not held yet without waiting for any.

    Raises OptimisticConflict if one is locked by another transaction: waiting would be out of order.
    """
    debt_ids = [row["id"] for row in await tx.fetch(_OF_DEBTORS, workspace.id, [debtor_id])]
    rest = [debt_id for debt_id in debt_ids if debt_id not in tx.subjects]
    if rest:
        free_rows = await tx.fetch(_LOCK_FREE, workspace.id, rest)
        if len(free_rows) < len(rest):
            raise OptimisticConflict
        await lock_many(tx, workspace, rest)
    return {debt_id: tx.subjects[debt_id] for debt_id in debt_ids}
