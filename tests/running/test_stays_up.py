"""`getbill serve` stays up: killed at random, and on a disk that fills, it loses nothing and answers again by itself."""

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from program import Program, free_port

from getbill.embedded import Server

MakeProgram = Callable[..., Program]

KILLS = 20
KILL_SECONDS = (0.3, 2.0)
BACK_SECONDS = 15.0
DISK_BYTES = 200_000_000
PATIENT_SECONDS = 60.0
API = "/external-api/v1"
FREE = {"GETBILL_RATE_LIMIT_SANDBOX": "1000000", "GETBILL_RATE_LIMIT_ANONYMOUS": "1000000"}


@dataclass
class Creator:
    """A client that creates debts one after the other, whatever happens, and remembers what was acknowledged."""

    program: Program
    created: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    problems: list[dict[str, Any]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def running(self) -> Iterator["Creator"]:
        """Create debts beside the test."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self.create() != 201:
                self._stop.wait(0.05)

    def create(self) -> int:
        """Create one debt and return the status; 0 when there was no answer."""
        number = next(self._numbers)
        body = {
            "debtor": {"name": "Jean Dupont", "email": f"jean.{number}@example.com"},
            "amount": 100 + number,
            "reference": f"UP-{number}",
            "timeline_start_mode": "next_day",
        }
        status, answer = self.call("POST", f"{API}/debts", body)
        self.answers[status] += 1
        if status == 201:
            self.created.append(answer["id"])
        elif status:
            self.problems.append(answer)
        return status

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the API; the status is 0 when there was no answer."""
        request = urllib.request.Request(  # noqa: S310 our own server
            self.program.url + path,
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self.program.credentials['sandbox_api_key']}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 as above
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)
        except (OSError, ValueError, http.client.HTTPException):
            return 0, None

    def is_back(self) -> bool:
        """Whether the program is ready and takes debts."""
        return self.call("GET", "/readyz")[0] == 200 and self.create() == 201

    def announced(self) -> set[str]:
        """The debts whose creation the stream of events tells."""
        debts: set[str] = set()
        place = ""
        while True:
            status, page = self.call("GET", f"{API}/events?event=debt.created&limit=1000{place}")
            assert status == 200, page
            debts |= {event["data"]["debt_id"] for event in page["data"]}
            if not page["has_more"]:
                return debts
            place = f"&after={page['next_cursor']}"


def seconds_until(is_so: Callable[[], bool], seconds: float) -> float:
    """Wait for something to be so, and return how long that took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s"
        time.sleep(0.05)
    return time.monotonic() - began


def assert_nothing_was_lost(creator: Creator) -> None:
    lost = [debt for debt in creator.created if creator.call("GET", f"{API}/debts/{debt}")[0] != 200]
    assert lost == []
    # The worker gives committed events their place; until then the stream lacks them.
    seconds_until(lambda: set(creator.created) <= creator.announced(), PATIENT_SECONDS)


def victims(program: Program) -> dict[str, list[int]]:
    """The living processes by what they are."""
    postmasters = program.processes("bin/postgres\0-D")
    result = {word: program.processes(f"getbill\0{word}") for word in ("api", "worker", "sftp")}
    result["postmaster"] = postmasters
    for pid in postmasters:
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                title = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace")
                kind = title.removeprefix("postgres: ").split(" ")[0].strip("\0")
                result.setdefault("backend" if kind == "getbill" else kind, []).append(int(child))
    kinds = ("api", "worker", "sftp", "postmaster", "backend", "checkpointer", "startup")
    return {kind: result[kind] for kind in kinds if result.get(kind)}


def test_twenty_kills_within_a_minute_lose_nothing_and_it_is_back(program: MakeProgram) -> None:
    seed = random.randrange(1_000_000)  # noqa: S311 no secret
    print(f"seed {seed}")  # noqa: T201 with it the same kills come again
    chance = random.Random(seed)  # noqa: S311 as above
    running = program(**FREE).start()
    killed: Counter[str] = Counter()

    with Creator(running).running() as creator:
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(*KILL_SECONDS))
            living = victims(running)
            # A recovery under way is what must not be spared.
            kind = "startup" if "startup" in living else chance.choice(list(living))
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(living[kind]), signal.SIGKILL)
                killed[kind] += 1
        back = seconds_until(creator.is_back, BACK_SECONDS)

    print(f"killed {dict(killed)}, answers {dict(creator.answers)}, back after {back:.1f} s")  # noqa: T201 figures
    assert killed.total() >= KILLS - 2
    assert set(creator.answers) <= {0, 201, 503}, creator.problems[-3:]
    assert_nothing_was_lost(creator)
    seconds_until(lambda: greets(running.credentials), BACK_SECONDS)
    assert running.process.poll() is None


def greets(credentials: Any) -> bool:
    """Whether SFTP answers."""
    try:
        with socket.create_connection((credentials["sftp_host"], credentials["sftp_port"]), timeout=5) as to:
            return to.recv(4) == b"SSH-"
    except OSError:
        return False


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 200 MB, where this machine lets us mount one."""
    folder = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    try:
        options = f"size={DISK_BYTES},mode=0755"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"This did not run: no file system may be mounted here ({done.stderr.strip()}).")
        yield folder
        subprocess.run(["umount", folder], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def alone(program: Program) -> Iterator[Program]:
    """Run a program, and end all of it."""
    try:
        yield program.start()
    finally:
        program.stop()
        program.until_none_is_left()
        program.forget()


def fill(file: Path) -> None:
    """Write a file until the disk takes no more."""
    with contextlib.suppress(OSError), file.open("ab", buffering=0) as filler:
        for bytes_at_once in (1_000_000, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"x" * bytes_at_once)


def test_a_full_disk_is_said_and_nothing_is_lost_and_space_is_all_it_takes(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with alone(Program(small_disk / "data", free_port(), **FREE)) as running:
        with Creator(running).running() as creator:
            seconds_until(lambda: creator.answers[201] >= 20, PATIENT_SECONDS)
            seconds_until(lambda: (fill(filler), creator.answers[503] >= 20)[1], PATIENT_SECONDS)
            ready = creator.call("GET", "/readyz")
            # What cannot be started again while the disk is full is started once it is not.
            for word in ("bin/postgres\0-D", "getbill\0api", "getbill\0worker"):
                for pid in running.processes(word):
                    os.kill(pid, signal.SIGKILL)
            seconds_until(lambda: (fill(filler), says_that_the_disk_is_full(creator))[1], PATIENT_SECONDS)

            filler.unlink()
            back = seconds_until(creator.is_back, BACK_SECONDS)

        print(f"answers {dict(creator.answers)}, back after {back:.1f} s")  # noqa: T201 figures
        assert ready[0] == 503
        assert "The disk is full" in ready[1]["parts"]["database"]["way_out"]
        assert set(creator.answers) <= {0, 201, 503}, creator.problems[-3:]
        assert all(problem["type"] == "/problems/unavailable" for problem in creator.problems)
        assert_nothing_was_lost(creator)
        assert running.process.poll() is None


def says_that_the_disk_is_full(creator: Creator) -> bool:
    status, answer = creator.call("GET", "/readyz")
    return status == 503 and "The disk is full" in answer["parts"]["database"]["way_out"]


LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'getbill listener'"


async def listening(server: Server) -> int:
    connection = await asyncpg.connect(server.dsn)
    try:
        number: int = await connection.fetchval(LISTENING)
        return number
    finally:
        await connection.close()


def test_a_database_of_somebody_elses_may_go_away_and_come_back(program: MakeProgram, data_dir: Path) -> None:
    server = Server(data_dir.parent / "elsewhere")
    elsewhere = server.start()
    try:
        running = program(DATABASE_URL=elsewhere, **FREE).start()
        creator = Creator(running)
        seconds_until(creator.is_back, PATIENT_SECONDS)
        seconds_until(lambda: asyncio.run(listening(server)) >= 2, PATIENT_SECONDS)
        messages = asyncio.run(listening(server))

        server.kill_hanging()
        assert creator.create() == 503
        assert creator.call("GET", "/readyz")[0] == 503
        # Whoever starts while it is away waits for it.
        for word in ("api", "worker", "sftp"):
            for pid in running.processes(f"getbill\0{word}"):
                os.kill(pid, signal.SIGKILL)
        seconds_until(lambda: creator.call("GET", "/readyz")[0] == 503, PATIENT_SECONDS)
        server.restart()
        seconds_until(creator.is_back, BACK_SECONDS)

        # And whoever was there while it went away opens again what it had open, to listen too.
        server.kill_hanging()
        seconds_until(lambda: creator.create() == 503, PATIENT_SECONDS)
        server.restart()
        seconds_until(creator.is_back, BACK_SECONDS)
        seconds_until(lambda: asyncio.run(listening(server)) >= messages, PATIENT_SECONDS)
        seconds_until(lambda: greets(running.credentials), BACK_SECONDS)
        assert_nothing_was_lost(creator)
        running.stop()
    finally:
        server.stop()


def test_a_start_without_its_database_waits_for_it_and_says_so(program: MakeProgram, data_dir: Path) -> None:
    first = program().start()
    first.stop()
    cluster = data_dir / "postgres" / "cluster"
    cluster.chmod(0o755)

    second = program().launch()
    creator = Creator(second)
    seconds_until(lambda: creator.call("GET", "/readyz")[0] == 503, PATIENT_SECONDS)
    report = creator.call("GET", "/readyz")[1]["parts"]["database"]["way_out"]
    refused = creator.call("GET", f"{API}/debts")
    alive = creator.call("GET", "/healthz")
    cluster.chmod(0o700)
    seconds_until(creator.is_back, BACK_SECONDS)

    assert report == f"{cluster} is open to others: set its mode to 0700."
    assert (refused[0], refused[1]["type"]) == (503, "/problems/unavailable")
    assert "/readyz" in refused[1]["detail"]
    assert alive == (200, {"status": "ok"})
