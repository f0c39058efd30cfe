"""The ledger's rows: planned, claimed under a lease, and written by the holder of the current fence.

Every write names the fence of its claim, so a slow worker, or one presumed dead, writes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.contacts.model import COLUMNS, Contact
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.work import Lease

# Minimum and maximum number of workers that died in a row while holding a contact.
CrashRange = tuple[int, int]
NO_CRASHES: Final[CrashRange] = (0, 0)
# A contact whose worker died is claimed apart from the others, first with a few, then alone: so the contact that
# crashes workers is identified. Those with fewer crashes come first: workers killed for another reason spread
# their crashes over many contacts, and none of them reaches the limit.
CRASHED_BATCHES: Final[Sequence[tuple[int, CrashRange]]] = (
    (10, (1, 1)),
    *((1, (deaths, deaths)) for deaths in range(2, 5)),
    (1, (5, 32_767)),
)

_KEY: Final = {"debt_id": "uuid", "run": "integer", "step": "text", "attempt": "integer"}
# A contact that waits for its instant, until a worker claims it.
CLAIM_LEASE = Lease(
    "contacts",
    _KEY,
    is_waiting="t.state = 'planned'",
    is_held="t.state = 'claimed'",
    on_claim="state = 'claimed'",
    on_release="state = 'planned'",
)
# A contact whose provider was asked: only its outcome is looked for.
SENDING_LEASE = Lease("contacts", _KEY, is_waiting="t.state = 'sending'", is_held="t.state = 'sending'")

_PLAN = Statement(
    "contacts.insert_contact",
    "Insert a contact.",
    """
    INSERT INTO contacts (workspace_id, debt_id, run, step, attempt, channel, state, due_at, is_live, contact_epoch,
        followup_id, reason, settled_at, created_at, missed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    """,
)
_CLAIM_LIVE = Statement(
    "contacts.claim_live",
    "Claim due live contacts whose debts have no other contact under way, longest due first.",
    """
    WITH due AS (
        SELECT c.workspace_id, c.debt_id, c.run, c.step, c.attempt
        FROM contacts c JOIN debts d ON d.workspace_id = c.workspace_id AND d.id = c.debt_id
        WHERE c.state = 'planned' AND c.is_live AND c.due_at <= $1 AND c.workspace_id <> ALL($4::uuid[])
            AND c.crashes BETWEEN $5 AND $6
            AND NOT EXISTS (SELECT FROM contact_stop)
            AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = c.workspace_id AND w.contact = 'stopped')
        ORDER BY c.due_at LIMIT $2 FOR UPDATE OF c, d SKIP LOCKED
    )
    UPDATE contacts c SET state = 'claimed', fence = c.fence + 1, lease_until = $3
    FROM due WHERE c.workspace_id = due.workspace_id AND c.debt_id = due.debt_id AND c.run = due.run
        AND c.step = due.step AND c.attempt = due.attempt
    RETURNING c.*
    """,
)
_CLAIM_SANDBOX = Statement(
    "contacts.claim_sandbox",
    "Claim due contacts of a sandbox whose debts have no other contact under way, longest due first.",
    """
    WITH due AS (
        SELECT c.debt_id, c.run, c.step, c.attempt
        FROM contacts c JOIN debts d ON d.workspace_id = c.workspace_id AND d.id = c.debt_id
        WHERE c.workspace_id = $4 AND c.state = 'planned' AND NOT c.is_live AND c.due_at <= $1
            AND c.crashes BETWEEN $5 AND $6 AND NOT EXISTS (SELECT FROM contact_stop)
            AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $4 AND w.contact = 'stopped')
        ORDER BY c.due_at LIMIT $2 FOR UPDATE OF c, d SKIP LOCKED
    )
    UPDATE contacts c SET state = 'claimed', fence = c.fence + 1, lease_until = $3
    FROM due WHERE c.workspace_id = $4 AND c.debt_id = due.debt_id AND c.run = due.run AND c.step = due.step
        AND c.attempt = due.attempt
    RETURNING c.*
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
    # Until a provider has answered, the workers that died with a contact are counted on.
    """
    UPDATE contacts c SET state = w.state, due_at = w.due_at, lease_until = w.lease_until,
        followup_id = w.followup_id, address_hash = w.address_hash, provider = w.provider,
        provider_ref = w.provider_ref, reason = w.reason, sent_at = w.sent_at, settled_at = w.settled_at,
        missed_at = w.missed_at, handover_id = w.handover_id,
        crashes = CASE WHEN w.state = 'sending' OR (c.state = 'sending' AND w.state = 'planned') THEN c.crashes
            ELSE 0 END
    FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::timestamptz[],
        $9::timestamptz[], $10::uuid[], $11::bytea[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
        $16::timestamptz[], $17::timestamptz[], $18::uuid[])
        AS w (debt_id, run, step, attempt, fence, state, due_at, lease_until, followup_id, address_hash, provider,
              provider_ref, reason, sent_at, settled_at, missed_at, handover_id)
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
_RELEASE_EXPIRED = Statement(
    "contacts.release_expired",
    "Plan again the contacts whose lease expired before a provider was asked.",
    """
    WITH lost AS (
        SELECT workspace_id, debt_id, run, step, attempt FROM contacts
        WHERE state = 'claimed' AND lease_until < $1 AND crashes < $3 LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE contacts c SET state = 'planned', lease_until = NULL, crashes = c.crashes + 1
    FROM lost WHERE c.workspace_id = lost.workspace_id AND c.debt_id = lost.debt_id AND c.run = lost.run
        AND c.step = lost.step AND c.attempt = lost.attempt
    RETURNING c.debt_id
    """,
)
_CRASHING = Statement(
    "contacts.find_crashing",
    "Contacts whose lease expired too often, each time with the death of a worker.",
    "SELECT * FROM contacts WHERE state = 'claimed' AND lease_until < $1 AND crashes >= $2 LIMIT $3",
)
_RELEASE = Statement(
    "contacts.release_claims",
    "Plan again contacts that a stopping worker claimed and did not begin.",
    """
    UPDATE contacts c SET state = 'planned', lease_until = NULL
    FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::bigint[])
        AS taken (debt_id, run, step, attempt, fence)
    WHERE c.workspace_id = $1 AND c.debt_id = taken.debt_id AND c.run = taken.run AND c.step = taken.step
        AND c.attempt = taken.attempt AND c.fence = taken.fence AND c.state = 'claimed'
    """,
)
_CLAIM_INTERRUPTED = Statement(
    "contacts.claim_interrupted",
    "Claim contacts whose lease expired during sending, under a new fence.",
    """
    WITH lost AS (
        SELECT workspace_id, debt_id, run, step, attempt FROM contacts
        WHERE state = 'sending' AND lease_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE contacts c SET fence = c.fence + 1, lease_until = $3
    FROM lost WHERE c.workspace_id = lost.workspace_id AND c.debt_id = lost.debt_id AND c.run = lost.run
        AND c.step = lost.step AND c.attempt = lost.attempt
    RETURNING c.*
    """,
)
_EXTEND_LEASE = Statement(
    "contacts.extend_lease",
    "Extend the lease of an interrupted contact, if its fence still holds.",
    """
    UPDATE contacts SET lease_until = $7
    WHERE workspace_id = $1 AND debt_id = $2 AND run = $3 AND step = $4 AND attempt = $5 AND fence = $6
        AND state = 'sending'
    RETURNING true
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


def plan(tx: Transaction, contacts: Iterable[Contact]) -> None:
    """Insert planned contacts at the end of the transaction."""
    for contact in contacts:
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


async def claim_live(
    database: Database,
    now: datetime,
    limit: int,
    lease_until: datetime,
    excluded_ids: Iterable[UUID],
    crashes: CrashRange = NO_CRASHES,
) -> list[Contact]:
    """Claim due live contacts, longest due first, excluding some workspaces."""
    rows = await database.fetch(_CLAIM_LIVE, now, limit, lease_until, list(excluded_ids), *crashes)
    return [contact_from_row(row) for row in rows]


async def claim_sandbox(
    database: Database,
    workspace_id: UUID,
    now: datetime,
    limit: int,
    lease_until: datetime,
    crashes: CrashRange = NO_CRASHES,
) -> list[Contact]:
    """Claim contacts of a sandbox that are due at its instant, longest due first."""
    rows = await database.fetch(_CLAIM_SANDBOX, now, limit, lease_until, workspace_id, *crashes)
    return [contact_from_row(row) for row in rows]


async def lock_due(tx: Transaction, workspace_id: UUID, limit: int) -> list[Contact]:
    """Lock due contacts of a sandbox for this transaction, longest due first."""
    return [contact_from_row(row) for row in await tx.fetch(_LOCK_DUE, tx.now, limit, workspace_id)]


async def release(database: Database, contacts: Sequence[Contact]) -> None:
    """Release claimed contacts of one workspace that were not begun."""
    if contacts:
        columns = map(list, zip(*map(_key, contacts), strict=True))
        await database.execute(_RELEASE, contacts[0].workspace_id, *columns)


async def release_expired(database: Database, wall: datetime, limit: int, crashes_max: int) -> int:
    """Release contacts that dead workers claimed and did not begin, up to `crashes_max`; return how many."""
    return len(await database.fetch(_RELEASE_EXPIRED, wall, limit, crashes_max))


async def find_crashing(database: Database, wall: datetime, most: int, crashes_max: int) -> list[Contact]:
    """Return contacts whose consecutive workers died too often, which makes the contact the likely cause."""
    return [contact_from_row(row) for row in await database.fetch(_CRASHING, wall, crashes_max, most)]


async def claim_interrupted(
    database: Database, wall: datetime, limit: int, lease_until: datetime
) -> list[Contact]:
    """Claim contacts that dead workers were sending and whose outcome is unknown."""
    return [
        contact_from_row(row) for row in await database.fetch(_CLAIM_INTERRUPTED, wall, limit, lease_until)
    ]


async def extend_lease(database: Database, contact: Contact, wall: datetime) -> bool:
    """Extend the lease of a contact to another instant if its fence is current; return whether it is."""
    is_ours = await database.fetchval(_EXTEND_LEASE, contact.workspace_id, *_key(contact), wall)
    if is_ours:
        contact.lease_until = wall
    return is_ours is not None


async def lock_unchanged(tx: Transaction, contacts: Sequence[Contact]) -> list[Contact]:
    """Lock and return the contacts of one workspace whose fence and state are unchanged."""
    if not contacts:
        return []
    first = contacts[0]
    columns = map(list, zip(*map(_key, contacts), strict=True))
    rows = await tx.fetch(_LOCK_UNCHANGED, first.workspace_id, *columns, first.state)
    owned_keys = {tuple(row) for row in rows}
    return [contact for contact in contacts if _key(contact)[:4] in owned_keys]


async def find_by_followup(tx: Transaction, workspace_id: UUID, followup_id: UUID) -> Contact | None:
    """Return the latest attempt of the contact behind a followup; None without one."""
    row = await tx.fetchrow(_FIND_BY_FOLLOWUP, workspace_id, followup_id)
    return contact_from_row(row) if row else None


async def write(tx: Transaction, contacts: Sequence[Contact]) -> None:
    """Write contacts of one workspace that are claimed or locked."""
    if contacts:
        columns = map(list, zip(*map(_write_values, contacts), strict=True))
        await tx.execute(_WRITE, contacts[0].workspace_id, *columns)


_key = attrgetter("debt_id", "run", "step", "attempt", "fence")
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
