"""The least that could do the work of a dispatcher: a loop around aiohttp that posts what is ready and logs it.

Bodies and headers are read from a file, signed already; the log's rows are inserted in batches by one statement,
while the next are posted. Nothing is claimed, opened, checked, retried or settled.
"""

import asyncio
import json
import pickle
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
import asyncpg
import uvloop
from uuid_utils.compat import uuid7
from yarl import URL

_LOG = """
WITH done AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[],
        $8::bigint[], $9::text[], $10::timestamptz[], $11::int[], $12::int[])
    AS t (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, url, started_at, duration_ms,
        status)
), logged AS (
    INSERT INTO webhook_log (workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, is_replay,
        state, attempts, created_at, settled_at)
    SELECT workspace_id, id, endpoint_id, event_id, debt_id, kind, position, sequence, false, 'delivered', 1,
        started_at, $13
    FROM done
)
INSERT INTO webhook_attempts (workspace_id, delivery_id, attempt, endpoint_id, kind, url, started_at, duration_ms,
    status)
SELECT workspace_id, id, 1, endpoint_id, kind, url, started_at, duration_ms, status FROM done
"""


class Loop:
    """Posts everything and logs what was posted."""

    def __init__(self, session: aiohttp.ClientSession, pool: Any, ready: list[Any]) -> None:
        self._session = session
        self._pool = pool
        self._ready: Iterator[Any] = iter(ready)
        self._done: list[tuple[Any, ...]] = []
        self._news = asyncio.Event()
        self._is_over = False

    async def run(self, many: int) -> None:
        """Post so many at a time until nothing is ready any more."""
        logging = asyncio.create_task(self._log())
        await asyncio.gather(*(self._post() for _ in range(many)))
        self._is_over = True
        self._news.set()
        await logging

    async def _post(self) -> None:
        for url, headers, body, row in self._ready:
            started_at, began = datetime.now(UTC), perf_counter()
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
            duration = round((perf_counter() - began) * 1000)
            workspace_id, *rest = row
            report = (workspace_id, uuid7(), *rest, str(url), started_at, duration, answer.status)
            self._done.append(report)
            self._news.set()

    async def _log(self) -> None:
        while not self._is_over or self._done:
            await self._news.wait()
            self._news.clear()
            batch, self._done = self._done, []
            if batch:
                columns = [list(column) for column in zip(*batch, strict=True)]
                await self._pool.execute(_LOG, *columns, datetime.now(UTC))


def ready_in(file: Path) -> list[Any]:
    """Return what is to be posted: URL, headers, body and the values of the log's rows."""
    return [
        (URL(url), headers, body, row)
        for url, headers, body, row in pickle.loads(file.read_bytes())  # noqa: S301 our own file
    ]


async def deliver(job: dict[str, Any], ready: list[Any]) -> float:
    """Deliver all that is ready and return how many seconds that took."""
    timeout = aiohttp.ClientTimeout(total=10)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        asyncpg.create_pool(job["dsn"], min_size=2, max_size=4) as pool,
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
    ):
        began = perf_counter()
        await Loop(session, pool, ready).run(job["at_once"])
        return perf_counter() - began


if __name__ == "__main__":
    request = json.load(sys.stdin)
    print(json.dumps({"seconds": uvloop.run(deliver(request, ready_in(Path(request["ready"]))))}))
