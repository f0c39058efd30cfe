"""The whole API on the test process's database, and a company with a sandbox key to call it with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from calls import Answer, Site, started
from getbill import access, companies
from getbill.kit import clock, ids, json
from getbill.process.app import create_app
from getbill.settings import Settings

API = "/external-api/v1"


@dataclass
class WorkspaceApi:
    """A company of one test, called through its sandbox key."""

    site: Site
    workspace_id: UUID
    app: Any

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = json.write(body) if body is not None else b""
        return await self.site.call(method, API + path, body=sent, headers=headers)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.call("POST", path, body, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> Answer:
        return await self.call("PUT", path, body, **headers)

    async def debt(self, **changes: Any) -> dict[str, Any]:
        """Create a debt and return its answer."""
        answered = await self.post("/debts", a_body(**changes))
        assert answered.status == 201, answered.body
        return read(answered)

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        return await self.app.state.database.pool.fetch(sql, *arguments)

    async def history(self, debt: dict[str, Any]) -> list[tuple[int, str]]:
        """Return sequence and kind of every event of a debt."""
        rows = await self.rows(
            "SELECT sequence, kind FROM events WHERE workspace_id = $1 AND debt_id = $2 ORDER BY sequence",
            self.workspace_id,
            ids.read("debt", debt["id"]),
        )
        return [(row["sequence"], row["kind"]) for row in rows]


def read(answered: Answer) -> Any:
    """Return a body with its numbers exact."""
    return json.read(answered.body)


def a_body(**changes: Any) -> dict[str, Any]:
    """The seed's body with a reference of its own."""
    body = {
        "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"},
        "amount": 2340,
        "currency": "EUR",
        "reference": str(ids.new()),
        "due_date": "2024-01-15",
        "scenario": "standard_3_waves",
    }
    return body | changes


@pytest.fixture(scope="session")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("debts")
    settings = Settings(
        data_dir=folder,
        database_connections=6,
        rate_limit_sandbox=100_000,
        rate_limit_anonymous=100_000,
        master_key="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ).with_dsn(dsn)
    async with started(create_app(settings)) as site:
        yield site


async def make_workspace(site: Site) -> WorkspaceApi:
    state = site.app.state
    founded = await companies.create(state.database, state.vault, "Acme")
    new = access.NewKey(founded.sandbox_id, "Test key")
    _, key = await access.create_key(state.database, new, clock.wall())
    return WorkspaceApi(site.with_token(key), founded.sandbox_id, site.app)


@pytest.fixture
async def workspace(site: Site) -> WorkspaceApi:
    return await make_workspace(site)


@pytest.fixture
async def other_workspace(site: Site) -> WorkspaceApi:
    return await make_workspace(site)
