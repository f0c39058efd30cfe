"""Pick-up: selection of complete, due files, and the lease by which one worker imports each.

A file is due if it was whole at the last full hour (or the installation's interval) and unchanged for a
minute before; or on request. The invariant: a file that is still being written, was cut off, or has a
temporary name is never claimed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from asyncpg import Record

from getbill.kit import clock, ids, work
from getbill.kit.database import Database, Statement, Transaction

# The channel that wakes the worker on request.
WAKE: Final = "getbill_sftp"
KIND: Final = "files"
# An interrupted client closes its file too: it gets this long to continue.
QUIET: Final = timedelta(seconds=60)
LEASE_TIME: Final = timedelta(minutes=2)
_RENEW_SECONDS: Final = 30.0

_WAITING: Final = "f.state = 'whole' AND f.is_finished AND f.folder IN ('', 'incoming')"
# Files are claimed twice: to import them, and to return the results of their imports.
LEASE: Final = work.Lease(
    table="sftp_files",
    key={"id": "uuid"},
    is_waiting="t.state = 'taken'",
    is_held="t.state = 'taken'",
)
_DUE_LEASE: Final = replace(LEASE, is_waiting="t.state = 'whole'", on_claim="state = 'taken', import_id = $6")
# The file `f` of a claim with its login and its import.
_LOGIN: Final = (
    "JOIN sftp_logins l ON l.workspace_id = $1 AND l.id = {file}.login_id AND l.revoked_at IS NULL"
)
_IMPORT: Final = "LEFT JOIN imports i ON i.workspace_id = $1 AND i.id = {file}.import_id"
_IS_ENDED: Final = (
    "(i.received_at IS NULL OR (i.task IS NULL AND i.state IN ('completed', 'failed', 'undone')))"
)

_REQUEST = Statement(
    "sftp.request_pickup",
    "Request the pickup of the complete files of a workspace.",
    f"""
    UPDATE sftp_files f SET asked_at = $2, crashes = 0
    FROM sftp_logins l
    WHERE f.workspace_id = $1 AND {_WAITING}
      AND l.workspace_id = f.workspace_id AND l.id = f.login_id AND l.revoked_at IS NULL
    RETURNING f.id
    """,
)
_CLAIM = _DUE_LEASE.claim_statement(
    "sftp.claim_file",
    "Claim the file of a workspace that is due longest or was requested.",
    joined=_LOGIN.format(file="t"),
    condition="t.is_finished AND t.folder IN ('', 'incoming') AND (t.asked_at IS NOT NULL OR t.written_at < $5)",
    order="t.written_at",
)
_CLAIM_ENDED = LEASE.claim_statement(
    "sftp.claim_ended",
    "Claim a file of a workspace whose import has ended or whose upload is incomplete.",
    joined=_IMPORT.format(file="t"),
    condition=_IS_ENDED,
    order="t.written_at",
)
_RENEW = LEASE.renewal_statement(
    "sftp.renew_lease", "Renew the lease of a file, if it was not claimed since."
)
_RELEASE = LEASE.release_statement(
    "sftp.release_file", "Release the lease of a file, if it was not claimed since."
)
_NEXT = Statement(
    "sftp.find_next_due",
    "Instant at which the next file of a workspace is due, its import has ended or its lease ends.",
    f"""
    SELECT least(
        (SELECT min(CASE WHEN f.asked_at IS NOT NULL OR f.written_at < $2 THEN to_timestamp(0)
            ELSE $3::timestamptz END)
         FROM sftp_files f {_LOGIN.format(file="f")} WHERE f.workspace_id = $1 AND {_WAITING}),
        (SELECT min(CASE WHEN f.lease_until IS NOT NULL THEN f.lease_until WHEN {_IS_ENDED} THEN to_timestamp(0) END)
         FROM sftp_files f {_IMPORT.format(file="f")}
         WHERE f.workspace_id = $1 AND f.state = 'taken' AND (f.lease_until IS NULL OR f.lease_until < 'infinity')))
    """,
)
_HOLD = Statement(
    "sftp.hold_file",
    "Hold a file back from pickup, if it was not claimed since.",
    """
    UPDATE sftp_files SET lease_until = 'infinity'
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND state = 'taken' RETURNING id
    """,
)
_REQUEUE = Statement(
    "sftp.requeue_file",
    "Requeue a file that was held.",
    """
    UPDATE sftp_files SET lease_until = NULL, crashes = 0
    WHERE workspace_id = $1 AND id = $2 AND state = 'taken' RETURNING id
    """,
)


async def request_pickup(tx: Transaction, workspace_id: UUID, now: datetime) -> int:
    """Make complete files due at once, and return how many."""
    rows = await tx.fetch(_REQUEST, workspace_id, now)
    note_files(tx, workspace_id, now)
    return len(rows)


def note_files(tx: Transaction, workspace_id: UUID, due_at: datetime) -> None:
    """Note that files of a workspace are due at an instant, and wake the workers."""
    work.note(tx, workspace_id, KIND, due_at)
    tx.channels_to_notify.add(WAKE)


def note_written(tx: Transaction, workspace_id: UUID, written_at: datetime) -> None:
    """Note that a file was written: it may be due once it has been quiet, at a boundary not before that."""
    work.note(tx, workspace_id, KIND, written_at + QUIET)


def last_due(now: datetime, minutes: int) -> datetime:
    """Return the instant of the last scheduled pick-up, counted from midnight."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)


def next_due(now: datetime, minutes: int) -> datetime:
    """Return the instant of the next scheduled pick-up."""
    return last_due(now, minutes) + timedelta(minutes=minutes)


class FileLeaseLost(Exception):
    """The lease expired, and another worker has the file."""


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A leased file; its import id stays the same, and `crashes` counts the leases that expired in a row."""

    workspace_id: UUID
    file_id: UUID
    import_id: UUID
    fence: int
    crashes: int

    @property
    def lease(self) -> list[list[object]]:
        """The arguments of its lease's statements."""
        return work.claim_arrays([(self.file_id, self.fence)])


def _claimed_file(row: Record | None) -> ClaimedFile | None:
    if row is None:
        return None
    return ClaimedFile(row["workspace_id"], row["id"], row["import_id"], row["fence"], row["crashes"])


async def claim_due(
    database: Database, workspace_id: UUID, now: datetime, boundary: datetime
) -> ClaimedFile | None:
    """Claim a due file of a workspace for a while; None if there is none."""
    limits = now, now + LEASE_TIME, 1, boundary - QUIET
    return _claimed_file(await database.fetchrow(_CLAIM, workspace_id, *limits, ids.new()))


async def claim_ended(database: Database, workspace_id: UUID, now: datetime) -> ClaimedFile | None:
    """Claim a file of a workspace whose import has ended, or never began; None if there is none."""
    return _claimed_file(await database.fetchrow(_CLAIM_ENDED, workspace_id, now, now + LEASE_TIME, 1))


async def postpone_files(database: Database, workspace_id: UUID, now: datetime, minutes: int) -> None:
    """Postpone a workspace to its next due file, unless one is due or being written."""
    bounds = last_due(now, minutes) - QUIET, next_due(now, minutes)
    async with database.transaction(now) as tx:
        await work.postpone(tx, workspace_id, KIND, now, _NEXT, workspace_id, *bounds)


async def renew_lease(database: Database | Transaction, claimed_file: ClaimedFile, now: datetime) -> None:
    """Extend the lease of a file, in a transaction until its end; raise FileLeaseLost if it was lost."""
    if not await database.fetch(_RENEW, claimed_file.workspace_id, now + LEASE_TIME, *claimed_file.lease):
        raise FileLeaseLost


@asynccontextmanager
async def renewing_lease(
    database: Database, claimed_file: ClaimedFile, every: float = _RENEW_SECONDS
) -> AsyncIterator[None]:
    """Renew the lease for the duration of the block; a lost lease shows at the writer's `renew_lease`."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(every)
            await renew_lease(database, claimed_file, clock.wall())

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def hold_file(database: Database, claimed_file: ClaimedFile) -> bool:
    """Block further claims of a file until it is requeued; return whether its lease was current."""
    return (
        await database.fetchval(_HOLD, claimed_file.workspace_id, claimed_file.file_id, claimed_file.fence)
        is not None
    )


async def requeue_file(tx: Transaction, workspace_id: UUID, file_id: UUID) -> bool:
    """Requeue a quarantined file; return whether it exists."""
    note_files(tx, workspace_id, clock.wall())
    return await tx.fetchval(_REQUEUE, workspace_id, file_id) is not None


async def release_file(database: Database, claimed_file: ClaimedFile) -> None:
    """Release the lease of a file: its import does the rest, and may have ended already."""
    now = clock.wall()
    async with database.transaction(now) as tx:
        await tx.execute(_RELEASE, claimed_file.workspace_id, *claimed_file.lease)
        note_files(tx, claimed_file.workspace_id, now)
