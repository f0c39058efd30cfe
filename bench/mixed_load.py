"""`mix`: the seed's calls as one integrator makes them, 1,000 a minute for a minute, next to the published 200 ms.

The load is open: a call leaves when its time has come, whatever became of those before, and its answer's time counts
from then. The whole installation runs: database, API and worker.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.figures import Figure
from getbill.embedded import running_dsn
from testbed.debtors import new_debt
from testbed.installation import ROOT, bin_run, free_port, raise_ceiling, temporary_folder, token, wait

_CALLS_A_MINUTE = 1000
_SECONDS = 60
_PUBLISHED_MS = 200.0
# Of twenty calls: what an integrator that creates, watches and corrects its debts asks.
_MIX = (
    *("create", "read", "create", "list", "read", "create", "change", "followups", "read", "create"),
    *("list", "read", "create", "reports", "read", "change", "create", "profile", "token", "delete"),
)
_API = "/external-api/v1"
_DEBTS = f"{_API}/debts"
_JSON: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}
_READS = {
    "read": None,
    "list": f"{_DEBTS}?status=pending&sort=-amount&limit=20",
    "followups": f"{_API}/followups",
    "reports": f"{_API}/reports",
    "profile": f"{_API}/company/profile",
}


@dataclass(slots=True)
class Caller:
    """An integrator: its connection, its debts, and how long each answer took."""

    session: aiohttp.ClientSession
    credentials: dict[str, str]
    debts: list[str] = field(default_factory=list)
    made: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def request(self, kind: str, number: int) -> tuple[str, str, dict[str, Any]]:
        """Return method, path and options of the next call of a kind."""
        debt = f"{_DEBTS}/{self.debts[number % len(self.debts)]}" if self.debts else ""
        if kind in _READS:
            return "GET", _READS[kind] or debt, {}
        if kind == "delete":
            return "DELETE", f"{_DEBTS}/{self.debts.pop(0)}", {}
        if kind == "token":
            client = {name: self.credentials[name] for name in ("client_id", "client_secret")}
            return "POST", "/token", {"data": {"grant_type": "client_credentials"} | client}
        if kind == "change":
            return "PUT", debt, _JSON | {"data": json.dumps({"metadata": {"note": number}}).encode()}
        self.made += 1
        return "POST", _DEBTS, _JSON | {"data": new_debt(self.made)}

    async def call(self, kind: str, number: int, due: float) -> None:
        """Make one call when it is due, and note how long after that its answer was there."""
        await asyncio.sleep(due - time.perf_counter())
        method, path, options = self.request(kind, number)
        async with self.session.request(method, path, **options) as answer:
            content = await answer.read()
        self.milliseconds.append((time.perf_counter() - due) * 1000)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {content[:300]!r}")
        if kind == "create":
            self.debts.append(json.loads(content)["id"])


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the average and the 99th percentile."""
    port = free_port()
    with temporary_folder() as folder, bin_run(ROOT, folder / "data", port) as started:
        wait(f"http://127.0.0.1:{port}/readyz", started, patience_seconds=300)
        dsn = running_dsn(folder / "data")
        assert dsn is not None
        credentials = json.loads((folder / "data" / "first-run.json").read_text("utf-8"))
        milliseconds = sorted(asyncio.run(_play(dsn, port, credentials)))
    average, p99 = sum(milliseconds) / len(milliseconds), milliseconds[int(len(milliseconds) * 0.99)]
    say(
        f"{len(milliseconds)} calls, median {milliseconds[len(milliseconds) // 2]:.1f} ms, slowest {milliseconds[-1]:.1f} ms"
    )
    return [
        Figure("mix", average, _PUBLISHED_MS, "ms on average", 1.0, is_more_better=False),
        Figure("mix-p99", p99, _PUBLISHED_MS, "ms at the 99th percentile", None, is_more_better=False),
    ]


async def _play(dsn: str, port: int, credentials: dict[str, str]) -> list[float]:
    await raise_ceiling(dsn)
    headers = {"Authorization": f"Bearer {token(port, credentials)}"}
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(base, headers=headers, raise_for_status=False) as session:
        caller = Caller(session, credentials)
        for number in range(20):  # debts to read and change, and warm connections
            await caller.call("create", number, time.perf_counter())
        caller.milliseconds.clear()
        begins = time.perf_counter() + 0.2
        every = 60 / _CALLS_A_MINUTE
        calls = int(_SECONDS / every)
        async with asyncio.TaskGroup() as group:
            for number in range(calls):
                group.create_task(caller.call(_MIX[number % len(_MIX)], number, begins + number * every))
        return caller.milliseconds
