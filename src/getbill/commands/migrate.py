"""`getbill migrate`: migrate the database to the revision this program needs.

In production it runs once, before the processes of a new version start.
"""

import asyncio

from getbill.commands import connection, selection
from getbill.commands.selection import AsJson
from getbill.migrations import actions
from getbill.settings import Settings


def migrate(as_json: AsJson = False) -> None:
    """Migrate the database to the revision this program needs."""
    with connection.database_dsn(Settings()) as dsn:
        revision = asyncio.run(actions.migrate(dsn))
    selection.print_result({"revision": revision}, f"The database is at {revision}.", as_json=as_json)
