"""The limit: bare Starlette and asyncpg doing the least that leaves the same rows and gives the same answers.

No authentication, no checks, no sealing: sealed values are random bytes made beforehand, of the sizes that GetBill
writes. One process, like the API beside it, with the same server, event loop, parser and pool.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from random import randbytes
from typing import Any
from uuid import UUID, uuid4

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

from getbill.kit.database.transactions import open_pool

_CREATE = """
WITH debtor AS (
    INSERT INTO debtors (workspace_id, id, identity, lookup, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
), keys AS (
    INSERT INTO vault_keys (workspace_id, subject_id, wrapped) VALUES ($1, $2, $6), ($1, $7, $8)
), matches AS (
    INSERT INTO debtor_matches (workspace_id, match, debtor_id) VALUES ($1, $9, $2), ($1, $10, $2)
), debt AS (
    INSERT INTO debts (workspace_id, id, debtor_id, reference, fingerprint, status, currency, amount, balance, due_on,
        scenario, scenario_version, started_on, next_action_at, event_sequence, created_at, updated_at)
    VALUES ($1, $7, $2, $11, $12, 'pending', $13, $14, $14, $15, $16, 1, $17, $5, 1, $5, $5)
), contact AS (
    INSERT INTO contacts (workspace_id, debt_id, step, channel, state, due_at, is_live, contact_epoch, created_at)
    VALUES ($1, $7, 'wave1-email', 'email', 'planned', $5, true, 0, $5)
)
INSERT INTO events (workspace_id, id, debt_id, sequence, kind, data, occurred_at, recorded_at)
VALUES ($1, $18, $7, 1, 'debt.created', $19, $5, $5)
"""
_FIND = """
SELECT d.*, dk.wrapped AS debt_key, p.id AS debtor_id, p.identity AS debtor_identity, pk.wrapped AS debtor_key,
       p.created_at AS debtor_created_at, p.updated_at AS debtor_updated_at
FROM debts d
JOIN vault_keys dk ON dk.workspace_id = d.workspace_id AND dk.subject_id = d.id
JOIN debtors p ON p.workspace_id = d.workspace_id AND p.id = d.debtor_id
JOIN vault_keys pk ON pk.workspace_id = p.workspace_id AND pk.subject_id = p.id
WHERE d.workspace_id = $1 AND d.id = $2
"""
_COMPANY = "INSERT INTO companies (id, name, lookup_key, created_at) VALUES ($1, 'Limit', '', now())"
_WORKSPACE = """
INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $1, 'live', 'live', now())
"""


class Limit:
    """The two handlers with all they need at hand."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        sizes = job.get("sizes", {})
        self.identities = cycle([os.urandom(sizes.get("identity", 0)) for _ in range(1000)])
        self.wrapped = cycle([os.urandom(sizes.get("wrapped", 0)) for _ in range(1000)])
        self.data = cycle([os.urandom(sizes.get("data", 0)) for _ in range(1000)])
        # Words of names come back from one debtor to the next, so their hashes do too.
        self.words = cycle([os.urandom(16) for _ in range(97)])
        self.created = b" " * sizes.get("answer", 0)
        self.answers: dict[str, tuple[UUID, bytes]] = {}
        if "answers" in job:
            recorded = json.loads(Path(job["answers"]).read_text("utf-8"))
            self.answers = {
                answer: (UUID(inner), text.encode()) for answer, (inner, text) in recorded.items()
            }

    async def create(self, request: Request) -> Response:
        """Insert the rows of a debt by one statement."""
        body = orjson.loads(await request.body())
        now = datetime.now(UTC)
        noise = randbytes(80)  # noqa: S311 nothing is secret here
        lookup = [noise[:16], noise[16:32], next(self.words), next(self.words)]
        amount = int(Decimal(str(body["amount"])) * 100)
        due_on = date.fromisoformat(body["due_date"])
        await self.pool.execute(
            _CREATE,
            *(self.workspace_id, uuid7(), next(self.identities), lookup, now, next(self.wrapped)),
            *(uuid7(), next(self.wrapped), noise[32:48], noise[48:64], body["reference"], noise[64:]),
            *(body["currency"], amount, due_on, body["scenario"], now.date(), uuid7(), next(self.data)),
        )
        return Response(self.created, 201, media_type="application/json")

    async def get(self, request: Request) -> Response:
        """Read the rows of a debt by one statement and answer what was prepared."""
        identifier, answer = self.answers[request.path_params["debt_id"]]
        await self.pool.fetchrow(_FIND, self.workspace_id, identifier)
        return Response(answer, media_type="application/json")

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Open the pool, and a workspace to write in unless one is given to read from."""
        async with await open_pool(self.job["dsn"], 12) as self.pool:
            if "workspace_id" in self.job:
                self.workspace_id = UUID(self.job["workspace_id"])
            else:
                self.workspace_id = uuid4()
                await self.pool.execute(_COMPANY, self.workspace_id)
                await self.pool.execute(_WORKSPACE, self.workspace_id)
            yield


async def _healthz(_request: Request) -> Response:
    return Response()


def command(job: dict[str, Any]) -> list[str]:
    """Return the command line that serves a job: a port, a database, and what to insert or to answer."""
    return [sys.executable, "-m", "bench.bare_api", json.dumps(job)]


def main() -> None:
    """Serve the job given as the first argument."""
    job = json.loads(sys.argv[1])
    limit = Limit(job)
    routes = [
        Route("/external-api/v1/debts", limit.create, methods=["POST"]),
        Route("/external-api/v1/debts/{debt_id}", limit.get),
        Route("/healthz", _healthz),
    ]
    app = Starlette(routes=routes, lifespan=limit.lifespan)
    options: dict[str, Any] = {
        "loop": "uvloop",
        "http": "httptools",
        "access_log": False,
        "log_level": "warning",
    }
    uvicorn.run(app, host="127.0.0.1", port=job["port"], **options)


if __name__ == "__main__":
    main()
