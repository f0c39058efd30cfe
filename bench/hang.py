"""`hang`: ten endpoints, 200 events a second, and what one that never answers does to the other nine.

The load is open: an event is committed when its time has come, and due to one of the ten in turn. Counted is the time from an event's commit to the
beginning of its first attempt, as the receiver saw it; of each of the nine the 95th percentile, of those the median,
in rounds with the hanging one beside the same rounds without. `first-attempt` is the 99th percentile over all ten
without it. Everything else is as in production: the worker is `getbill worker`, and the database durable.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Figure, Pairs
from getbill import companies, debts, events, vault, webhooks
from getbill.access import OPERATOR
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt
from getbill.kit import ids
from getbill.kit.database.transactions import Database, Transaction, open_database
from getbill.kit.money import Money
from getbill.settings import Settings
from testbed import webhook_receiver
from testbed.installation import PreparedInstallation, free_port, prepared_installation, process, settings

_EVENTS_A_SECOND = 200
_SECONDS = 60.0
_PAIRS = 3
# Each endpoint follows a kind of its own.
_KINDS = tuple(entry.kind for entry in events.CATALOGUE)[:10]
_HANGING = "/0"
_TARGET = 1.5
_AIM_SECONDS = 1.0
_DEBTS = 2_000
# After the last commit the others have so long for what is still under way.
_PATIENCE_SECONDS = 10.0
_START_SECONDS = 60.0
_SANDBOX = "SELECT workspace_id FROM workspaces WHERE kind = 'sandbox'"
_OWED = """
SELECT EXISTS (SELECT FROM webhook_deliveries WHERE endpoint_id <> $1)
    OR EXISTS (SELECT FROM streams WHERE reacted < position)
    OR EXISTS (SELECT FROM events WHERE position IS NULL)
"""
_ALIVE = "SELECT EXISTS (SELECT FROM heartbeats)"


class EventsMissing(RuntimeError):
    """Not everything committed came to every endpoint that answers."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the ratio, and the 99th percentile of the first attempt."""
    seconds = float(os.environ.get("BENCH_HANG_SECONDS", _SECONDS))
    pairs, p99s = Pairs([], []), []
    with (
        prepared_installation() as base,
        process([sys.executable, "-m", "getbill", "worker"], _worker(base)),
    ):
        asyncio.run(_prepare(base))
        for number in range(_PAIRS):
            without = _round(base, seconds, "")
            beside = _round(base, seconds, _HANGING)
            pairs.limit.append(without.p95)
            pairs.ours.append(beside.p95)
            p99s.append(without.p99 / 1000)
            say(
                f"pair {number + 1}: p95 {beside.p95:.1f} ms with the hanging one, {without.p95:.1f} without;"
                f" p99 {beside.p99:.1f} and {without.p99:.1f}"
            )
    return [
        pairs.figure("hang", "ms at the 95th percentile", _TARGET, is_more_better=False),
        Figure("first-attempt", median(p99s), _AIM_SECONDS, "seconds at p99", None, is_more_better=False),
    ]


def _worker(base: PreparedInstallation) -> dict[str, str]:
    return settings(base.folder, 1) | {"DATABASE_URL": base.dsn, "GETBILL_LOG_LEVEL": "error"}


@dataclass(frozen=True, slots=True)
class Round:
    """What a round gave, in milliseconds: the median p95 of the nine, and the p99 over all who answer."""

    p95: float
    p99: float


def _round(base: PreparedInstallation, seconds: float, hanging: str) -> Round:
    port = free_port()
    notes, secrets = base.folder / f"{port}.jsonl", base.folder / "secrets.json"
    with process(webhook_receiver.command(port, notes, secrets, hanging), settings(base.folder, port)):
        endpoints = asyncio.run(_subscribe(base, f"http://127.0.0.1:{port}"))
        secrets.write_text(json.dumps({path: result.secret for path, result in endpoints.items()}), "utf-8")
        committed = asyncio.run(_play(base, endpoints, seconds))
    return _counted(committed, notes)


def _counted(committed: dict[str, float], notes: Path) -> Round:
    arrivals: dict[str, dict[str, float]] = {f"/{number}": {} for number in range(len(_KINDS))}
    for note in webhook_receiver.read(notes):
        if note.webhook_id in committed:
            after = (note.at - committed[note.webhook_id]) * 1000
            arrivals[note.path].setdefault(note.webhook_id, after)
    del arrivals[_HANGING]
    due = len(committed) // len(_KINDS)
    if any(len(came) != due for came in arrivals.values()):
        raise EventsMissing(f"Of {due} events each {[len(came) for came in arrivals.values()]} came.")
    everything = sorted(after for came in arrivals.values() for after in came.values())
    p95s = [sorted(came.values())[int(len(came) * 0.95)] for came in arrivals.values()]
    return Round(median(p95s), everything[int(len(everything) * 0.99)])


@dataclass(slots=True)
class _Setup:
    database: Database
    workspace: Workspace


@asynccontextmanager
async def _set_up(base: PreparedInstallation) -> AsyncIterator[_Setup]:
    async def before_commit(tx: Transaction) -> None:
        events.store(tx)

    chosen = Settings(data_dir=base.folder).with_dsn(base.dsn)
    database = await open_database(base.dsn, before_commit, size=8)
    unlocked = await vault.unlock(database, chosen.master_key_text, chosen.key_file)
    sandbox = await database.pool.fetchval(_SANDBOX)
    yield _Setup(database, await companies.workspace(database, unlocked, sandbox))
    await database.close()


async def _prepare(base: PreparedInstallation) -> None:
    """Make the debts that the events are about, and wait until the worker is at work."""
    async with _set_up(base) as setup:
        for number in range(_DEBTS):
            person = Identity(name=f"Jean Dupont {number}", email=f"jean{number}@example.com")
            new = NewDebt(person, Money(234000, "EUR"), f"F-{number}", "standard_3_waves", Details())
            async with setup.database.transaction(setup.workspace.now()) as tx:
                await debts.create(tx, setup.workspace, new)
        async with asyncio.timeout(_START_SECONDS):
            while not await setup.database.pool.fetchval(_ALIVE):  # noqa: ASYNC110 the worker tells nobody
                await asyncio.sleep(0.1)


async def _subscribe(base: PreparedInstallation, url: str) -> dict[str, webhooks.CreatedEndpoint]:
    """Open the ten endpoints and return them by their paths."""
    endpoints = {}
    async with _set_up(base) as setup:
        for number, kind in enumerate(_KINDS):
            new = webhooks.NewEndpoint(f"{url}/{number}", (kind,))
            async with setup.database.transaction(setup.workspace.now()) as tx:
                endpoints[f"/{number}"] = await webhooks.create(tx, setup.workspace, new, OPERATOR)
    return endpoints


async def _play(
    base: PreparedInstallation, endpoints: dict[str, webhooks.CreatedEndpoint], seconds: float
) -> dict[str, float]:
    """Commit events at their times, wait until they came, and return when each was committed."""
    async with _set_up(base) as setup:
        committed = await _commit(setup, seconds)
        await _arrived(setup, endpoints[_HANGING].endpoint.id)
        for endpoint in endpoints.values():
            async with setup.database.transaction(setup.workspace.now()) as tx:
                await webhooks.delete(tx, setup.workspace, endpoint.endpoint.id)
    return committed


async def _commit(setup: _Setup, seconds: float) -> dict[str, float]:
    rows = await setup.database.pool.fetch(
        "SELECT id FROM debts WHERE workspace_id = $1 LIMIT $2", setup.workspace.id, _DEBTS
    )
    debt_ids = cycle(row["id"] for row in rows)
    committed: dict[str, float] = {}

    async def commit_one(debt_id: Any, kind: str, due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        async with setup.database.transaction(setup.workspace.now()) as tx:
            debt = await debts.lock(tx, setup.workspace, debt_id)
            events.record(tx, kind, debt)
            name = ids.show("wh", tx.recorded_events[-1].id)
        committed[name] = time.perf_counter()

    begins = time.perf_counter() + 0.5
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * _EVENTS_A_SECOND)):
            kind = _KINDS[number % len(_KINDS)]
            group.create_task(commit_one(next(debt_ids), kind, begins + number / _EVENTS_A_SECOND))
    return committed


async def _arrived(setup: _Setup, hanging: Any) -> None:
    """Wait until nothing is owed to those who answer."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while await setup.database.pool.fetchval(_OWED, hanging):  # noqa: ASYNC110 the dispatcher tells nobody
            await asyncio.sleep(0.1)
