"""`getbill prepare`: preparation before the processes start, at every start.

`getbill serve` calls it: it runs the migration, and at the first start creates the demo company with its
credentials.
"""

import asyncio
from contextlib import suppress

import typer

from getbill import health
from getbill.commands import connection
from getbill.kit import database, logs
from getbill.kit.exit_errors import CannotRun, CannotRunNow
from getbill.migrations import actions
from getbill.process import bootstrap, demo, startup_banner
from getbill.settings import Settings


def prepare() -> None:
    """Migrate the database and create the demo company if it does not exist."""
    settings = Settings()
    logs.configure(settings.log_level, "prepare")
    with connection.database_dsn(settings) as dsn:
        asyncio.run(_prepare(settings.with_dsn(dsn)))


async def _prepare(settings: Settings) -> None:
    is_first = not settings.first_run_file.exists()
    try:
        _print_step(2, is_first=is_first)
        await actions.migrate(settings.dsn)
        _print_step(3, is_first=is_first)
        await bootstrap.prepare(settings, demo.create_demo_company)
        health.make_token(settings)
    except CannotRun:
        raise
    except Exception as error:
        if database.is_caused_by_unavailability(error):
            raise CannotRunNow(
                f"The connection to the database was lost ({type(error).__name__})."
            ) from error
        raise


def _print_step(step: int, *, is_first: bool) -> None:
    if is_first:
        with suppress(OSError):  # The output is closed, or its disk is full.
            typer.echo(startup_banner.step_line(step))
