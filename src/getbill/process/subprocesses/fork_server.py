"""The fork server: a process that has imported what the others run, and forks each of them on request.

Processes forked from it share the memory of their code (decisions/0038). The invariant: it holds nothing that
a fork must not copy: no thread, no event loop, no connection, no lock. It ends with its supervisor, and what
it forked ends with it.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from getbill.embedded import end_with
from getbill.process.subprocesses.process_title import set_title

REQUEST_BYTES_MAX: Final = 65_536
DESCRIPTORS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Program:
    """What the fork server runs: the imports that its processes share, and the command line of each."""

    name: str
    preload: Callable[[], None]
    main: Callable[[], None]


@dataclass(frozen=True, slots=True)
class ForkRequest:
    """A process to fork: its arguments, each `{n}` of them its n-th descriptor, and its environment variables."""

    words: Sequence[str]
    environment: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the request as the supervisor sends it."""
        return json.dumps({"words": [*self.words], "environment": {**self.environment}}).encode()

    @classmethod
    def from_bytes(cls, message: bytes) -> "ForkRequest":
        """Return the request as the fork server receives it."""
        return cls(**json.loads(message))


@dataclass(slots=True)
class _Running:
    """A forked process, with the channel on which its supervisor learns its number and its exit status."""

    pid: int
    channel: socket.socket
    has_ended: bool = False


def run(control: socket.socket, program: Program) -> NoReturn:
    """Serve fork requests until the supervisor closes the control socket; a forked process runs the program."""
    os.setsid()
    set_title(program.name, "fork-server")
    program.preload()
    # Collections would write to every page; frozen objects are never visited.
    gc.collect()
    gc.freeze()
    gc.disable()
    request = _ForkLoop(control).run()
    if request is not None:
        gc.enable()
        os.environ.update(request.environment)
        sys.argv = [program.name, *request.words]
        set_title(program.name, *request.words)
        program.main()
    sys.exit()


class _ForkLoop:
    """The loop of the fork server."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: dict[int, _Running] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe()
        for descriptor in (self._wake_reader, self._wake_writer):
            os.set_blocking(descriptor, False)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        # Python writes to the pipe only for a signal that has a handler.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_writer)

    def run(self) -> ForkRequest | None:
        """Return the request in each forked process; None in the fork server, when the supervisor is gone."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    message, descriptors, *_ = socket.recv_fds(
                        self._control, REQUEST_BYTES_MAX, DESCRIPTORS_MAX
                    )
                    if not message:
                        return None
                    request = self._fork(ForkRequest.from_bytes(message), descriptors)
                    if request is not None:
                        return request
                elif key.fileobj == self._wake_reader:
                    os.read(self._wake_reader, REQUEST_BYTES_MAX)
                else:
                    self._reap(key.data)
            self._report_ended()

    def _fork(self, request: ForkRequest, descriptors: list[int]) -> ForkRequest | None:
        """Fork; return the request in the new process, with the numbers of its descriptors, and None here."""
        channel = socket.socket(fileno=descriptors.pop(0))
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            # The supervisor sees the channel close without a number, and starts the process itself.
            pid = -1
        if pid == 0:
            channel.close()
            self._leave(parent)
            return ForkRequest([word.format(*descriptors) for word in request.words], request.environment)
        for descriptor in descriptors:
            os.close(descriptor)
        if pid == -1:
            channel.close()
            return None
        process = _Running(pid, channel)
        self._running[pid] = process
        self._selector.register(channel, selectors.EVENT_READ, process)
        self._send(process, pid)
        return None

    def _leave(self, parent: int) -> None:
        """Drop, in a new process, all that belongs to the fork server."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        self._control.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)
        for process in self._running.values():
            process.channel.close()
        end_with(parent, signal.SIGTERM)
        os.setsid()

    def _report_ended(self) -> None:
        """Report exit statuses; a process keeps its number until the supervisor has closed the channel."""
        for process in self._running.values():
            if process.has_ended:
                continue
            result: Any = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if result is not None:
                process.has_ended = True
                is_exit = result.si_code == os.CLD_EXITED
                self._send(process, result.si_status if is_exit else -result.si_status)

    def _reap(self, process: _Running) -> None:
        """Release a process whose channel the supervisor has closed."""
        self._selector.unregister(process.channel)
        process.channel.close()
        del self._running[process.pid]
        if not process.has_ended:
            os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)

    @staticmethod
    def _send(process: _Running, number: int) -> None:
        with suppress(OSError):
            process.channel.sendall(b"%d\n" % number)
