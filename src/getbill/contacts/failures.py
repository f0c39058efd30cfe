"""Failed contacts: set aside one by one so that the rest of the batch is sent, then retried or skipped.

A contact that had not left is planned again on retry. One that was being sent is unknown: on retry its
provider is queried once more, and it is never sent blindly.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from asyncpg import Record

from getbill import companies, debts, quarantine
from getbill.companies import Workspace
from getbill.contacts import history, ledger, schedule
from getbill.contacts.model import Contact, State
from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import Conflict
from getbill.kit.messages import message
from getbill.quarantine import Item
from getbill.vault import SealBroken, Vault

_log = structlog.get_logger(__name__)

_FAIL = Statement(
    "contacts.fail_contact",
    "Set a failed contact aside, or in doubt once a provider was asked, if its fence still holds.",
    """
    UPDATE contacts SET state = $8, reason = $9, lease_until = NULL,
        settled_at = CASE WHEN $8 = 'unknown' THEN $10::timestamptz ELSE settled_at END
    WHERE workspace_id = $1 AND debt_id = $2 AND run = $3 AND step = $4 AND attempt = $5 AND fence = $6 AND state = $7
    RETURNING true
    """,
)
_REQUEUE = Statement(
    "contacts.requeue_contact",
    "Plan again the quarantined contact of a debt.",
    """
    UPDATE contacts SET state = 'planned', reason = NULL
    WHERE workspace_id = $1 AND debt_id = $2 AND state = 'set_aside'
    RETURNING *
    """,
)
_REQUEUE_ALL = Statement(
    "contacts.requeue_contacts",
    "Plan again the contacts that were quarantined for one reason.",
    """
    UPDATE contacts c SET state = 'planned', reason = NULL
    FROM quarantine q
    WHERE c.workspace_id = $1 AND c.state = 'set_aside' AND q.workspace_id = $1 AND q.kind = 'contact'
        AND q.reason = $2 AND q.retried_at IS NULL AND q.subject_id = c.debt_id
    RETURNING c.*
    """,
)
_RETRY_LOOKUP = Statement(
    "contacts.retry_lookup",
    "Schedule another lookup, at the provider, of a contact in doubt, with all that its message covered.",
    """
    UPDATE contacts SET state = 'sending', lease_until = $3, settled_at = NULL
    WHERE workspace_id = $1 AND state = 'unknown' AND provider_ref IS NULL
        AND (debt_id = $2 OR group_id IN (SELECT group_id FROM contacts
            WHERE workspace_id = $1 AND debt_id = $2 AND state = 'unknown'))
    RETURNING *
    """,
)
_FIND_QUARANTINED = Statement(
    "contacts.find_quarantined",
    "Quarantined contact of a debt.",
    "SELECT * FROM contacts WHERE workspace_id = $1 AND debt_id = $2 AND state = 'set_aside' FOR UPDATE",
)
_SETTLED_QUARANTINED = Statement(
    "contacts.find_settled_quarantined",
    "Quarantined contacts that are meanwhile stopped or settled.",
    """
    SELECT q.workspace_id, q.subject_id FROM quarantine q
    WHERE q.kind = 'contact' AND q.retried_at IS NULL AND NOT EXISTS (SELECT FROM contacts c
        WHERE c.workspace_id = q.workspace_id AND c.debt_id = q.subject_id AND c.state = 'set_aside')
    LIMIT 500
    """,
)


class DebtCannotBeRead(Conflict):
    """The sealed data of the debt cannot be opened, so its scenario cannot continue."""

    code = "debt-cannot-be-read"
    way_out = "Restore its keys and its row from a backup and decide `retry`, or erase the debt."


async def quarantine_contact(
    database: Database, workspace: Workspace, contact: Contact, error: BaseException
) -> None:
    """Set a claimed contact aside if its fence is still current."""
    await _quarantine_contact(database, workspace, contact, State.SET_ASIDE, contact.quarantine_item, error)


async def mark_unknown(
    database: Database, workspace: Workspace, contact: Contact, error: BaseException
) -> None:
    """Mark a dead worker's contact as unknown when its outcome cannot be determined."""
    item = Item(contact.workspace_id, "sending", contact.debt_id, contact.debt_id)
    await _quarantine_contact(database, workspace, contact, State.UNKNOWN, item, error)


async def _quarantine_contact(
    database: Database, workspace: Workspace, contact: Contact, state: State, item: Item, error: BaseException
) -> None:
    reason = quarantine.reason_of(error)
    debt_id, traceback = str(contact.debt_id), quarantine.unexpected(error)
    _log.error("contact_quarantined", debt=debt_id, step=contact.step, reason=reason, exc_info=traceback)
    contact_key: tuple[Any, ...] = (
        contact.debt_id,
        contact.run,
        contact.step,
        contact.attempt,
        contact.fence,
    )
    before = contact.state
    contact.transition(state)
    async with database.transaction(workspace.now()) as tx:
        values = (workspace.id, *contact_key, before, state, reason, tx.now)
        if await tx.fetchval(_FAIL, *values):
            await quarantine.add(tx, item, reason)


async def requeue_contact(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> bool:
    """Plan the set-aside contact of a debt again; return whether there was one."""
    return _note_due(tx, await tx.fetch(_REQUEUE, workspace_id, debt_id))


async def requeue_contacts(tx: Transaction, workspace_id: UUID, reason: str) -> None:
    """Plan again every contact that was set aside for a reason."""
    _note_due(tx, await tx.fetch(_REQUEUE_ALL, workspace_id, reason))
    await quarantine.mark_all_retried(tx, workspace_id, "contact", reason)


async def retry_lookup(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> bool:
    """Query a provider once more for the outcome of a contact; return whether there was one."""
    return _note_due(tx, await tx.fetch(_RETRY_LOOKUP, workspace_id, debt_id, clock.wall()))


def _note_due(tx: Transaction, rows: Sequence[Record]) -> bool:
    for row in rows:
        ledger.note_due(tx, ledger.contact_from_row(row))
    return bool(rows)


async def skip_quarantined(tx: Transaction, workspace: Workspace, debt_id: UUID) -> None:
    """Continue a debt after its set-aside step; raise DebtCannotBeRead if its row cannot be opened."""
    try:
        debt = await debts.lock(tx, workspace, debt_id)
    except SealBroken as error:
        raise DebtCannotBeRead(message("The debt's encrypted data cannot be decrypted.")) from error
    row = await tx.fetchrow(_FIND_QUARANTINED, workspace.id, debt_id)
    if row is None:
        return
    contact = ledger.contact_from_row(row)
    contact.settle(State.SKIPPED, tx.now, "a person skipped it")
    await ledger.write(tx, [contact])
    if debt.is_contactable and contact.contact_epoch == debt.contact_epoch:
        contact_history = (await history.load(tx, workspace.id, {debt.id: debt}))[debt.id]
        contact_history.passed_steps.add(contact.step)
        ledger.plan(tx, schedule.plan_next(tx, debt, contact_history, contact.step))


async def clear_settled(database: Database) -> None:
    """Resolve quarantine items whose contact was since stopped, paid for or erased."""
    for row in await database.fetch(_SETTLED_QUARANTINED):
        await quarantine.resolve_separately(database, Item(row["workspace_id"], "contact", row["subject_id"]))


async def quarantine_workspace(database: Database, workspace_id: UUID, error: BaseException) -> None:
    """Set aside a workspace whose contacts cannot be processed."""
    await quarantine.add_separately(database, Item(workspace_id, "workspace", workspace_id), error)


async def recheck_workspace(database: Database, vault: Vault, workspace_id: UUID) -> None:
    """Read a quarantined workspace; raise the error if it still cannot be read."""
    await companies.workspace(database, vault, workspace_id)


def snapshot_contacts(contacts: Sequence[Contact]) -> list[tuple[Any, ...]]:
    """Return the values of contacts before a decision."""
    return [contact.snapshot() for contact in contacts]


def restore_contacts(contacts: Sequence[Contact], snapshots: Sequence[tuple[Any, ...]]) -> None:
    """Undo changes to contacts made by a transaction that was rolled back."""
    for contact, snapshot in zip(contacts, snapshots, strict=True):
        contact.restore(snapshot)
