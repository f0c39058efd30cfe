"""One round of deliveries by the product's own dispatcher, in a process of its own as a worker is.

The job comes as JSON on standard input: the installation and how many deliveries are owed. The result is how many
seconds it took until the last of them was settled and logged.
"""

import asyncio
import json
import sys
from ipaddress import ip_network
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from getbill import reactions, vault
from getbill.kit.database.transactions import open_database
from getbill.settings import Settings
from getbill.webhooks import WebhookClient, WebhookDispatcher

_OWED = "SELECT EXISTS (SELECT FROM webhook_deliveries)"
# How often it is asked whether any is left.
_ASK_SECONDS = 0.01


async def deliver(job: dict[str, Any]) -> float:
    """Deliver all that is owed and return how many seconds that took."""
    settings = Settings(data_dir=Path(job["folder"])).with_dsn(job["dsn"])
    database = await open_database(job["dsn"], reactions.before_commit, size=12)
    unlocked = await vault.unlock(database, settings.master_key_text, settings.key_file)
    stopping = asyncio.Event()
    async with WebhookClient((ip_network("127.0.0.0/8"),)) as poster:
        dispatcher = WebhookDispatcher(database, unlocked, poster)
        began = perf_counter()
        running = asyncio.create_task(dispatcher.run(stopping))
        while await database.pool.fetchval(_OWED):  # noqa: ASYNC110 - the dispatcher tells nobody that it is done
            await asyncio.sleep(_ASK_SECONDS)
        seconds = perf_counter() - began
        stopping.set()
        await running
    await database.close()
    return seconds


if __name__ == "__main__":
    print(json.dumps({"seconds": uvloop.run(deliver(json.load(sys.stdin)))}))
