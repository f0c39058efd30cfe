"""`frozen`: 120 days of debts in a sandbox whose clock stands still, beside the bare batched writes of the same rows.

`getbill worker` moves the clock from one due instant to the next: it claims, renders, seals, hands over to the
sandbox's fakes and settles each contact, records its events and gives them their places. Counted are the seconds from
the call that moves the clock to the end of all that follows, and the peak of the worker's memory. The bare side knows
the final rows of contacts, followups, events and debts beforehand and copies them by one connection, batch by batch,
into the same tables of another database in the same durable cluster.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import bare_rows, datasets
from bench.datasets import Dataset
from bench.figures import Figure, Pairs
from getbill import sandbox
from getbill.kit import clock
from testbed.installation import PreparedInstallation, prepared_installation, process, settings

_DEBTS = 10_000
_DAYS = 120
_PAIRS = 3
_WARM_UP = 100
_TARGET = 3.0
_AIM_PER_SECOND = 1000.0
# Each round begins on a Monday before office hours, when all of the round before is over.
_APART = timedelta(weeks=20)
_DONE = "SELECT done_at IS NOT NULL FROM clock_advances WHERE workspace_id = $1 AND id = $2"
_MADE = "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND created_at >= $2 AND sent_at IS NOT NULL"
_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class _Round:
    seconds: float
    contacts: int


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the ratio, the contacts a second, and the worker's memory at its peak beside that before the first."""
    many = int(os.environ.get("BENCH_FROZEN_DEBTS", _DEBTS))
    pairs, rates = Pairs([], []), []
    with prepared_installation() as base:
        second = asyncio.run(base.second("limit"))
        environment = settings(base.folder, 1) | {"DATABASE_URL": base.dsn, "GETBILL_LOG_LEVEL": "error"}
        with process([sys.executable, "-m", "getbill", "worker"], environment) as worker:
            asyncio.run(_round(base, 0, _WARM_UP))
            before = _peak_megabytes(worker.pid)
            for number in range(1, int(os.environ.get("BENCH_FROZEN_PAIRS", _PAIRS)) + 1):
                ours = asyncio.run(_round(base, number, many))
                pairs.ours.append(ours.seconds)
                pairs.limit.append(_bare(base, second, number))
                rates.append(ours.contacts / ours.seconds)
                say(
                    f"pair {number}: {ours.contacts} contacts in {ours.seconds:.1f} s, {rates[-1]:.0f} a second;"
                    f" their rows alone {pairs.limit[-1]:.1f} s"
                )
            peak = _peak_megabytes(worker.pid)
    rate = sorted(rates)[len(rates) // 2]
    return [
        pairs.figure("frozen", "seconds", _TARGET, is_more_better=False),
        Figure("frozen-contacts", rate, _AIM_PER_SECOND, "contacts a second", None, is_more_better=True),
        Figure("frozen-memory", peak, before, "MB at the worker's peak", None, is_more_better=False),
    ]


def _begins(number: int) -> datetime:
    today = clock.wall().replace(hour=7, minute=0, second=0, microsecond=0)
    return today + timedelta(weeks=8, days=7 - today.weekday()) + number * _APART


async def _round(base: PreparedInstallation, number: int, many: int) -> _Round:
    """Open the debts, move the clock, and return how long that took and how many contacts were made."""
    async with datasets.open_dataset(base, "sandbox") as dataset:
        await dataset.stand_still(_begins(number))
        await dataset.fill(list(datasets.people(number * many, many)), number * many)
        await dataset.database.pool.execute("VACUUM ANALYZE")
        seconds = await _advance(dataset)
        result = await dataset.database.pool.fetchval(_MADE, dataset.workspace_id, _begins(number))
    return _Round(seconds, result)


async def _advance(dataset: Dataset) -> float:
    workspace = await dataset.workspace()
    began = perf_counter()
    async with dataset.database.transaction(workspace.now()) as tx:
        advance = await sandbox.start_advance(tx, workspace, timedelta(days=_DAYS))
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await dataset.database.pool.fetchval(_DONE, dataset.workspace_id, advance.id):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return perf_counter() - began


def _bare(base: PreparedInstallation, second: str, number: int) -> float:
    """Write the rows that the round left and return how many seconds that took."""
    file = base.folder / "rows.pickle"
    file.write_bytes(asyncio.run(bare_rows.export(base.dsn, second, _begins(number))))
    done = subprocess.run(
        [sys.executable, "-m", "bench.bare_rows"],
        input=json.dumps({"dsn": second, "file": str(file)}).encode(),
        env=settings(base.folder, 1),
        stdout=subprocess.PIPE,
        check=True,
        timeout=_PATIENCE_SECONDS,
    )
    file.unlink()
    stdout: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return float(stdout["seconds"])


def _peak_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
