"""The webhook dispatcher: claims pending deliveries and posts them while the worker runs.

All durable state is in the ledger; memory holds only the throughput of each endpoint. An endpoint that fails
gets one delivery at a time until one succeeds, so it delays no other endpoint.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from getbill import quarantine
from getbill.kit import clock, failpoints, work
from getbill.kit.database import DATABASE_ERRORS, Database
from getbill.quarantine import Item
from getbill.vault import Key, Vault
from getbill.webhooks import due
from getbill.webhooks.deliveries import auto_disable, claims, settlement
from getbill.webhooks.deliveries.claims import ClaimRequest
from getbill.webhooks.deliveries.ledger import DeliveryAttempt
from getbill.webhooks.http_client import WebhookClient
from getbill.webhooks.model import (
    UNREADABLE,
    AttemptOutcome,
    ClaimedDelivery,
    DeliveryState,
    DeliveryVerdict,
    SecretCache,
    Target,
    judge,
    request_body,
    request_headers,
    response_context,
)
from getbill.webhooks.secret_rotation import signing_secrets

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """Settings of a dispatcher; the defaults are the product's, tests shorten them."""

    # Renewed while a delivery is in progress. A killed dispatcher's lease expires this soon.
    lease_seconds: float = 8.0
    poll_seconds: float = 1.0
    # Poll interval while an endpoint's rate limit holds deliveries back.
    rate_poll_seconds: float = 0.2
    # Claimed for one endpoint, most of them waiting: enough that no slot is ever idle.
    endpoint_claims_max: int = 256
    claims_max: int = 4096
    # Workspaces visited at a time, and how long before attempts are recorded again.
    workspaces_at_once: int = 4
    visit_seconds: float = 0.5
    # How long a workspace in which a claim failed is left out.
    set_aside_seconds: float = 2.0
    # A delivery that waits longer is released: the endpoint is slower than estimated.
    wait_seconds: float = 1.0
    stop_seconds: float = 3.0
    # Attempts recorded in one transaction.
    settled_max: int = 1000
    # Bodies cached while there is work, for the other endpoints that receive the same events.
    bodies_max: int = 512


@dataclass(slots=True)
class _Lease:
    """A claimed delivery: its lease, when it was claimed, and the task that posts it."""

    delivery: ClaimedDelivery
    lease_until: datetime
    claimed_at: float
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _EndpointQueue:
    """The state of one endpoint: its concurrency, its waiting deliveries and its running posts."""

    claims_max: int
    waiting: deque[_Lease] = field(default_factory=deque)
    active_posts: int = 0
    # Leases as the ledger counts them, including attempts that are made and not yet recorded.
    leased: int = 0


@dataclass
class WebhookDispatcher:
    """The dispatcher of webhooks: `await dispatcher.run(stopping)`, and `wake()` when deliveries are pending.

    One per worker process, any number of processes. `run` awaits only the database and its own clock; every
    POST is its own task, so no receiver blocks the loop or another receiver. It may raise what the database
    raises: log it, wait a little and call `run` again; nothing is lost.
    """

    database: Database
    vault: Vault
    client: WebhookClient
    settings: DispatchSettings = field(default_factory=DispatchSettings)

    def __post_init__(self) -> None:
        self._secrets = SecretCache(self.vault)
        self._queues: dict[UUID, _EndpointQueue] = {}
        self._leases: dict[UUID, _Lease] = {}
        self._attempts: list[DeliveryAttempt] = []
        # Claimed and not attempted, by workspace.
        self._unsent: dict[UUID, list[ClaimedDelivery]] = {}
        # Workspaces with no room for more until a delivery is recorded or this instant.
        self._full_until: dict[UUID, float] = {}
        # Workspaces in which the last claim failed, until this instant.
        self._set_aside_until: dict[UUID, float] = {}
        self._reserved = 0
        self._is_slowed = False
        self._wakeup = asyncio.Event()
        self._bodies: dict[tuple[Any, ...], bytes] = {}

    def wake(self) -> None:
        """Check for due deliveries at once, in every workspace that has some."""
        self._full_until.clear()
        self._wakeup.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver what is due until `stopping` is set, then finish the running posts within seconds."""
        watches = [asyncio.create_task(stopping.wait()), asyncio.create_task(self._watch_leases())]
        watches[0].add_done_callback(lambda _: self.wake())
        try:
            while not stopping.is_set():
                self._wakeup.clear()
                await self.tick()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wakeup.wait(), self._pause_seconds())
            await self._shut_down()
        finally:
            for watch in watches:
                watch.cancel()

    async def tick(self) -> int:
        """Record finished attempts, claim due deliveries and post them; return how many were claimed."""
        await self._record_attempts()
        await self._renew_leases()
        self._is_slowed = False
        claimed_count = await self._visit_all(self._due_workspaces(), self._claim_or_set_aside)
        if not claimed_count or len(self._bodies) > self.settings.bodies_max:
            self._bodies.clear()
        # The state of an endpoint that is idle for a whole tick is forgotten.
        self._queues = {endpoint_id: queue for endpoint_id, queue in self._queues.items() if queue.leased}
        return claimed_count

    async def _visit_all(
        self, workspace_ids: AsyncIterator[UUID], visit: Callable[[UUID], Awaitable[int]]
    ) -> int:
        return await work.visit_all(workspace_ids, visit, self.settings.workspaces_at_once, lambda: True)

    async def _due_workspaces(self) -> AsyncIterator[UUID]:
        """Yield the workspaces with due deliveries, while there is room and time for more."""
        began: float | None = None
        async for workspace_id in work.due_workspaces(self.database, due.KIND, clock.wall()):
            if self._room() < 1:
                return
            now = clock.monotonic()
            # However long the database took to list them, some are visited.
            began = now if began is None else began
            if now - began > self.settings.visit_seconds:
                # Attempts wait to be recorded; the next tick goes on with what is due longest.
                self._wakeup.set()
                return
            if self._is_left_out(workspace_id, now):
                continue
            yield workspace_id

    def _is_left_out(self, workspace_id: UUID, now: float) -> bool:
        return any(until.get(workspace_id, now) > now for until in (self._full_until, self._set_aside_until))

    def _room(self) -> int:
        return self.settings.claims_max - len(self._leases) - self._reserved

    async def _claim_or_set_aside(self, workspace_id: UUID) -> int:
        """Claim in a workspace; one whose claim fails, or waits for a lock, is left out for a while."""
        self._set_aside_until.pop(workspace_id, None)
        try:
            return await self._claim_in(workspace_id)
        except Exception as error:
            is_locked = isinstance(error, asyncpg.LockNotAvailableError)
            if quarantine.is_transient(error) and not is_locked:
                raise
            workspace, traceback = str(workspace_id), None if is_locked else error
            _log.error("webhook_claim_failed", workspace=workspace, locked=is_locked, exc_info=traceback)
            self._set_aside_until[workspace_id] = clock.monotonic() + self.settings.set_aside_seconds
            return 0

    async def _claim_in(self, workspace_id: UUID) -> int:
        """Claim a share of a workspace's deliveries and post them; return how many were claimed."""
        # Never all the room there is: the next workspace finds some too.
        limit = max(self._room() // 2, 1)
        self._reserved += limit
        try:
            request = ClaimRequest(limit, self.settings.lease_seconds, self._capacity)
            is_more, deliveries = True, list[ClaimedDelivery]()
            while is_more and not deliveries:
                claimed = await claims.claim(self.database, workspace_id, request)
                is_more, deliveries = claimed.is_more, claimed.deliveries
                self._is_slowed |= claimed.is_slowed
        finally:
            self._reserved -= limit
        if claimed.is_full:
            self._full_until[workspace_id] = clock.monotonic() + self._pause_seconds()
        if deliveries:
            failpoints.at("webhooks.claimed")
        for delivery in deliveries:
            self._queue_delivery(delivery)
        return len(deliveries)

    def _pause_seconds(self) -> float:
        return self.settings.rate_poll_seconds if self._is_slowed else self.settings.poll_seconds

    async def drain(self) -> None:
        """Wait until no post is running and every attempt is recorded."""
        while self._leases or self._attempts or self._unsent:
            tasks = [lease.task for lease in self._leases.values() if lease.task is not None]
            if tasks:
                await asyncio.wait(tasks)
            await self._record_attempts()

    def _capacity(self, target: Target, leased: int) -> int:
        """Return how many more deliveries of an endpoint to claim; `leased` counts every dispatcher's."""
        if target.is_down:
            return 1 - leased
        queue = self._queues.get(target.id)
        own_leases = queue.leased if queue else 0
        # Claim ahead only while no other dispatcher posts there: together they respect the endpoint's
        # concurrency.
        if leased > own_leases:
            return target.concurrency - leased
        return (queue.claims_max if queue else target.concurrency) - own_leases

    async def _record_attempts(self) -> None:
        while self._attempts:
            # So many in one transaction that commits are few, and so few that it is short.
            batch = self._attempts[: self.settings.settled_max]
            failing_endpoints = await settlement.settle_attempts(self.database, batch)
            failpoints.at("webhooks.settled")
            # Until here they are kept: what a receiver accepted must not be sent again.
            self._attempts = self._attempts[len(batch) :]
            for attempt in batch:
                self._drop_lease(attempt.delivery)
            await auto_disable.disable_failing(self.database, self.vault, failing_endpoints)
        await self._release_unsent()

    async def _release_unsent(self) -> None:
        for workspace_id in list(self._unsent):
            deliveries = self._unsent.pop(workspace_id)
            try:
                await claims.release(self.database, workspace_id, deliveries)
            except BaseException:
                self._unsent.setdefault(workspace_id, []).extend(deliveries)
                raise
            for delivery in deliveries:
                self._drop_lease(delivery)

    def _drop_lease(self, delivery: ClaimedDelivery) -> None:
        self._queues[delivery.target.id].leased -= 1
        self._full_until.pop(delivery.target.workspace_id, None)

    async def _renew_leases(self) -> None:
        """Renew the leases of running posts, and release deliveries that wait too long."""
        too_long = clock.monotonic() - self.settings.wait_seconds
        for queue in self._queues.values():
            while queue.waiting and queue.waiting[0].claimed_at < too_long:
                self._release_lease(queue.waiting.popleft())
                queue.claims_max = queue.active_posts
        soon = clock.wall() + timedelta(seconds=self.settings.lease_seconds / 2)
        expiring: dict[UUID, list[ClaimedDelivery]] = {}
        for lease in self._leases.values():
            if lease.lease_until < soon:
                expiring.setdefault(lease.delivery.target.workspace_id, []).append(lease.delivery)

        async def renew_in(workspace_id: UUID) -> int:
            deliveries = expiring[workspace_id]
            renewed_ids, until = await claims.renew(
                self.database, workspace_id, deliveries, self.settings.lease_seconds
            )
            for delivery_id in renewed_ids & self._leases.keys():
                self._leases[delivery_id].lease_until = until
            return len(renewed_ids)

        if expiring:
            await self._visit_all(_each(list(expiring)), renew_in)

    async def _watch_leases(self) -> None:
        """Cancel posts whose lease has expired: another dispatcher may have started by now."""
        while True:
            await asyncio.sleep(self.settings.poll_seconds)
            now = clock.wall()
            for lease in list(self._leases.values()):
                if lease.lease_until <= now and lease.task is not None:
                    _log.warning("webhook_lease_lost", delivery_id=str(lease.delivery.id))
                    lease.task.cancel()

    async def _shut_down(self) -> None:
        for queue in self._queues.values():
            self._release_waiting(queue)
        tasks = {lease.task for lease in self._leases.values() if lease.task is not None}
        if tasks:
            _, late_tasks = await asyncio.wait(tasks, timeout=self.settings.stop_seconds)
            for task in late_tasks:
                task.cancel()
        await self.drain()

    def _queue_delivery(self, delivery: ClaimedDelivery) -> None:
        queue = self._queues.get(delivery.target.id)
        if queue is None:
            queue = self._queues[delivery.target.id] = _EndpointQueue(delivery.target.concurrency)
        lease = self._leases[delivery.id] = _Lease(delivery, delivery.lease_until, clock.monotonic())
        queue.leased += 1
        queue.waiting.append(lease)
        self._start_posts(queue)

    def _start_posts(self, queue: _EndpointQueue) -> None:
        """Start as many posting tasks as the endpoint's concurrency allows."""
        while queue.waiting and queue.active_posts < queue.waiting[0].delivery.target.concurrency:
            lease = queue.waiting.popleft()
            queue.active_posts += 1
            lease.task = asyncio.create_task(self._post_waiting(lease, queue))

    def _release_lease(self, lease: _Lease) -> None:
        """Release a delivery that was never attempted; its attempt is not counted."""
        del self._leases[lease.delivery.id]
        self._keep_unsent(lease.delivery)

    def _keep_unsent(self, delivery: ClaimedDelivery) -> None:
        self._unsent.setdefault(delivery.target.workspace_id, []).append(delivery)

    def _release_waiting(self, queue: _EndpointQueue) -> None:
        while queue.waiting:
            self._release_lease(queue.waiting.popleft())

    async def _post_waiting(self, lease: _Lease | None, queue: _EndpointQueue) -> None:
        """Post the waiting deliveries of an endpoint one after the other."""
        task = asyncio.current_task()
        try:
            while lease is not None:
                lease.task = task
                await self._deliver(lease, queue)
                is_next = queue.waiting and queue.active_posts <= queue.waiting[0].delivery.target.concurrency
                lease = queue.waiting.popleft() if is_next else None
        finally:
            queue.active_posts -= 1
            self._start_posts(queue)

    async def _deliver(self, lease: _Lease, queue: _EndpointQueue) -> None:
        delivery = lease.delivery
        try:
            attempt = await self._attempt(delivery)
        except asyncio.CancelledError:
            self._keep_unsent(delivery)
            raise
        else:
            self._attempts.append(attempt)
            self._adjust_claims(queue, lease, attempt.outcome)
        finally:
            del self._leases[delivery.id]
            self._wakeup.set()

    def _adjust_claims(self, queue: _EndpointQueue, lease: _Lease, outcome: AttemptOutcome) -> None:
        if outcome.is_unsent:
            return
        if not outcome.is_delivered:
            # Nothing is sent behind a failure: the waiting deliveries are released, unattempted.
            queue.claims_max = 1
            self._release_waiting(queue)
            return
        wait_seconds = clock.monotonic() - lease.claimed_at - outcome.duration_ms / 1000
        if wait_seconds < self.settings.wait_seconds / 4:
            queue.claims_max = min(queue.claims_max + 2, self.settings.endpoint_claims_max)
        elif wait_seconds > self.settings.wait_seconds:
            queue.claims_max = max(queue.claims_max // 2, 1)

    def _body_of(self, delivery: ClaimedDelivery, key: Key | None) -> bytes:
        fields = None if delivery.fields is None else tuple(delivery.fields)
        body_key = (
            delivery.event_id,
            delivery.previous_sequence,
            fields,
            delivery.is_erased,
            delivery.is_withheld,
        )
        body = self._bodies.get(body_key)
        if body is None:
            body = self._bodies[body_key] = request_body(delivery, key)
        return body

    async def _attempt(self, delivery: ClaimedDelivery) -> DeliveryAttempt:
        target = delivery.target
        key = None
        try:
            if delivery.wrapped is not None:
                key = self.vault.unwrap(delivery.wrapped, target.workspace_id, delivery.debt_id)
            body = self._body_of(delivery, key)
            secrets = self._secrets.get(target)
            now = clock.wall()
            active_secrets = signing_secrets(
                now, secrets.secret, secrets.next_secret, target.cut_over_at, target.rotation_ends_at
            )
            headers = request_headers(delivery, active_secrets, secrets.headers, body, int(now.timestamp()))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this delivery only
            return await self._quarantine(delivery, error)
        else:
            outcome = await self.client.post(target.url, headers, body, is_live=target.is_live)
            failpoints.at("webhooks.posted")
        verdict = judge(outcome, delivery.attempts, target.retry_seconds, clock.wall())
        return DeliveryAttempt(delivery, outcome, verdict, _sealed_response(delivery, key, outcome))

    async def _quarantine(self, delivery: ClaimedDelivery, error: Exception) -> DeliveryAttempt:
        """Give up a delivery that cannot be prepared; the endpoint's health is unaffected."""
        _log.error("webhook_unreadable", event_id=str(delivery.event_id), error=type(error).__name__)
        item = Item(delivery.target.workspace_id, "delivery", delivery.id)
        with suppress(*DATABASE_ERRORS):
            await quarantine.add_separately(self.database, item, error)
        outcome = AttemptOutcome(clock.wall(), 0, error=UNREADABLE)
        return DeliveryAttempt(
            delivery, outcome, DeliveryVerdict(DeliveryState.EXHAUSTED, clock.wall()), None
        )


async def _each(workspace_ids: Iterable[UUID]) -> AsyncIterator[UUID]:
    for workspace_id in workspace_ids:
        yield workspace_id


def _sealed_response(delivery: ClaimedDelivery, key: Key | None, outcome: AttemptOutcome) -> bytes | None:
    # A response may repeat the request, so it is personal data of the debtor too.
    if key is None or not outcome.response:
        return None
    context = response_context(delivery.target.workspace_id, delivery.target.id, delivery.event_id)
    return key.seal(outcome.response, context)
