"""Classification of database errors.

Callers that continue without the database, or retry, catch all of `DATABASE_ERRORS`: a task that dies of an
unlisted error is not running when the database is back. `is_unavailable` is narrower: the database or its
disk is at fault, not the statement.
"""

import errno
from typing import Final

import asyncpg

# A timeout is an OSError. An InternalClientError is raised by a connection that was cut in the middle of a
# response.
DATABASE_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

# Gone, starting, full, read-only, out of a resource, or locked by another session for too long.
_UNAVAILABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
)
_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_RESOURCE_ERRNOS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EROFS, errno.EIO})


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database or the disk is unavailable, so that a retry may succeed."""
    if isinstance(error, OSError) and error.errno in _DISK_FULL | _RESOURCE_ERRNOS:
        return True
    # A ValueError of the driver is an argument of ours that it cannot encode.
    return isinstance(error, _UNAVAILABLE) and not isinstance(error, ValueError)


def is_caused_by_unavailability(error: BaseException) -> bool:
    """Return whether an error, or one of its causes, means that the database or the disk is unavailable."""
    cause: BaseException | None = error
    while cause is not None:
        if is_unavailable(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_disk_full(error: BaseException) -> bool:
    """Return whether a disk is full, the database's or ours."""
    return isinstance(error, asyncpg.DiskFullError) or (
        isinstance(error, OSError) and error.errno in _DISK_FULL
    )
