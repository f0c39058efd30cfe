"""Workers that die where a test has them die, each a process of its own that starts at once.

They come out of one process that has imported the program already; the point, SIGKILL and the connections they leave
behind are as real as those of `getbill worker`.
"""

import asyncio
import multiprocessing
import signal
from multiprocessing.process import BaseProcess

from getbill import worker
from getbill.kit import crashes
from getbill.settings import Settings

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["getbill.worker"])


def begin(settings: Settings, point: str | None = None) -> BaseProcess:
    """Start a worker that dies at a point; without one it works until it is told to stop."""
    started = _context.Process(target=_work, args=(settings, point))
    started.start()
    return started


async def ended(process: BaseProcess) -> int:
    """Wait until a worker has ended, and return its exit status: minus the signal that killed it."""
    async with asyncio.timeout(20):
        while process.exitcode is None:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.01)
    status = process.exitcode
    process.close()
    return status


def _work(settings: Settings, point: str | None) -> None:
    crashes.arm(point)
    asyncio.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.run(settings, stop)
