"""`outage`: six hours in which nothing ran, with 100,000 first e-mails due, and two workers that come back to them.

Four companies share nearly all of it and a fifth has a hundred. What is counted is how long the backlog lasts beside
the outage itself, and how long the small company waits beside the others. Of the rules it is made sure: every debtor
hears of us once, and the next message of each is planned for the instant it would have had without the outage.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import perf_counter

from bench import datasets
from bench.datasets import Dataset
from bench.figures import Figure
from getbill import companies, scenarios
from getbill.kit import calendar, clock
from testbed.installation import PreparedInstallation, prepared_installation, settings

_STEPS = 100_000
_LARGE, _SMALL = 4, 100
_WORKERS = 2
_OUTAGE = timedelta(hours=6)
_OFTEN_SECONDS = 0.1
_PATIENCE_SECONDS = 3600.0
_WAITING = (
    "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND state <> 'accepted' AND step = 'wave_1_email'"
)
_ALL_WAITING = "SELECT count(*) FROM contacts WHERE is_live AND state <> 'accepted' AND step = 'wave_1_email'"
_AT_ONCE = """
SELECT coalesce(max(made), 0) FROM (
    SELECT count(*) AS made FROM contacts WHERE is_live AND sent_at IS NOT NULL GROUP BY debt_id
) AS each
"""
_OUTSIDE = "SELECT count(*) FROM contacts WHERE is_live AND sent_at IS NOT NULL AND sent_at <> $1"
# The next message, and the only one: these debtors have neither phone nor street.
_ASTRAY = """
SELECT count(*) FROM contacts sent WHERE is_live AND sent_at IS NOT NULL AND ARRAY[('wave_2_email'::text, $1::timestamptz)]
    IS DISTINCT FROM (
        SELECT array_agg((step, due_at)) FROM contacts
        WHERE workspace_id = sent.workspace_id AND debt_id = sent.debt_id AND state = 'planned'
    )
"""
_OTHERS = "UPDATE contacts SET state = 'stopped' WHERE state = 'planned'"


class RuleBroken(RuntimeError):
    """After the outage somebody got a message too many, too early, or none."""


@dataclass(frozen=True, slots=True)
class _DrainResult:
    seconds: float
    small_seconds: float


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return how long the backlog lasts beside the outage, and a small company's beside everybody's."""
    many = int(os.environ.get("BENCH_OUTAGE_STEPS", _STEPS))
    with prepared_installation() as base:
        drained = asyncio.run(_come_back(base, many, say))
    outage = _OUTAGE.total_seconds()
    say(
        f"{many / drained.seconds:.0f} contacts a second; the small company waited {drained.small_seconds:.1f} s"
    )
    return [
        Figure("outage", drained.seconds, outage, "seconds of backlog", 1.0, is_more_better=False),
        Figure(
            "outage-share",
            drained.small_seconds,
            drained.seconds,
            "seconds a small company waits",
            0.2,
            is_more_better=False,
        ),
    ]


def _last_working_day() -> date:
    """Return the last day before today on which anybody is contacted: its steps are behind us, those after it not."""
    day = clock.wall().date() - timedelta(days=1)
    while calendar.open_day(day, calendar.DEFAULT_REGION, calendar.Exclusions()) != day:
        day -= timedelta(days=1)
    return day


async def _come_back(base: PreparedInstallation, many: int, say: Callable[[str], None]) -> _DrainResult:
    opens = calendar.at_local(_last_working_day(), time(8), calendar.DEFAULT_ZONE)
    async with datasets.open_dataset(base, "live") as demo:
        await demo.database.pool.execute(_OTHERS)
        large = [await _company(demo, f"Large {number}") for number in range(_LARGE)]
        small = await _company(demo, "Small")
        share = (many - _SMALL) // _LARGE
        for number, dataset in enumerate([*large, small]):
            await dataset.stand_still(opens - timedelta(hours=1))
            first = number * share
            await dataset.fill(
                list(
                    datasets.people(
                        first, share if dataset is not small else many - _LARGE * share, only_mail=True
                    )
                ),
                first,
            )
        for dataset in (*large, small):
            await dataset.stand_still(opens + _OUTAGE)
        await demo.database.pool.execute("VACUUM ANALYZE")
        say(f"{await demo.database.pool.fetchval(_ALL_WAITING)} contacts are due since {opens:%A %H:%M} UTC")
        drained = await _drain(base, small, many)
        await _check(demo, opens)
    return drained


async def _company(demo: Dataset, name: str) -> Dataset:
    contact = {"email": "billing@example.com", "iban": "FR7630006000011234567890189"}
    founded = await companies.create(demo.database, demo.vault, name, **contact)
    return Dataset(demo.database, demo.vault, founded.live_id)


async def _drain(base: PreparedInstallation, small: Dataset, many: int) -> _DrainResult:
    job = json.dumps({"folder": str(base.folder), "dsn": base.dsn}).encode()
    began = perf_counter()
    workers = [asyncio.create_task(_worker(base, job)) for _ in range(_WORKERS)]
    small_seconds = 0.0
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not all(worker.done() for worker in workers):
            if not small_seconds and not await small.database.pool.fetchval(_WAITING, small.workspace_id):
                small_seconds = perf_counter() - began
            await asyncio.sleep(_OFTEN_SECONDS)
    counts = [worker.result() for worker in workers]
    seconds = perf_counter() - began
    if sum(counts) != many or not all(counts):
        raise RuleBroken(f"Of {many} contacts the workers took {counts}.")
    return _DrainResult(seconds, small_seconds or seconds)


async def _worker(base: PreparedInstallation, job: bytes) -> int:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.drain"),
        env=settings(base.folder, 1),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    output, _ = await worker.communicate(job)
    if worker.returncode:
        raise RuntimeError(f"A worker ended with {worker.returncode}.")
    return int(json.loads(output.splitlines()[-1])["taken"])


async def _check(demo: Dataset, opens: datetime) -> None:
    back_at, next_at = opens + _OUTAGE, _second_email_at(opens)
    pool = demo.database.pool
    left, most = await pool.fetchval(_ALL_WAITING), await pool.fetchval(_AT_ONCE)
    outside, astray = await pool.fetchval(_OUTSIDE, back_at), await pool.fetchval(_ASTRAY, next_at)
    if left or most != 1 or outside or astray:
        raise RuleBroken(
            f"{left} were not contacted, somebody got {most} messages, {outside} left at another instant,"
            f" and {astray} are not to be written to next at {next_at}."
        )


def _second_email_at(opens: datetime) -> datetime:
    """Return when the second e-mail leaves by the scenario, counted from the day on which the first was due."""
    offset = timedelta(days=scenarios.built_in("standard_3_waves").find_step("wave_2_email").offset)
    day = calendar.open_day(opens.date() + offset, calendar.DEFAULT_REGION, calendar.Exclusions())
    return calendar.at_local(day, time(8), calendar.DEFAULT_ZONE)
