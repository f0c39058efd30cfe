"""Requests at a steady pace, whether or not the ones before were answered: what people notice when a machine is busy.

The job comes as JSON on standard input (port, token, ids, per_second, seconds; `during`, where an import is shown after
whose end nothing more is asked); the result goes as JSON to standard output: the 50th and 95th percentile of the
answers' times, counted from when each request was due.
"""

import asyncio
import json
import sys
from collections import Counter
from itertools import cycle
from time import perf_counter
from typing import Any

import uvloop

_GET = b"GET /external-api/v1%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n"
_CONNECTIONS = 64
_LOOK_SECONDS = 0.25
_RUNS = frozenset({"uploaded", "mapped", "checking", "checked", "importing"})


class Lane:
    """A keep-alive connection that carries one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> tuple[str, bytes]:
        """Send a request, read its answer whole, and return its status and body."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        body = await self._reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
        return head[9:12].decode(), body


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Ask at the pace of a job and return how long the answers took."""
    token, paths = (
        job["token"].encode(),
        cycle([f"/debts/{identifier}".encode() for identifier in job["ids"]]),
    )
    free: asyncio.Queue[Lane] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(await _lane(job))
    seconds: list[float] = []
    statuses: Counter[str] = Counter()

    async def ask_when_due(due: float, request: bytes) -> None:
        lane = await free.get()
        status, _ = await lane.ask(request)
        statuses[status] += 1
        seconds.append(perf_counter() - due)
        free.put_nowait(lane)

    over = asyncio.create_task(_is_over(job))
    began = perf_counter()
    running = []
    for number in range(int(job["per_second"] * job["seconds"])):
        due = began + number / job["per_second"]
        await asyncio.sleep(max(0.0, due - perf_counter()))
        if over.done():
            over.result()
            break
        running.append(asyncio.create_task(ask_when_due(due, _GET % (next(paths), token))))
    over.cancel()
    async with asyncio.timeout(30):
        await asyncio.gather(*running)
    seconds.sort()
    return {
        "p50_ms": seconds[len(seconds) // 2] * 1000,
        "p95_ms": seconds[int(len(seconds) * 0.95)] * 1000,
        "statuses": statuses,
    }


async def _lane(job: dict[str, Any]) -> Lane:
    return Lane(*await asyncio.open_connection("127.0.0.1", job["port"]))


async def _is_over(job: dict[str, Any]) -> None:
    """Return when the import that a job names is over; never where it names none."""
    if "during" not in job:
        await asyncio.Event().wait()
    lane, request = await _lane(job), _GET % (job["during"].encode(), job["token"].encode())
    while json.loads((await lane.ask(request))[1])["state"] in _RUNS:  # noqa: ASYNC110 it tells nobody
        await asyncio.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.load(sys.stdin)))))
