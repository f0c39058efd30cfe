"""The worker's jobs for sandboxes: contacts and responses due by their own clocks, and advances of those clocks.

A clock moves from one due instant to the next, so that everything carries the instant it was due at. It is
frozen meanwhile: API calls then see the same instant.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from getbill import companies, contacts, quarantine
from getbill.companies import Workspace
from getbill.contacts import KeepGoing, SendingContext, isolate_workspace
from getbill.kit import clock, work
from getbill.sandbox import actions, queries, responses
from getbill.sandbox.model import Advance

_log = structlog.get_logger(__name__)

# Maximum time before another clock gets its turn.
_SLICE_SECONDS = 2.0
_LEASE_SECONDS = 15.0
_POLL_SECONDS = 0.02


async def send_due(context: SendingContext, keep_going: KeepGoing) -> int:
    """Carry out the responses and contacts due in sandboxes, a share of each; return how many contacts there were."""

    async def visit(workspace_id: UUID) -> int:
        async with isolate_workspace(context.database, workspace_id):
            workspace = await companies.workspace(context.database, context.vault, workspace_id)
            limit = context.settings.batch
            if await responses.respond_due(context.database, workspace, keep_going, limit) >= limit:
                return limit
            sent_count = await contacts.send_due_sandbox(context, workspace, keep_going)
            sent_count = sent_count or await contacts.send_crashed_sandbox(context, workspace, keep_going)
            if sent_count < context.settings.batch:
                await contacts.postpone_sandbox(context.database, workspace)
            return sent_count
        return 0

    workspace_ids = quarantine.without_suspended(context.database, queries.due(context.database))
    return await work.visit_all(workspace_ids, visit, context.settings.concurrent_batches, keep_going)


async def advance_clocks(context: SendingContext, keep_going: KeepGoing) -> int:
    """Advance each clock that waits for it, one after the other for a while; return how many there were."""

    async def visit(workspace_id: UUID) -> int:
        async with isolate_workspace(context.database, workspace_id):
            return await _advance_for_a_while(context, workspace_id, keep_going)
        return 0

    workspace_ids = quarantine.without_suspended(
        context.database, work.due_workspaces(context.database, "clocks", clock.wall())
    )
    return await work.visit_all(workspace_ids, visit, 1, keep_going)


async def _advance_for_a_while(context: SendingContext, workspace_id: UUID, keep_going: KeepGoing) -> int:
    clock_advance = await actions.claim(context.database, workspace_id, _lease())
    if clock_advance is not None:
        ends = clock.monotonic() + _SLICE_SECONDS
        unfinished = await _move(context, clock_advance, lambda: keep_going() and clock.monotonic() < ends)
        if unfinished is not None:
            await actions.release(context.database, unfinished)
            return 1
    await actions.postpone(context.database, workspace_id)
    return int(clock_advance is not None)


async def _move(context: SendingContext, clock_advance: Advance, keep_going: KeepGoing) -> Advance | None:
    """Advance a clock; return its state, or None if the advance is done or held by another worker."""
    while keep_going():
        if clock_advance.arrived_at is not None:
            if await queries.is_quiet(context.database, clock_advance.workspace_id):
                await actions.mark_done(context.database, clock_advance)
                return None
            await asyncio.sleep(_POLL_SECONDS)
            continue
        if await contacts.is_busy(context.database, clock_advance.workspace_id):
            # Contacts claimed before the advance, or by a worker that died, must be settled first.
            await contacts.recover(context, clock_advance.workspace_id)
            await asyncio.sleep(_POLL_SECONDS)
            continue
        next_state = await _advance_to_next(context, clock_advance, keep_going)
        if next_state is None:
            _log.warning("clock_advance_lost", advance=clock_advance.public_id)
            return None
        clock_advance = next_state
    return clock_advance


async def _advance_to_next(
    context: SendingContext, clock_advance: Advance, keep_going: KeepGoing
) -> Advance | None:
    """Carry out what is due at the next due instant, or arrive; None if the advance is not ours."""
    instants = await queries.next_instants(context.database, clock_advance.workspace_id)
    due = instants.earliest
    if due is None or due > clock_advance.target_at:
        return await actions.arrive(context.database, clock_advance)
    at = max(due, clock_advance.reached_at)
    next_state = await actions.reach(context.database, clock_advance, at, 0, _lease())
    if next_state is None:
        return None
    workspace = await companies.workspace(context.database, context.vault, clock_advance.workspace_id)
    if instants.response_at is not None and instants.response_at <= at:
        # Contacts wait for all responses: whoever pays at the instant of a contact is not contacted.
        done_count, sent_count = await responses.respond_due(context.database, workspace, keep_going), 0
    else:
        sent_count = await _send_all_due(context, workspace, keep_going)
        sent_count = sent_count or await contacts.send_crashed_sandbox(context, workspace, keep_going)
        done_count = sent_count
    if not done_count:
        # The debt is locked by another transaction for a moment.
        await asyncio.sleep(_POLL_SECONDS)
    return await actions.reach(context.database, next_state, at, sent_count, _lease())


async def _send_all_due(context: SendingContext, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Send all that is due; if there is much, one batch is decided while the database writes another."""

    async def send_batches() -> int:
        sent_count = 0
        while keep_going() and (
            batch_count := await contacts.send_due_sandbox(context, workspace, keep_going)
        ):
            sent_count += batch_count
        return sent_count

    first_count = await contacts.send_due_sandbox(context, workspace, keep_going)
    return first_count + await contacts.run_concurrently(
        [send_batches] * (context.settings.concurrent_batches if first_count >= context.settings.batch else 1)
    )


def _lease() -> datetime:
    return clock.wall() + timedelta(seconds=_LEASE_SECONDS)
