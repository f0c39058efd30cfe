"""Contact switches: a workspace contacts its debtors, rehearses contact (dry run), or has stopped.

A stop applies from the next claim on, by any worker. The installation's switch overrides those of all
workspaces.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill.kit.database import Database, Statement, Transaction

ON, DRY_RUN, STOPPED = "on", "dry_run", "stopped"
MODES = (ON, DRY_RUN, STOPPED)

_SET = Statement(
    "companies.set_contact",
    "Switch contact of a workspace, or its grace period; what is null stays.",
    """
    UPDATE workspaces SET contact = coalesce($2, contact), grace_hours = coalesce($3, grace_hours)
    WHERE workspace_id = $1
    """,
)
_GET = Statement(
    "companies.contact",
    "How is contact of a workspace switched, and that of the installation?",
    """
    SELECT contact, grace_hours, (SELECT stopped_at FROM contact_stop) AS stopped_at
    FROM workspaces WHERE workspace_id = $1
    """,
)
_STOP_ALL = Statement(
    "companies.stop_all",
    "Nobody is contacted any more, from no workspace.",
    "INSERT INTO contact_stop (stopped_at) VALUES ($1) ON CONFLICT (is_on) DO NOTHING",
)
_RESUME_ALL = Statement(
    "companies.resume_all", "Every workspace contacts as it is switched.", "DELETE FROM contact_stop"
)


@dataclass(frozen=True, slots=True)
class ContactSwitches:
    """The contact switches of a workspace; `stopped_at` is when the installation's contact was stopped."""

    contact: str
    grace_hours: int
    stopped_at: datetime | None


async def switch(
    tx: Transaction, workspace_id: UUID, contact: str | None, grace_hours: int | None
) -> ContactSwitches:
    """Set a workspace's contact switch or grace period, and return the resulting switches."""
    await tx.execute(_SET, workspace_id, contact, grace_hours)
    row = await tx.fetchrow(_GET, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    return ContactSwitches(row["contact"], row["grace_hours"], row["stopped_at"])


async def switches(database: Database, workspace_id: UUID) -> ContactSwitches:
    """Return the contact switches of a workspace."""
    row = await database.fetchrow(_GET, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    return ContactSwitches(row["contact"], row["grace_hours"], row["stopped_at"])


async def stop_all(tx: Transaction) -> None:
    """Stop contact for the whole installation."""
    await tx.execute(_STOP_ALL, tx.now)


async def resume_all(tx: Transaction) -> None:
    """Resume contact for the installation; each workspace's own switch applies again."""
    await tx.execute(_RESUME_ALL)
