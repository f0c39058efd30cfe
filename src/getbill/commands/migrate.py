"""`getbill migrate`: bring the database to the revision this program needs.

In production it runs once, before the new version's processes start.
"""

import asyncio

from getbill.commands import choosing, database
from getbill.commands.choosing import AsJson
from getbill.migrations import actions
from getbill.settings import Settings


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the revision this program needs."""
    with database.reached(Settings()) as dsn:
        revision = asyncio.run(actions.migrate(dsn))
    choosing.tell({"revision": revision}, f"The database is at {revision}.", as_json=as_json)
