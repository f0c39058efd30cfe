"""The ledger's rows: planned, and written by the holder of the current fence.

Every write names the fence of its claim, so a slow worker, or one presumed dead, writes nothing. Whatever
makes a contact due is noted in the index of due work here.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from getbill.contacts.model import COLUMNS, Contact
from getbill.kit import work
from getbill.kit.database import Statement, Transaction

_PLAN = Statement(
    "contacts.insert_contact",
    "Insert a contact.",
    """
    INSERT INTO contacts (workspace_id, debt_id, run, step, attempt, channel, state, due_at, is_live, contact_epoch,
        followup_id, reason, settled_at, created_at, missed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    """,
)
_PLAN_MANY = Statement(
    "contacts.insert_contacts",
    "Insert contacts.",
    """
    INSERT INTO contacts (workspace_id, debt_id, run, step, attempt, channel, state, due_at, is_live, contact_epoch,
        followup_id, reason, settled_at, created_at, missed_at)
    SELECT $1, * FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::text[], $7::text[],
        $8::timestamptz[], $9::boolean[], $10::integer[], $11::uuid[], $12::text[], $13::timestamptz[],
        $14::timestamptz[], $15::timestamptz[])
    """,
)
_LOCK_DUE = Statement(
    "contacts.lock_due",
    "Lock due contacts of a sandbox whose debts have no other contact under way.",
    """
    SELECT c.* FROM contacts c JOIN debts d ON d.workspace_id = c.workspace_id AND d.id = c.debt_id
    WHERE c.workspace_id = $3 AND c.state = 'planned' AND NOT c.is_live AND c.due_at <= $1
        AND c.crashes = 0 AND NOT EXISTS (SELECT FROM contact_stop)
        AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $3 AND w.contact = 'stopped')
    ORDER BY c.due_at LIMIT $2 FOR UPDATE OF c, d SKIP LOCKED
    """,
)
_LOCK_UNCHANGED = Statement(
    "contacts.lock_unchanged",
    "Lock those of these contacts that still have their state and fence.",
    """
    SELECT c.debt_id, c.run, c.step, c.attempt
    FROM contacts c
    JOIN unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::bigint[])
        AS taken (debt_id, run, step, attempt, fence)
        ON taken.debt_id = c.debt_id AND taken.run = c.run AND taken.step = c.step AND taken.attempt = c.attempt
    WHERE c.workspace_id = $1 AND c.state = $7 AND c.fence = taken.fence
    FOR UPDATE OF c
    """,
)
_WRITE = Statement(
    "contacts.update_contacts",
    "Update the state and the result of contacts.",
    """
    UPDATE contacts c SET state = w.state, due_at = w.due_at, lease_until = w.lease_until,
        followup_id = w.followup_id, address_hash = w.address_hash, provider = w.provider,
        provider_ref = w.provider_ref, reason = w.reason, sent_at = w.sent_at, settled_at = w.settled_at,
        missed_at = w.missed_at, crashes = 0
    FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::timestamptz[],
        $9::timestamptz[], $10::uuid[], $11::bytea[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
        $16::timestamptz[], $17::timestamptz[])
        AS w (debt_id, run, step, attempt, fence, state, due_at, lease_until, followup_id, address_hash, provider,
              provider_ref, reason, sent_at, settled_at, missed_at)
    WHERE c.workspace_id = $1 AND c.debt_id = w.debt_id AND c.run = w.run AND c.step = w.step
        AND c.attempt = w.attempt AND c.fence = w.fence
    """,
)
_FIND_BY_FOLLOWUP = Statement(
    "contacts.find_by_followup",
    "Last attempt of the contact behind a followup.",
    """
    SELECT * FROM contacts WHERE workspace_id = $1 AND followup_id = $2
    ORDER BY run DESC, attempt DESC LIMIT 1
    """,
)
_STOP = Statement(
    "contacts.stop_contacts",
    "Stop the planned and quarantined contacts of a debt, and return their followups.",
    """
    UPDATE contacts SET state = 'stopped', reason = $3, settled_at = $4
    WHERE workspace_id = $1 AND debt_id = $2 AND state IN ('planned', 'set_aside')
    RETURNING followup_id
    """,
)
_END_REHEARSAL = Statement(
    "contacts.end_rehearsal",
    "End the dry run of the contacts of these debts, so that they are planned for real.",
    """
    UPDATE contacts SET state = 'stopped', reason = 'the dry run is over'
    WHERE workspace_id = $1 AND debt_id = ANY($2) AND state = 'rehearsed'
    """,
)
_ERASE = Statement(
    "contacts.erase_contacts",
    "Erase the personal data of a debt's contacts; their times and states remain.",
    """
    UPDATE contacts SET address_hash = NULL, provider_ref = NULL, followup_id = NULL,
        state = CASE WHEN state IN ('planned', 'set_aside') THEN 'stopped' ELSE state END,
        settled_at = CASE WHEN state IN ('planned', 'set_aside') THEN $3 ELSE settled_at END, reason = NULL
    WHERE workspace_id = $1 AND debt_id = $2
    """,
)


def plan_deferred(tx: Transaction, contact: Contact) -> None:
    """Insert a planned contact at the end of the transaction."""
    note_due(tx, contact)
    tx.defer(_PLAN, contact.workspace_id, *_plan_values(contact))


async def plan(tx: Transaction, contacts: Sequence[Contact]) -> None:
    """Insert planned contacts, all of one workspace."""
    if contacts:
        for contact in contacts:
            note_due(tx, contact)
        columns = zip(*map(_plan_values, contacts), strict=True)
        await tx.execute(_PLAN_MANY, contacts[0].workspace_id, *map(list, columns))


def _plan_values(contact: Contact) -> tuple[Any, ...]:
    return (
        contact.debt_id,
        contact.run,
        contact.step,
        contact.attempt,
        contact.channel,
        contact.state,
        contact.due_at,
        contact.is_live,
        contact.contact_epoch,
        contact.followup_id,
        contact.reason,
        contact.settled_at,
        contact.created_at,
        contact.missed_at,
    )


async def lock_due(tx: Transaction, workspace_id: UUID, limit: int) -> list[Contact]:
    """Lock due contacts of a sandbox for this transaction, longest due first."""
    return [contact_from_row(row) for row in await tx.fetch(_LOCK_DUE, tx.now, limit, workspace_id)]


async def lock_unchanged(tx: Transaction, contacts: Sequence[Contact]) -> list[Contact]:
    """Lock and return the contacts of one workspace whose fence and state are unchanged."""
    if not contacts:
        return []
    first = contacts[0]
    columns = map(list, zip(*map(key_of, contacts), strict=True))
    rows = await tx.fetch(_LOCK_UNCHANGED, first.workspace_id, *columns, first.state)
    owned_keys = {tuple(row) for row in rows}
    return [contact for contact in contacts if key_of(contact)[:4] in owned_keys]


async def find_by_followup(tx: Transaction, workspace_id: UUID, followup_id: UUID) -> Contact | None:
    """Return the latest attempt of the contact behind a followup; None without one."""
    row = await tx.fetchrow(_FIND_BY_FOLLOWUP, workspace_id, followup_id)
    return contact_from_row(row) if row else None


async def write(tx: Transaction, contacts: Sequence[Contact]) -> None:
    """Write contacts of one workspace that are claimed or locked."""
    if contacts:
        for contact in contacts:
            note_due(tx, contact)
        columns = map(list, zip(*map(_write_values, contacts), strict=True))
        await tx.execute(_WRITE, contacts[0].workspace_id, *columns)


def note_due(tx: Transaction, contact: Contact) -> None:
    """Note when a worker has to look at a contact: when it is due, or when its lease ends."""
    if contact.state == "planned":
        kind: work.Kind = "contacts" if contact.is_live else "sandbox_contacts"
        work.note(tx, contact.workspace_id, kind, contact.due_at)
    elif contact.lease_until is not None:
        work.note(tx, contact.workspace_id, "contacts", contact.lease_until)


def key_of(contact: Contact) -> tuple[UUID, int, str, int, int]:
    """Return what identifies a contact in its workspace, and the fence of its claim."""
    return contact.debt_id, contact.run, contact.step, contact.attempt, contact.fence


def _write_values(contact: Contact) -> tuple[Any, ...]:
    return (
        *key_of(contact),
        contact.state,
        contact.due_at,
        contact.lease_until,
        contact.followup_id,
        contact.address_hash,
        contact.provider,
        contact.provider_ref,
        contact.reason,
        contact.sent_at,
        contact.settled_at,
        contact.missed_at,
    )


async def stop(tx: Transaction, workspace_id: UUID, debt_id: UUID, reason: str) -> list[UUID]:
    """Stop planned contacts of a debt and return the followups they were to retry.

    A contact being sent detects the stop by the debt's epoch.
    """
    rows = await tx.fetch(_STOP, workspace_id, debt_id, reason, tx.now)
    return [row["followup_id"] for row in rows if row["followup_id"]]


async def end_rehearsal(tx: Transaction, workspace_id: UUID, debt_ids: Sequence[UUID]) -> None:
    """Make contacts that were only simulated count as not done."""
    if debt_ids:
        await tx.execute(_END_REHEARSAL, workspace_id, list(debt_ids))


async def erase(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Stop the planned contacts of an erased debt and delete the address hashes of its contacts."""
    await tx.execute(_ERASE, workspace_id, debt_id, tx.now)


def contact_from_row(row: Record) -> Contact:
    """Return the contact of a ledger row."""
    return Contact(**{name: row[name] for name in COLUMNS})
