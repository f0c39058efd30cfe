"""A chaos test: an integrator at work, everything killed again and again, and the judge at the end."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import asyncpg

from getbill.kit import ids
from testbed import webhook_receiver
from testbed.chaos import debt_stories, integrator
from testbed.chaos.judge import CommittedEvent, Subscription, Verdict, judge
from testbed.chaos.processes import PROCESSES, KillableInstallation, KillSchedule, killable_installation
from testbed.installation import Popen, end, free_port, prepared_installation, settings, start, wait

Say = Callable[[str], None]

# Two endpoints: one is told everything, the other how each debt began and ended.
_EVERYTHING: Final = (
    "debt.created",
    "debt.updated",
    "debt.status_changed",
    "debt.payment_received",
    "debt.resolved",
)
_ENDPOINTS: Final = {"/everything": _EVERYTHING, "/ends": ("debt.created", "debt.resolved")}
# About so long is a line of the receiver's notes, and of the integrator's.
_NOTE_BYTES: Final = 120
_ID_BYTES: Final = 30
_LOOK_SECONDS: Final = 1.0
_TELL_SECONDS: Final = 15.0
_TICK_SECONDS: Final = 0.05

_SANDBOX: Final = "SELECT workspace_id FROM workspaces WHERE kind = 'sandbox'"
_STATE: Final = """
SELECT s.position, s.reacted,
    (SELECT count(*) FROM events e WHERE e.workspace_id = s.workspace_id AND e.position IS NULL) AS unplaced,
    (SELECT count(*) FROM webhook_deliveries) AS owed
FROM streams s WHERE s.workspace_id = $1
"""
_COMMITTED: Final = """
SELECT id, debt_id, sequence, kind, position FROM events WHERE workspace_id = $1 ORDER BY position
"""
_FOLLOWED: Final = "SELECT url, events, from_position FROM webhook_endpoints WHERE workspace_id = $1"


class ChaosRunBroken(RuntimeError):
    """The chaos test did not come to its end: what was asked was refused, or nothing moves any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked, by how many, and how often everything is killed."""

    events: int
    clients: int = 8
    seed: int = 1
    # Between two kills of the same: seconds, and events pushed and pulled, so that a slow machine gets on too.
    between_kills: tuple[float, float] = (4.0, 10.0)
    progress_between_kills: int = 2_500
    # No more is asked once each was killed so often.
    kills_enough: int | None = None
    # The killing ends once all is made and so little is owed, for the rest to come to its end.
    calm_at: int = 1_000
    # Where the first API and the first worker die by themselves.
    crash_at: Mapping[str, str] = field(default_factory=dict)
    patience_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class State:
    """How far the installation has come."""

    position: int
    reacted: int
    unplaced: int
    owed: int

    @property
    def is_quiet(self) -> bool:
        """Whether everything committed has its place and nothing is owed."""
        return not self.unplaced and self.reacted == self.position and not self.owed


@dataclass(frozen=True, slots=True)
class ChaosResult:
    """A finished chaos test: the verdict, and how it went."""

    verdict: Verdict
    kills: dict[str, int]
    # How often one ended by itself: the API or the worker, started while there was no database.
    falls: dict[str, int]
    # The calls that had to be made again, by what came instead of an answer.
    again: dict[str, int]
    seconds: float


def run(plan: Plan, say: Say) -> ChaosResult:
    """Run a chaos test on an installation of its own, and judge it."""
    with prepared_installation() as base, killable_installation(base, plan.crash_at) as installation:
        wait(f"http://127.0.0.1:{installation.port}/readyz", installation.running("api"))
        return _ChaosRun(plan, installation, say).through()


@dataclass
class _ChaosRun:
    """A chaos test that is under way; all that is told about it lies in files of its folder."""

    plan: Plan
    installation: KillableInstallation
    say: Say

    def __post_init__(self) -> None:
        self.folder = self.installation.home.folder
        self.workspace_id = self._fetch(_SANDBOX)[0]["workspace_id"]
        self.key = self.installation.home.credentials["sandbox_api_key"]
        self.pulled = 0

    def through(self) -> ChaosResult:
        """Have everything made, killed and delivered, and judge what came of it."""
        began = time.monotonic()
        port = free_port()
        with self._running(
            "receiver", webhook_receiver.command(port, self._notes, self.folder / "secrets.json")
        ):
            self._subscribe(port)
            job = {
                "port": self.installation.port,
                "key": self.key,
                "folder": str(self.folder),
                "debts": debt_stories.debts_for(self.plan.events),
                "clients": self.plan.clients,
            }
            with self._running("integrator", integrator.command(job)) as working:
                self._endure(working, began + self.plan.patience_seconds)
        # Whatever the processes went through, they are whole again.
        wait(f"http://127.0.0.1:{self.installation.port}/readyz", self.installation.running("api"))
        return ChaosResult(
            self._judged(),
            dict(self.installation.kills),
            dict(self.installation.falls),
            self._done["again"],
            time.monotonic() - began,
        )

    @property
    def _notes(self) -> Path:
        return self.folder / "began.jsonl"

    @contextmanager
    def _running(self, name: str, command: list[str]) -> Iterator[Popen]:
        with self.installation.log(name).open("ab") as complaints:
            child = start(command, settings(self.folder, 0), complaints=complaints)
        try:
            yield child
        finally:
            end(child)

    def _subscribe(self, port: int) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        secrets = {}
        for path, kinds in _ENDPOINTS.items():
            request = json.dumps({"url": f"http://127.0.0.1:{port}{path}", "events": kinds}).encode()
            at = f"http://127.0.0.1:{self.installation.port}/external-api/v1/webhooks"
            with urlopen(Request(at, request, headers), timeout=30) as answer:
                secrets[path] = json.load(answer)["secret"]
        (self.folder / "secrets.json").write_text(json.dumps(secrets), "utf-8")

    def _endure(self, working: Popen, deadline: float) -> None:
        """Kill and revive until everything asked for is made, and wait until all of it has arrived."""
        plan = self.plan
        fate: KillSchedule | None = KillSchedule(plan.seed, plan.between_kills, plan.progress_between_kills)
        looked = report = time.monotonic()
        while True:
            now = time.monotonic()
            if now > deadline or working.poll() is not None:
                raise ChaosRunBroken(self._last_words(working))
            if fate and (word := fate.struck(self._come)):
                self.installation.kill(word)
            self.installation.revive()
            if now - looked > _LOOK_SECONDS and (state := self._look()) is not None:
                looked = now
                if now - report > _TELL_SECONDS:
                    report = now
                    self.say(self._progress(state))
                if self._is_enough:
                    (self.folder / "enough").touch()
                if fate and self._done and state.owed + state.unplaced <= plan.calm_at:
                    self.say(
                        f"all is made after {self.installation.kills.total()} kills; the rest is delivered"
                    )
                    fate = None
                elif fate is None and state.is_quiet and self.pulled == state.position:
                    return
            time.sleep(_TICK_SECONDS)

    @property
    def _come(self) -> tuple[int, int]:
        """How many events about were pushed and pulled; there is nothing more to pull once all is made."""
        files = ((self._notes, _NOTE_BYTES), (self.folder / "pulled.txt", _ID_BYTES))
        pushed, pulled = (file.stat().st_size // size if file.exists() else 0 for file, size in files)
        return pushed, pushed if self._done else pulled

    @property
    def _is_enough(self) -> bool:
        enough = self.plan.kills_enough
        return enough is not None and all(self.installation.kills[word] >= enough for word in PROCESSES)

    @property
    def _done(self) -> dict[str, Any]:
        """What the integrator says once it has made everything; nothing before."""
        file = self.folder / "done"
        return json.loads(file.read_text("utf-8")) if file.exists() else {}

    def _look(self) -> State | None:
        self.pulled = len(self._lines("pulled.txt"))
        try:
            (row,) = self._fetch(_STATE, self.workspace_id)
        except (asyncpg.PostgresError, OSError):
            return None
        return State(*row.values())

    def _progress(self, state: State) -> str:
        return (
            f"{state.position + state.unplaced:,} events committed, {self.pulled:,} pulled,"
            f" {state.owed:,} deliveries owed, {dict(self.installation.kills)} killed"
        )

    def _last_words(self, working: Popen) -> str:
        state = self._look()
        logs = (self.installation.log(word) for word in ("integrator", "receiver", "api", "worker"))
        words = "\n".join(f"{log.name}: {log.read_text('utf-8')[-1500:]}" for log in logs if log.exists())
        return (
            f"integrator {working.poll()}, {state}, pulled {self.pulled}, {self.installation.kills}\n{words}"
        )

    def _judged(self) -> Verdict:
        committed = [
            CommittedEvent(
                ids.show("wh", row["id"]), ids.show("debt", row["debt_id"]), *list(row.values())[2:]
            )
            for row in self._fetch(_COMMITTED, self.workspace_id)
        ]
        followed = [
            Subscription("/" + row["url"].rpartition("/")[2], frozenset(row["events"]), row["from_position"])
            for row in self._fetch(_FOLLOWED, self.workspace_id)
        ]
        verdict = judge(
            committed, self._lines("pulled.txt"), followed, list(webhook_receiver.read(self._notes))
        )
        since = min(item.after for item in followed)
        verdict.faults.extend(
            self._done_otherwise([item for item in committed if (item.position or 0) > since])
        )
        return verdict

    def _done_otherwise(self, committed: list[CommittedEvent]) -> Iterator[str]:
        """Yield where the histories of debts are not what was asked for: something lost, or done twice."""
        histories: dict[str, Counter[str]] = {}
        for item in committed:
            histories.setdefault(item.subject, Counter())[item.kind] += 1
        lines = [json.loads(line) for line in self._lines("made.jsonl")]
        if len(lines) != self._done["stories"]:
            yield f"{len(lines)} stories came to their end, of {self._done['stories']}"
        for item in lines:
            result, request = (
                histories.pop(item["debt"], Counter()),
                Counter(debt_stories.kinds_of(item["number"])),
            )
            if result != request:
                yield f"{item['debt']}: {dict(result)} happened, {dict(request)} was asked for"
        # Debts that were there before are the demo's, and are contacted in the hours in which anybody is.
        yield from (
            f"{debt}: {dict(kinds)} happened, nothing was asked for"
            for debt, kinds in histories.items()
            if "debt.created" in kinds
        )

    def _lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.installation.home.dsn)
            try:
                return await connection.fetch(query, *arguments)
            finally:
                await connection.close()

        return asyncio.run(fetch())
