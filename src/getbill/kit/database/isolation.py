"""Work on many things of which one may fail: it is found by halves, and the others are done.

A failure that passes by itself, as a lost database does, says nothing of the things and is raised.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import asyncpg

from getbill.kit.database import errors

_Thing = TypeVar("_Thing")

# Beside a database that is away: the machine's of the moment, a collision, the schema's. The same may go well later.
_PASSING: Final = (
    OSError,
    asyncpg.TransactionRollbackError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.FeatureNotSupportedError,
)


def is_passing(error: BaseException) -> bool:
    """Tell whether a failure is the database's or the machine's of the moment, and not the thing's own."""
    return errors.is_away(error) or isinstance(error, _PASSING)


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
