"""Claims of contacts: a worker holds a planned contact, or one being sent, under a lease.

Each claims inside one workspace. The index of due work names the workspaces in which a contact is due or the
lease of a dead worker has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from getbill.companies import Workspace
from getbill.contacts import ledger
from getbill.contacts.model import Contact
from getbill.kit import clock, work
from getbill.kit.database import Database, Statement
from getbill.kit.work import Lease, claim_arrays

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
# A contact that waits for its instant.
PLANNED: Final = Lease(
    "contacts",
    _KEY,
    is_waiting="t.state = 'planned'",
    is_held="t.state = 'claimed'",
    on_claim="state = 'claimed'",
    on_release="state = 'planned'",
)
# A contact whose provider was asked: only its outcome is looked for.
SENDING: Final = Lease("contacts", _KEY, is_waiting="t.state = 'sending'", is_held="t.state = 'sending'")

_CLAIM = PLANNED.claim_statement(
    "contacts.claim_due",
    "Claim due contacts of a workspace whose debts have no other contact under way, longest due first.",
    joined="JOIN debts d ON d.workspace_id = t.workspace_id AND d.id = t.debt_id",
    condition="""t.due_at <= $5 AND t.crashes BETWEEN $6 AND $7 AND NOT EXISTS (SELECT FROM contact_stop)
            AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $1 AND w.contact = 'stopped')
            AND t.is_live = $8""",
    order="t.due_at",
    locked="t, d",
)
_RELEASE = PLANNED.release_statement(
    "contacts.release_claims", "Plan again contacts that a stopping worker claimed and did not begin."
)
_RELEASE_EXPIRED = PLANNED.recovery_statement(
    "contacts.release_expired",
    "Plan again the contacts of a workspace whose lease expired before a provider was asked.",
    condition="t.crashes < $4",
)
_CLAIM_INTERRUPTED = SENDING.claim_statement(
    "contacts.claim_interrupted",
    "Claim contacts of a workspace whose lease expired during sending, under a new fence.",
    condition="t.lease_until < $2 AND t.is_leader",
    order="t.lease_until",
)
_CLAIM_MEMBERS = Statement(
    "contacts.claim_members",
    "Claim the other contacts of groups whose leaders were claimed, under new fences.",
    """
    UPDATE contacts SET fence = fence + 1, lease_until = $3, crashes = least(crashes + 1, 32767)
    WHERE workspace_id = $1 AND group_id = ANY($2) AND NOT is_leader AND state = 'sending'
    RETURNING *
    """,
)
_EXTEND_LEASE = SENDING.renewal_statement(
    "contacts.extend_lease", "Extend the lease of an interrupted contact, if its fence still holds."
)
_LIST_EXPIRED = Statement(
    "contacts.list_expired",
    "States of a workspace's contacts whose lease has expired.",
    """
    SELECT DISTINCT state FROM contacts
    WHERE workspace_id = $1 AND state IN ('claimed', 'sending') AND lease_until < $2
    """,
)
_CRASHING = Statement(
    "contacts.find_crashing",
    "Contacts of a workspace whose lease expired too often, each time with the death of a worker.",
    """
    SELECT * FROM contacts
    WHERE workspace_id = $1 AND state = 'claimed' AND lease_until < $2 AND crashes >= $4 LIMIT $3
    """,
)
_HAS_CRASHED = Statement(
    "contacts.has_crashed",
    "Whether a due live contact of a workspace was in the hands of a worker that died.",
    """
    SELECT EXISTS (SELECT FROM contacts
        WHERE workspace_id = $1 AND state = 'planned' AND crashes > 0 AND due_at <= $2 AND is_live)
    """,
)
_NEXT_WORK = Statement(
    "contacts.find_next_work",
    "When the next live contact of a workspace is due, or the next lease ends; null if neither.",
    # Contact of the installation resumes without a word to each workspace that is due: it is tried again soon.
    """
    SELECT least(
        (SELECT CASE WHEN EXISTS (SELECT FROM contact_stop) THEN greatest(min(due_at), $2::timestamptz)
                     ELSE min(due_at) END
         FROM contacts WHERE workspace_id = $1 AND state = 'planned' AND is_live
             AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $1 AND w.contact = 'stopped')),
        (SELECT min(lease_until) FROM contacts WHERE workspace_id = $1 AND state IN ('claimed', 'sending')))
    """,
)
_NEXT_IN_SANDBOX = Statement(
    "contacts.find_next_in_sandbox",
    "When the next contact of a sandbox is due, unless it is stopped, or the next response of a debtor; null if neither.",
    """
    SELECT least(
        (SELECT min(due_at) FROM contacts WHERE workspace_id = $1 AND state = 'planned' AND NOT is_live
            AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $1 AND w.contact = 'stopped')),
        (SELECT min(due_at) FROM debtor_responses WHERE workspace_id = $1))
    """,
)


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What to claim: contacts due at an instant, at most `limit`, until `lease_until`."""

    due_at: datetime
    limit: int
    lease_until: datetime
    crashes: CrashRange = NO_CRASHES

    def values(self, *, is_live: bool) -> tuple[Any, ...]:
        """Return the arguments of the claim after the workspace."""
        return clock.wall(), self.lease_until, self.limit, self.due_at, *self.crashes, is_live


async def claim_live(database: Database, workspace_id: UUID, request: ClaimRequest) -> list[Contact]:
    """Claim live contacts of a workspace, longest due first."""
    return _in_order(await database.fetch(_CLAIM, workspace_id, *request.values(is_live=True)))


async def claim_sandbox(database: Database, workspace_id: UUID, request: ClaimRequest) -> list[Contact]:
    """Claim contacts of a sandbox that are due at its instant, longest due first."""
    async with database.transaction(clock.wall()) as tx:
        rows = await tx.fetch(_CLAIM, workspace_id, *request.values(is_live=False))
        if rows:
            # Their leases end by the wall's clock, not by the sandbox's.
            work.note(tx, workspace_id, "contacts", request.lease_until)
    return _in_order(rows)


def _in_order(rows: Sequence[Record]) -> list[Contact]:
    return sorted(map(ledger.contact_from_row, rows), key=attrgetter("due_at"))


async def release(database: Database, contacts: Sequence[Contact]) -> None:
    """Release claimed contacts of one workspace that were not begun."""
    if not contacts:
        return
    async with database.transaction(clock.wall()) as tx:
        rows = await tx.fetch(_RELEASE, contacts[0].workspace_id, *claim_arrays(map(ledger.key_of, contacts)))
        for row in rows:
            ledger.note_due(tx, ledger.contact_from_row(row))


async def expired_states(database: Database, workspace_id: UUID) -> set[str]:
    """Return the states of a workspace's contacts whose worker died."""
    return {row["state"] for row in await database.fetch(_LIST_EXPIRED, workspace_id, clock.wall())}


async def release_expired(database: Database, workspace_id: UUID, limit: int, crashes_max: int) -> int:
    """Release contacts that dead workers claimed and did not begin, up to `crashes_max`; return how many."""
    async with database.transaction(clock.wall()) as tx:
        rows = await tx.fetch(_RELEASE_EXPIRED, workspace_id, tx.now, limit, crashes_max)
        for row in rows:
            ledger.note_due(tx, ledger.contact_from_row(row))
    return len(rows)


async def find_crashing(
    database: Database, workspace_id: UUID, limit: int, crashes_max: int
) -> list[Contact]:
    """Return contacts whose consecutive workers died too often, which makes the contact the likely cause."""
    rows = await database.fetch(_CRASHING, workspace_id, clock.wall(), limit, crashes_max)
    return [ledger.contact_from_row(row) for row in rows]


async def has_crashed(database: Database, workspace_id: UUID, now: datetime) -> bool:
    """Return whether a contact that is due was in the hands of a worker that died."""
    return bool(await database.fetchval(_HAS_CRASHED, workspace_id, now))


async def claim_interrupted(
    database: Database, workspace_id: UUID, wall: datetime, limit: int, lease_until: datetime
) -> list[Contact]:
    """Claim contacts that dead workers were sending and whose outcome is unknown."""
    rows = await database.fetch(_CLAIM_INTERRUPTED, workspace_id, wall, lease_until, limit)
    return [ledger.contact_from_row(row) for row in rows]


async def claim_members(
    database: Database, leaders: Sequence[Contact], lease_until: datetime
) -> dict[UUID, list[Contact]]:
    """Claim the contacts that messages of one workspace also covered, by group; their leaders are claimed."""
    group_ids = [leader.group_id for leader in leaders if leader.group_id is not None]
    members: dict[UUID, list[Contact]] = {group_id: [] for group_id in group_ids}
    if group_ids:
        rows = await database.fetch(_CLAIM_MEMBERS, leaders[0].workspace_id, group_ids, lease_until)
        for row in rows:
            members[row["group_id"]].append(ledger.contact_from_row(row))
    return members


async def extend_leases(database: Database, contacts: Sequence[Contact], wall: datetime) -> bool:
    """Extend the leases of a message's contacts to another instant; return whether the first one's fence is current."""
    async with database.transaction(clock.wall()) as tx:
        claim_keys = claim_arrays(map(ledger.key_of, contacts))
        rows = await tx.fetch(_EXTEND_LEASE, contacts[0].workspace_id, wall, *claim_keys)
        if contacts[0].debt_id not in {row["debt_id"] for row in rows}:
            return False
        for contact in contacts:
            contact.lease_until = wall
            ledger.note_due(tx, contact)
    return True


async def postpone_live(database: Database, workspace_id: UUID, retry_at: datetime) -> bool:
    """Postpone a workspace to its next live contact or lease; return False if some is due now.

    While contact is stopped in the whole installation, what is due is tried again at `retry_at`.
    """
    async with database.transaction(clock.wall()) as tx:
        return await work.postpone(tx, workspace_id, "contacts", tx.now, _NEXT_WORK, workspace_id, retry_at)


async def postpone_sandbox(database: Database, workspace: Workspace) -> bool:
    """Postpone a sandbox to its next contact; return False if one is due now."""
    async with database.transaction(workspace.now()) as tx:
        return await work.postpone(
            tx, workspace.id, "sandbox_contacts", tx.now, _NEXT_IN_SANDBOX, workspace.id
        )
