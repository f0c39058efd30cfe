"""The ledger's rows: planned, and written by the holder of the current fence.

Every write names the fence of its claim, so a slow worker, or one presumed dead, writes nothing. Whatever
makes a contact due is noted in the index of due work here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.contacts.model import COLUMNS, Contact, State
from getbill.kit import work
from getbill.kit.database import Database, Statement, Transaction

_PLAN = Statement(
    "contacts.insert_contact",
    "Insert a contact.",
    """
    INSERT INTO contacts (workspace_id, debt_id, run, step, attempt, channel, state, due_at, is_live, contact_epoch,
        followup_id, reason, settled_at, created_at, missed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    """,
)
_LOCK_DUE = Statement(
    "contacts.lock_due",
    "Lock due contacts of a sandbox whose debts have no other contact under way, all of a debtor by one worker.",
    """
    SELECT c.* FROM contacts c JOIN debts d ON d.workspace_id = c.workspace_id AND d.id = c.debt_id
    JOIN debtors p ON p.workspace_id = d.workspace_id AND p.id = d.debtor_id
    WHERE c.workspace_id = $3 AND c.state = 'planned' AND NOT c.is_live AND c.due_at <= $1
        AND c.crashes = 0 AND NOT EXISTS (SELECT FROM contact_stop)
        AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $3 AND w.contact = 'stopped')
    ORDER BY c.due_at LIMIT $2 FOR UPDATE OF c, d SKIP LOCKED FOR NO KEY UPDATE OF p SKIP LOCKED
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
_OPEN_OF_DEBTORS = Statement(
    "contacts.find_open_of_debtors",
    "Other debts of the debtors of these debts that have an open contact until an instant.",
    """
    SELECT s.id FROM debts d
    JOIN debts s ON s.workspace_id = d.workspace_id AND s.debtor_id = d.debtor_id AND s.erased_at IS NULL
    JOIN contacts c ON c.workspace_id = s.workspace_id AND c.debt_id = s.id
    WHERE d.workspace_id = $1 AND d.id = ANY($2) AND s.id <> ALL($2)
        AND c.state IN ('planned', 'claimed') AND c.due_at <= $3 AND c.crashes <= $4
    ORDER BY c.due_at LIMIT $5
    """,
)
_LOCK_OPEN = Statement(
    "contacts.lock_open",
    "Lock the open contacts of locked debts until an instant; the claim of another worker on one ends with its state.",
    """
    SELECT * FROM contacts
    WHERE workspace_id = $1 AND debt_id = ANY($2) AND state IN ('planned', 'claimed') AND due_at <= $3
        AND crashes <= $4
    ORDER BY debt_id, run, step, attempt FOR UPDATE
    """,
)
# More would make one person's debts the whole batch.
OPEN_MAX: Final = 1000
_WRITE = Statement(
    "contacts.update_contacts",
    "Update the state and the result of contacts.",
    # Until a provider has answered, the workers that died with a contact are counted on.
    """
    UPDATE contacts c SET state = w.state, due_at = w.due_at, lease_until = w.lease_until,
        followup_id = w.followup_id, address_hash = w.address_hash, provider = w.provider,
        provider_ref = w.provider_ref, reason = w.reason, sent_at = w.sent_at, settled_at = w.settled_at,
        missed_at = w.missed_at, handover_id = w.handover_id, channel = w.channel, group_id = w.group_id,
        is_leader = w.is_leader,
        crashes = CASE WHEN w.state = 'sending' OR (c.state = 'sending' AND w.state = 'planned') THEN c.crashes
            ELSE 0 END
    FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::timestamptz[],
        $9::timestamptz[], $10::uuid[], $11::bytea[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
        $16::timestamptz[], $17::timestamptz[], $18::uuid[], $19::text[], $20::uuid[], $21::boolean[])
        AS w (debt_id, run, step, attempt, fence, state, due_at, lease_until, followup_id, address_hash, provider,
              provider_ref, reason, sent_at, settled_at, missed_at, handover_id, channel, group_id, is_leader)
    WHERE c.workspace_id = $1 AND c.debt_id = w.debt_id AND c.run = w.run AND c.step = w.step
        AND c.attempt = w.attempt AND c.fence = w.fence
    """,
)
_FIND_GROUP = Statement(
    "contacts.find_group",
    "Contacts that the message behind a followup covered, as their last attempts, the leader first.",
    """
    SELECT c.* FROM contacts f JOIN contacts c ON c.workspace_id = f.workspace_id
        AND (c.group_id = f.group_id OR (c.debt_id = f.debt_id AND c.followup_id = f.followup_id))
    WHERE f.workspace_id = $1 AND f.followup_id = $2
        AND NOT EXISTS (SELECT FROM contacts later WHERE later.workspace_id = $1 AND later.followup_id = $2
            AND (later.run, later.attempt) > (f.run, f.attempt))
        AND NOT EXISTS (SELECT FROM contacts later WHERE later.workspace_id = $1 AND later.debt_id = c.debt_id
            AND later.followup_id = c.followup_id AND (later.run, later.attempt) > (c.run, c.attempt))
    ORDER BY c.is_leader DESC, c.debt_id
    """,
)
_IN_DOUBT_WITH = Statement(
    "contacts.find_in_doubt_with",
    "One other contact of each message in doubt whose person is asked about a debt.",
    """
    SELECT DISTINCT ON (c.group_id) c.* FROM contacts o
    JOIN contacts c ON c.workspace_id = o.workspace_id AND c.group_id = o.group_id AND c.debt_id <> o.debt_id
    WHERE o.workspace_id = $1 AND o.debt_id = $2 AND o.state = 'unknown' AND c.state = 'unknown'
        AND c.followup_id IS NOT NULL
        AND EXISTS (SELECT FROM todos t WHERE t.workspace_id = $1 AND t.subject_id = o.followup_id
            AND t.decided_at IS NULL)
    ORDER BY c.group_id, c.debt_id
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


async def find_open_of_debtors(
    tx: Transaction, workspace_id: UUID, debt_ids: Sequence[UUID], until: datetime, crashes_max: int
) -> list[UUID]:
    """Return other debts of the same debtors with an open contact due until an instant, longest due first."""
    rows = await tx.fetch(_OPEN_OF_DEBTORS, workspace_id, debt_ids, until, crashes_max, OPEN_MAX)
    return [row["id"] for row in rows]


async def lock_open(
    tx: Transaction, workspace_id: UUID, debt_ids: Sequence[UUID], until: datetime, crashes_max: int
) -> list[Contact]:
    """Lock and return the open contacts of locked debts, whoever has claimed them."""
    rows = await tx.fetch(_LOCK_OPEN, workspace_id, debt_ids, until, crashes_max)
    return [contact_from_row(row) for row in rows]


def plan(tx: Transaction, contacts: Iterable[Contact]) -> None:
    """Insert planned contacts at the end of the transaction."""
    for contact in contacts:
        note_due(tx, contact)
        tx.defer(_PLAN, *_plan_values(contact))


_plan_values = attrgetter(
    "workspace_id",
    "debt_id",
    "run",
    "step",
    "attempt",
    "channel",
    "state",
    "due_at",
    "is_live",
    "contact_epoch",
    "followup_id",
    "reason",
    "settled_at",
    "created_at",
    "missed_at",
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


async def write(tx: Transaction, contacts: Sequence[Contact]) -> None:
    """Write contacts of one workspace that are claimed or locked."""
    if contacts:
        for contact in contacts:
            note_due(tx, contact)
        columns = map(list, zip(*map(_write_values, contacts), strict=True))
        await tx.execute(_WRITE, contacts[0].workspace_id, *columns)


def note_due(tx: Transaction, contact: Contact) -> None:
    """Note when a worker has to look at a contact: when it is due, or when its lease ends."""
    if contact.state == State.PLANNED:
        kind: work.Kind = "contacts" if contact.is_live else "sandbox_contacts"
        work.note(tx, contact.workspace_id, kind, contact.due_at)
    elif contact.lease_until is not None:
        work.note(tx, contact.workspace_id, "contacts", contact.lease_until)


# What identifies a contact in its workspace, and the fence of its claim.
key_of = attrgetter("debt_id", "run", "step", "attempt", "fence")
_write_values = attrgetter(
    "debt_id",
    "run",
    "step",
    "attempt",
    "fence",
    "state",
    "due_at",
    "lease_until",
    "followup_id",
    "address_hash",
    "provider",
    "provider_ref",
    "reason",
    "sent_at",
    "settled_at",
    "missed_at",
    "handover_id",
    "channel",
    "group_id",
    "is_leader",
)


async def find_group(
    connection: Database | Transaction, workspace_id: UUID, followup_id: UUID
) -> list[Contact]:
    """Return the contacts that the message behind a followup covered, the leader first."""
    return [contact_from_row(row) for row in await connection.fetch(_FIND_GROUP, workspace_id, followup_id)]


async def find_in_doubt_with(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> list[Contact]:
    """Return one other contact of each message in doubt about which a person is asked on a debt."""
    return [contact_from_row(row) for row in await tx.fetch(_IN_DOUBT_WITH, workspace_id, debt_id)]


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
