"""The index of due work: the instant from which a workspace may have work of a kind.

The invariant: if a workspace has work of a kind that is due at an instant, it has an entry of that kind with
this instant or an earlier one, as soon as the work is committed. An entry that is too early costs a visit; a
missing one would lose work.

- Whoever plans work calls `note` in the same transaction.
- A worker takes workspaces from `due_workspaces`, and works inside each.
- Once it finds nothing more there, it calls `postpone`, which replaces the entries by the next instant.

Entries are inserted and deleted, never updated, so that no transaction ever waits for another here. `note`
inserts none if an earlier one exists, and holds that one by a shared lock until its commit; `postpone` deletes
only entries that nobody holds, and looks for the next instant in a statement after it has locked them, which
sees everything whose planner held them.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Final, Literal, get_args
from uuid import UUID

from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction

# `contacts` are live contacts, and leases of contacts in any workspace. `sandbox_contacts` are those of a
# sandbox, due by its own clock; all others are due in wall time. `stream` is events without a position or not
# fanned out, `files` are files received over SFTP, `clocks` are sandbox clocks being advanced, `plans` are debts
# to be planned anew.
Kind = Literal["contacts", "sandbox_contacts", "stream", "deliveries", "imports", "files", "clocks", "plans"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# Before any instant of a workspace's clock: whoever notes it has the workspace visited at once.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)

_PAGE: Final = 500

_NOTE = Statement(
    "kit.note_work",
    "Add an entry to the index of due work, unless an earlier one exists, which is then held until the commit.",
    """
    WITH earlier AS (
        SELECT id FROM work WHERE workspace_id = $1 AND kind = $2 AND due_at <= $4
        ORDER BY due_at LIMIT 1 FOR KEY SHARE SKIP LOCKED
    )
    INSERT INTO work (workspace_id, kind, id, due_at)
    SELECT $1::uuid, $2::text, $3::uuid, $4::timestamptz WHERE NOT EXISTS (SELECT FROM earlier)
    """,
)
_DUE = Statement(
    "kit.list_due_work",
    "Workspaces with due work of a kind, longest due first, after a page.",
    """
    SELECT workspace_id, due_at FROM work
    WHERE kind = $1 AND due_at <= $2 AND (due_at, workspace_id) > ($3, $4)
    ORDER BY due_at, workspace_id LIMIT $5
    """,
)
_LOCK = Statement(
    "kit.lock_work",
    "Lock a workspace's entries of a kind that nobody holds.",
    "SELECT id FROM work WHERE workspace_id = $1 AND kind = $2 FOR UPDATE SKIP LOCKED",
)
_REPLACE = Statement(
    "kit.replace_work",
    "Replace locked entries of a workspace by the next instant; by none if it is null.",
    """
    WITH done AS (DELETE FROM work WHERE workspace_id = $1 AND kind = $2 AND id = ANY ($5::uuid[]))
    INSERT INTO work (workspace_id, kind, id, due_at)
    SELECT $1::uuid, $2::text, $3::uuid, $4::timestamptz WHERE $4::timestamptz IS NOT NULL
    """,
)
_NOTE_EVERY_KIND = Statement(
    "kit.note_every_kind",
    "Add a due entry of each kind to a workspace, so that each kind is looked for once more.",
    """
    INSERT INTO work (workspace_id, kind, id, due_at)
    SELECT $1, entry.kind, entry.id, $2 FROM unnest($3::text[], $4::uuid[]) AS entry (kind, id)
    """,
)


def note(tx: Transaction, workspace_id: UUID, kind: Kind, due_at: datetime) -> None:
    """Note that this transaction plans work of a kind that is due at an instant.

    Written at the commit, once for each workspace and kind, with the earliest instant.
    """
    noted = tx.noted_work.get((workspace_id, kind))
    if noted is not None:
        noted[0] = min(noted[0], due_at)
        return
    earliest = tx.noted_work[workspace_id, kind] = [due_at]
    tx.defer_row(_NOTE, lambda: (workspace_id, kind, ids.new(), earliest[0]))


async def note_every_kind(tx: Transaction, workspace_id: UUID) -> None:
    """Have a workspace visited once for each kind, which computes all its entries anew."""
    await tx.execute(_NOTE_EVERY_KIND, workspace_id, EARLIEST, list(KINDS), [ids.new() for _ in KINDS])


async def due_workspaces(database: Database, kind: Kind, now: datetime) -> AsyncIterator[UUID]:
    """Yield each workspace with due work of a kind once.

    The longest due come first, a page of them in random order, so that several workers start with different
    ones.
    """
    yielded_ids: set[UUID] = set()
    last = (EARLIEST - timedelta(microseconds=1), UUID(int=0))
    while rows := await database.fetch(_DUE, kind, now, *last, _PAGE):
        last = rows[-1]["due_at"], rows[-1]["workspace_id"]
        page = list({row["workspace_id"] for row in rows} - yielded_ids)
        SystemRandom().shuffle(page)
        yielded_ids.update(page)
        for workspace_id in page:
            yield workspace_id
        if len(rows) < _PAGE:
            return


async def postpone(
    tx: Transaction, workspace_id: UUID, kind: Kind, now: datetime, next_due: Statement, *arguments: object
) -> bool:
    """Postpone a workspace's work of a kind to the next instant; return False if some is due or being planned.

    `next_due` returns that instant from the workspace's own tables, or null if nothing is planned. It may be
    too early, never too late. The transaction must be at READ COMMITTED, and end soon.
    """
    entry_ids = [row["id"] for row in await tx.fetch(_LOCK, workspace_id, kind)]
    if not entry_ids:
        return False
    # A statement of its own, after the lock: it sees all that was planned by whoever held these entries.
    due_at: datetime | None = await tx.fetchval(next_due, *arguments)
    if due_at is not None and due_at <= now:
        return False
    await tx.execute(_REPLACE, workspace_id, kind, ids.new(), due_at, entry_ids)
    return True
