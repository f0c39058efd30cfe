"""The processes of a chaos test: database, API and worker, each of which can be killed and is there again.

As under `getbill serve`: the socket the API listens on outlives it, and what ends by itself is started again. Killed
means SIGKILL; of PostgreSQL the postmaster and every process it has, so that the next start recovers from the log.
"""

import operator
import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from getbill.embedded import Server
from getbill.settings import CRASH_AT, CRASH_MEANT
from testbed.installation import Popen, PreparedInstallation, end, settings, start

PROCESSES: Final = ("worker", "api", "postgres")
_AGAIN_SECONDS: Final = 0.5


@dataclass
class KillableInstallation:
    """The running processes of an installation."""

    home: PreparedInstallation
    bound: socket.socket
    kills: Counter[str] = field(default_factory=Counter)
    # How often one ended by itself: at its point, or because it started while there was no database.
    falls: Counter[str] = field(default_factory=Counter)
    _running: dict[str, Popen] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where the API listens."""
        return int(self.bound.getsockname()[1])

    def running(self, word: str) -> Popen:
        """Return the process that is the API or the worker now."""
        return self._running[word]

    def begin(self, word: str, crash_at: str | None = None) -> Popen:
        """Start the API or the worker, to die by itself where `crash_at` says."""
        descriptor = self.bound.fileno()
        words = ["api", "--listen-fd", str(descriptor)] if word == "api" else [word]
        environment = settings(self.home.folder, self.port)
        environment |= {"DATABASE_URL": self.home.dsn, "GETBILL_LOG_LEVEL": "warning"}
        if crash_at:
            environment |= {CRASH_AT: crash_at, CRASH_MEANT: "1"}
        with self.log(word).open("ab") as complaints:
            self._running[word] = start(
                [sys.executable, "-m", "getbill", *words],
                environment,
                descriptors=(descriptor,),
                complaints=complaints,
            )
        self._began[word] = time.monotonic()
        return self._running[word]

    def kill(self, word: str) -> None:
        """Kill one without warning, and start it again."""
        self.kills[word] += 1
        if word == "postgres":
            kill_postgres(self.home.server)
            self.home.server.restart()
            return
        self._running[word].kill()
        self._running[word].wait()
        self.begin(word)

    def revive(self) -> None:
        """Start again what has ended by itself."""
        for word, child in list(self._running.items()):
            is_patient = time.monotonic() - self._began[word] > _AGAIN_SECONDS
            if child.poll() is not None and is_patient:
                self.falls[word] += 1
                self.begin(word)

    def leave(self) -> None:
        """End API and worker."""
        while self._running:
            end(self._running.popitem()[1])

    def log(self, word: str) -> Path:
        """Return the file that takes what a process complains of."""
        return self.home.folder / f"{word}.log"


@contextmanager
def killable_installation(
    home: PreparedInstallation, crash_at: Mapping[str, str] | None = None
) -> Iterator[KillableInstallation]:
    """Yield a prepared data folder, with API and worker started.

    `crash_at` names the point at which the first of either dies by itself.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as bound:
        bound.set_inheritable(True)
        installation = KillableInstallation(home, bound)
        try:
            for word in ("api", "worker"):
                installation.begin(word, (crash_at or {}).get(word))
            yield installation
        finally:
            installation.leave()


def kill_postgres(server: Server) -> None:
    """Kill a PostgreSQL with all its processes, the postmaster first, so that nobody puts anything in order."""
    assert server.process is not None
    postmaster = server.process.pid
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text("ascii").split()
    for pid in (postmaster, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.process.wait()


class KillSchedule:
    """When each is killed next: after so many seconds as chance has it, and not before there was progress again.

    However slow the machine, what is killed has then done something since the last time.
    """

    def __init__(self, seed: int, bounds: tuple[float, float], progress: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 chance is the point
        self._bounds = bounds
        self._progress = progress
        now = time.monotonic()
        self._due = {word: now + self._chance.uniform(*bounds) for word in PROCESSES}
        self._come = dict.fromkeys(PROCESSES, (0, 0))

    def struck(self, come: tuple[int, int]) -> str | None:
        """Return who is to be killed now; `come` is how far pushing and pulling have come."""
        now = time.monotonic()
        for word in PROCESSES:
            result = min(map(operator.sub, come, self._come[word]))
            if self._due[word] <= now and result >= self._progress:
                self._due[word] = now + self._chance.uniform(*self._bounds)
                self._come[word] = come
                return word
        return None
