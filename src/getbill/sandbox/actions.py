"""Advancing a sandbox's clock, frozen at each due instant on the way."""

from datetime import datetime, timedelta
from uuid import UUID

from getbill import access, events
from getbill.companies import SandboxOnly, Workspace
from getbill.kit import clock, ids, json, work
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import Conflict, one_field
from getbill.kit.messages import message
from getbill.kit.work import Lease
from getbill.sandbox.model import Advance, advance_of_row
from getbill.sandbox.queries import RUNNING

# Calendars and rules are known for some years only: results beyond them would be wrong.
_AHEAD_MAX = timedelta(days=366 * 50)

LEASE = Lease(
    "clock_advances", key={"id": "uuid"}, is_waiting="t.done_at IS NULL", is_held="t.done_at IS NULL"
)

_LOCK_CLOCK = Statement(
    "sandbox.lock_clock",
    "Clock of a sandbox, locked until the transaction ends.",
    "SELECT clock_offset, frozen_at FROM workspaces WHERE workspace_id = $1 FOR NO KEY UPDATE",
)
_INSERT = Statement(
    "sandbox.insert_advance",
    "Insert an advance of a sandbox's clock.",
    """
    INSERT INTO clock_advances (workspace_id, id, started_from, target_at, reached_at, was_frozen, created_at)
    VALUES ($1, $2, $3, $4, $3, $5, $6) RETURNING *
    """,
)
_FREEZE = Statement(
    "sandbox.freeze_clock",
    "Freeze the clock of a sandbox at an instant.",
    "UPDATE workspaces SET frozen_at = $2 WHERE workspace_id = $1",
)
_RESUME = Statement(
    "sandbox.resume_clock",
    "Resume the clock of a sandbox at the target of its advance, frozen if it was frozen before.",
    "UPDATE workspaces SET frozen_at = $2, clock_offset = clock_offset + $3 WHERE workspace_id = $1",
)
_CLAIM = LEASE.claim_statement(
    "sandbox.claim_advance", "Claim the running advance of a sandbox's clock.", order="t.created_at"
)
_REACH = Statement(
    "sandbox.reach_instant",
    "Record how far an advance has come, if its fence still holds.",
    """
    UPDATE clock_advances SET reached_at = $4, contacts = contacts + $5, lease_until = $6, crashes = 0
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND done_at IS NULL RETURNING *
    """,
)
_ARRIVE = Statement(
    "sandbox.arrive_at_target",
    "Record that an advance has reached its target.",
    """
    UPDATE clock_advances SET reached_at = target_at, arrived_at = $4
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 AND done_at IS NULL RETURNING *
    """,
)
_FINISH = Statement(
    "sandbox.finish_advance",
    "Finish an advance whose consequences are complete.",
    """
    UPDATE clock_advances SET done_at = $4, lease_until = NULL
    WHERE workspace_id = $1 AND id = $2 AND fence = $3 RETURNING *
    """,
)
_RELEASE = LEASE.release_statement("sandbox.release_advance", "Release an advance to the next worker.")
_NEXT = Statement(
    "sandbox.find_next_advance",
    "When the running advance of a sandbox's clock may be claimed; null without one.",
    """
    SELECT min(coalesce(lease_until, created_at)) FROM clock_advances
    WHERE workspace_id = $1 AND done_at IS NULL
    """,
)


class AdvanceRunning(Conflict):
    """An advance of the sandbox's clock is in progress."""

    code = "clock-advance-running"
    title = message("The clock is already being advanced")
    way_out = "Wait until the advance ends. `GET /sandbox/clock` shows its progress."


def refuse_live(workspace: Workspace) -> None:
    """Raise SandboxOnly for a live workspace."""
    if workspace.is_live:
        raise SandboxOnly(
            message("This is a live workspace, where time and debtors are real. Use a sandbox key.")
        )


async def start_advance(tx: Transaction, workspace: Workspace, by: timedelta) -> Advance:
    """Start an advance of a sandbox's clock; raise AdvanceRunning if one is in progress."""
    refuse_live(workspace)
    row = await tx.fetchrow(_LOCK_CLOCK, workspace.id)
    assert row is not None  # noqa: S101 - the caller's own workspace
    running_row = await tx.fetchrow(RUNNING, workspace.id)
    if running_row is not None:
        raise _advance_running(advance_of_row(running_row))
    now = row["frozen_at"] or clock.wall() + row["clock_offset"]
    if now + by > clock.wall() + _AHEAD_MAX:
        raise one_field(
            "/days", "too-far", message("A sandbox's clock may be at most 50 years ahead of wall time.")
        )
    advance_row = await tx.fetchrow(
        _INSERT, workspace.id, ids.new(), now, now + by, row["frozen_at"] is not None, clock.wall()
    )
    assert advance_row is not None  # noqa: S101 - an insert returns its row
    await _freeze(tx, workspace.id, now)
    work.note(tx, workspace.id, "clocks", clock.wall())
    tx.channels_to_notify.add(events.EVENTS_CHANNEL)
    return advance_of_row(advance_row)


def _advance_running(advance: Advance) -> AdvanceRunning:
    return AdvanceRunning(
        message(
            "The clock is being advanced to {target_at}; follow its progress at {url}.",
            target_at=json.instant(advance.target_at),
            url=advance.url,
        ),
        extra={"id": advance.public_id, "url": advance.url},
    )


async def _freeze(tx: Transaction, workspace_id: UUID, at: datetime) -> None:
    await tx.execute(_FREEZE, workspace_id, at)
    await access.invalidate(tx, workspace_id)


async def claim(database: Database, workspace_id: UUID, lease_until: datetime) -> Advance | None:
    """Claim the running advance of a sandbox under a new fence; None if there is none, or another has it."""
    row = await database.fetchrow(_CLAIM, workspace_id, clock.wall(), lease_until, 1)
    return advance_of_row(row) if row else None


async def reach(
    database: Database, advance: Advance, at: datetime, contacts: int, lease_until: datetime
) -> Advance | None:
    """Freeze the clock at an instant on its way; return None if another worker holds the advance by now."""
    async with database.transaction(at) as tx:
        row = await tx.fetchrow(
            _REACH, advance.workspace_id, advance.id, advance.fence, at, contacts, lease_until
        )
        if row is None:
            return None
        if at != advance.reached_at:
            await _freeze(tx, advance.workspace_id, at)
    return advance_of_row(row)


async def arrive(database: Database, advance: Advance) -> Advance | None:
    """Let the clock run on from its target; return None if another worker holds the advance by now."""
    async with database.transaction(advance.target_at) as tx:
        row = await tx.fetchrow(_ARRIVE, advance.workspace_id, advance.id, advance.fence, clock.wall())
        if row is None:
            return None
        target_at, shift = row["target_at"], row["target_at"] - row["started_from"]
        resumed_clock = (target_at, timedelta(0)) if row["was_frozen"] else (None, shift)
        await tx.execute(_RESUME, advance.workspace_id, *resumed_clock)
        await access.invalidate(tx, advance.workspace_id)
        tx.channels_to_notify.add(events.EVENTS_CHANNEL)
    return advance_of_row(row)


async def mark_done(database: Database, advance: Advance) -> None:
    """Mark an advance as done: all its consequences have happened."""
    await database.fetchrow(_FINISH, advance.workspace_id, advance.id, advance.fence, clock.wall())


async def release(database: Database, advance: Advance) -> None:
    """Release an advance to the next worker."""
    claim_key = work.claim_arrays([(advance.id, advance.fence)])
    async with database.transaction(clock.wall()) as tx:
        if await tx.fetch(_RELEASE, advance.workspace_id, *claim_key):
            work.note(tx, advance.workspace_id, "clocks", tx.now)


async def postpone(database: Database, workspace_id: UUID) -> None:
    """Postpone the clock of a sandbox until its advance may be claimed, or for good if there is none."""
    async with database.transaction(clock.wall()) as tx:
        await work.postpone(tx, workspace_id, "clocks", tx.now, _NEXT, workspace_id)
