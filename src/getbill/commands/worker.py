"""`getbill worker`: the process that does what nobody waits for. Run as many as needed.

It works until it gets SIGTERM or SIGINT, and then finishes what it has begun.
"""

import asyncio
import signal

import uvloop

from getbill import migrations
from getbill import worker as work
from getbill.commands import database
from getbill.kit import logs
from getbill.settings import Settings


def worker() -> None:
    """Contact debtors, deliver webhooks and do the upkeep, until stopped."""
    settings = Settings()
    logs.configure(settings.log_level, "worker")
    with database.reached(settings) as dsn:
        uvloop.run(_work(settings.on(dsn)))


async def _work(settings: Settings) -> None:
    await migrations.check_revision(settings.dsn)
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await work.run(settings, stop)
