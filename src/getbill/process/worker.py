"""The worker: everything that happens without somebody asking at that moment.

Some loops beside each other, each doing one thing again and again: woken by a commit, looking each second anyway.
All of what they do stands in the database, taken under leases, so that any number of workers share it and one that
is killed loses nothing. A loop that fails says so, waits, and goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from getbill import (
    contacts,
    events,
    health,
    imports,
    reactions,
    sandbox,
    sftp,
    streams,
    todo_decisions,
    vault,
    webhooks,
)
from getbill.channels import Channel
from getbill.channels.senders import SmtpSettings, read_gateways, senders
from getbill.contacts import Desk, Pace
from getbill.debts import Journal
from getbill.events import Marks
from getbill.kit import clock
from getbill.kit.database import Database, Listener, open_database
from getbill.process import background_jobs, maintenance
from getbill.settings import Settings
from getbill.webhooks import Courier, Notices, Poster, trusting

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
# A burst of commits is one reason to look, or two, not hundreds.
APART_SECONDS: Final = 0.05
WAIT_MAX_SECONDS: Final = 5.0
JOURNAL_SECONDS: Final = 5.0
ROTATION_SECONDS: Final = 5.0
BOUNCES_SECONDS: Final = 10.0
RETRIES_SECONDS: Final = 5.0
# After the death of a worker: long enough for what kills to come up again, whatever its lease.
CAREFUL_SECONDS: Final = 90.0
# What is under way when the worker is told to stop gets this long; the supervisor gives a little more.
FINISH_SECONDS: Final = 7.0

# Does one turn of its work, and says whether there may be more to do at once.
Turn = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class Loop:
    """One thing the worker does again and again, its turns at least `apart_seconds` apart; `wake` has it look at once."""

    name: str
    turn: Turn
    stop: asyncio.Event
    apart_seconds: float = 0.0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look at once whether there is something to do."""
        self._news.set()

    async def run(self) -> None:
        """Take turns until told to stop; a turn that fails is taken again, later each time."""
        wait_seconds = LOOK_SECONDS
        while not self.stop.is_set():
            self._news.clear()
            began = clock.monotonic()
            try:
                more = await self.turn()
            except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - whatever it was, the next turn may do better; a library's panic too
                _log.error("loop_failed", loop=self.name, error=type(error).__name__, exc_info=error)
                if clock.monotonic() - began > wait_seconds:
                    # It had gone well for a while: some turns last as long as the worker.
                    wait_seconds = LOOK_SECONDS
                await self._pause(self.stop, wait_seconds)
                wait_seconds = min(wait_seconds * 2, WAIT_MAX_SECONDS)
                continue
            wait_seconds = LOOK_SECONDS
            if not more:
                await self._pause(self._news, LOOK_SECONDS)
            await self._pause(self.stop, began + self.apart_seconds - clock.monotonic())

    @staticmethod
    async def _pause(until: asyncio.Event, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), seconds)


async def run(settings: Settings, stop: asyncio.Event, pace: Pace | None = None) -> None:
    """Work until told to stop, then finish what was begun."""
    async with AsyncExitStack() as stack:
        database = await open_database(settings.dsn, reactions.edge, size=settings.database_connections)
        stack.push_async_callback(database.close)
        unlocked = await vault.unlock(database, settings.master_key_text, settings.key_file)
        journal = Journal(settings.erasure_journal_file)
        # Before anything else: nobody whom a restored backup brought back is contacted.
        await journal.erase_again(database, unlocked)
        # And whoever reads events is told that some of them are no more.
        marks = events.Marks(settings.marks_file)
        await marks.keep(database)
        carriers = senders(smtp_of(settings), read_gateways(settings.gateways_file), settings.url)
        stack.push_async_callback(carriers.close)
        poster = await stack.enter_async_context(
            Poster(settings.webhook_networks, tls=trusting(settings.ca_bundle))
        )
        careful_until = clock.monotonic() + CAREFUL_SECONDS if await health.has_others(database) else 0.0
        desk = Desk(database, unlocked, carriers, pace or Pace(), careful_until)
        courier = Courier(database, unlocked, poster)
        loops = loops_of(desk, courier, stop, marks)
        loops.append(Loop("upkeep", maintenance.turn(database, unlocked, settings, stop), stop))
        notices = Notices(database, unlocked, carriers.of(Channel.EMAIL, is_live=True))
        loops.append(Loop("errands", background_jobs.turn(settings.dsn, notices, stop), stop))
        loops.append(_journal(journal, marks, database, stop))
        await stack.enter_async_context(vault.holding(database, unlocked, "worker"))
        if isinstance(unlocked.source, vault.KeyFile) and unlocked.source.is_writable:
            rotation = vault.Rotation(database, unlocked, unlocked.source, settings.erasure_days)
            loops.append(_rotation(rotation, stop))
        crew = imports.Crew(database, unlocked, imports.starter(settings))
        stack.push_async_callback(crew.close)
        loops.append(Loop("imports", crew.turn, stop))
        pick_up = sftp.PickUp(database, unlocked, settings.sftp_pick_up_minutes, settings.import_bytes_max)
        loops.append(Loop("sftp", pick_up.turn, stop))
        if settings.bounce_maildir:
            loops.append(_bounces(desk, settings.bounce_maildir, stop))
        listener = _listen(settings.dsn, loops, courier, marks)
        stack.push_async_callback(listener.close)
        await _together(loops, asyncio.create_task(health.beat(database)), stop)


def smtp_of(settings: Settings) -> SmtpSettings | None:
    """Return how e-mail leaves; None where no mail server or no address to send from is set."""
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


def loops_of(desk: Desk, courier: Courier, stop: asyncio.Event, marks: Marks | None = None) -> list[Loop]:
    """Return what a worker does, one loop for each thing that must not wait for another."""

    def goes_on() -> bool:
        return not stop.is_set()

    async def stream() -> bool:
        placed = await streams.place(desk.database, marks)
        owed = await webhooks.owe(desk.database)
        return bool(await webhooks.catch_up(desk.database) or owed or placed)

    async def live() -> bool:
        return bool(await contacts.send_due(desk, goes_on))

    async def in_sandboxes() -> bool:
        return bool(await sandbox.send_due(desk, goes_on))

    async def clocks() -> bool:
        return await sandbox.advance(desk, goes_on)

    async def recovery() -> bool:
        return bool(await contacts.recover(desk))

    async def retries() -> bool:
        return bool(await todo_decisions.retry_due(desk.database, desk.vault))

    async def deliveries() -> bool:
        await courier.run(stop)
        return False

    return [
        Loop("stream", stream, stop, APART_SECONDS),
        Loop("live_contacts", live, stop, APART_SECONDS),
        Loop("sandbox_contacts", in_sandboxes, stop, APART_SECONDS),
        Loop("clocks", clocks, stop),
        Loop("recovery", recovery, stop, LOOK_SECONDS),
        Loop("retries", retries, stop, RETRIES_SECONDS),
        Loop("deliveries", deliveries, stop),
    ]


def _journal(journal: Journal, marks: Marks, database: Database, stop: asyncio.Event) -> Loop:
    async def write() -> bool:
        await journal.write(database)
        await marks.keep(database)
        return False

    return Loop("journal", write, stop, JOURNAL_SECONDS)


def _rotation(rotation: vault.Rotation, stop: asyncio.Event) -> Loop:
    async def turn() -> bool:
        await rotation.turn(lambda: not stop.is_set())
        return False

    return Loop("master_key", turn, stop, ROTATION_SECONDS)


def _bounces(desk: Desk, maildir: Path, stop: asyncio.Event) -> Loop:
    async def read() -> bool:
        return await contacts.read_bounces(desk.database, desk.vault, maildir) == contacts.BOUNCES_BATCH

    return Loop("bounces", read, stop, BOUNCES_SECONDS)


def _listen(dsn: str, loops: list[Loop], courier: Courier, marks: Marks) -> Listener:
    def on_events(_payload: str) -> None:
        for loop in loops:
            loop.wake()

    def on_deliveries(_payload: str) -> None:
        courier.wake()

    heard = {
        events.WAKE: on_events,
        events.GROWN: marks.hear,
        webhooks.WAKE: on_deliveries,
        imports.WAKE: on_events,
        sftp.WAKE: on_events,
    }
    listener = Listener(dsn, heard)
    # What happened while nobody listened was not heard.
    listener.on_live(lambda: on_events(""))
    listener.on_live(courier.wake)
    return listener


async def _together(loops: list[Loop], beating: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Run the loops until told to stop, and give what is under way its time."""
    running = [asyncio.create_task(loop.run(), name=loop.name) for loop in loops]
    await stop.wait()
    for loop in loops:
        loop.wake()
    _, late = await asyncio.wait(running, timeout=FINISH_SECONDS)
    for task in (*late, beating):
        task.cancel()
    if late:
        # A message cut off here is taken for unknown, not sent again.
        _log.warning("stopped_before_the_end", loops=[task.get_name() for task in late])
    await asyncio.gather(*running, beating, return_exceptions=True)
