"""`workspaces`: a little work in each of 1,000 workspaces, beside as much work in a single one.

`workspaces-stream` is how long a worker needs to deliver the event of every debt to its workspace's webhook, on the
loopback; `workspaces-fan-out` is the part of it until the last event has its position and its delivery is queued. The
worker is held by a signal while the debts are opened. `workspaces-contacts` is how long it needs for their first e-mails, to a mail server
on the loopback, from the moment they are due until the last is settled. Both are seconds, in alternating pairs.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from subprocess import Popen
from time import perf_counter
from uuid import UUID

from bench import datasets, smtp
from bench.datasets import Dataset
from bench.figures import Figure, Pairs
from getbill import access, companies, events, webhooks
from getbill.kit import clock, work
from testbed import clocks
from testbed.installation import (
    PreparedInstallation,
    free_port,
    prepared_installation,
    process,
    settings,
    until,
)

_WORKSPACES = 1_000
_ITEMS = 10_000
_PAIRS = 3
_TARGET = 2.0
_LOOPBACK = {"GETBILL_WEBHOOK_NETWORKS": "127.0.0.0/8"}
_PATIENCE_SECONDS = 600.0
_UNSEQUENCED = """
SELECT EXISTS (SELECT FROM events WHERE position IS NULL) OR EXISTS (SELECT FROM streams WHERE reacted < position)
"""
_DELIVERED = "SELECT count(*) FROM webhook_log"
_DUE = """
UPDATE contacts SET due_at = $2
WHERE workspace_id = ANY ($1::uuid[]) AND state = 'planned' AND step = 'wave_1_email'
"""
_SENT = "SELECT count(*) FROM contacts WHERE is_live AND state = 'accepted'"


@dataclass(frozen=True, slots=True)
class _Seconds:
    fan_out: float
    stream: float
    contacts: float


@dataclass(slots=True)
class _Bench:
    base: PreparedInstallation
    worker: Popen[bytes]
    numbers: Iterator[int]

    def work_off(self, workspace_ids: list[UUID], items: int) -> _Seconds:
        """Open so many debts, the same number in each workspace, and have the worker do what follows."""
        return asyncio.run(self._work_off(workspace_ids, items))

    async def _work_off(self, workspace_ids: list[UUID], items: int) -> _Seconds:
        async with datasets.open_dataset(self.base, "live") as dataset, asyncio.timeout(_PATIENCE_SECONDS):
            # The worker is idle, and holds nothing while it stands still.
            await asyncio.sleep(2.0)
            self.worker.send_signal(signal.SIGSTOP)
            delivered = await dataset.database.pool.fetchval(_DELIVERED)
            try:
                await self._open(dataset, workspace_ids, items // len(workspace_ids))
            finally:
                began = perf_counter()
                self.worker.send_signal(signal.SIGCONT)
            while await dataset.database.pool.fetchval(_UNSEQUENCED):  # noqa: ASYNC110 the worker tells nobody
                await asyncio.sleep(0.02)
            fan_out = perf_counter() - began
            while await dataset.database.pool.fetchval(_DELIVERED) < delivered + items:  # noqa: ASYNC110 the worker tells nobody
                await asyncio.sleep(0.02)
            stream = perf_counter() - began
            await asyncio.sleep(2.0)
            return _Seconds(fan_out, stream, await _send(dataset, workspace_ids, items))

    async def _open(self, dataset: Dataset, workspace_ids: list[UUID], each: int) -> None:
        for workspace_id in workspace_ids:
            first = next(self.numbers) * _ITEMS
            place = replace(dataset, workspace_id=workspace_id)
            await place.fill(list(datasets.people(first, each, only_mail=True)), first)
        await dataset.database.pool.execute("VACUUM ANALYZE")


async def _send(dataset: Dataset, workspace_ids: list[UUID], items: int) -> float:
    pool = dataset.database.pool
    target = await pool.fetchval(_SENT) + items
    await pool.execute(_DUE, workspace_ids, clock.wall())
    began = perf_counter()
    async with dataset.database.transaction(clock.wall()) as tx:
        for workspace_id in workspace_ids:
            work.note(tx, workspace_id, "contacts", tx.now)
        tx.channels_to_notify.add(events.EVENTS_CHANNEL)
    while await pool.fetchval(_SENT) < target:  # noqa: ASYNC110 the worker tells nobody
        await asyncio.sleep(0.05)
    return perf_counter() - began


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figures."""
    workspaces = int(os.environ.get("BENCH_WORKSPACES", _WORKSPACES))
    items = int(os.environ.get("BENCH_WORKSPACES_ITEMS", _ITEMS))
    fan_out, stream, contacts = Pairs([], []), Pairs([], []), Pairs([], [])
    hooks = free_port()
    with prepared_installation() as base:
        single, *others = asyncio.run(_found(base, workspaces + 1, f"http://127.0.0.1:{hooks}/hooks"))
        say(f"{workspaces} workspaces are there")
        sink = [sys.executable, "-m", "testbed.webhook_sink", str(hooks)]
        with process(sink, settings(base.folder, hooks)), _worker(base) as worker:
            bench = _Bench(base, worker, count(1))
            bench.work_off([single], 200)  # warms up
            for number in range(_PAIRS):
                ours, limit = bench.work_off(others, items), bench.work_off([single], items)
                fan_out.ours.append(ours.fan_out)
                fan_out.limit.append(limit.fan_out)
                stream.ours.append(ours.stream)
                stream.limit.append(limit.stream)
                contacts.ours.append(ours.contacts)
                contacts.limit.append(limit.contacts)
                say(f"pair {number + 1}: {ours} in {workspaces} workspaces, {limit} in one")
    return [
        fan_out.figure("workspaces-fan-out", "seconds", None, is_more_better=False),
        stream.figure("workspaces-stream", "seconds", _TARGET, is_more_better=False),
        contacts.figure("workspaces-contacts", "seconds", _TARGET, is_more_better=False),
    ]


async def _found(base: PreparedInstallation, many: int, url: str) -> list[UUID]:
    """Found companies with a webhook in live, whose live clocks all stand at a noon on which debtors may be written to."""
    async with datasets.open_dataset(base, "live") as dataset:
        live_ids = []
        for number in range(many):
            founded = await companies.create(
                dataset.database,
                dataset.vault,
                f"Company {number}",
                email=f"billing{number}@company.example",
                iban="FR7630006000011234567890189",
            )
            live_ids.append(founded.live_id)
            place = await replace(dataset, workspace_id=founded.live_id).workspace()
            async with dataset.database.transaction(clock.wall()) as tx:
                new = webhooks.NewEndpoint(url, ("debt.created",))
                await webhooks.create(tx, place, new, access.OPERATOR)
        async with clocks.unchecked(dataset.database.pool) as connection:
            await connection.execute(
                "UPDATE workspaces SET frozen_at = $2 WHERE workspace_id = ANY ($1::uuid[])",
                live_ids,
                smtp.next_noon(),
            )
        return live_ids


@contextmanager
def _worker(base: PreparedInstallation) -> Iterator[Popen[bytes]]:
    """Yield a worker that is at work, beside a mail server."""
    port = free_port()
    sink = [sys.executable, "-m", "testbed.mail_sink", str(port), str(base.folder / "messages.pickle")]
    with process(sink, settings(base.folder, port)) as office:
        until(lambda: smtp.listens(port), office, "the mail server listened")
        with process(
            [sys.executable, "-m", "getbill", "worker"], smtp.environment(base, port) | _LOOPBACK
        ) as worker:
            until(lambda: asyncio.run(_is_alive(base)), worker, "it was at work")
            yield worker


async def _is_alive(base: PreparedInstallation) -> bool:
    async with datasets.open_dataset(base, "live") as dataset:
        return bool(
            await dataset.database.pool.fetchval(
                "SELECT EXISTS (SELECT FROM heartbeats) AND NOT EXISTS (SELECT FROM work WHERE kind = 'contacts' AND due_at < $1)",
                work.EARLIEST.replace(year=1971),
            )
        )
