"""Sending jobs inside one workspace: due contacts in batches, a bounded share of them at a time."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import structlog

from getbill import companies, debts, quarantine
from getbill.channels import Channel
from getbill.companies import Workspace
from getbill.contacts import claims, failures
from getbill.contacts.model import Contact
from getbill.contacts.sending import deliver, settlement
from getbill.contacts.sending.context import PreparedSend, SendingContext, SendResult, isolate_workspace
from getbill.contacts.sending.prepare import prepare_sends, send_inside_transaction
from getbill.kit import clock
from getbill.kit.database import DATABASE_ERRORS

_log = structlog.get_logger(__name__)

KeepGoing = Callable[[], bool]


async def send_due_live(
    context: SendingContext, workspace_id: UUID, keep_going: KeepGoing, slots: asyncio.Semaphore
) -> int:
    """Send due live contacts of a workspace, a bounded share; return how many were claimed.

    Its batches are sent concurrently, with those of other workspaces as many as there are slots.
    """
    settings = context.settings
    batches = _BatchQueue(context, workspace_id, keep_going, settings.batch, claims.NO_CRASHES)
    return await run_concurrently([lambda: _send_batches(batches, slots)] * settings.concurrent_batches)


async def send_crashed_live(
    context: SendingContext,
    workspace_id: UUID,
    keep_going: KeepGoing,
    limit: int,
    crashes: claims.CrashRange,
) -> int:
    """Send due live contacts whose workers died, one batch after the other; return how many were claimed."""
    batches = _BatchQueue(context, workspace_id, keep_going, limit, crashes)
    return await _send_batches(batches, asyncio.Semaphore(1))


async def _send_batches(batches: "_BatchQueue", slots: asyncio.Semaphore) -> int:
    sent_count = 0
    while True:
        async with slots:
            batch = await batches.next_batch()
            if batch is None:
                return sent_count
            workspace, contacts = batch
            async with isolate_workspace(batches.context.database, workspace.id):
                await _send_batch(batches.context, workspace, contacts, batches.keep_going)
            sent_count += len(contacts)


async def send_due_sandbox(context: SendingContext, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Send contacts of a sandbox that are due at its own instant; return how many were claimed."""
    if not context.is_careful and all(_answers_inside(context, channel) for channel in Channel):
        try:
            return await send_inside_transaction(context, workspace)
        except Exception as error:
            if quarantine.is_transient(error):
                raise
            # One of them fails: they are claimed and decided in parts.
            _log.warning("contact_batch_split", workspace=str(workspace.id), error=type(error).__name__)
    return await _claim_and_send(context, workspace, keep_going, context.settings.batch, claims.NO_CRASHES)


async def send_crashed_sandbox(context: SendingContext, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Send due contacts of a sandbox whose workers died; return how many were claimed."""
    sent_count = 0
    for limit, crashes in claims.CRASHED_BATCHES:
        while keep_going() and (
            batch_count := await _claim_and_send(context, workspace, keep_going, limit, crashes)
        ):
            sent_count += batch_count
    return sent_count


async def _claim_and_send(
    context: SendingContext,
    workspace: Workspace,
    keep_going: KeepGoing,
    limit: int,
    crashes: claims.CrashRange,
) -> int:
    lease_until = clock.wall() + timedelta(seconds=context.settings.sandbox_claim_seconds)
    request = claims.ClaimRequest(workspace.now(), limit, lease_until, crashes)
    contacts = await claims.claim_sandbox(context.database, workspace.id, request)
    return sum(
        [
            await _send_batch(context, workspace, batch, keep_going)
            for batch in _split_batches(context, contacts)
        ]
    )


@dataclass(slots=True)
class _BatchQueue:
    """Due contacts of a workspace, claimed some at a time, until none is due or its share is reached."""

    context: SendingContext
    workspace_id: UUID
    keep_going: KeepGoing
    limit: int
    crashes: claims.CrashRange
    claimed_count: int = 0
    ready_batches: deque[tuple[Workspace, list[Contact]]] = field(default_factory=deque)
    is_exhausted: bool = False
    claim_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def next_batch(self) -> tuple[Workspace, list[Contact]] | None:
        """Return the next batch; None if nothing is due or the runner is to stop."""
        async with self.claim_lock:
            while not self.ready_batches and not self.is_exhausted and self.keep_going():
                await self._fill()
            return self.ready_batches.popleft() if self.ready_batches else None

    async def _fill(self) -> None:
        settings, now = self.context.settings, clock.wall()
        lease_until = now + timedelta(seconds=settings.claim_seconds)
        request = claims.ClaimRequest(now, self.limit, lease_until, self.crashes)
        contacts = await claims.claim_live(self.context.database, self.workspace_id, request)
        self.claimed_count += len(contacts)
        self.is_exhausted = len(contacts) < self.limit or self.claimed_count >= settings.workspace_share
        if contacts:
            workspace = await companies.workspace(
                self.context.database, self.context.vault, self.workspace_id
            )
            self.ready_batches.extend((workspace, batch) for batch in _split_batches(self.context, contacts))


async def _send_batch(
    context: SendingContext, workspace: Workspace, contacts: Sequence[Contact], keep_going: KeepGoing
) -> int:
    if workspace.contact == companies.STOPPED or not keep_going():
        # Contact was stopped, or the worker, since they were claimed.
        await claims.release(context.database, contacts)
        return 0
    try:
        prepared = await _prepare_batch(context, workspace, contacts)
    except Exception:
        # A transient failure that these contacts did not cause: released, so that it does not count as a dead
        # worker. Those that were committed before it are not handed over either.
        if context.handovers is not None:
            context.handovers.withdraw(contacts)
        with suppress(*DATABASE_ERRORS):
            await claims.release(context.database, contacts)
        raise
    results = await deliver.send_prepared(prepared)
    # Recovery asks the provider about the others when their leases end.
    certain_results = [
        result
        for send, result in zip(prepared, results, strict=True)
        if not deliver.can_be_asked(send, result.outcome)
    ]
    await _settle_batch(context, workspace, certain_results)
    return len(contacts)


async def _prepare_batch(
    context: SendingContext, workspace: Workspace, contacts: Sequence[Contact]
) -> list[PreparedSend]:
    """Decide on contacts; one that fails is set aside, and the others are sent."""
    prepared: list[PreparedSend] = []

    async def prepare(batch: Sequence[Contact]) -> None:
        snapshots = failures.snapshot_contacts(batch)
        try:
            prepared.extend(await prepare_sends(context, workspace, batch))
        except BaseException:
            failures.restore_contacts(batch, snapshots)
            raise

    async def set_aside(contact: Contact, error: Exception) -> None:
        await failures.quarantine_contact(context.database, workspace, contact, error)

    await quarantine.isolate_failures(contacts, prepare, set_aside)
    return prepared


async def _settle_batch(context: SendingContext, workspace: Workspace, results: Sequence[SendResult]) -> None:
    """Store provider outcomes; recovery resolves one that cannot be stored when its lease ends."""

    async def settle_results(batch: Sequence[SendResult]) -> None:
        contacts = [result.contact for result in batch]
        snapshots = failures.snapshot_contacts(contacts)
        try:
            await settlement.settle_contacts(
                context, workspace, batch if len(batch) == len(results) else _without_cached(batch)
            )
        except BaseException:
            failures.restore_contacts(contacts, snapshots)
            raise

    async def log_unsettled(result: SendResult, error: Exception) -> None:
        _log.error("contact_not_settled", debt=str(result.contact.debt_id), exc_info=error)

    await quarantine.isolate_failures(results, settle_results, log_unsettled)


def _without_cached(results: Sequence[SendResult]) -> list[SendResult]:
    """Return the results without cached debts and histories, which a failed attempt has changed."""
    return [replace(result, debt=None, contact_history=None) for result in results]


def _answers_inside(context: SendingContext, channel: Channel) -> bool:
    sender = context.senders.for_channel(channel, is_live=False)
    return sender is None or sender.capabilities.answers_inside


async def run_concurrently(runners: Sequence[Callable[[], Awaitable[int]]]) -> int:
    """Run the runners concurrently and return their sum: one decides while the database writes for another.

    A failing runner does not cancel the others; the first failure is raised when all have ended.
    """
    tasks = [asyncio.ensure_future(runner()) for runner in runners]
    if tasks:
        await asyncio.wait(tasks)
    return sum(task.result() for task in tasks)


def _split_batches(context: SendingContext, contacts: Sequence[Contact]) -> list[list[Contact]]:
    """Split contacts into batches, in order, within each provider's limit per call."""
    batches: list[list[Contact]] = []
    channel_counts: Counter[str] = Counter()
    for contact in contacts:
        position = channel_counts[contact.channel] // _batch_limit(context, contact)
        channel_counts[contact.channel] += 1
        if position == len(batches):
            batches.append([])
        batches[position].append(contact)
    return batches


def _batch_limit(context: SendingContext, contact: Contact) -> int:
    if contact.step == debts.END:
        return context.settings.batch
    sender = context.senders.for_channel(contact.channel_kind, is_live=contact.is_live)
    return sender.capabilities.at_once if sender else context.settings.batch
