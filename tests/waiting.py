"""Waiting for what other processes or tasks do: nobody tells, so all one can do is look."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from getbill.kit import clock

_LOOK_SECONDS = 0.01


async def until(is_so: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something to be so, whether it is answered at once or awaited, and return it."""
    ends = clock.monotonic() + seconds
    while not (answer := await _answer(is_so)):
        assert clock.monotonic() < ends, "it never came"
        await asyncio.sleep(_LOOK_SECONDS)
    return answer


async def _answer(is_so: Callable[[], Any]) -> Any:
    result = is_so()
    return await result if inspect.isawaitable(result) else result
