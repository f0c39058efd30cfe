"""A workspace of the running processes: a program that calls its API with a sandbox key, and a receiver of webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from getbill import events
from getbill.kit import ids, json
from installation import Installation
from make import Company

# A Monday in Paris, before anybody may be contacted.
START = datetime(2026, 3, 2, 6, tzinfo=UTC)


@dataclass
class Receiver:
    """An integrator's system: takes every webhook and remembers it."""

    url: str = ""
    secret: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    # As they came over the socket: headers and raw body.
    raw: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw.append((dict(request.headers), body))
        self.received.append(json.read(body))
        return web.Response(status=204)

    def told(self, debt_id: str) -> list[str]:
        """Which events of a debt came, each with its place in the debt's history, in the order they came."""
        return [
            f"{message['sequence']} {message['event']}"
            for message in self.received
            if message["data"]["debt_id"] == debt_id
        ]


@dataclass
class RunningWorkspace:
    """A sandbox called with its key over HTTP, and a receiver of its webhooks."""

    session: aiohttp.ClientSession
    installation: Installation
    company: Company
    receiver: Receiver

    async def call(self, method: str, path: str, value: Any = None) -> tuple[int, Any]:
        """Call the API and return status and answer, amounts as decimals."""
        body = None if value is None else json.write(value)
        async with self.session.request(method, f"/external-api/v1{path}", data=body) as answered:
            read = await answered.read()
            return answered.status, json.read(read) if read else None

    async def get(self, path: str) -> Any:
        """Read what is there."""
        status, result = await self.call("GET", path)
        assert status == 200, result
        return result

    async def post(self, path: str, value: Any) -> Any:
        """Make or change something."""
        status, result = await self.call("POST", path, value)
        assert status in {200, 201}, result
        return result

    async def subscribe(self, *events: str) -> None:
        """Have the receiver told; of the six main events when none is named."""
        request = {"url": self.receiver.url} | ({"events": list(events)} if events else {})
        self.receiver.secret = (await self.post("/webhooks", request))["secret"]

    async def put(self, path: str, value: Any) -> Any:
        """Change what is there."""
        status, changed = await self.call("PUT", path, value)
        assert status == 200, changed
        return changed

    async def pass_days(self, days: int) -> None:
        """Move the sandbox's clock ahead; everything due on the way has happened when this returns."""
        await self.post("/sandbox/clock/advance", {"days": days})

    async def subscribe_to_everything(self) -> None:
        """Have the receiver told of every kind of event that a debt has."""
        await self.subscribe(*(kind for kind in events.KINDS if not kind.startswith("webhook.")))

    async def everything(self, debt_id: str) -> list[str]:
        """Every event of a debt in the order of its history; the receiver was told of each once, in that order."""
        await self.settle()
        kinds = await self.events(debt_id)
        assert self.receiver.told(debt_id) == [f"{n} {kind}" for n, kind in enumerate(kinds, 1)]
        return kinds

    async def passed_over(self, debt_id: str) -> list[str]:
        """Every step of a debt that was passed over, and why."""
        past = (await self.get(f"/debts/{debt_id}/timeline"))["past"]
        return [f"{step['step']}: {step['reason']}" for step in past if step["state"] == "skipped"]

    async def todos(self, debt_id: str) -> list[tuple[str, str]]:
        """What waits, or waited, for a person about a debt."""
        result = await self.get(f"/todos?debt_id={debt_id}")
        return [(item["type"], item["decision"] or item["state"]) for item in result["data"]]

    async def events(self, debt_id: str) -> list[str]:
        """Every event of a debt in the order of its history, which has no gap."""
        rows = await self.installation.database.pool.fetch(
            "SELECT kind, sequence FROM events WHERE workspace_id = $1 AND debt_id = $2 ORDER BY sequence",
            self.company.sandbox.id,
            ids.read("debt", debt_id),
        )
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["kind"] for row in rows]

    async def followups(self, debt_id: str) -> list[str]:
        """Every followup of a debt: when it left, by which channel, what came of it; the oldest first."""
        debt = await self.get(f"/followups/debt/{debt_id}?limit=100")
        return sorted(f"{item['sent_at']} {item['channel']} {item['status']}" for item in debt["data"])

    async def settle(self) -> None:
        """Wait until every event has its place in the stream and nothing is owed to the receiver."""
        async with asyncio.timeout(15):
            # Two other processes are at work: all one can do is look.
            while await self.installation.database.pool.fetchval(_UNSETTLED, self.company.sandbox.id):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


_UNSETTLED = """
SELECT EXISTS (SELECT FROM events WHERE workspace_id = $1 AND position IS NULL)
    OR EXISTS (SELECT FROM streams WHERE workspace_id = $1 AND reacted < position)
    OR EXISTS (SELECT FROM webhook_deliveries WHERE workspace_id = $1)
"""


@asynccontextmanager
async def run_receiver() -> AsyncIterator[Receiver]:
    """Run a receiver on the loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def open_workspace(
    url: str, installation: Installation, company: Company, receiver: Receiver
) -> AsyncIterator[RunningWorkspace]:
    """Open a company's sandbox, whose clock stands at `START` until it is moved."""
    # The one thing the API cannot do: where the clock starts, so that a story can state its dates.
    await installation.database.pool.execute(
        "UPDATE workspaces SET frozen_at = $2 WHERE workspace_id = $1", company.sandbox.id, START
    )
    headers = {"Authorization": f"Bearer {company.key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(url, headers=headers) as session:
        yield RunningWorkspace(session, installation, company, receiver)
