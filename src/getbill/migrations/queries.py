"""What revision a database is at, and whether this program can work with it.

`HEAD` is the revision this program was written for: a process that starts against any other one stops with a
sentence that says what to do. Reading it needs no Alembic, so the long-running processes do not load it.
"""

from typing import Final

import asyncpg

from getbill.kit.stops import CannotRun

HEAD: Final = "0007"
SERVER_MIN: Final = 16

_SERVER_VERSION: Final = "SELECT current_setting('server_version_num')::int"
_HAS_REVISIONS: Final = "SELECT to_regclass('alembic_version') IS NOT NULL"
_REVISION: Final = "SELECT version_num FROM alembic_version"


class DatabaseUnreachable(CannotRun):
    """Nobody answers where the database should be, or it lets us not in."""


class DatabaseTooOld(CannotRun):
    """The server is older than the oldest PostgreSQL we work with."""

    def __init__(self, version_number: int) -> None:
        super().__init__(
            f"The database runs PostgreSQL {version_number // 10_000}, this program needs {SERVER_MIN} or newer."
        )


class DatabaseBehind(CannotRun):
    """The database has another revision than this program was written for."""

    def __init__(self, found: str | None) -> None:
        at = f"at {found}" if found else "empty"
        super().__init__(f"The database is {at}, this program needs {HEAD}: run `getbill migrate`.")


async def connect(dsn: str) -> asyncpg.Connection:
    """Return one connection; raise DatabaseUnreachable with the reason when there is none to be had."""
    try:
        return await asyncpg.connect(dsn)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnreachable(f"The database cannot be reached: {error}") from error


async def check_server(connection: asyncpg.Connection) -> None:
    """Refuse a server older than `SERVER_MIN`."""
    version_number = await connection.fetchval(_SERVER_VERSION)
    if version_number // 10_000 < SERVER_MIN:
        raise DatabaseTooOld(version_number)


async def current(connection: asyncpg.Connection) -> str | None:
    """Return the revision the database is at, None when it was never migrated."""
    if not await connection.fetchval(_HAS_REVISIONS):
        return None
    revision: str | None = await connection.fetchval(_REVISION)
    return revision


async def check_revision(dsn: str) -> None:
    """Refuse a database of another revision than `HEAD`, or a server that is too old."""
    connection = await connect(dsn)
    try:
        await check_server(connection)
        found = await current(connection)
    finally:
        await connection.close()
    if found != HEAD:
        raise DatabaseBehind(found)
