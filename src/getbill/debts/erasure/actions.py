"""Erasure of a debt: the right to erasure (GDPR art. 17), keeping only the money rows accounting needs.

The debt's key is destroyed, and the debtor's with their last debt. The remaining row has amounts and payments
and no personal data. Other packages erase their own data in the reaction to `debt.deleted`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill import debtors, events, vault
from getbill.companies import Workspace
from getbill.debts.model import Debt, Details, ErasedPerson, Status, transition
from getbill.kit.database import Statement, Transaction

_OTHER_DEBTS = Statement(
    "debts.list_other_debts",
    "Other debts of a debtor that are not erased, up to a limit.",
    """
    SELECT id FROM debts WHERE workspace_id = $1 AND debtor_id = $2 AND id <> $3 AND erased_at IS NULL LIMIT $4
    """,
)


async def has_other_debts(tx: Transaction, workspace: Workspace, debt: Debt, debtor_id: UUID) -> bool:
    """Return whether a debtor has another debt, including changes of this transaction."""
    other_ids, excluded_ids = set[UUID](), set[UUID]()
    for other in tx.subjects.values():
        is_other_debt = other.debtor.id == debtor_id and other.erased_at is None
        (other_ids if is_other_debt else excluded_ids).add(other.id)
    if other_ids - {debt.id}:
        return True
    rows = await tx.fetch(_OTHER_DEBTS, workspace.id, debtor_id, debt.id, len(excluded_ids) + 1)
    return any(row["id"] not in excluded_ids for row in rows)


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """The result of an erasure."""

    debt_id: UUID
    erased_at: datetime
    is_debtor_erased: bool


async def erase(tx: Transaction, workspace: Workspace, debt: Debt) -> ErasureResult:
    """Erase a locked debt permanently and stop contact; the debtor's other debts are unaffected."""
    await debtors.lock(tx, workspace, debt.debtor.id)
    is_last = not await has_other_debts(tx, workspace, debt, debt.debtor.id)
    references = tuple(filter(None, (debt.reference, debt.invoice_reference)))
    debt.erased_person = ErasedPerson(references, debt.debtor.identity if is_last else None)
    debt.stop_contact()
    if debt.status != Status.ARCHIVED:
        debt.status = transition(debt.status, Status.ARCHIVED)
    debt.erased_at = tx.now
    debt.reference = debt.invoice_reference = debt.fingerprint = None
    debt.details = Details()
    debt.assign_creditor(None)
    debt.key = None
    debt.touch(tx)
    await events.erase(tx, workspace.id, debt.id)
    await vault.destroy(tx, workspace.id, debt.id, "debt")
    if is_last:
        await debtors.erase(tx, workspace.id, debt.debtor.id)
    events.record(tx, "debt.deleted", debt)
    return ErasureResult(debt.id, tx.now, is_last)
