"""`smtp`: a dataset's first e-mails to a mail server on the loopback, beside a bare aiosmtplib loop with the same messages.

`getbill worker` claims each contact, looks at debt and rules again, renders and seals the message, commits that it is
being sent, sends it, settles it, records its events and plans what follows. The bare side has the very messages that
the server took from ours, and as many connections. `smtp-workers` is two workers beside one, in alternating pairs; the
second is another process each time, and warm.
"""

import asyncio
import json
import os
import smtplib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from itertools import count
from time import perf_counter
from typing import Any

from bench import datasets
from bench.datasets import Dataset
from bench.figures import Figure, Pairs
from getbill import events
from getbill.channels.senders import SmtpSettings
from getbill.kit import calendar, clock, work
from testbed.installation import (
    PreparedInstallation,
    free_port,
    prepared_installation,
    process,
    settings,
    until,
)

_MESSAGES = 2_000
_PAIRS = 3
_TARGET = 0.3
_FROM = "relances@getbill.example"
_ALIVE = "SELECT count(*) FROM heartbeats WHERE seen_at > now() - interval '15 seconds'"
_WAIT = "UPDATE contacts SET due_at = due_at + interval '1 year' WHERE state = 'planned' AND is_live"
_DUE = (
    "UPDATE contacts SET due_at = $2 WHERE workspace_id = $1 AND state = 'planned' AND step = 'wave_1_email'"
)
_SENT = "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND state = 'accepted'"
_PATIENCE_SECONDS = 300.0


class MessagesMiscounted(RuntimeError):
    """The mail server took more or fewer messages than there were contacts."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the ratio, and two workers beside one."""
    many = int(os.environ.get("BENCH_SMTP_MESSAGES", _MESSAGES))
    port, numbers = free_port(), count()
    pairs, workers = Pairs([], []), Pairs([], [])
    with prepared_installation() as base:
        kept = base.folder / "messages.pickle"
        sink = [sys.executable, "-m", "testbed.mail_sink", str(port), str(kept)]
        with process(sink, settings(base.folder, port)) as office, _worker(base, port):
            until(lambda: listens(port), office, "the mail server listened")
            asyncio.run(_stand_still(base))

            def ours() -> float:
                return _ours(base, port, next(numbers), many)

            ours()  # warms up, and has the messages kept
            for number in range(_PAIRS):
                pairs.ours.append(ours())
                pairs.limit.append(_bare(base, port, many))
                say(f"pair {number + 1}: {pairs.ours[-1]:.0f} a second, {pairs.limit[-1]:.0f} bare")
            for number in range(_PAIRS):
                with _worker(base, port):
                    ours()
                    workers.ours.append(ours())
                workers.limit.append(ours())
                say(
                    f"pair {number + 1}: two workers {workers.ours[-1]:.0f} a second, one {workers.limit[-1]:.0f}"
                )
    return [
        pairs.figure("smtp", "contacts a second", _TARGET, is_more_better=True),
        workers.figure("smtp-workers", "contacts a second", None, is_more_better=True),
    ]


def next_noon() -> datetime:
    """Return the noon of a coming day on which people are written to: this may be run at night, or on a holiday."""
    tomorrow = clock.wall().date() + timedelta(days=1)
    day = calendar.open_day(tomorrow, calendar.DEFAULT_REGION, calendar.Exclusions())
    return calendar.at_local(day, time(12), calendar.DEFAULT_ZONE)


async def _stand_still(base: PreparedInstallation) -> None:
    async with datasets.open_dataset(base, "live") as dataset:
        await dataset.stand_still(next_noon())


def _ours(base: PreparedInstallation, port: int, number: int, many: int) -> float:
    """Let the workers send a new dataset's first e-mails and return how many a second they did."""
    before = _taken(port)
    asyncio.run(_open(base, number, many))
    seconds = asyncio.run(_sent(base, many))
    if _taken(port) - before != many:
        raise MessagesMiscounted(f"Of {many} contacts the server took {_taken(port) - before} messages.")
    return many / seconds


def environment(base: PreparedInstallation, port: int) -> dict[str, str]:
    """Return the settings of a worker that hands its e-mails to the mail server on a port."""
    return settings(base.folder, 1) | {
        "DATABASE_URL": base.dsn,
        "GETBILL_LOG_LEVEL": "error",
        "GETBILL_SMTP_HOST": "127.0.0.1",
        "GETBILL_SMTP_PORT": str(port),
        "GETBILL_SMTP_TLS": "none",
        "GETBILL_SMTP_FROM": _FROM,
    }


@contextmanager
def _worker(base: PreparedInstallation, port: int) -> Iterator[None]:
    """Yield when one worker more is at work."""
    before = asyncio.run(_alive(base))
    with process([sys.executable, "-m", "getbill", "worker"], environment(base, port)) as worker:
        until(lambda: asyncio.run(_alive(base)) > before, worker, "it was at work")
        yield


async def _alive(base: PreparedInstallation) -> int:
    async with datasets.open_dataset(base, "live") as dataset:
        return int(await dataset.database.pool.fetchval(_ALIVE))


async def _open(base: PreparedInstallation, number: int, many: int) -> None:
    async with datasets.open_dataset(base, "live") as dataset:
        await dataset.fill(list(datasets.people(number * many, many, only_mail=True)), number * many)
        # What was planned before is over; what was opened now waits for its sign.
        await dataset.database.pool.execute(_WAIT)
        await dataset.database.pool.execute("VACUUM ANALYZE")


async def _sent(base: PreparedInstallation, many: int) -> float:
    """Have the contacts be due and return how many seconds it took until the last was settled."""
    async with datasets.open_dataset(base, "live") as dataset, asyncio.timeout(_PATIENCE_SECONDS):
        await asyncio.sleep(1.0)  # for what follows from opening them to be done
        return await watched(dataset, many)


async def watched(dataset: Dataset, many: int) -> float:
    """Set the contacts of a dataset going, and return how many seconds it took until the last was settled."""
    pool, place = dataset.database.pool, dataset.workspace_id
    target = await pool.fetchval(_SENT, place) + many
    began = perf_counter()
    await pool.execute(_DUE, place, clock.wall())
    async with dataset.database.transaction(clock.wall()) as tx:
        work.note(tx, place, "contacts", tx.now)
    dataset.database.notifier.notify(events.EVENTS_CHANNEL)
    while await pool.fetchval(_SENT, place) < target:  # noqa: ASYNC110 the worker tells nobody
        await asyncio.sleep(0.05)
    return perf_counter() - began


def _bare(base: PreparedInstallation, port: int, many: int) -> float:
    """Send the same messages by the bare loop and return how many a second that were."""
    before = _taken(port)
    job = {
        "port": port,
        "kept": str(base.folder / "messages.pickle"),
        "sender": _FROM,
        "connections": SmtpSettings("", 0, _FROM).connections,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.bare_smtp"],
        input=json.dumps(job).encode(),
        env=settings(base.folder, 1),
        stdout=subprocess.PIPE,
        check=True,
        timeout=_PATIENCE_SECONDS,
    )
    if _taken(port) - before != many:
        raise MessagesMiscounted(f"Of {many} messages the server took {_taken(port) - before}.")
    stdout: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return many / float(stdout["seconds"])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _taken(port: int) -> int:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example") as server:
        return int(server.verify("everybody")[1])
