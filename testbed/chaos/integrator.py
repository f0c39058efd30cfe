"""The integrator of the chaos test: clients that make and change debts, and one that pulls the stream.

A process of its own. The API may die under any call: whatever was not answered is asked again, under the same key,
until it is; and the stream is read on from the last cursor that came back whole. It writes what it was answered:
`made.jsonl`, the debts of finished stories; `pulled.txt`, the id of every event it was told, in that order; and
`done`, once all stories that were begun are. No more are begun when there is a file `enough`.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO

import aiohttp
import uvloop

from testbed.chaos import debt_stories
from testbed.chaos.debt_stories import Call

_API: Final = "/external-api/v1"
_PATIENCE_SECONDS: Final = 30.0
_REST_SECONDS: Final = 0.05
_PAGE: Final = 1_000
_WAIT_SECONDS: Final = 5


class Refused(RuntimeError):
    """An answer that asking again would not change."""


def command(job: dict[str, Any]) -> list[str]:
    """Return the command line of an integrator.

    The job: `port`, `key`, the `folder` for what it writes, and how many `debts` to make by how many `clients`.
    """
    return [sys.executable, "-m", "testbed.chaos.integrator", json.dumps(job)]


@dataclass
class Integrator:
    """The program with its connections, and what it remembers."""

    job: dict[str, Any]
    session: aiohttp.ClientSession
    # The calls that had to be made again, by what came instead of an answer.
    again: Counter[str] = field(default_factory=Counter)
    begun: int = 0

    async def ask(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> Any:
        """Make a call until it is answered, and return the answer; raise Refused when it is refused for good."""
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            try:
                async with self.session.request(method, _API + path, data=body, headers=headers) as answer:
                    content = await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.again[type(error).__name__] += 1
                await asyncio.sleep(_REST_SECONDS)
                continue
            if answer.status < 300:
                return json.loads(content)
            # Its twin may be running still: the call that was cut off, in a database that has not noticed.
            in_use = answer.status == 409 and b"idempotency-key-in-use" in content
            if answer.status < 500 and not in_use:
                raise Refused(f"{method} {path} answered {answer.status}: {content[:300]!r}")
            self.again[str(answer.status)] += 1
            await asyncio.sleep(_REST_SECONDS)

    async def collect(self, numbers: Any, file: TextIO) -> None:
        """Live through the stories of debts, one after the other, as long as there are numbers."""
        for number in numbers:
            if number >= self.job["debts"] or (Path(self.job["folder"]) / "enough").exists():
                return
            self.begun += 1
            result = await self.ask("POST", "/debts", debt_stories.body_of(number), f"create {number}")
            debt = result["id"]
            for place, step in enumerate(debt_stories.steps_of(number)):
                keys = [f"{number} {place} {hand}" for hand in range(len(step))]
                await asyncio.gather(*(self._do(debt, *item) for item in zip(step, keys, strict=True)))
            file.write(json.dumps({"debt": debt, "number": number}) + "\n")
            file.flush()

    async def _do(self, debt: str, call: Call, key: str) -> None:
        body = None if call.body is None else json.dumps(call.body).encode()
        await self.ask(call.method, f"/debts/{debt}{call.path}", body, key if call.method == "POST" else None)

    async def pull(self, pulled: TextIO) -> None:
        """Follow the stream from its beginning, for good."""
        cursor = ""
        while True:
            page = await self.ask("GET", f"/events?limit={_PAGE}&wait={_WAIT_SECONDS}{cursor}")
            if page["epoch_changed"] or page["epoch"] != 1:
                raise Refused("The stream began a new epoch, though nothing was restored.")
            # What was told and the place to read on from are kept together, or the page is asked for again.
            pulled.write("".join(f"{event['webhook_id']}\n" for event in page["data"]))
            pulled.flush()
            cursor = f"&after={page['next_cursor']}"


def _write_whole(file: Path, message: dict[str, Any]) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(message), "utf-8")
    unfinished.rename(file)


async def _run(job: dict[str, Any]) -> None:
    folder = Path(job["folder"])
    whole = asyncio.current_task()
    assert whole is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, whole.cancel)
    headers = {"Authorization": f"Bearer {job['key']}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{job['port']}",
        headers=headers,
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=_PATIENCE_SECONDS),
    ) as session:
        integrator = Integrator(job, session)
        with (folder / "made.jsonl").open("w") as result, (folder / "pulled.txt").open("w") as pulled:
            async with asyncio.TaskGroup() as group:
                group.create_task(integrator.pull(pulled))
                numbers = count()
                async with asyncio.TaskGroup() as clients:
                    for _ in range(job["clients"]):
                        clients.create_task(integrator.collect(numbers, result))
                _write_whole(folder / "done", {"stories": integrator.begun, "again": integrator.again})


if __name__ == "__main__":
    with suppress(asyncio.CancelledError):
        uvloop.run(_run(json.loads(sys.argv[1])))
