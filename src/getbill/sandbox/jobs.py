"""What the worker does for sandboxes: their contacts by their own clocks, and clocks that are being moved.

A clock moves from one due instant to the next, so that everything carries the instant it was due at. It stands
still meanwhile: whoever calls the API then sees the same instant.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from getbill import companies, contacts, quarantine
from getbill.companies import Workspace
from getbill.contacts import Desk, KeepGoing, others_go_on
from getbill.kit import clock
from getbill.sandbox import actions, queries
from getbill.sandbox.model import Advance

_log = structlog.get_logger(__name__)

# Another clock waits no longer than this for its turn.
_SLICE_SECONDS = 2.0
_LEASE_SECONDS = 15.0
_LOOK_AGAIN_SECONDS = 0.02


async def send_due(desk: Desk, keep_going: KeepGoing) -> int:
    """Carry out the contacts that are due in sandboxes, a bounded share of each; return how many were taken."""
    taken = 0
    left_alone = await quarantine.workspaces(desk.database)
    for workspace_id in await queries.due(desk.database):
        if workspace_id in left_alone:
            continue
        if not keep_going():
            break
        async with others_go_on(desk.database, workspace_id):
            workspace = await companies.workspace(desk.database, desk.vault, workspace_id)
            taken += await contacts.send_due_in(
                desk, workspace, keep_going
            ) or await contacts.send_suspects_in(desk, workspace, keep_going)
    return taken


async def advance(desk: Desk, keep_going: KeepGoing) -> bool:
    """Move one clock on for a while; say whether any was there to move."""
    found = await actions.take(desk.database, _lease())
    if found is None:
        return False
    ends = clock.monotonic() + _SLICE_SECONDS
    if found.workspace_id in await quarantine.workspaces(desk.database):
        # Looked at again when its lease ends.
        return True
    async with others_go_on(desk.database, found.workspace_id):
        left = await _move(desk, found, lambda: keep_going() and clock.monotonic() < ends)
        if left is not None:
            await actions.let_go(desk.database, left)
    return True


async def _move(desk: Desk, found: Advance, keep_going: KeepGoing) -> Advance | None:
    """Move a clock on; return it where it was left, None when it needs no more moving or is another's."""
    while keep_going():
        if found.arrived_at is not None:
            if await queries.is_quiet(desk.database, found.workspace_id):
                await actions.finish(desk.database, found)
                return None
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            continue
        if await contacts.is_busy(desk.database, found.workspace_id):
            # What was claimed before the clock began to move, or by a worker that died, has to land first.
            await contacts.recover(desk)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            continue
        moved = await _step(desk, found, keep_going)
        if moved is None:
            _log.warning("clock_advance_lost", advance=found.shown_id)
            return None
        found = moved
    return found


async def _step(desk: Desk, found: Advance, keep_going: KeepGoing) -> Advance | None:
    """Carry out what is due at the next instant at which anything is, or arrive; None when it is not ours."""
    due = await contacts.next_due(desk.database, found.workspace_id)
    if due is None or due > found.target_at:
        return await actions.arrive(desk.database, found)
    at = max(due, found.reached_at)
    moved = await actions.reach(desk.database, found, at, 0, _lease())
    if moved is None:
        return None
    workspace = await companies.workspace(desk.database, desk.vault, found.workspace_id)
    done = await _send_all_due(desk, workspace, keep_going)
    done = done or await contacts.send_suspects_in(desk, workspace, keep_going)
    if not done:
        # Somebody else holds the debt for a moment.
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return await actions.reach(desk.database, moved, at, done, _lease())


async def _send_all_due(desk: Desk, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Carry out all that is due; where that is much, one batch is decided on while the database writes another."""

    async def lane() -> int:
        done = 0
        while keep_going() and (taken := await contacts.send_due_in(desk, workspace, keep_going)):
            done += taken
        return done

    first = await contacts.send_due_in(desk, workspace, keep_going)
    return first + await contacts.abreast([lane] * (desk.pace.abreast if first >= desk.pace.batch else 1))


def _lease() -> datetime:
    return clock.wall() + timedelta(seconds=_LEASE_SECONDS)
