"""Queries of the ledger: the next due contact, contacts being sent, and the timeline of a debt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill import debts
from getbill.companies import Workspace
from getbill.contacts import history, ledger
from getbill.contacts.history import ContactHistory
from getbill.contacts.model import OPEN, Contact, State
from getbill.debts import Debt
from getbill.kit.database import Database, Statement

_NEXT_DUE = Statement(
    "contacts.find_next_due",
    "Due time of the next contact of a sandbox; null while contact is stopped.",
    """
    SELECT min(due_at) FROM contacts WHERE workspace_id = $1 AND state = 'planned' AND NOT is_live
        AND NOT EXISTS (SELECT FROM contact_stop)
        AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $1 AND w.contact = 'stopped')
    """,
)
_IS_BUSY = Statement(
    "contacts.has_claimed",
    "Whether a worker holds a contact of a workspace.",
    """
    SELECT EXISTS (SELECT FROM contacts
                   WHERE workspace_id = $1 AND state IN ('claimed', 'sending') AND lease_until IS NOT NULL)
    """,
)
_OF_DEBT = Statement(
    "contacts.list_by_debt",
    "Contacts of a debt by the time they ended; those under way last.",
    """
    SELECT c.*, f.crossed_by
    FROM contacts c LEFT JOIN followups f ON f.workspace_id = c.workspace_id AND f.id = c.followup_id
    WHERE c.workspace_id = $1 AND c.debt_id = $2
    ORDER BY coalesce(c.settled_at, c.sent_at) NULLS LAST, c.run, c.due_at, c.created_at, c.step
    """,
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A debt with its settled contacts and the planned one."""

    debt: Debt
    history: ContactHistory
    closed_contacts: Sequence[Contact]
    planned_contact: Contact | None
    # What each message crossed on its way, by followup.
    crossings: Mapping[UUID, str]
    # Whether a contact is in quarantine, so that no other one is taken.
    is_set_aside: bool


async def find_timeline(database: Database, workspace: Workspace, debt_id: UUID) -> Timeline:
    """Return the past and planned contacts of a debt; raise NotFound for an unknown id."""
    debt = await debts.find(database, workspace, debt_id)
    async with database.transaction(workspace.now()) as tx:
        contact_history = (await history.load(tx, workspace.id, {debt.id: debt}))[debt.id]
        rows = await tx.fetch(_OF_DEBT, workspace.id, debt.id)
    contacts = [ledger.contact_from_row(row) for row in rows]
    crossings = {row["followup_id"]: row["crossed_by"] for row in rows if row["crossed_by"]}
    open_contacts = [contact for contact in contacts if contact.state in OPEN]
    # A contact of another epoch is void and is stopped when it is next decided on.
    current_contacts = [contact for contact in open_contacts if contact.contact_epoch == debt.contact_epoch]
    closed_contacts = [contact for contact in contacts if contact not in open_contacts]
    return Timeline(
        debt,
        contact_history,
        closed_contacts,
        current_contacts[0] if current_contacts else None,
        crossings,
        is_set_aside=any(contact.state == State.SET_ASIDE for contact in closed_contacts),
    )


async def find_history(database: Database, debt: Debt) -> ContactHistory:
    """Return the contact history of a debt, stored or not."""
    async with database.transaction(debt.workspace.now()) as tx:
        return (await history.load(tx, debt.workspace_id, {debt.id: debt}))[debt.id]


async def next_due(database: Database, workspace_id: UUID) -> datetime | None:
    """Return when the next contact of a sandbox is due, in its own time; None if none is planned."""
    due_at: datetime | None = await database.fetchval(_NEXT_DUE, workspace_id)
    return due_at


async def is_busy(database: Database, workspace_id: UUID) -> bool:
    """Return whether a worker holds any contact of a workspace."""
    return bool(await database.fetchval(_IS_BUSY, workspace_id))
