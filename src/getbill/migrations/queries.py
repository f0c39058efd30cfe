"""The revision of a database, and whether this program can work with it.

`HEAD` is the revision this program was written for: a process that starts against any other one stops with a
sentence that states the remedy. Reading it does not import Alembic, which the long-running processes do not
load.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Final

import asyncpg
import structlog

from getbill.kit import clock, database
from getbill.kit.exit_errors import CannotRun, CannotRunNow

HEAD: Final = "0021"
SERVER_MIN: Final = 16

CONNECT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.5
_QUIET_SECONDS: Final = 3.0

_log = structlog.get_logger(__name__)

_SERVER_VERSION: Final = "SELECT current_setting('server_version_num')::int"
_HAS_REVISIONS: Final = "SELECT to_regclass('alembic_version') IS NOT NULL"
_REVISION: Final = "SELECT version_num FROM alembic_version"


class DatabaseUnreachable(CannotRun):
    """The database does not answer, or refuses the connection."""


class DatabaseAway(DatabaseUnreachable, CannotRunNow):
    """The database does not answer at the moment; a retry may succeed."""


class DatabaseTooOld(CannotRun):
    """The server is older than the oldest supported PostgreSQL."""

    def __init__(self, version_number: int) -> None:
        super().__init__(
            f"The database runs PostgreSQL {version_number // 10_000}, but this program requires {SERVER_MIN} or newer."
        )


class DatabaseBehind(CannotRun):
    """The database has another revision than this program requires."""

    def __init__(self, revision: str | None) -> None:
        at = f"at {revision}" if revision else "empty"
        super().__init__(f"The database is {at}, but this program requires {HEAD}: run `getbill migrate`.")


async def connect(dsn: str) -> asyncpg.Connection:
    """Return a connection; raise DatabaseUnreachable with the reason on failure.

    The error is a DatabaseAway if the reason may be temporary.
    """
    try:
        return await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        kind = DatabaseAway if _may_pass(error) else DatabaseUnreachable
        raise kind(f"The database cannot be reached: {error or type(error).__name__}") from error


def _may_pass(error: Exception) -> bool:
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    # The socket of an embedded server does not exist before it starts.
    return isinstance(error, OSError) or database.is_unavailable(error)


async def check_server(connection: asyncpg.Connection) -> None:
    """Refuse a server older than `SERVER_MIN`."""
    version_number = await connection.fetchval(_SERVER_VERSION)
    if version_number // 10_000 < SERVER_MIN:
        raise DatabaseTooOld(version_number)


async def current(connection: asyncpg.Connection) -> str | None:
    """Return the revision of a database, None if it was never migrated."""
    if not await connection.fetchval(_HAS_REVISIONS):
        return None
    revision: str | None = await connection.fetchval(_REVISION)
    return revision


async def check_revision(dsn: str) -> None:
    """Refuse a database of another revision than `HEAD`, or a server that is too old."""
    connection = await connect(dsn)
    try:
        await check_server(connection)
        revision = await current(connection)
    except database.DATABASE_ERRORS as error:
        if not database.is_unavailable(error):
            raise
        raise DatabaseAway(f"The connection to the database was lost: {type(error).__name__}") from error
    finally:
        with suppress(*database.DATABASE_ERRORS):
            await connection.close(timeout=1)
    if revision != HEAD:
        raise DatabaseBehind(revision)


async def await_revision(dsn: str, stop: asyncio.Event) -> None:
    """Wait until the database answers or we are to stop, then refuse it as `check_revision` does.

    Raises DatabaseUnreachable at once for a permanent reason.
    """
    logged_reason, began = "", clock.monotonic()
    while not stop.is_set():
        try:
            return await check_revision(dsn)
        except DatabaseAway as error:
            # A server that is just starting needs a moment.
            if str(error) != logged_reason and clock.monotonic() - began > _QUIET_SECONDS:
                logged_reason = str(error)
                _log.warning("database_awaited", reason=logged_reason)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
    return None
