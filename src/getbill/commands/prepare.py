"""`getbill prepare`: what has to be there before the processes start, the first time and every time.

`getbill serve` calls it: the migration, and at the first start the demo company with its credentials.
"""

import asyncio

from getbill import demo, first_run, health
from getbill.commands import database
from getbill.kit import logs
from getbill.migrations import actions
from getbill.settings import Settings


def prepare() -> None:
    """Migrate the database and make the demo company, where it is not there yet."""
    settings = Settings()
    logs.configure(settings.log_level, "prepare")
    with database.reached(settings) as dsn:
        asyncio.run(_prepare(settings.on(dsn)))


async def _prepare(settings: Settings) -> None:
    await actions.migrate(settings.dsn)
    await first_run.prepare(settings, demo.found)
    health.make_token(settings)
