"""Work on many things of which one may fail: it is found by halves, and the others are done.

A failure that passes by itself, as a lost database does, says nothing of the things and is raised.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import asyncpg

_Thing = TypeVar("_Thing")

# The database's or the machine's of the moment, or the schema's: the same again, later, may go well, and nothing else would.
_PASSING: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.FeatureNotSupportedError,
)


def is_passing(error: BaseException) -> bool:
    """Tell whether a failure is the database's or the machine's of the moment, and not the thing's own."""
    # What asyncpg cannot encode is an interface error by its class, and the value's own by its meaning.
    is_wrong_value = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return isinstance(error, _PASSING) and not is_wrong_value


async def isolated(
    things: Sequence[_Thing],
    work: Callable[[Sequence[_Thing]], Awaitable[None]],
    put_aside: Callable[[_Thing, Exception], Awaitable[None]],
) -> None:
    """Work on things together; where that fails, in halves, so that only what fails by itself is put aside.

    `work` leaves nothing behind when it raises.
    """
    if not things:
        return
    try:
        await work(things)
    except Exception as error:
        if is_passing(error):
            raise
        if len(things) == 1:
            await put_aside(things[0], error)
            return
        half = len(things) // 2
        await isolated(things[:half], work, put_aside)
        await isolated(things[half:], work, put_aside)
