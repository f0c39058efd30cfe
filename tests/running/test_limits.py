"""A client's minute over restarts and kills: stopping costs it nothing, a kill one lease, and it never has more."""

import contextlib
import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from program import Program

MakeProgram = Callable[..., Program]

LIMIT = 400
LEASE = LIMIT // 16
SECONDS = 60.0
TRIES = 3


@dataclass
class Minute:
    """What a client saw of its minute."""

    program: Program
    allowed: int = 0
    ends: set[int] = field(default_factory=set)

    def call(self) -> int:
        """Make one request that is let through or refused for being one too many, and return what remains."""
        deadline = time.monotonic() + SECONDS
        while (answered := self._call()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return answered

    def _call(self) -> int | None:
        request = urllib.request.Request(  # noqa: S310 our own server
            f"{self.program.url}/external-api/v1/company/profile",
            headers={"Authorization": f"Bearer {self.program.credentials['sandbox_api_key']}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 as above
                self.allowed += 1
                headers = answer.headers
        except urllib.error.HTTPError as refusal:
            with refusal:
                if refusal.code != 429:
                    return None
                headers = refusal.headers
        except OSError:
            return None
        self.ends.add(int(headers["x-ratelimit-reset"]))
        return int(headers["x-ratelimit-remaining"])

    @property
    def is_over(self) -> bool:
        """Whether another has begun."""
        return len(self.ends) > 1 or time.time() > min(self.ends)


def end(program: Program, word: str, sign: signal.Signals) -> None:
    """Send a process a signal and wait until another has taken its place."""
    before = program.processes(word)
    for pid in before:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
    deadline = time.monotonic() + SECONDS
    while not program.processes(word) or set(program.processes(word)) & set(before):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(program: Program) -> dict[int, bytes]:
    """The processes of PostgreSQL and what they call themselves."""
    titles = {}
    # A process that the postmaster has just forked bears its command line until it has set its own, and may be gone.
    for postmaster in program.processes("bin/postgres\0-D"):
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
                with contextlib.suppress(OSError):
                    titles[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes()
    return titles


def crash(program: Program) -> None:
    """Have PostgreSQL crash, and wait until it has recovered."""
    before = children(program)
    backends = [pid for pid, title in before.items() if title.startswith(b"postgres: getbill ")]
    os.kill(random.choice(backends), signal.SIGKILL)  # noqa: S311 no secret
    deadline = time.monotonic() + SECONDS
    while set(before) & set(children(program)) or not any(
        title.startswith(b"postgres: checkpointer") for title in children(program).values()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_minute_outlives_restarts_and_kills(program: MakeProgram) -> None:
    running = program(GETBILL_RATE_LIMIT_SANDBOX=str(LIMIT)).start()

    for _ in range(TRIES):
        minute = Minute(running)
        for _ in range(30):
            remaining = minute.call()
        assert remaining <= LIMIT - 30

        end(running, "getbill\0api", signal.SIGTERM)
        after_stop = minute.call()
        end(running, "getbill\0api", signal.SIGKILL)
        after_kill = minute.call()
        # A crash of PostgreSQL, which would empty a table that it keeps for speed alone.
        crash(running)
        after_crash = minute.call()
        running.stop()
        running = program(GETBILL_RATE_LIMIT_SANDBOX=str(LIMIT)).start()
        minute.program = running
        after_all = minute.call()
        if minute.is_over:
            # This machine took longer than a minute: what follows holds within one.
            continue
        while minute.call():
            pass
        if minute.is_over:
            continue

        assert after_stop == remaining - 1
        assert after_stop - 1 - LEASE <= after_kill < after_stop
        assert after_kill - 1 - LEASE <= after_crash < after_kill
        assert after_all == after_crash - 1, minute.program.said
        assert LIMIT - 2 * LEASE <= minute.allowed <= LIMIT
        return
    raise AssertionError("It never took less than a minute.")
