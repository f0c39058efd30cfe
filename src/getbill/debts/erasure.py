"""Erasing a debt: the right to erasure (GDPR art. 17), keeping only the money rows accounting needs.

The debt's key is destroyed, and the debtor's with their last debt; what remains says that there was a debt, of how
much and what was paid, and nothing of whom. Other packages erase their own in the reaction to `debt.deleted`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill import debtors, events, vault
from getbill.companies import Workspace
from getbill.debts.model import Debt, Details, ErasedPerson
from getbill.kit.db import Statement, Transaction

_OTHERS = Statement(
    "debts.others_of_debtor",
    "Does the debtor have another debt that is not erased?",
    """
    SELECT EXISTS (SELECT FROM debts
                   WHERE workspace_id = $1 AND debtor_id = $2 AND id <> $3 AND erased_at IS NULL)
    """,
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    debt_id: UUID
    erased_at: datetime
    is_debtor_erased: bool


async def erase(tx: Transaction, workspace: Workspace, debt: Debt) -> Erased:
    """Erase a locked debt, for good, and stop contact; the debtor's other debts live on."""
    await debtors.lock(tx, workspace, debt.debtor.id)
    has_others = await tx.fetchval(_OTHERS, workspace.id, debt.debtor.id, debt.id)
    references = tuple(filter(None, (debt.reference, debt.invoice_reference)))
    debt.erased_person = ErasedPerson(references, None if has_others else debt.debtor.identity)
    debt.stop_contact()
    debt.status = "archived"
    debt.erased_at = tx.now
    debt.reference = debt.invoice_reference = debt.fingerprint = None
    debt.details = Details()
    debt.key = None
    debt.touch(tx)
    await events.erase(tx, workspace.id, debt.id)
    await vault.destroy(tx, workspace.id, debt.id, "debt")
    if not has_others:
        await debtors.erase(tx, workspace.id, debt.debtor.id)
    events.record(tx, "debt.deleted", debt)
    return Erased(debt.id, tx.now, not has_others)
