"""Visits: work inside one workspace after the other, several workspaces at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

# Does a bounded share of a workspace's work and returns how much that was.
Visit = Callable[[UUID], Awaitable[int]]


async def visit_all(
    workspace_ids: AsyncIterator[UUID], visit: Visit, concurrency: int, keep_going: Callable[[], bool]
) -> int:
    """Visit each workspace once, several at a time; return the sum of what was done.

    A visit that fails ends one of the concurrent series, so that one workspace does not keep out the others,
    and a lost database is not tried for each. The first failure is raised when all have ended.
    """
    next_lock = asyncio.Lock()

    async def next_workspace() -> UUID | None:
        async with next_lock:
            return await anext(workspace_ids, None) if keep_going() else None

    async def visit_some() -> int:
        done_count = 0
        while (workspace_id := await next_workspace()) is not None:
            done_count += await visit(workspace_id)
        return done_count

    # The first alone looks whether there is any.
    first_id = await next_workspace()
    if first_id is None:
        return 0

    async def visit_first_and_some() -> int:
        return await visit(first_id) + await visit_some()

    tasks = [asyncio.ensure_future(visit_first_and_some())]
    tasks += [asyncio.ensure_future(visit_some()) for _ in range(concurrency - 1)]
    await asyncio.wait(tasks)
    return sum(task.result() for task in tasks)
