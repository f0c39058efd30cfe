"""Picking up: which files are complete and due, and that each is imported by one worker.

A file is due once it was whole at the last full hour (or whatever the installation chose), and quiet for a minute
before that; or once somebody asked for it. The invariant: a file that is still being written to, was cut off, or is
called like something half done is never taken.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from getbill.kit.db import Statement, Transaction

# On this channel the worker hears that somebody asked.
WAKE: Final = "getbill_sftp"
# A client that was interrupted closes its file all the same: it gets this long to go on.
QUIET: Final = timedelta(seconds=60)

_ASK = Statement(
    "sftp.ask",
    "Have what is complete in a workspace picked up at once.",
    """
    UPDATE sftp_files f SET asked_at = $2, tries = 0
    FROM sftp_logins l
    WHERE f.workspace_id = $1 AND f.state = 'whole' AND f.is_finished AND f.folder IN ('', 'incoming')
      AND l.workspace_id = f.workspace_id AND l.id = f.login_id AND l.revoked_at IS NULL
    RETURNING f.id
    """,
)


async def ask(tx: Transaction, workspace_id: UUID, now: datetime) -> int:
    """Have what is complete picked up at once, and return how many files that is."""
    found = await tx.fetch(_ASK, workspace_id, now)
    tx.wakes.add(WAKE)
    return len(found)


def last_due(now: datetime, minutes: int) -> datetime:
    """Return the instant at which the last pick-up was due, counted from midnight."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)
