"""Requests to plan contacts anew, after a change that concerns debts which nobody holds.

A worker goes through the debts of a request in the background. Nothing waits for it: whatever changed is looked
at again before each departure, and whenever a timeline is shown.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from getbill.kit import work
from getbill.kit.database import Statement, Transaction

# The request that concerns every debt of a workspace.
EVERY_DEBT: Final = b""

_FIRST_ID: Final = UUID(int=0)
_REQUEST = Statement(
    "companies.request_replan",
    "Have the debts of an address planned anew, or all of a workspace; a pass under way begins again.",
    """
    INSERT INTO replans (workspace_id, address_hash, reached_id) VALUES ($1, $2, $3)
    ON CONFLICT (workspace_id, address_hash) DO UPDATE
        SET reached_id = excluded.reached_id, revision = replans.revision + 1
    """,
)
_WORKSPACES = Statement(
    "companies.list_workspaces_to_replan",
    "Ids of the workspaces of a company, or of all of them.",
    "SELECT workspace_id FROM workspaces WHERE $1::uuid IS NULL OR company_id = $1 ORDER BY workspace_id",
)
_REPORT = Statement(
    "companies.report_channels",
    "Set the channels that have a provider; returns nothing where they are unchanged.",
    """
    INSERT INTO contact_providers (channels) VALUES ($1)
    ON CONFLICT (is_only) DO UPDATE SET channels = excluded.channels
        WHERE contact_providers.channels <> excluded.channels
    RETURNING true
    """,
)


async def request_replan(tx: Transaction, workspace_id: UUID, address_hash: bytes = EVERY_DEBT) -> None:
    """Have a worker plan the contacts of an address anew, or those of a whole workspace."""
    await tx.execute(_REQUEST, workspace_id, address_hash, _FIRST_ID)
    work.note(tx, workspace_id, "plans", work.EARLIEST)


async def request_replan_of_company(tx: Transaction, company_id: UUID | None) -> None:
    """Have a worker plan the contacts of a company's workspaces anew; those of every company for None."""
    for row in await tx.fetch(_WORKSPACES, company_id):
        await request_replan(tx, row["workspace_id"])


async def report_channels(tx: Transaction, channels: Iterable[str]) -> bool:
    """Store which channels have a provider; if that is new, have all contacts planned anew, and return True."""
    if not await tx.fetchval(_REPORT, sorted(channels)):
        return False
    await request_replan_of_company(tx, None)
    return True
