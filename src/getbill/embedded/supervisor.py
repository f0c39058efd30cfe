"""Supervision of the embedded PostgreSQL: it is restarted forever, whatever ended it.

The invariant: a restart comes at most `WAIT_MAX_SECONDS` after the end, and a recovery may take as long as it
makes progress; meanwhile the outage states the reason, in one sentence.
"""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from getbill.embedded import server as servers
from getbill.embedded.outage import Outage
from getbill.embedded.server import Server, ServerDidNotStart

WAIT_FIRST_SECONDS: Final = 0.2
WAIT_MAX_SECONDS: Final = 5.0
# A server that was up for this long is restarted at once.
STEADY_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.05
WATCH_SECONDS: Final = 0.25

_STARTING: Final = "The database is starting and recovering from its last shutdown."

_log = structlog.get_logger(__name__)


class ServerSupervisor:
    """The supervisor of one claimed server, until stopped."""

    def __init__(self, server: Server, outage: Outage, stop: asyncio.Event) -> None:
        self._server = server
        self._outage = outage
        self._stop = stop
        self._logged_reason: str | None = None

    async def run(self) -> None:
        """Keep the server up until stopped; its clients reconnect by themselves."""
        wait_seconds = WAIT_FIRST_SECONDS
        while not self._stop.is_set():
            if await self._run_once() >= STEADY_SECONDS or self._server.is_held_up:
                wait_seconds = WAIT_FIRST_SECONDS
            if await self._pause(wait_seconds):
                return
            wait_seconds = min(wait_seconds * 2, WAIT_MAX_SECONDS)

    async def _run_once(self) -> float:
        """Start the server and wait until it ends; return for how many seconds it was up."""
        loop = asyncio.get_running_loop()
        try:
            self._server.launch()
            if not await self._comes_up():
                if not self._stop.is_set():
                    self._report(self._server.cause)
                return 0.0
        except ServerDidNotStart as error:
            self._report(str(error))
            return 0.0
        began = loop.time()
        self._report(None)
        await self._watch()
        if not self._stop.is_set():
            self._report(self._server.cause)
        return loop.time() - began

    async def _comes_up(self) -> bool:
        """Wait until the server is ready, while it makes progress; False if it ended or we are to stop."""
        server, loop = self._server, asyncio.get_running_loop()
        signs, since = server.progress, loop.time()
        while not server.is_ready:
            if not server.is_running or await self._pause(POLL_SECONDS):
                return False
            if self._outage.sentence() is None:
                self._outage.report(_STARTING)
            if (signs_now := server.progress) != signs:
                signs, since = signs_now, loop.time()
            elif loop.time() - since > servers.START_SECONDS:
                await asyncio.to_thread(server.kill_hanging)
                seconds = f"{servers.START_SECONDS:.0f}"
                raise ServerDidNotStart(
                    f"PostgreSQL made no progress for {seconds} s and is being restarted."
                )
        return True

    async def _watch(self) -> None:
        """Wait until the server ends or we are to stop; report a full disk before it ends anything."""
        while self._server.is_running and not await self._pause(WATCH_SECONDS):
            self._report(self._server.disk_full)

    async def _pause(self, seconds: float) -> bool:
        """Wait, and return whether we are to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

    def _report(self, sentence: str | None) -> None:
        """Report a new reason to the other processes, and log it once."""
        self._outage.report(sentence)
        if sentence == self._logged_reason:
            return
        self._logged_reason = sentence
        if sentence is None:
            _log.info("database_up")
        else:
            _log.error("database_away", reason=sentence)
