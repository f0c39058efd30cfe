"""Background jobs: slow, rare and reliable work, run by the worker from a queue.

A job whose worker was killed is run by another after half a minute. A job that fails sets its next attempt;
after the last one it is kept for an operator (`status = 'failed'` in `pgqueuer`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID, uuid5

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from getbill import quarantine, reactions
from getbill.kit import json
from getbill.kit.database import SETTINGS
from getbill.kit.errors import Problem
from getbill.quarantine import INSTALLATION, Item
from getbill.reactions import QueuedJob
from getbill.webhooks import NOTIFICATION_JOB, AdminNotifier


def queue_tick(dsn: str, notices: AdminNotifier, stop: asyncio.Event) -> Callable[[], Awaitable[bool]]:
    """Return the tick of a loop that runs queued jobs until stopped."""

    async def run_queue() -> bool:
        # A separate connection, which also listens: the pool is for short statements.
        connection = await asyncpg.connect(
            dsn, server_settings=SETTINGS | {"application_name": "getbill background jobs"}
        )
        manager = QueueManager(Queries(AsyncpgDriver(connection)))
        register(manager, notices)
        # A separate event, which pgqueuer sets when its connection is lost: the worker itself continues.
        watch = asyncio.create_task(stop.wait())
        watch.add_done_callback(lambda _: manager.shutdown.set())
        try:
            await manager.run(shutdown_on_listener_failure=True)
        finally:
            watch.cancel()
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await connection.close(timeout=1)
        return False

    return run_queue


def _item(payload: bytes) -> Item:
    """Return a job's quarantine item: its endpoint, or the job itself if the payload is unreadable."""
    try:
        payload_ids = json.read_texts(payload)
        return Item(UUID(payload_ids["workspace_id"]), "job", UUID(payload_ids["endpoint_id"]))
    except (ValueError, KeyError, TypeError, AttributeError, Problem):
        return Item(INSTALLATION, "job", uuid5(INSTALLATION, NOTIFICATION_JOB))


def register(manager: QueueManager, notices: AdminNotifier) -> None:
    """Register the handler of each kind of job that `reactions.AFTER` names."""
    for queued_job in reactions.queued_jobs():
        manager.entrypoint(queued_job.name, on_failure="hold")(_handler(queued_job, notices))


def _handler(queued_job: QueuedJob, notices: AdminNotifier) -> Callable[[Job], Awaitable[None]]:
    async def run_job(job: Job) -> None:
        try:
            await queued_job.run(notices, job.payload or b"", job.attempts)
        except RetryRequested:
            raise
        except Exception as error:
            # The job stays in the queue; a person requests another attempt.
            await quarantine.add_separately(notices.database, _item(job.payload or b""), error)
            raise

    return run_job
