"""`getbill worker`: the process for all work outside requests. Run as many as needed.

It runs until SIGTERM or SIGINT, and then finishes work in progress.
"""

import asyncio
import gc
import signal

import uvloop

from getbill import migrations
from getbill.commands import connection
from getbill.kit import logs
from getbill.process import worker as worker_process
from getbill.settings import Settings

# A batch makes some hundred thousand objects, and nearly all are freed with it: a collection every 700, the
# default, takes a fifth of the worker's time and finds nothing.
_COLLECT_EVERY = (50_000, 20, 20)


def worker() -> None:
    """Contact debtors, deliver webhooks and run maintenance, until stopped."""
    settings = Settings()
    logs.configure(settings.log_level, "worker")
    with connection.database_dsn(settings) as dsn:
        uvloop.run(_run_worker(settings.with_dsn(dsn)))


async def _run_worker(settings: Settings) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await migrations.await_revision(settings.dsn, stop)
    if stop.is_set():
        return
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_EVERY)
    with connection.exit_if_database_lost():
        await worker_process.run(settings, stop)
