"""The worker: all processing outside requests.

It runs several concurrent loops, each for one kind of work: woken by a commit, and polling every second
anyway. All their work is in the database, claimed under leases, so that any number of workers share it and
one that is killed loses nothing. A loop that fails logs the error, waits, and continues.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from getbill import (
    contacts,
    events,
    health,
    imports,
    reactions,
    sandbox,
    sftp,
    todo_decisions,
    vault,
    webhooks,
)
from getbill.channels.senders import SmtpSettings, read_gateways, senders
from getbill.contacts import HandoverJournal, SendingContext, SendingSettings
from getbill.debts import ErasureJournal
from getbill.events import HighWaterMarks
from getbill.kit import clock, work
from getbill.kit.database import Database, Listener, open_database
from getbill.process import maintenance
from getbill.reactions import LoopStep, WorkerContext, WorkspaceStep
from getbill.settings import Settings
from getbill.vault import Vault
from getbill.webhooks import WebhookClient, WebhookDispatcher, client_tls

_log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0
# A burst of commits is one or two reasons to poll, not hundreds.
MIN_INTERVAL_SECONDS: Final = 0.05
WAIT_MAX_SECONDS: Final = 5.0
JOURNAL_SECONDS: Final = 5.0
ROTATION_SECONDS: Final = 5.0
BOUNCES_SECONDS: Final = 10.0
RETRIES_SECONDS: Final = 5.0
NOTIFICATIONS_SECONDS: Final = 5.0
MAINTENANCE_SECONDS: Final = 60.0
# Workspaces visited at the same time by one loop.
WORKSPACES_AT_ONCE: Final = 6
# After the death of a worker: long enough for the cause to recur, whatever its lease.
CAREFUL_SECONDS: Final = 90.0
# Work in progress gets this long when the worker is stopped; the supervisor allows a little more.
FINISH_SECONDS: Final = 7.0

# The least time between two ticks of the loops that work after commits; 0 for the others.
_MIN_INTERVALS: Final[Mapping[str, float]] = {
    "stream": MIN_INTERVAL_SECONDS,
    "live_contacts": MIN_INTERVAL_SECONDS,
    "sandbox_contacts": MIN_INTERVAL_SECONDS,
    "journal": JOURNAL_SECONDS,
    "notifications": NOTIFICATIONS_SECONDS,
}

# Does one unit of work and returns whether there may be more to do at once.
Tick = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class WorkerLoop:
    """A loop of the worker, with ticks at least `min_interval_seconds` apart; `wake` triggers one at once."""

    name: str
    tick: Tick
    stop: asyncio.Event
    min_interval_seconds: float = 0.0
    _wake_event: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Trigger a tick at once."""
        self._wake_event.set()

    async def run(self) -> None:
        """Run ticks until stopped; a tick that fails is retried with a growing delay."""
        wait_seconds = POLL_SECONDS
        while not self.stop.is_set():
            self._wake_event.clear()
            began = clock.monotonic()
            try:
                more = await self.tick()
            except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - whatever it was, the next turn may do better; a library's panic too
                _log.error("loop_failed", loop=self.name, error=type(error).__name__, exc_info=error)
                if clock.monotonic() - began > wait_seconds:
                    # It ran well for a while: some ticks last as long as the worker.
                    wait_seconds = POLL_SECONDS
                await self._pause(self.stop, wait_seconds)
                wait_seconds = min(wait_seconds * 2, WAIT_MAX_SECONDS)
                continue
            wait_seconds = POLL_SECONDS
            if not more:
                await self._pause(self._wake_event, POLL_SECONDS)
            await self._pause(self.stop, began + self.min_interval_seconds - clock.monotonic())

    @staticmethod
    async def _pause(until: asyncio.Event, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), seconds)


async def run(
    settings: Settings, stop: asyncio.Event, sending_settings: SendingSettings | None = None
) -> None:
    """Run until stopped, then finish work in progress."""
    async with AsyncExitStack() as stack:
        database = await open_database(
            settings.dsn, reactions.before_commit, size=settings.database_connections
        )
        stack.push_async_callback(database.close)
        unlocked_vault = await vault.unlock(database, settings.master_key_text, settings.key_file)
        journal = ErasureJournal(settings.erasure_journal_file)
        # Before anything else: debtors whom a restored backup brought back are not contacted.
        await journal.erase_again(database, unlocked_vault)
        # Readers of events learn that some of them no longer exist.
        marks = events.HighWaterMarks(settings.marks_file)
        await marks.save(database)
        poster = await stack.enter_async_context(
            WebhookClient(settings.webhook_networks, tls=client_tls(settings.ca_bundle))
        )
        context = await _sending_context(stack, settings, database, unlocked_vault, sending_settings)
        await contacts.report_providers(context)
        dispatcher = WebhookDispatcher(database, unlocked_vault, poster)
        loops = loops_of(context, dispatcher, stop, marks, journal)
        upkeep = maintenance.maintenance_tick(database, unlocked_vault, settings)
        loops.append(WorkerLoop("maintenance", upkeep, stop, MAINTENANCE_SECONDS))
        await stack.enter_async_context(vault.hold_keys(database, unlocked_vault, "worker"))
        if isinstance(unlocked_vault.source, vault.KeyFile) and unlocked_vault.source.is_writable:
            rotation = vault.MasterKeyRotation(
                database, unlocked_vault, unlocked_vault.source, settings.erasure_days
            )
            loops.append(_rotation(rotation, stop))

        def should_continue() -> bool:
            return not stop.is_set()

        supervisor = imports.ImportSupervisor(database, unlocked_vault, imports.child_starter(settings))
        stack.push_async_callback(supervisor.close)
        loops.append(WorkerLoop("imports", lambda: supervisor.tick(should_continue), stop))
        pick_up = sftp.PickupWorker(
            database, unlocked_vault, settings.sftp_pick_up_minutes, settings.import_bytes_max
        )
        loops.append(WorkerLoop("sftp", lambda: pick_up.tick(should_continue), stop))
        if settings.bounce_maildir:
            loops.append(_bounces(context, settings.bounce_maildir, stop))
        listener = _listen(settings.dsn, loops, dispatcher, marks)
        stack.push_async_callback(listener.close)
        await _run_loops(loops, asyncio.create_task(health.beat(database)), stop)


async def _sending_context(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    unlocked_vault: Vault,
    sending_settings: SendingSettings | None,
) -> SendingContext:
    """Open what contacts are sent with; the stack closes it."""
    message_senders = senders(smtp_of(settings), read_gateways(settings.gateways_file), settings.url)
    stack.push_async_callback(message_senders.close)
    handovers = HandoverJournal(settings.handovers_folder, unlocked_vault.installation_id)
    stack.callback(handovers.close)
    handovers.remove_unreadable()
    careful_until = clock.monotonic() + CAREFUL_SECONDS if await health.has_workers(database) else 0.0
    return SendingContext(
        database,
        unlocked_vault,
        message_senders,
        sending_settings or SendingSettings(),
        careful_until,
        handovers,
    )


def smtp_of(settings: Settings) -> SmtpSettings | None:
    """Return the SMTP settings; None if no mail server or no sender address is set."""
    if not settings.smtp_host or not settings.smtp_from:
        return None
    return SmtpSettings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_from,
        security=settings.smtp_tls.value,
        username=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        bounces=settings.smtp_bounces,
    )


def loops_of(
    context: SendingContext,
    dispatcher: WebhookDispatcher,
    stop: asyncio.Event,
    marks: HighWaterMarks | None = None,
    journal: ErasureJournal | None = None,
) -> list[WorkerLoop]:
    """Return the worker's loops, one for each kind of work that must not wait for another.

    What follows from events is read from `reactions.AFTER`.
    """
    worker_context = WorkerContext(context, dispatcher, stop, marks, journal)
    ticks = {name: _run_steps(steps, worker_context) for name, steps in reactions.loop_steps().items()}
    ticks |= {
        kind: _visit_workspaces(kind, steps, worker_context)
        for kind, steps in reactions.workspace_steps().items()
    }

    async def clocks() -> bool:
        return bool(await sandbox.advance_clocks(context, worker_context.should_continue))

    async def plans() -> bool:
        return bool(await contacts.replan_due(context, worker_context.should_continue))

    async def retries() -> bool:
        return bool(await todo_decisions.retry_due(context.database, context.vault))

    return [
        *(WorkerLoop(name, tick, stop, _MIN_INTERVALS.get(name, 0.0)) for name, tick in ticks.items()),
        WorkerLoop("clocks", clocks, stop),
        WorkerLoop("plans", plans, stop),
        WorkerLoop("retries", retries, stop, RETRIES_SECONDS),
    ]


def _run_steps(steps: Sequence[LoopStep], context: WorkerContext) -> Tick:
    async def tick() -> bool:
        results = [await step.run(context) for step in steps]
        return any(results)

    return tick


def _visit_workspaces(kind: work.Kind, steps: Sequence[WorkspaceStep], context: WorkerContext) -> Tick:
    """Return a tick that visits each workspace with due work of a kind, several at a time."""
    database = context.sending.database

    async def visit(workspace_id: UUID) -> int:
        return sum([await step.run(context, workspace_id) for step in steps])

    async def tick() -> bool:
        due_ids = work.due_workspaces(database, kind, clock.wall())
        return bool(await work.visit_all(due_ids, visit, WORKSPACES_AT_ONCE, context.should_continue))

    return tick


def _rotation(rotation: vault.MasterKeyRotation, stop: asyncio.Event) -> WorkerLoop:
    async def rotate() -> bool:
        await rotation.run_due(lambda: not stop.is_set())
        return False

    return WorkerLoop("master_key", rotate, stop, ROTATION_SECONDS)


def _bounces(context: SendingContext, maildir: Path, stop: asyncio.Event) -> WorkerLoop:
    async def read() -> bool:
        return await contacts.read_bounces(context.database, context.vault, maildir) == contacts.BOUNCES_BATCH

    return WorkerLoop("bounces", read, stop, BOUNCES_SECONDS)


def _listen(
    dsn: str, loops: list[WorkerLoop], dispatcher: WebhookDispatcher, marks: HighWaterMarks
) -> Listener:
    def on_events(_payload: str) -> None:
        for loop in loops:
            loop.wake()

    def on_deliveries(_payload: str) -> None:
        dispatcher.wake()

    handlers = {
        events.EVENTS_CHANNEL: on_events,
        events.STREAM_CHANNEL: marks.on_notification,
        webhooks.WAKE: on_deliveries,
        imports.WAKE: on_events,
        sftp.WAKE: on_events,
    }
    listener = Listener(dsn, handlers)
    # Notifications sent while disconnected were missed.
    listener.on_live(lambda: on_events(""))
    listener.on_live(dispatcher.wake)
    return listener


async def _run_loops(loops: list[WorkerLoop], heartbeat: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Run the loops until stopped, and give work in progress its time."""
    running = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops]
    await stop.wait()
    for loop in loops:
        loop.wake()
    _, late = await asyncio.wait(running, timeout=FINISH_SECONDS)
    for task in (*late, heartbeat):
        task.cancel()
    if late:
        # A message interrupted here is in doubt and is not sent again.
        _log.warning("loops_cancelled", loops=[task.get_name() for task in late])
    await asyncio.gather(*running, heartbeat, return_exceptions=True)
