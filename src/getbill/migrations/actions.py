"""Migration of a database to the revision this program requires.

All pending revisions run in one transaction: a failed migration leaves the database unchanged. Concurrent
migrations by several processes run one after the other behind an advisory lock.
"""

from functools import partial
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from getbill.migrations import queries

HOME: Final = Path(__file__).parent


async def migrate(dsn: str) -> str:
    """Migrate the database to `HEAD` and return its revision.

    One at a time within a process: Alembic keeps the current migration in a global of the process.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=partial(queries.connect, dsn), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            if raw.driver_connection is None:
                raise ConnectionError("The database closed the connection before the migration began.")
            await queries.check_server(raw.driver_connection)
            await connection.run_sync(_upgrade)
            return await queries.current(raw.driver_connection) or ""
    finally:
        await engine.dispose()


def configuration() -> Config:
    """Return Alembic's configuration, which needs no file beside the package."""
    config = Config()
    config.set_main_option("script_location", str(HOME).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def _upgrade(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, queries.HEAD)
