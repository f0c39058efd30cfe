"""Contact switches: a workspace contacts its debtors, rehearses contact (dry run), or has stopped.

A stop applies from the next claim on, by any worker. The installation's switch overrides those of all
workspaces.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from getbill.companies.queries import workspace_ids
from getbill.kit import work
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import WrongValue
from getbill.kit.messages import VALUE, message

ON, DRY_RUN, STOPPED = "on", "dry_run", "stopped"
MODES = (ON, DRY_RUN, STOPPED)
# Largest minimum balance, in units of a currency.
MINIMUM_MAX: Final = 1_000_000

_SET = Statement(
    "companies.set_contact_switch",
    "Set the contact settings of a workspace; null leaves a value unchanged.",
    """
    UPDATE workspaces SET contact = coalesce($2, contact), grace_hours = coalesce($3, grace_hours),
        minimum_balance = coalesce($4, minimum_balance),
        writes_off_small_balances = coalesce($5, writes_off_small_balances)
    WHERE workspace_id = $1
    """,
)
_GET = Statement(
    "companies.find_contact_switch",
    "Contact settings of a workspace, and the switch of the installation.",
    """
    SELECT contact, grace_hours, minimum_balance, writes_off_small_balances, (SELECT stopped_at FROM contact_stop) AS stopped_at
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
    """The contact settings of a workspace; `stopped_at` is when the installation's contact was stopped."""

    contact: str
    grace_hours: int
    minimum_balance: Decimal
    writes_off_small_balances: bool
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class ContactChanges:
    """Changes to the contact settings of a workspace; None leaves a value unchanged."""

    contact: str | None = None
    grace_hours: int | None = None
    minimum_balance: Decimal | None = None
    writes_off_small_balances: bool | None = None


def check_minimum(value: Any) -> Decimal:
    """Return a minimum balance; raise WrongValue unless it is a number that every currency can hold."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise WrongValue(message("{subject} must be a number, such as 2340.00.", subject=VALUE))
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount <= MINIMUM_MAX or amount != round(amount, 3):
        raise WrongValue(
            message(
                "{subject} must be between 0 and {maximum}, with at most 3 decimals.",
                subject=VALUE,
                maximum=MINIMUM_MAX,
            )
        )
    return amount


async def switch(tx: Transaction, workspace_id: UUID, changes: ContactChanges) -> ContactSwitches:
    """Change a workspace's contact settings, and return the resulting ones."""
    await tx.execute(
        _SET,
        workspace_id,
        changes.contact,
        changes.grace_hours,
        changes.minimum_balance,
        changes.writes_off_small_balances,
    )
    row = await tx.fetchrow(_GET, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    if row["contact"] != STOPPED:
        note_contacts(tx, workspace_id)
    return ContactSwitches(**dict(row))


def note_contacts(tx: Transaction, workspace_id: UUID) -> None:
    """Note that what was planned in a workspace while contact was stopped may be due."""
    work.note(tx, workspace_id, "contacts", work.EARLIEST)
    work.note(tx, workspace_id, "sandbox_contacts", work.EARLIEST)


async def switches(database: Database, workspace_id: UUID) -> ContactSwitches:
    """Return the contact switches of a workspace."""
    row = await database.fetchrow(_GET, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    return ContactSwitches(**dict(row))


async def stop_all(tx: Transaction) -> None:
    """Stop contact for the whole installation."""
    await tx.execute(_STOP_ALL, tx.now)


async def resume_all(tx: Transaction) -> None:
    """Resume contact for the installation; each workspace's own switch applies again."""
    await tx.execute(_RESUME_ALL)
    for workspace_id in await workspace_ids(tx):
        work.note(tx, workspace_id, "contacts", work.EARLIEST)
