"""A worker dies at every point where something is half done: the next one loses nothing and keeps the order."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from aiohttp import web

import make
from cluster import Cluster
from getbill.kit import ids, json
from installation import Installation, open_installation
from testbed import fault_injection
from testbed.chaos.judge import CommittedEvent, Subscription, Verdict, judge
from testbed.webhook_receiver import ReceivedPost

KINDS = (
    "debt.created",
    "debt.updated",
    "debt.status_changed",
    "debt.payment_received",
    "debt.resolved",
)
_UNSETTLED = """
SELECT EXISTS (SELECT FROM events WHERE position IS NULL)
    OR EXISTS (SELECT FROM streams WHERE reacted < position)
    OR EXISTS (SELECT FROM webhook_endpoints WHERE catching_up_from IS NOT NULL)
    OR EXISTS (SELECT FROM webhook_deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id WHERE w.is_enabled)
"""


@dataclass
class SubscribedWorkspace:
    """A workspace whose debts have a history that is followed by push and by pull."""

    installation: Installation
    company: make.Company
    url: str = ""
    webhook: str = ""
    began: list[ReceivedPost] = field(default_factory=list)
    # What it answers, the first first, and then that it took it.
    answers: list[int] = field(default_factory=list)

    async def call(self, method: str, path: str, value: Any = None) -> Any:
        site = self.installation.site.with_token(self.company.key)
        body = b"" if value is None else json.write(value)
        answered = await site.call(method, f"/external-api/v1{path}", body=body)
        assert answered.status in {200, 201}, answered.body
        return answered.json()

    async def take(self, request: web.Request) -> web.Response:
        at, report = perf_counter(), await request.json()
        subject = report["data"].get("debt_id", "")
        workspace = (report["sequence"], report["previous_sequence"])
        # Signatures are the receiver's tests' own affair.
        self.began.append(
            ReceivedPost(at, "/hooks", report["webhook_id"], subject, *workspace, is_signed=True)
        )
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    async def collect(self, debts: int = 4) -> None:
        for number in range(debts):
            request = {"debtor": {"name": "Jean Dupont"}, "amount": 100, "reference": f"F-{number}"}
            debt = (await self.call("POST", "/debts", request | {"due_date": "2099-01-01"}))["id"]
            await self.call("PUT", f"/debts/{debt}", {"metadata": {"noted": True}})
            await self.call("POST", f"/debts/{debt}/payments", {"amount": 100})

    async def pass_time(self) -> None:
        """Have every lease and every wait be over."""
        pool = self.installation.database.pool
        await pool.execute("UPDATE webhook_deliveries SET lease_until = NULL, next_try_at = now()")
        await pool.execute("UPDATE work SET due_at = now() WHERE kind = 'deliveries'")

    async def settle(self) -> None:
        async with asyncio.timeout(20):
            # Another process is at work: all one can do is look.
            while await self.installation.database.pool.fetchval(_UNSETTLED):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def verdict(self) -> Verdict:
        pool, workspace_id = self.installation.database.pool, self.company.sandbox.id
        rows = await pool.fetch(
            "SELECT id, debt_id, sequence, kind, position FROM events WHERE workspace_id = $1 ORDER BY position",
            workspace_id,
        )
        committed = [
            CommittedEvent(
                ids.show("wh", row["id"]), ids.show("debt", row["debt_id"]), *list(row.values())[2:]
            )
            for row in rows
        ]
        page = await self.call("GET", "/events?limit=1000")
        assert (page["has_more"], page["epoch"]) == (False, 1)
        pulled = [event["webhook_id"] for event in page["data"]]
        return judge(committed, pulled, [Subscription("/hooks", frozenset(KINDS), 0)], self.began)


@pytest.fixture(scope="module")
async def own_installation(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    async with open_installation(postgres, "crashes", tmp_path_factory.mktemp("crashes")) as installation:
        yield installation


@pytest.fixture
async def workspace(own_installation: Installation) -> AsyncIterator[SubscribedWorkspace]:
    workspace = SubscribedWorkspace(
        own_installation, await make.company(own_installation.database, own_installation.vault)
    )
    app = web.Application()
    app.router.add_post("/hooks", workspace.take)
    # What a killed worker was sending is not waited for.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    workspace.webhook = (await workspace.call("POST", "/webhooks", {"url": workspace.url, "events": KINDS}))[
        "id"
    ]
    yield workspace
    await runner.cleanup()


@pytest.fixture
def die_at(workspace: SubscribedWorkspace, tmp_path: Path) -> Callable[[str], Awaitable[None]]:
    """Have a worker die at a point, time pass, and another one do the rest."""

    async def die(point: str) -> None:
        settings = workspace.installation.settings.model_copy(update={"data_dir": tmp_path})
        assert (
            await fault_injection.exit_status(fault_injection.start_worker(settings, point))
            == -signal.SIGKILL
        )
        await workspace.pass_time()
        second = fault_injection.start_worker(settings)
        try:
            await workspace.settle()
        finally:
            second.terminate()
            # Told before it could listen, where there was nothing left to do.
            assert await fault_injection.exit_status(second) in {0, -signal.SIGTERM}

    return die


@pytest.mark.parametrize(
    ("point", "most_pushed_twice"),
    [
        ("events.sequencing", 0),
        ("events.sequenced", 0),
        ("events.marking", 0),
        ("events.marked", 0),
        ("webhooks.enqueuing", 0),
        ("webhooks.enqueued", 0),
        ("webhooks.claimed", 0),
        ("webhooks.claimed:3", 4),
        ("webhooks.posted", 4),
        ("webhooks.posted:7", 4),
        ("webhooks.settled", 4),
    ],
)
async def test_a_worker_that_dies_half_way_loses_nothing(
    workspace: SubscribedWorkspace, die_at: Any, point: str, most_pushed_twice: int
) -> None:
    await workspace.collect()

    await die_at(point)

    verdict = await workspace.verdict()
    assert verdict.faults == []
    assert (verdict.events, verdict.due) == (20, 20)
    assert verdict.pushed_twice <= most_pushed_twice
    assert verdict.late_repeats == 0


async def test_a_worker_that_dies_while_it_notes_a_failure_tries_again(
    workspace: SubscribedWorkspace, die_at: Any
) -> None:
    workspace.answers = [503]
    await workspace.collect(debts=1)

    await die_at("webhooks.settling")

    verdict = await workspace.verdict()
    assert verdict.faults == []
    assert verdict.pushed_twice == 1


@pytest.mark.parametrize("point", ["webhooks.catching_up", "webhooks.caught_up"])
async def test_what_an_endpoint_missed_is_owed_once_whoever_dies(
    workspace: SubscribedWorkspace, die_at: Any, point: str
) -> None:
    await workspace.call("PUT", f"/webhooks/{workspace.webhook}", {"enabled": False})
    await workspace.collect(debts=2)
    await die_at("webhooks.enqueued")
    assert workspace.began == []
    await workspace.call("PUT", f"/webhooks/{workspace.webhook}", {"enabled": True})

    await die_at(point)

    verdict = await workspace.verdict()
    assert verdict.faults == []
    assert (verdict.due, verdict.pushed_twice) == (10, 0)


async def test_an_endpoint_that_is_gone_is_disabled_in_the_end(
    workspace: SubscribedWorkspace, die_at: Any
) -> None:
    workspace.answers = [410] * 20
    await workspace.collect(debts=1)

    await die_at("webhooks.settled")

    assert (await workspace.call("GET", f"/webhooks/{workspace.webhook}"))["disabled_reason"] == "gone"
    events = await workspace.call("GET", "/events?event=webhook.disabled")
    assert len(events["data"]) == 1
