"""Supervised processes of `getbill serve`: started, watched, restarted when they exit.

A child that exits is restarted forever, with a backoff of at most `WAIT_MAX_SECONDS`. The invariant: no child
outlives its supervisor. A child gets a signal to stop and time to do so; it is killed when that runs out or
the operator insists; and the kernel signals it when the supervisor is gone.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from getbill.embedded import current_account
from getbill.kit.exit_errors import CannotRun, CannotRunNow
from getbill.process.subprocesses.fork_client import ForkServer, ForkServerLost

STOP_SECONDS: Final = 10.0
WAIT_FIRST_SECONDS: Final = 0.25
WAIT_MAX_SECONDS: Final = 5.0
# A child that was killed is not at fault.
KILLED_WAIT_MAX_SECONDS: Final = 1.0
STEADY_SECONDS: Final = 10.0
# A process that exits with a message before this has refused to start.
REFUSAL_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


@dataclass
class ShutdownRequest:
    """The operator's request to the supervisor: stop, then hurry."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def request_stop(self) -> None:
        """Request a stop; a repeated request means hurry."""
        (self.hurry if self.stop.is_set() else self.stop).set()


class Process(Protocol):
    """A running process, forked or executed."""

    @property
    def returncode(self) -> int | None:
        """The exit status, once it has ended."""

    async def wait(self) -> int:
        """Wait until it has ended."""

    def terminate(self) -> None:
        """Ask it to stop."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(frozen=True)
class Launcher:
    """How processes are started: environment variables that all get, and the fork server, if there is one."""

    environment: Mapping[str, str]
    fork_server: ForkServer | None

    async def start(self, words: Sequence[str], descriptors: Sequence[int]) -> Process:
        """Start a process in a session of its own, so that we forward a Ctrl-C at the terminal."""
        if self.fork_server is not None:
            try:
                return await self.fork_server.fork(words, self.environment, descriptors)
            except ForkServerLost:
                _log.warning("fork_server_lost")
        return await self._execute([word.format(*descriptors) for word in words], descriptors)

    async def _execute(self, words: Sequence[str], descriptors: Sequence[int]) -> Process:
        """Start a program of its own, which shares no memory."""
        command = current_account().command(sys.executable, "-m", "getbill", *words, ended_by=signal.SIGTERM)
        return await asyncio.create_subprocess_exec(
            *command, env=os.environ | self.environment, pass_fds=descriptors, start_new_session=True
        )


@dataclass(frozen=True)
class Child:
    """One supervised process: its arguments after `getbill`, `{n}` for the number of its n-th descriptor."""

    name: str
    words: tuple[str, ...]
    launcher: Launcher
    descriptors: tuple[int, ...] = ()


async def run(child: Child, shutdown: ShutdownRequest) -> int:
    """Run a child until it exits or a stop is requested, and return its exit status."""
    process = await child.launcher.start(child.words, child.descriptors)
    await _wait_for_first(process.wait(), shutdown.stop.wait())
    return await _stop(child, process, shutdown)


class ChildDidNotStart(CannotRun):
    """A process refused to start; it has printed the reason."""


async def keep_running(child: Child, shutdown: ShutdownRequest) -> None:
    """Keep a child running until a stop is requested.

    Raises ChildDidNotStart if its first start is refused: a retry would not change that.
    """
    loop = asyncio.get_running_loop()
    is_first, wait_seconds = True, WAIT_FIRST_SECONDS
    while not shutdown.stop.is_set():
        began = loop.time()
        status = await attempt(child, shutdown)
        if shutdown.stop.is_set():
            return
        lasted_seconds = loop.time() - began
        if is_first and is_refusal(status) and lasted_seconds < REFUSAL_SECONDS:
            raise ChildDidNotStart(f"`getbill {child.name}` did not start; its output is above.")
        # Killed, or exited because the database was down: its first start is still to come.
        is_first = is_first and (status < 0 or status == CannotRunNow.exit_status)
        if lasted_seconds > STEADY_SECONDS:
            wait_seconds = WAIT_FIRST_SECONDS
        _log.warning("process_ended", child=child.name, status=status, again_in_seconds=wait_seconds)
        await pause(shutdown, wait_seconds)
        wait_seconds = min(wait_seconds * 2, KILLED_WAIT_MAX_SECONDS if status < 0 else WAIT_MAX_SECONDS)


async def attempt(child: Child, shutdown: ShutdownRequest) -> int:
    """Run a child as `run` does; a shortage of process resources counts as a temporary failure."""
    try:
        return await run(child, shutdown)
    except OSError as error:
        _log.error("process_not_started", child=child.name, reason=error.strerror)
        return CannotRunNow.exit_status


def is_refusal(status: int) -> bool:
    """Return whether a process exited with an error that a retry would repeat."""
    return status > 0 and status != CannotRunNow.exit_status


async def pause(shutdown: ShutdownRequest, seconds: float) -> None:
    """Wait, at most until a stop is requested."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(shutdown.stop.wait(), seconds)


async def _stop(child: Child, process: Process, shutdown: ShutdownRequest) -> int:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_wait_for_first(process.wait(), shutdown.hurry.wait()), STOP_SECONDS)
    if process.returncode is None:
        _log.warning("process_killed", child=child.name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return await process.wait()


async def _wait_for_first(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
