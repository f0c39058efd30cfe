"""The workers of an installation as they are killed: as many as are wanted, and another for each that is gone.

They are `getbill worker` with short leases.
"""

import signal
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Final

from getbill.contacts import SendingSettings
from getbill.settings import Settings
from testbed import fault_injection

# What a worker claims or sends is another's after a second of silence.
PACE: Final = SendingSettings(
    batch=6,
    claim_seconds=1.0,
    recovery_seconds=1.0,
    retry_seconds=0.1,
    lookups_max=200,
    answer_seconds_max=0.5,
)
# Where a worker can be made to die by itself.
POINTS: Final = (
    "contacts.claimed",
    "contacts.preparing",
    "contacts.prepared",
    "contacts.submitted",
    "contacts.handing_over",
    "contacts.handed_over",
    "contacts.answered",
    "contacts.sent",
    "contacts.settling",
    "contacts.settled",
    "contacts.released",
    "contacts.journals_read",
    "contacts.reclaimed",
    "contacts.looked_up",
    "contacts.replanning",
    "contacts.replanned",
)

_AGAIN_SECONDS: Final = 0.3


@dataclass
class WorkerPool:
    """The workers of an installation."""

    settings: Settings
    running: list[BaseProcess] = field(default_factory=list)
    # How often one ended by itself: at its point.
    falls: int = 0
    # Where those that start from now on are to die by themselves, in turn.
    fated: list[str] = field(default_factory=list)
    _not_before: float = 0.0

    def begin(self, point: str | None = None) -> None:
        """Start a worker, to die at a point if one is named."""
        self.running.append(fault_injection.start_worker(self.settings, point, PACE, loses_database=True))

    def kill(self, place: int) -> None:
        """Kill a worker without warning."""
        process = self.running.pop(place % len(self.running))
        process.kill()
        process.join()

    def replace(self, count: int) -> None:
        """Take note of those that died by themselves, and start others until there are so many."""
        dead = [process for process in self.running if process.exitcode is not None]
        self.running = [process for process in self.running if process not in dead]
        self.falls += sum(process.exitcode == -signal.SIGKILL for process in dead)
        if dead:
            # Whoever starts while there is no database ends at once.
            self._not_before = time.monotonic() + _AGAIN_SECONDS
        while len(self.running) < count and time.monotonic() >= self._not_before:
            self.begin(self.fated.pop(0) if self.fated else None)

    def dismiss(self) -> None:
        """Tell all to finish, and wait until they have."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.join(15)
            process.kill()
            process.join()
        self.running.clear()
