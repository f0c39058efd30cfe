"""The worker's jobs for contacts, by workspace: send what is due, recover what dead workers left, plan anew.

A visit does a bounded share of a workspace's work; what is left is done in the next tick.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from getbill import access, companies, quarantine
from getbill.channels import Channel
from getbill.contacts import claims, schedule
from getbill.contacts.recovery import recover, recover_journaled
from getbill.contacts.sending import (
    KeepGoing,
    SendingContext,
    isolate_workspace,
    send_crashed_live,
    send_due_live,
)
from getbill.kit import clock, work

# Until a workspace is visited again while contact is stopped in the whole installation.
_STOPPED_DELAY: Final = timedelta(minutes=1)


async def send_due(context: SendingContext, keep_going: KeepGoing) -> int:
    """Send due live contacts and recover those of dead workers, in each workspace; return how many.

    Contacts whose workers died are sent apart, after all others: one of them may kill this worker too.
    """
    crashed_ids: list[UUID] = []
    slots = asyncio.Semaphore(context.settings.concurrent_batches)

    async def visit(workspace_id: UUID) -> int:
        async with isolate_workspace(context.database, workspace_id):
            sent_count = await send_due_live(context, workspace_id, keep_going, slots)
            if await _postpone(context, workspace_id, sent_count):
                return sent_count
            recovered_count = await recover(context, workspace_id)
            if await claims.has_crashed(context.database, workspace_id, clock.wall()):
                crashed_ids.append(workspace_id)
            return sent_count + recovered_count
        return 0

    workspace_ids = quarantine.without_suspended(
        context.database, work.due_workspaces(context.database, "contacts", clock.wall())
    )
    visited_count = await work.visit_all(
        workspace_ids, visit, context.settings.concurrent_batches, keep_going
    )
    journaled_count = await recover_journaled(context)
    return visited_count + journaled_count + await _send_crashed(context, crashed_ids, keep_going)


async def _postpone(context: SendingContext, workspace_id: UUID, sent_count: int) -> bool:
    """Postpone a workspace to its next contact or lease; return False if there is more to do in it."""
    if sent_count >= context.settings.workspace_share:
        return False
    return await claims.postpone_live(context.database, workspace_id, clock.wall() + _STOPPED_DELAY)


async def _send_crashed(context: SendingContext, workspace_ids: Sequence[UUID], keep_going: KeepGoing) -> int:
    sent_count = 0
    for limit, crashes in claims.CRASHED_BATCHES:
        for workspace_id in workspace_ids:
            async with isolate_workspace(context.database, workspace_id):
                sent_count += await send_crashed_live(context, workspace_id, keep_going, limit, crashes)
    return sent_count


async def replan_due(context: SendingContext, keep_going: KeepGoing) -> int:
    """Plan contacts anew in each workspace where a change concerns them; return how many were looked at."""

    async def replan_workspace(workspace_id: UUID) -> int:
        async with isolate_workspace(context.database, workspace_id):
            return await schedule.replan_due(context.database, context.vault, workspace_id)
        return 0

    workspace_ids = quarantine.without_suspended(
        context.database, work.due_workspaces(context.database, "plans", clock.wall())
    )
    return await work.visit_all(
        workspace_ids, replan_workspace, context.settings.concurrent_batches, keep_going
    )


async def report_providers(context: SendingContext) -> None:
    """Store which channels have a provider in this worker's settings, so that plans know it before departure."""
    channels = [
        channel for channel in Channel if context.senders.for_channel(channel, is_live=True) is not None
    ]
    async with context.database.transaction(clock.wall()) as tx:
        if await companies.report_channels(tx, channels):
            await access.invalidate_all(tx)
