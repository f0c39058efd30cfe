"""`getbill migrate`: bring the database to the revision this program needs.

In production it runs once, before the new version's processes start.
"""

import asyncio

import typer

from getbill.commands import database
from getbill.migrations import actions
from getbill.settings import Settings


def migrate() -> None:
    """Bring the database to the revision this program needs."""
    with database.reached(Settings()) as dsn:
        revision = asyncio.run(actions.migrate(dsn))
    typer.echo(f"The database is at {revision}.")
