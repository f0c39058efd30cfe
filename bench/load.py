"""The load: one process, a few keep-alive connections, each sending its next request when it has its answer.

It speaks just enough HTTP to cost little beside what it measures: both sides and PostgreSQL share its cores. The
job comes as JSON on standard input, the result goes as JSON to standard output.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any, cast

import uvloop

from testbed.debtors import new_debt

_POST = (
    b"POST /external-api/v1/debts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
)
_GET = b"GET /external-api/v1/debts/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n"

Request = Callable[[], bytes]


@dataclass
class Round:
    """One round: what is asked for next, and the answers counted between `begins` and `ends`."""

    request: Request
    begins: float
    ends: float
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def answered(self, status: bytes, asked_at: float) -> bool:
        """Count an answer and say whether to go on."""
        now = perf_counter()
        if self.begins <= now < self.ends:
            self.statuses[status.decode()] += 1
            self.seconds.append(now - asked_at)
        return now < self.ends


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request on its way."""

    def __init__(self, round_: Round) -> None:
        self.round = round_
        self.done = asyncio.get_running_loop().create_future()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def _ask(self) -> None:
        self._asked_at = perf_counter()
        self._transport.write(self.round.request())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank or len(body) < _length(head):
            return
        self._received = b""
        if self.round.answered(head[9:12], self._asked_at):
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(error)


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + 15
    end = head.find(b"\r\n", at)
    return int(head[at : end if end >= 0 else len(head)])


def _requests(job: dict[str, Any]) -> Request:
    token = job["token"].encode()
    numbers = count(job["first"])
    if job["kind"] == "get":
        request = [_GET % (identifier.encode(), token) for identifier in job["ids"]]
        return lambda: request[next(numbers) % len(request)]

    def post() -> bytes:
        body = new_debt(next(numbers))
        return _POST % (token, len(body), body)

    return post


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job and return how many answers a second there were, by status, and how long they took."""
    begins = perf_counter() + job["warm_up_seconds"]
    round_ = Round(_requests(job), begins, begins + job["seconds"])
    loop = asyncio.get_running_loop()
    result = [
        await loop.create_connection(lambda: Connection(round_), "127.0.0.1", job["port"])
        for _ in range(job["connections"])
    ]
    # An answer that never comes ends the job, not the reader's patience.
    async with asyncio.timeout(job["warm_up_seconds"] + job["seconds"] + 10):
        errors = await asyncio.gather(*(protocol.done for _, protocol in result))
    seconds = sorted(round_.seconds)
    return {
        "per_second": len(seconds) / job["seconds"],
        "statuses": round_.statuses,
        "broken": [repr(error) for error in errors if error is not None],
        "p99_ms": seconds[int(len(seconds) * 0.99)] * 1000 if seconds else None,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.load(sys.stdin)))))
