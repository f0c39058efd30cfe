"""A pool of processes that check batches, beside the process that serves requests.

They start with the first batch, run at low priority, and end with their parent however it ends. A process
that dies fails only the request it was checking.
"""

import asyncio
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Final

from getbill.companies import Workspace
from getbill.embedded import end_with
from getbill.imports.batch import checks
from getbill.imports.batch.checks import CheckedBatch, WorkspaceTerms
from getbill.kit.errors import Unavailable
from getbill.kit.messages import message

_NICE: Final = 5


class Checkers:
    """A small pool of checking processes, for one API process."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def check(self, body: bytes, workspace: Workspace) -> CheckedBatch:
        """Check every row of a batch; raise its errors as a whole, or Unavailable when its process died."""
        pool = self._pool = self._pool or self._open()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                pool, checks.check, body, WorkspaceTerms.from_workspace(workspace)
            )
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            pool.shutdown(wait=False)
            raise Unavailable(
                message("The batch could not be checked. Repeat the request in a moment."),
                headers={"Retry-After": "1"},
            ) from None

    def _open(self) -> ProcessPoolExecutor:
        # Forking a process that has threads and an event loop is not safe.
        return ProcessPoolExecutor(
            self._processes, get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
        )

    def close(self) -> None:
        """End the processes; checks under way are abandoned."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _begin(parent: int) -> None:
    end_with(parent, signal.SIGKILL)
    # A Ctrl-C at the terminal is handled by the parent, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
