"""Contact switches: a workspace contacts its debtors, rehearses contact (dry run), or has stopped.

A stop applies from the next claim on, by any worker. The installation's switch overrides those of all
workspaces.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from getbill.companies.queries import workspace_ids
from getbill.kit import work
from getbill.kit.database import Database, Statement, Transaction

ON, DRY_RUN, STOPPED = "on", "dry_run", "stopped"
MODES = (ON, DRY_RUN, STOPPED)

_SET = Statement(
    "companies.set_contact_switch",
    "Set how a workspace contacts its debtors; null leaves a value unchanged.",
    """
    UPDATE workspaces SET contact = coalesce($2, contact), grace_hours = coalesce($3, grace_hours),
        contacts_per_day = coalesce($4, contacts_per_day), grouping = coalesce($5, grouping)
    WHERE workspace_id = $1
    """,
)
_GET = Statement(
    "companies.find_contact_switch",
    "Contact switch of a workspace, and that of the installation.",
    """
    SELECT contact, grace_hours, contacts_per_day, grouping, (SELECT stopped_at FROM contact_stop) AS stopped_at
    FROM workspaces WHERE workspace_id = $1
    """,
)
_STOP_ALL = Statement(
    "companies.stop_all_contact",
    "Stop contact in the whole installation.",
    "INSERT INTO contact_stop (stopped_at) VALUES ($1) ON CONFLICT (is_on) DO NOTHING",
)
_RESUME_ALL = Statement(
    "companies.resume_all_contact", "End the stop of contact in the installation.", "DELETE FROM contact_stop"
)


@dataclass(frozen=True, slots=True)
class ContactSwitches:
    """The contact switches of a workspace; `stopped_at` is when the installation's contact was stopped."""

    contact: str
    grace_hours: int
    contacts_per_day: int
    grouping: str
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class SwitchChanges:
    """Changes of a workspace's contact switches; None leaves a value unchanged."""

    contact: str | None = None
    grace_hours: int | None = None
    contacts_per_day: int | None = None
    grouping: str | None = None


async def switch(tx: Transaction, workspace_id: UUID, changes: SwitchChanges) -> ContactSwitches:
    """Change a workspace's contact switches, and return them."""
    values = (changes.contact, changes.grace_hours, changes.contacts_per_day, changes.grouping)
    await tx.execute(_SET, workspace_id, *values)
    row = await tx.fetchrow(_GET, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    if row["contact"] != STOPPED:
        note_contacts(tx, workspace_id)
    return ContactSwitches(**row)


def note_contacts(tx: Transaction, workspace_id: UUID) -> None:
    """Note that what was planned in a workspace while contact was stopped may be due."""
    work.note(tx, workspace_id, "contacts", work.EARLIEST)
    work.note(tx, workspace_id, "sandbox_contacts", work.EARLIEST)


async def switches(database: Database, workspace_id: UUID) -> ContactSwitches:
    """Return the contact switches of a workspace."""
    row = await database.fetchrow(_GET, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    return ContactSwitches(**row)


async def stop_all(tx: Transaction) -> None:
    """Stop contact for the whole installation."""
    await tx.execute(_STOP_ALL, tx.now)


async def resume_all(tx: Transaction) -> None:
    """Resume contact for the installation; each workspace's own switch applies again."""
    await tx.execute(_RESUME_ALL)
    for workspace_id in await workspace_ids(tx):
        work.note(tx, workspace_id, "contacts", work.EARLIEST)
