"""Queries for a sandbox's clock, its advances, and sandboxes with due contacts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from random import SystemRandom
from uuid import UUID

from getbill.companies import Workspace
from getbill.kit import clock, ids
from getbill.kit.clock import WorkspaceClock
from getbill.kit.database import Database, Statement
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.sandbox.model import Advance, advance_of_row

_ADVANCE = Statement(
    "sandbox.find_advance",
    "Advance of a sandbox's clock.",
    "SELECT * FROM clock_advances WHERE workspace_id = $1 AND id = $2",
)
RUNNING = Statement(
    "sandbox.find_running",
    "Running advance of a sandbox's clock.",
    "SELECT * FROM clock_advances WHERE workspace_id = $1 AND done_at IS NULL",
)
_CLOCK = Statement(
    "sandbox.find_clock",
    "Clock of a sandbox.",
    "SELECT clock_offset, frozen_at FROM workspaces WHERE workspace_id = $1",
)
_DUE = Statement(
    "sandbox.list_due",
    "Sandboxes whose index of due work names contacts or responses due by their own clocks, without a running advance.",
    # While contact is stopped, debtors still respond.
    """
    SELECT DISTINCT k.workspace_id FROM work k JOIN workspaces w ON w.workspace_id = k.workspace_id
    WHERE k.kind = 'sandbox_contacts' AND k.due_at <= coalesce(w.frozen_at, $1::timestamptz + w.clock_offset)
      AND ((w.contact <> 'stopped' AND NOT EXISTS (SELECT FROM contact_stop))
           OR EXISTS (SELECT FROM debtor_responses r WHERE r.workspace_id = k.workspace_id))
      AND NOT EXISTS (SELECT FROM clock_advances a WHERE a.workspace_id = k.workspace_id AND a.done_at IS NULL)
    """,
)
_NEXT_INSTANTS = Statement(
    "sandbox.find_next_instants",
    "When the next contact of a sandbox is due, null while contact is stopped, and the next response of a debtor.",
    """
    SELECT (SELECT min(due_at) FROM contacts WHERE workspace_id = $1 AND state = 'planned' AND NOT is_live
                AND NOT EXISTS (SELECT FROM contact_stop)
                AND NOT EXISTS (SELECT FROM workspaces w WHERE w.workspace_id = $1 AND w.contact = 'stopped'))
            AS contact_at,
        (SELECT min(due_at) FROM debtor_responses WHERE workspace_id = $1) AS response_at
    """,
)
_IS_QUIET = Statement(
    "sandbox.is_quiet",
    "Whether all events of a workspace have positions and are fanned out.",
    """
    SELECT NOT EXISTS (SELECT FROM events WHERE workspace_id = $1 AND position IS NULL)
       AND (SELECT reacted = position FROM streams WHERE workspace_id = $1)
    """,
)


async def find_clock_advance(database: Database, workspace: Workspace, advance_id: UUID) -> Advance:
    """Return an advance of a sandbox's clock; raise NotFound if there is none with this id."""
    row = await database.fetchrow(_ADVANCE, workspace.id, advance_id)
    if row is None:
        raise NotFound(
            message("There is no clock advance {advance}.", advance=ids.show("advance", advance_id))
        )
    return advance_of_row(row)


async def running_advance(database: Database, workspace_id: UUID) -> Advance | None:
    """Return the running advance of a sandbox's clock, or None."""
    row = await database.fetchrow(RUNNING, workspace_id)
    return advance_of_row(row) if row else None


async def clock_of(database: Database, workspace_id: UUID) -> WorkspaceClock:
    """Return a workspace's current clock."""
    row = await database.fetchrow(_CLOCK, workspace_id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    return WorkspaceClock(row["clock_offset"], row["frozen_at"])


@dataclass(frozen=True, slots=True)
class NextInstants:
    """When the next contact and the next response of a sandbox are due, in its own time; None without one."""

    contact_at: datetime | None
    response_at: datetime | None

    @property
    def earliest(self) -> datetime | None:
        """The earlier of the two."""
        return min(filter(None, (self.contact_at, self.response_at)), default=None)


async def next_instants(database: Database, workspace_id: UUID) -> NextInstants:
    """Return when anything is due next in a sandbox."""
    row = await database.fetchrow(_NEXT_INSTANTS, workspace_id)
    assert row is not None  # noqa: S101 - a query without FROM returns a row
    return NextInstants(**row)


async def due(database: Database) -> AsyncIterator[UUID]:
    """Yield the sandboxes that have contacts or responses due by their own clocks, in random order."""
    rows = await database.fetch(_DUE, clock.wall())
    SystemRandom().shuffle(rows)
    for row in rows:
        yield row["workspace_id"]


async def is_quiet(database: Database, workspace_id: UUID) -> bool:
    """Return whether nothing is pending as a consequence of past events in a workspace."""
    return bool(await database.fetchval(_IS_QUIET, workspace_id))
