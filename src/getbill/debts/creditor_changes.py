"""The creditor of a debt: its change, and the duties of the collector towards it."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from getbill import companies, creditors
from getbill.companies import Workspace
from getbill.creditors import ContactGap, CreditorChoice
from getbill.debts import queries
from getbill.debts.model import Debt
from getbill.kit.database import Database, Statement, Transaction
from getbill.vault import Vault

_AT_ONCE: Final = 200

_UNLINKED_TO = Statement(
    "debts.find_unlinked_end",
    "Id of the newest debt that may name a creditor without its row; null if there is none.",
    "SELECT creditors_unlinked_to FROM workspaces WHERE workspace_id = $1",
)
_UNLINKED = Statement(
    "debts.list_unlinked",
    "Debts up to an id that may name a creditor without its row, the newest first.",
    """
    SELECT id FROM debts WHERE workspace_id = $1 AND id <= $2 AND creditor_id IS NULL AND details IS NOT NULL
        AND erased_at IS NULL ORDER BY id DESC LIMIT $3
    """,
)
_SET_UNLINKED_TO = Statement(
    "debts.set_unlinked_end",
    "Set up to which id debts may name a creditor without its row.",
    "UPDATE workspaces SET creditors_unlinked_to = $2 WHERE workspace_id = $1",
)


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


def contact_gap(debt: Debt) -> ContactGap | None:
    """Return the duty of a third-party collector for want of which a debt is not contacted now."""
    if not debt.workspace.company.is_third_party:
        return None
    return creditors.contact_gap(debt.workspace, debt.creditor, debt.workspace.now())


async def link_creditors(database: Database, vault: Vault) -> int:
    """Give debts that name their creditor in a text only, from before creditors were rows, its row.

    Returns how many there were.
    """

    async def link_workspace(workspace_id: UUID) -> int:
        count = 0
        while (newest_id := await database.fetchval(_UNLINKED_TO, workspace_id)) is not None:
            workspace = await companies.workspace(database, vault, workspace_id)
            async with database.transaction(workspace.now()) as tx:
                count += await _link_some(tx, workspace, newest_id)
        return count

    return await companies.visit_workspaces(database, "creditors", link_workspace)


async def _link_some(tx: Transaction, workspace: Workspace, newest_id: UUID) -> int:
    debt_ids = [row["id"] for row in await tx.fetch(_UNLINKED, workspace.id, newest_id, _AT_ONCE)]
    debts_by_id = await queries.lock_many(tx, workspace, debt_ids)
    choices = {
        debt.id: CreditorChoice(name=debt.details.creditor)
        for debt in debts_by_id.values()
        if debt.creditor_id is None and debt.details.creditor
    }
    resolved = await creditors.resolve_choices(tx, workspace, dict.fromkeys(choices.values()))
    linked_debts = [debts_by_id[debt_id] for debt_id, choice in choices.items() if resolved[choice]]
    for debt in linked_debts:
        debt.assign_creditor(resolved[choices[debt.id]])
        debt.touch(tx)
    is_last = len(debt_ids) < _AT_ONCE
    await tx.execute(_SET_UNLINKED_TO, workspace.id, None if is_last else UUID(int=debt_ids[-1].int - 1))
    return len(linked_debts)
