"""Workers that die where they are told to, or are killed, each a process of its own that starts at once.

They come out of one process that has imported the program already; the point, SIGKILL and the connections they leave
behind are as real as those of `getbill worker`.
"""

import asyncio
import logging
import multiprocessing
import signal
import sys
from multiprocessing.process import BaseProcess

import structlog

from getbill.contacts import SendingSettings
from getbill.kit import failpoints
from getbill.kit.database.errors import DATABASE_ERRORS
from getbill.process import worker
from getbill.settings import Settings

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["getbill.process.worker"])


def start_worker(
    settings: Settings,
    point: str | None = None,
    pace: SendingSettings | None = None,
    *,
    loses_database: bool = False,
) -> BaseProcess:
    """Start a worker that dies at a point; without one it works until it is told to stop.

    One that is to lose its database complains of nothing, and ends.
    """
    work = _work_while_it_lasts if loses_database else _work
    process = _context.Process(target=work, args=(settings, point, pace), daemon=True)
    process.start()
    return process


async def exit_status(process: BaseProcess) -> int:
    """Wait until a worker has ended, and return its exit status: minus the signal that killed it."""
    async with asyncio.timeout(20):
        while process.exitcode is None:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.01)
    status = process.exitcode
    process.close()
    return status


def _work(settings: Settings, point: str | None, pace: SendingSettings | None) -> None:
    failpoints.arm(point)
    asyncio.run(_run_until_stopped(settings, pace))


def _work_while_it_lasts(settings: Settings, point: str | None, pace: SendingSettings | None) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        _work(settings, point, pace)
    except DATABASE_ERRORS:
        sys.exit(1)


async def _run_until_stopped(settings: Settings, pace: SendingSettings | None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.run(settings, stop, pace)
