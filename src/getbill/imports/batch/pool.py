"""The processes that check batches, beside the one that answers requests.

They are started by the first batch, are polite to everybody else on the machine, and end with their parent however it
ends. A process that dies under a batch costs that request, not the next.
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
        """Judge every row of a batch; raise what is wrong with it as a whole, or Unavailable when its process died."""
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
        # A copy of a process with threads and an event loop is no safe place to begin in.
        return ProcessPoolExecutor(
            self._processes, get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
        )

    def close(self) -> None:
        """End the processes; what they are checking is given up."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _begin(parent: int) -> None:
    end_with(parent, signal.SIGKILL)
    # A Ctrl-C at the terminal is for the parent, who ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
