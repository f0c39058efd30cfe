"""Ticks of the worker's own loops that look for contacts, in a process of its own as a worker is.

The job comes as JSON on standard input: the installation and how many ticks. The result is how many milliseconds each
took; nothing may be due.
"""

import asyncio
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import uvloop

from getbill import reactions, vault
from getbill.channels.senders import senders
from getbill.contacts import SendingContext
from getbill.kit.database.transactions import open_database
from getbill.process import worker
from getbill.settings import Settings
from getbill.webhooks import WebhookDispatcher

_LOOK_FOR_CONTACTS = ("live_contacts", "sandbox_contacts", "clocks")
_WARM_UP = 20


class SomethingDue(RuntimeError):
    """A tick found something to do: it was no idle one."""


async def tick(job: dict[str, Any]) -> float:
    """Take the ticks so many times and return the milliseconds of one time."""
    settings = Settings(data_dir=Path(job["folder"])).with_dsn(job["dsn"])
    database = await open_database(job["dsn"], reactions.before_commit, size=12)
    unlocked = await vault.unlock(database, settings.master_key_text, settings.key_file)
    desk = SendingContext(database, unlocked, senders(None))
    # No delivery is looked for, so nobody has to carry any.
    loops = worker.loops_of(desk, cast("WebhookDispatcher", None), asyncio.Event())
    ticks = [loop.tick for loop in loops if loop.name in _LOOK_FOR_CONTACTS]
    began = 0.0
    for number in range(_WARM_UP + job["ticks"]):
        if number == _WARM_UP:
            began = perf_counter()
        for look in ticks:
            if await look():
                raise SomethingDue(f"Tick {number} found something to do.")
    seconds = perf_counter() - began
    await database.close()
    return seconds * 1000 / int(job["ticks"])


if __name__ == "__main__":
    print(json.dumps({"milliseconds": uvloop.run(tick(json.load(sys.stdin)))}))
