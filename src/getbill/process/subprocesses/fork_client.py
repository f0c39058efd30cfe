"""The supervisor's end of the fork server: it requests processes, and learns when each of them ends."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Self

from getbill.embedded import end_with
from getbill.process.subprocesses import fork_server
from getbill.process.subprocesses.fork_server import ForkRequest, Program

# Until a fork server that has just started has imported everything, on a busy machine.
START_SECONDS: Final = 60.0
# Until the end of a killed process is reported.
KILL_SECONDS: Final = 5.0


class ForkServerLost(ConnectionError):
    """The fork server has ended, or could not fork."""


class ForkServer:
    """The running fork server of a supervisor."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self._pid = pid
        self._control = control

    @classmethod
    def start(cls, program: Program) -> Self:
        """Fork this process, which has no thread, loop or connection yet; returns in the supervisor alone."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        supervisor = os.getpid()
        # What is shared now stays so if no collection of garbage writes to it.
        gc.collect()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            ours.close()
            end_with(supervisor, signal.SIGTERM)
            fork_server.run(theirs, program)
        theirs.close()
        ours.settimeout(0.0)
        return cls(pid, ours)

    async def fork(
        self, words: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> "ForkedProcess":
        """Fork a process; raise ForkServerLost if that is not possible."""
        ours, theirs = socket.socketpair()
        try:
            message = ForkRequest(words, environment).to_bytes()
            socket.send_fds(self._control, [message], [theirs.fileno(), *descriptors])
        except OSError as error:
            ours.close()
            raise ForkServerLost from error
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        first_line = b""
        with suppress(TimeoutError, OSError):
            first_line = await asyncio.wait_for(reader.readline(), START_SECONDS)
        if not first_line:
            writer.close()  # It is killed, should it still be forked.
            raise ForkServerLost
        return ForkedProcess(int(first_line), reader, writer)

    def close(self) -> None:
        """End the fork server, after the processes it forked."""
        self._control.close()
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


class ForkedProcess:
    """A forked process, used as `asyncio.subprocess.Process` is.

    Its number is its own until its end was reported and read here.
    """

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._reader = reader
        self._end = asyncio.create_task(self._read_status(writer))

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit status; minus the signal that ended it."""
        return await asyncio.shield(self._end)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)
        # A fork server that hangs reports nothing.
        asyncio.get_running_loop().call_later(KILL_SECONDS, self._reader.feed_eof)

    def _signal(self, sign: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, sign)

    async def _read_status(self, writer: asyncio.StreamWriter) -> int:
        line = b""
        with suppress(OSError):
            line = await self._reader.readline()
        # The end of a fork server is that of its processes: the kernel signals them.
        self.returncode = int(line) if line else -signal.SIGTERM
        writer.close()
        return self.returncode
