"""Reading the ledger: what is planned next, whether anything is on its way, and all there is of one debt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill import debts
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import Contact
from getbill.debts import Debt
from getbill.kit.database import Database, Statement

_NEXT_DUE = Statement(
    "contacts.next_due",
    "When is the next contact of a sandbox due? Never, while contact is stopped.",
    """
    SELECT min(due_at) FROM contacts WHERE workspace_id = $1 AND state = 'planned' AND NOT is_live
        AND NOT EXISTS (SELECT FROM contact_stop)
        AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $1 AND w.contact = 'stopped')
    """,
)
_IS_BUSY = Statement(
    "contacts.is_busy",
    "Is any contact of a workspace in a worker's hands?",
    """
    SELECT EXISTS (SELECT FROM contacts
                   WHERE workspace_id = $1 AND state IN ('claimed', 'sending') AND lease_until IS NOT NULL)
    """,
)
_OF_DEBT = Statement(
    "contacts.of_debt",
    "Every contact of a debt, in the order they came to their end; what has not is last.",
    """
    SELECT c.*, f.crossed_by
    FROM contacts c LEFT JOIN followups f ON f.workspace_id = c.workspace_id AND f.id = c.followup_id
    WHERE c.workspace_id = $1 AND c.debt_id = $2
    ORDER BY coalesce(c.settled_at, c.sent_at) NULLS LAST, c.run, c.due_at, c.created_at, c.step
    """,
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A debt with every contact made, passed over or stopped, and the one that is planned."""

    debt: Debt
    history: ContactHistory
    closed_contacts: Sequence[Contact]
    planned_contact: Contact | None
    # What messages crossed on their way, by their followup.
    crossings: Mapping[UUID, str]


async def find_timeline(database: Database, workspace: Workspace, debt_id: UUID) -> Timeline:
    """Return what happened to a debt and what is planned; raise NotFound when there is no such debt."""
    debt = await debts.find(database, workspace, debt_id)
    async with database.transaction(workspace.now()) as tx:
        contact_history = (await history.load(tx, workspace.id, {debt.id: debt}))[debt.id]
        rows = await tx.fetch(_OF_DEBT, workspace.id, debt.id)
    contacts = [ledger.contact_from_row(row) for row in rows]
    crossings = {row["followup_id"]: row["crossed_by"] for row in rows if row["crossed_by"]}
    open_contacts = [contact for contact in contacts if contact.state in {"planned", "claimed"}]
    # Another epoch's was made void, and is stopped when it is looked at.
    current_contacts = [contact for contact in open_contacts if contact.contact_epoch == debt.contact_epoch]
    closed_contacts = [contact for contact in contacts if contact not in open_contacts]
    return Timeline(
        debt, contact_history, closed_contacts, current_contacts[0] if current_contacts else None, crossings
    )


async def next_due(database: Database, workspace_id: UUID) -> datetime | None:
    """Return when the next contact of a sandbox is due, in its own time; None when nothing is planned."""
    due_at: datetime | None = await database.fetchval(_NEXT_DUE, workspace_id)
    return due_at


async def is_busy(database: Database, workspace_id: UUID) -> bool:
    """Say whether any contact of a workspace is in a worker's hands."""
    return bool(await database.fetchval(_IS_BUSY, workspace_id))
