"""Errands: what is slow and rare and must not be forgotten, done by the worker from the queue.

A job whose worker was killed is done by another after half a minute; one that fails says when it is to be tried again,
and after the last time it is held for somebody to look at (`status = 'failed'` in `pgqueuer`).
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job

from getbill.kit.db import SETTINGS
from getbill.webhooks import NOTICE, Notices


def turn(dsn: str, telling: Notices, stop: asyncio.Event) -> Callable[[], Awaitable[bool]]:
    """Return a loop's turn that does what stands in the queue until told to stop."""

    async def take() -> bool:
        # One connection of its own, which also listens: the pool is for those who are quick.
        connection = await asyncpg.connect(
            dsn, server_settings=SETTINGS | {"application_name": "getbill errands"}
        )
        try:
            manager = QueueManager(Queries(AsyncpgDriver(connection)))
            manager.shutdown = stop
            register(manager, telling)
            await manager.run(shutdown_on_listener_failure=True)
        finally:
            await connection.close(timeout=1)
        return False

    return take


def register(manager: QueueManager, telling: Notices) -> None:
    """Name what is done to each kind of job."""

    async def tell(job: Job) -> None:
        await telling.send(job.payload or b"", job.attempts)

    manager.entrypoint(NOTICE, on_failure="hold")(tell)
