"""The courier: carries what is owed to its receivers, as long as the worker runs.

Everything it must not forget stands in the ledger; what it holds in memory is how fast each endpoint takes. An
endpoint that fails gets one delivery at a time until it takes one again, so it keeps nobody else waiting.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from getbill import quarantine
from getbill.kit import clock, failpoints
from getbill.kit.database import LOST, Database
from getbill.quarantine import Item
from getbill.vault import Key, Vault
from getbill.webhooks.deliveries import auto_disable, ledger, settlement
from getbill.webhooks.deliveries.ledger import Ask, Tried
from getbill.webhooks.http_client import Poster
from getbill.webhooks.model import (
    UNREADABLE,
    Claimed,
    Outcome,
    Secrets,
    Target,
    Verdict,
    body_of,
    headers_of,
    judge,
    response_context,
)
from getbill.webhooks.secret_rotation import signing

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a courier goes about it; the defaults are the product's, tests shorten them."""

    # Renewed while a delivery is under way; that of a killed courier is over this soon.
    lease_seconds: float = 8.0
    poll_seconds: float = 1.0
    # How soon to look again when an endpoint's rate held something back.
    rate_poll_seconds: float = 0.2
    # In hand for one endpoint, most of it waiting for its turn: so many that none of its turns is idle.
    endpoint_claims_max: int = 256
    claims_max: int = 4096
    # Whoever waits longer for its turn is given back: the endpoint is slower than thought.
    wait_seconds: float = 1.0
    stop_seconds: float = 3.0
    # Remembered while there is work, for the other endpoints that the same events go to.
    bodies_max: int = 512


@dataclass(slots=True)
class _Held:
    """A delivery in our hand: until when, since when, and the task that posts it once it has its turn."""

    claimed: Claimed
    lease_until: datetime
    since: float
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _Pace:
    """How an endpoint takes deliveries: how many it is trusted with, what waits for its turn and what is posted."""

    trusted: int
    waiting: deque[_Held] = field(default_factory=deque)
    posts: int = 0
    # Leased to us as the ledger knows it: also what is done and not noted yet.
    in_hand: int = 0


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
        self._held: dict[UUID, _Held] = {}
        self._tried: list[Tried] = []
        self._untried: list[tuple[Claimed, datetime]] = []
        self._is_slowed = False
        self._news = asyncio.Event()
        self._bodies: dict[tuple[Any, ...], bytes] = {}

    def wake(self) -> None:
        """Look at once whether something is due."""
        self._news.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver what is due until `stopping` is set, then finish what is under way within seconds."""
        watches = [asyncio.create_task(stopping.wait()), asyncio.create_task(self._watch_leases())]
        watches[0].add_done_callback(lambda _: self.wake())
        try:
            while not stopping.is_set():
                self._news.clear()
                await self.turn()
                pause = self.plan.rate_poll_seconds if self._is_slowed else self.plan.poll_seconds
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause)
            await self._finish()
        finally:
            for watch in watches:
                watch.cancel()

    async def turn(self) -> int:
        """Note what came of earlier attempts, claim what is due and send it off; return how many were claimed."""
        await self._note()
        await self._renew()
        claimed = 0
        is_more = True
        while is_more and (most := self.plan.claims_max - len(self._held)) > 0:
            ask = Ask(most, self.plan.lease_seconds, self._room)
            found = await ledger.claim(self.database, ask)
            self._is_slowed = found.is_slowed
            if found.claimed:
                failpoints.at("webhooks.claimed")
            for one in found.claimed:
                self._take(one)
            claimed += len(found.claimed)
            is_more = found.is_more and not claimed
        if not claimed or len(self._bodies) > self.plan.bodies_max:
            self._bodies.clear()
        # Who has nothing to do for a whole turn is a stranger again the next time.
        self._paces = {endpoint_id: pace for endpoint_id, pace in self._paces.items() if pace.in_hand}
        return claimed

    async def settled(self) -> None:
        """Wait until nothing is under way and all of it is noted."""
        while self._held or self._tried or self._untried:
            tasks = [held.task for held in self._held.values() if held.task is not None]
            if tasks:
                await asyncio.wait(tasks)
            await self._note()

    def _room(self, target: Target, in_hand: int) -> int:
        """Say how many more of an endpoint to ask for, of which so many are in all couriers' hands."""
        if target.is_down:
            return 1 - in_hand
        pace = self._paces.get(target.id)
        mine = pace.in_hand if pace else 0
        # Ahead of their turns only where no other courier posts: together they keep to the endpoint's concurrency.
        if in_hand > mine:
            return target.concurrency - in_hand
        return (pace.trusted if pace else target.concurrency) - mine

    async def _note(self) -> None:
        tried, self._tried = self._tried, []
        untried, self._untried = self._untried, []
        try:
            if tried:
                ailing = await settlement.settle(self.database, tried)
                failpoints.at("webhooks.settled")
                for one in tried:
                    self._let_go(one.claimed)
                tried = []
                await auto_disable.treat(self.database, self.vault, ailing)
            if untried:
                await ledger.release(self.database, untried)
                for claimed, _ in untried:
                    self._let_go(claimed)
                untried = []
        finally:
            # Not noted now is noted with the next turn: what a receiver took must not be sent again.
            self._tried = tried + self._tried
            self._untried = untried + self._untried

    def _let_go(self, claimed: Claimed) -> None:
        self._paces[claimed.target.id].in_hand -= 1

    async def _renew(self) -> None:
        """Keep what is under way in hand, and give back what waits for its turn too long."""
        too_long = clock.monotonic() - self.plan.wait_seconds
        for pace in self._paces.values():
            while pace.waiting and pace.waiting[0].since < too_long:
                self._give_back(pace.waiting.popleft())
                pace.trusted = pace.posts
        soon = clock.wall() + timedelta(seconds=self.plan.lease_seconds / 2)
        ending = {held.claimed.id: held for held in self._held.values() if held.lease_until < soon}
        if ending:
            claimed = [held.claimed for held in ending.values()]
            renewed, until = await ledger.renew(self.database, claimed, self.plan.lease_seconds)
            for delivery_id in renewed:
                ending[delivery_id].lease_until = until

    async def _watch_leases(self) -> None:
        """Cut off whoever is still posting when the lease is over: another courier may have begun by now."""
        while True:
            await asyncio.sleep(self.plan.poll_seconds)
            now = clock.wall()
            for held in list(self._held.values()):
                if held.lease_until <= now and held.task is not None:
                    _log.warning("webhook_lease_lost", delivery_id=str(held.claimed.id))
                    held.task.cancel()

    async def _finish(self) -> None:
        for pace in self._paces.values():
            self._empty(pace)
        tasks = {held.task for held in self._held.values() if held.task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self.plan.stop_seconds)
            for task in late:
                task.cancel()
        await self.settled()

    def _take(self, claimed: Claimed) -> None:
        pace = self._paces.get(claimed.target.id)
        if pace is None:
            pace = self._paces[claimed.target.id] = _Pace(claimed.target.concurrency)
        held = self._held[claimed.id] = _Held(claimed, claimed.lease_until, clock.monotonic())
        pace.in_hand += 1
        pace.waiting.append(held)
        self._send_off(pace)

    def _send_off(self, pace: _Pace) -> None:
        """Have so many post for an endpoint as it takes at a time."""
        while pace.waiting and pace.posts < pace.waiting[0].claimed.target.concurrency:
            held = pace.waiting.popleft()
            pace.posts += 1
            held.task = asyncio.create_task(self._carry(held, pace))

    def _give_back(self, held: _Held) -> None:
        """Return what never had its turn, unspent."""
        del self._held[held.claimed.id]
        self._untried.append((held.claimed, held.lease_until))

    def _empty(self, pace: _Pace) -> None:
        while pace.waiting:
            self._give_back(pace.waiting.popleft())

    async def _carry(self, held: _Held | None, pace: _Pace) -> None:
        """Post one delivery after the other as long as some wait for their turn."""
        task = asyncio.current_task()
        try:
            while held is not None:
                held.task = task
                await self._carry_one(held, pace)
                is_my_turn = pace.waiting and pace.posts <= pace.waiting[0].claimed.target.concurrency
                held = pace.waiting.popleft() if is_my_turn else None
        finally:
            pace.posts -= 1
            self._send_off(pace)

    async def _carry_one(self, held: _Held, pace: _Pace) -> None:
        claimed = held.claimed
        try:
            tried = await self._attempt(claimed)
        except asyncio.CancelledError:
            self._untried.append((claimed, held.lease_until))
            raise
        else:
            self._tried.append(tried)
            self._set_pace(pace, held, tried.outcome)
        finally:
            del self._held[claimed.id]
            self._news.set()

    def _set_pace(self, pace: _Pace, held: _Held, outcome: Outcome) -> None:
        if outcome.is_unsent:
            return
        if not outcome.is_delivered:
            # Behind one that failed nothing goes out: it is given back unspent.
            pace.trusted = 1
            self._empty(pace)
            return
        waited = clock.monotonic() - held.since - outcome.duration_ms / 1000
        if waited < self.plan.wait_seconds / 4:
            pace.trusted = min(pace.trusted + 2, self.plan.endpoint_claims_max)
        elif waited > self.plan.wait_seconds:
            pace.trusted = max(pace.trusted // 2, 1)

    def _body_of(self, claimed: Claimed, key: Key | None) -> bytes:
        fields = None if claimed.fields is None else tuple(claimed.fields)
        place = (
            claimed.event_id,
            claimed.previous_sequence,
            fields,
            claimed.is_erased,
            claimed.is_withheld,
        )
        body = self._bodies.get(place)
        if body is None:
            body = self._bodies[place] = body_of(claimed, key)
        return body

    async def _attempt(self, claimed: Claimed) -> Tried:
        target = claimed.target
        key = None
        try:
            if claimed.wrapped is not None:
                key = self.vault.unwrap(claimed.wrapped, target.workspace_id, claimed.debt_id)
            body = self._body_of(claimed, key)
            opened = self._secrets.of(target)
            now = clock.wall()
            signed_by = signing(
                now, opened.secret, opened.next_secret, target.cut_over_at, target.rotation_ends_at
            )
            headers = headers_of(claimed, signed_by, opened.headers, body, int(now.timestamp()))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this delivery's own
            return await self._set_aside(claimed, error)
        else:
            outcome = await self.poster.post(target.url, headers, body, is_live=target.is_live)
            failpoints.at("webhooks.posted")
        verdict = judge(outcome, claimed.attempts, target.retry_seconds, clock.wall())
        return Tried(claimed, outcome, verdict, _sealed_response(claimed, key, outcome))

    async def _set_aside(self, claimed: Claimed, error: Exception) -> Tried:
        """Give up a delivery that cannot be made ready to be sent; its endpoint has nothing to do with it."""
        _log.error("webhook_unreadable", event_id=str(claimed.event_id), error=type(error).__name__)
        item = Item(claimed.target.workspace_id, "delivery", claimed.id)
        with suppress(*LOST):
            await quarantine.put_alone(self.database, item, error)
        outcome = Outcome(clock.wall(), 0, error=UNREADABLE)
        return Tried(claimed, outcome, Verdict("exhausted", clock.wall()), None)


def _sealed_response(claimed: Claimed, key: Key | None, outcome: Outcome) -> bytes | None:
    # A receiver may repeat what it was sent, so its words are the debtor's data too.
    if key is None or not outcome.response:
        return None
    context = response_context(claimed.target.workspace_id, claimed.target.id, claimed.event_id)
    return key.seal(outcome.response, context)
