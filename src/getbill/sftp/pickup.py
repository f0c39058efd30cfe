"""Pick-up: selection of complete, due files, and the lease by which one worker imports each.

A file is due if it was whole at the last full hour (or the installation's interval) and unchanged for a
minute before; or on request. The invariant: a file that is still being written, was cut off, or has a
temporary name is never claimed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from getbill.kit import clock, ids
from getbill.kit.database import Database, Statement, Transaction

# The channel that wakes the worker on request.
WAKE: Final = "getbill_sftp"
# An interrupted client closes its file too: it gets this long to continue.
QUIET: Final = timedelta(seconds=60)
LEASE: Final = timedelta(minutes=2)
_RENEW_SECONDS: Final = 30.0

_REQUEST = Statement(
    "sftp.request_pickup",
    "Request the pickup of the complete files of a workspace.",
    """
    UPDATE sftp_files f SET asked_at = $2, tries = 0
    FROM sftp_logins l
    WHERE f.workspace_id = $1 AND f.state = 'whole' AND f.is_finished AND f.folder IN ('', 'incoming')
      AND l.workspace_id = f.workspace_id AND l.id = f.login_id AND l.revoked_at IS NULL
    RETURNING f.id
    """,
)
_CLAIM = Statement(
    "sftp.claim_file",
    "Claim the file that is due longest or was requested.",
    """
    WITH next AS MATERIALIZED (
        SELECT w.workspace_id, w.id FROM sftp_files w
        JOIN sftp_logins l ON l.workspace_id = w.workspace_id AND l.id = w.login_id AND l.revoked_at IS NULL
        WHERE w.state = 'whole' AND w.is_finished AND w.folder IN ('', 'incoming')
          AND (w.asked_at IS NOT NULL OR w.written_at < $1)
        ORDER BY w.written_at LIMIT 1 FOR UPDATE OF w SKIP LOCKED)
    UPDATE sftp_files f SET state = 'taken', leased_until = $2, tries = f.tries + 1, import_id = $3
    FROM next WHERE f.workspace_id = next.workspace_id AND f.id = next.id AND f.state = 'whole'
    RETURNING f.workspace_id, f.id, f.import_id, f.tries
    """,
)
_CLAIM_ENDED = Statement(
    "sftp.claim_ended",
    "Claim a file whose import has ended or whose upload is incomplete.",
    """
    UPDATE sftp_files f SET leased_until = $2, tries = f.tries + 1
    FROM (SELECT w.workspace_id, w.id FROM sftp_files w
          LEFT JOIN imports i ON i.workspace_id = w.workspace_id AND i.id = w.import_id
          WHERE w.state = 'taken' AND (w.leased_until IS NULL OR w.leased_until < $1)
            AND (i.received_at IS NULL OR (i.task IS NULL AND i.state IN ('completed', 'failed', 'undone')))
          ORDER BY w.written_at LIMIT 1 FOR UPDATE OF w SKIP LOCKED) AS next
    WHERE f.workspace_id = next.workspace_id AND f.id = next.id
    RETURNING f.workspace_id, f.id, f.import_id, f.tries
    """,
)
_LEASE = Statement(
    "sftp.renew_lease",
    "Renew or end the lease of a file, if it was not claimed since.",
    """
    UPDATE sftp_files SET leased_until = $4
    WHERE workspace_id = $1 AND id = $2 AND tries = $3 AND state = 'taken' RETURNING id
    """,
)


_HOLD = Statement(
    "sftp.hold_file",
    "Hold a file back from pickup, if it was not claimed since.",
    """
    UPDATE sftp_files SET leased_until = 'infinity'
    WHERE workspace_id = $1 AND id = $2 AND tries = $3 AND state = 'taken' RETURNING id
    """,
)
_REQUEUE = Statement(
    "sftp.requeue_file",
    "Requeue a file that was held.",
    """
    UPDATE sftp_files SET leased_until = NULL, tries = 0
    WHERE workspace_id = $1 AND id = $2 AND state = 'taken' RETURNING id
    """,
)


async def request_pickup(tx: Transaction, workspace_id: UUID, now: datetime) -> int:
    """Make complete files due at once, and return how many."""
    rows = await tx.fetch(_REQUEST, workspace_id, now)
    tx.channels_to_notify.add(WAKE)
    return len(rows)


def last_due(now: datetime, minutes: int) -> datetime:
    """Return the instant of the last scheduled pick-up, counted from midnight."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)


class FileLeaseLost(Exception):
    """The lease expired, and another worker has the file."""


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A leased file; its import id stays the same, and `tries` counts the claims."""

    workspace_id: UUID
    file_id: UUID
    import_id: UUID
    tries: int


async def claim_due(database: Database, now: datetime, boundary: datetime) -> ClaimedFile | None:
    """Claim a due file for a while; None if there is none."""
    row = await database.fetchrow(_CLAIM, boundary - QUIET, now + LEASE, ids.new())
    return None if row is None else ClaimedFile(*row)


async def claim_ended(database: Database, now: datetime) -> ClaimedFile | None:
    """Claim a file whose import has ended, or never began; None if there is none."""
    row = await database.fetchrow(_CLAIM_ENDED, now, now + LEASE)
    return None if row is None else ClaimedFile(*row)


async def renew_lease(database: Database | Transaction, claimed_file: ClaimedFile, now: datetime) -> None:
    """Extend the lease of a file, in a transaction until its end; raise FileLeaseLost if it was lost."""
    file_key = claimed_file.workspace_id, claimed_file.file_id
    if await database.fetchval(_LEASE, *file_key, claimed_file.tries, now + LEASE) is None:
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
        await database.fetchval(_HOLD, claimed_file.workspace_id, claimed_file.file_id, claimed_file.tries)
        is not None
    )


async def requeue_file(tx: Transaction, workspace_id: UUID, file_id: UUID) -> bool:
    """Requeue a quarantined file; return whether it exists."""
    tx.channels_to_notify.add(WAKE)
    return await tx.fetchval(_REQUEUE, workspace_id, file_id) is not None


async def release_file(database: Database, claimed_file: ClaimedFile) -> None:
    """Release the lease of a file: its import does the rest."""
    await database.execute(_LEASE, claimed_file.workspace_id, claimed_file.file_id, claimed_file.tries, None)
