"""Work on many things of which one may fail: it is found by halves, and the others are done.

A failure that passes by itself, as a lost database does, says nothing of the things and is raised.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import asyncpg

from getbill.kit.database import errors

_Thing = TypeVar("_Thing")

# Beside a database that is away: the machine's of the moment, a collision, the schema's. The same may go well later.
_TRANSIENT: Final = (
    OSError,
    asyncpg.TransactionRollbackError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.FeatureNotSupportedError,
)


def is_transient(error: BaseException) -> bool:
    """Tell whether a failure is the database's or the machine's of the moment, and not the thing's own."""
    return errors.is_unavailable(error) or isinstance(error, _TRANSIENT)


async def isolate_failures(
    items: Sequence[_Thing],
    process: Callable[[Sequence[_Thing]], Awaitable[None]],
    quarantine: Callable[[_Thing, Exception], Awaitable[None]],
) -> None:
    """Work on things together; where that fails, in halves, so that only what fails by itself is put aside.

    `work` leaves nothing behind when it raises.
    """
    if not items:
        return
    try:
        await process(items)
    except Exception as error:
        if is_transient(error):
            raise
        if len(items) == 1:
            await quarantine(items[0], error)
            return
        half = len(items) // 2
        await isolate_failures(items[:half], process, quarantine)
        await isolate_failures(items[half:], process, quarantine)
