"""Batches in which one item may fail: bisection isolates it, and the others are processed.

A transient failure, such as a lost database, is no fault of an item and is raised.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import asyncpg

from getbill.kit.database import errors
from getbill.kit.database.transactions import OptimisticConflict

_Item = TypeVar("_Item")

# In addition to an unavailable database: a shortage of the machine, a collision, or a schema problem. A retry
# may succeed.
_TRANSIENT: Final = (
    OSError,
    OptimisticConflict,
    asyncpg.TransactionRollbackError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.FeatureNotSupportedError,
)


def is_transient(error: BaseException) -> bool:
    """Return whether a failure is a transient one of the database or the machine rather than of the item."""
    return errors.is_unavailable(error) or isinstance(error, _TRANSIENT)


async def isolate_failures(
    items: Sequence[_Item],
    process: Callable[[Sequence[_Item]], Awaitable[None]],
    quarantine: Callable[[_Item, Exception], Awaitable[None]],
) -> None:
    """Process items as a batch; on failure, bisect, so that only items failing alone are quarantined.

    `process` must leave no effects when it raises.
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
