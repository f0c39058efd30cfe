"""What a lost database looks like to whoever was asking it something.

Whoever goes on without it, or asks again, catches `LOST`, and all of it: a task that dies of an error it did not know
is not there when the database is back. `is_away` is narrower: the database or its disk, and not the question, is at
fault.
"""

import errno
from typing import Final

import asyncpg

# A timeout is an OSError. An InternalClientError comes of a connection that was cut in the middle of an answer.
DATABASE_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

# Gone, starting, full, read-only, out of something, or held by somebody else for too long.
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
    """Return whether an error says that the database or the disk is away, so that the same may go well later."""
    if isinstance(error, OSError) and error.errno in _DISK_FULL | _RESOURCE_ERRNOS:
        return True
    # A ValueError of the driver's is an argument of ours that it cannot send.
    return isinstance(error, _UNAVAILABLE) and not isinstance(error, ValueError)


def is_caused_by_unavailability(error: BaseException) -> bool:
    """Return whether an error, or one that it was raised from, says that the database or the disk is away."""
    cause: BaseException | None = error
    while cause is not None:
        if is_unavailable(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error says that a disk is full, the database's or ours."""
    return isinstance(error, asyncpg.DiskFullError) or (
        isinstance(error, OSError) and error.errno in _DISK_FULL
    )
