"""Change of a debt's creditor, and what the change reports."""

from dataclasses import replace
from typing import Any

from getbill import creditors
from getbill.creditors import CreditorChoice
from getbill.debts.model import Debt
from getbill.kit.database import Transaction


async def change_creditor(
    tx: Transaction, debt: Debt, choice: CreditorChoice, changes: dict[str, Any]
) -> None:
    """Assign another creditor to a locked debt; raise Invalid if the choice names none, or two."""
    before = debt.creditor_public_id, debt.creditor_name
    resolved = await creditors.resolve_choices(tx, debt.workspace, {choice})
    debt.assign_creditor(resolved[choice])
    debt.details = replace(debt.details, creditor=choice.name)
    after = debt.creditor_public_id, debt.creditor_name
    for name, value_before, value in zip(("creditor_id", "company"), before, after, strict=True):
        if value_before != value:
            changes[name] = {"from": value_before, "to": value}
