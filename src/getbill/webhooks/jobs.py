"""The courier: carries what is owed to its receivers, as long as the worker runs.

Everything it must not forget stands in the ledger; what it holds in memory is how fast each endpoint takes. An
endpoint that fails gets one delivery at a time until it takes one again, so it keeps nobody else waiting.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog

from getbill.kit import clock
from getbill.kit.db import Database
from getbill.vault import Key, SealBroken, Vault
from getbill.webhooks import ledger
from getbill.webhooks.ledger import Tried
from getbill.webhooks.model import (
    RETRY_SECONDS,
    Claimed,
    Outcome,
    Secrets,
    body_of,
    headers_of,
    judge,
    response_context,
)
from getbill.webhooks.posts import Poster

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a courier goes about it; the defaults are the product's, tests shorten them."""

    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    lease_seconds: float = 25.0
    poll_seconds: float = 1.0
    # On the wire to one endpoint at a time, and claimed for it: it begins with the one and grows to the other.
    endpoint_posts_max: int = 16
    endpoint_claims_max: int = 256
    claims_max: int = 1024
    stop_seconds: float = 3.0


@dataclass(slots=True)
class _Pace:
    """How an endpoint takes deliveries: how many it is trusted with, and how many are under way."""

    trusted: int
    turns: asyncio.Semaphore
    under_way: int = 0
    failures: int = 0

    @property
    def room(self) -> int:
        return max(0, self.trusted - self.under_way)


@dataclass
class Courier:
    """Delivers webhooks until told to stop: `await courier.run(stopping)`, and `courier.wake()` when some are owed.

    One per worker process, any number of processes. `run` awaits nothing but the database and its own clock; every
    POST is a task of its own, so no receiver holds up the loop or another receiver. It may raise what the
    database raises: log it, wait a little and call `run` again, nothing is lost.
    """

    database: Database
    vault: Vault
    poster: Poster
    plan: Plan = field(default_factory=Plan)

    def __post_init__(self) -> None:
        self._secrets = Secrets(self.vault)
        self._paces: dict[UUID, _Pace] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tried: list[Tried] = []
        self._untried: list[Claimed] = []
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Look at once whether something is due."""
        self._news.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver what is due until `stopping` is set, then finish what is under way within seconds."""
        watch = asyncio.create_task(stopping.wait())
        watch.add_done_callback(lambda _: self.wake())
        try:
            while not stopping.is_set():
                self._news.clear()
                await self.turn()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), self.plan.poll_seconds)
            await self._finish()
        finally:
            watch.cancel()

    async def turn(self) -> int:
        """Note what came of earlier attempts, claim what is due and send it off; return how many were claimed."""
        await self._note()
        most = self.plan.claims_max - len(self._tasks)
        if most <= 0:
            return 0
        rooms = {endpoint_id: pace.room for endpoint_id, pace in self._paces.items()}
        claimed = await ledger.claim(
            self.database, self.plan.lease_seconds, rooms, self.plan.endpoint_posts_max, most
        )
        for one in claimed:
            self._send_off(one)
        # Who has nothing to do for a whole turn is a stranger again the next time.
        self._paces = {endpoint_id: pace for endpoint_id, pace in self._paces.items() if pace.under_way}
        return len(claimed)

    async def settled(self) -> None:
        """Wait until nothing is under way and all of it is noted."""
        while self._tasks or self._tried or self._untried:
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._note()

    async def _note(self) -> None:
        tried, self._tried = self._tried, []
        untried, self._untried = self._untried, []
        try:
            if tried:
                await ledger.settle(self.database, tried, self.plan.retry_seconds[0])
                tried = []
            if untried:
                await ledger.release(self.database, untried)
                untried = []
        finally:
            # Not noted now is noted with the next turn: what a receiver took must not be sent again.
            self._tried = tried + self._tried
            self._untried = untried + self._untried

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.plan.stop_seconds)
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def _send_off(self, claimed: Claimed) -> None:
        pace = self._paces.get(claimed.endpoint_id)
        if pace is None:
            posts = self.plan.endpoint_posts_max
            pace = self._paces[claimed.endpoint_id] = _Pace(posts, asyncio.Semaphore(posts))
        pace.under_way += 1
        task = asyncio.create_task(self._carry(claimed, pace))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, claimed: Claimed, pace: _Pace) -> None:
        failures = pace.failures
        try:
            async with pace.turns:
                # Behind one that failed, or too near the lease's end, it is given back unspent.
                if pace.failures != failures or self._is_late(claimed):
                    self._untried.append(claimed)
                    return
                tried = await self._attempt(claimed)
            self._tried.append(tried)
            self._set_pace(pace, tried.outcome)
        except asyncio.CancelledError:
            self._untried.append(claimed)
            raise
        finally:
            pace.under_way -= 1
            self._news.set()

    def _is_late(self, claimed: Claimed) -> bool:
        margin = timedelta(seconds=self.poster.timeout_seconds + 1)
        return clock.wall() + margin > claimed.lease_until

    def _set_pace(self, pace: _Pace, outcome: Outcome) -> None:
        if outcome.is_delivered:
            pace.trusted = min(pace.trusted * 2, self.plan.endpoint_claims_max)
        else:
            pace.failures += 1
            pace.trusted = 1

    async def _attempt(self, claimed: Claimed) -> Tried:
        key = None
        try:
            if claimed.wrapped is not None:
                key = self.vault.unwrap(claimed.wrapped, claimed.workspace_id, claimed.debt_id)
            body = body_of(claimed, key)
            secret = self._secrets.of(claimed)
        except SealBroken as error:
            _log.error("webhook_unreadable", event_id=str(claimed.event_id), error=str(error))
            outcome = Outcome(clock.wall(), 0, error="The event could not be opened.")
        else:
            headers = headers_of(claimed.event_id, secret, body, int(clock.unix()))
            outcome = await self.poster.post(claimed.url, headers, body, is_live=claimed.is_live)
        verdict = judge(outcome, claimed.attempts, self.plan.retry_seconds, clock.wall())
        return Tried(claimed, outcome, verdict, _sealed_response(claimed, key, outcome))


def _sealed_response(claimed: Claimed, key: Key | None, outcome: Outcome) -> bytes | None:
    # A receiver may repeat what it was sent, so its words are the debtor's data too.
    if key is None or not outcome.response:
        return None
    context = response_context(claimed.workspace_id, claimed.endpoint_id, claimed.event_id)
    return key.seal(outcome.response, context)
