"""An application with access's own routes and two of its own, on the test process's database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Query
from starlette.requests import Request

from calls import Answer, Site
from getbill import access, companies, events
from getbill.access import AuthContext, Caller, Change, Policy
from getbill.companies import CreatedCompany
from getbill.kit import clock, ids, logs
from getbill.kit.database.transactions import Database, Transaction, open_database
from getbill.kit.http.bodies import answer, handle_problems
from getbill.vault import Key, Vault

# Sealed rows of one test process all open with this.
VAULT = Vault([Key(bytes(range(32)))])
ROOMY = Policy(live_per_minute=100_000, sandbox_per_minute=100_000, anonymous_per_minute=100_000)

Work = Callable[[Transaction], Awaitable[access.Reply]]
MakeApp = Callable[..., Awaitable[Site]]


async def _edge(tx: Transaction) -> None:
    events.store(tx)


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    # The default of structlog draws every local variable of a crash, which takes seconds.
    structlog.configure(processors=[logs.without_texts, structlog.processors.JSONRenderer()])


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    resource = await open_database(dsn, _edge, size=8)
    await access.run_maintenance(resource, VAULT, clock.wall())
    yield resource
    await resource.close()


@pytest.fixture(scope="session")
def vault() -> Vault:
    return VAULT


@dataclass
class WorkspaceCredentials:
    """A company of one test, with ways to let somebody in."""

    database: Database
    founded: CreatedCompany

    async def key(self, **values: Any) -> str:
        """Cut a sandbox key."""
        new = access.NewKey(self.founded.sandbox_id, "Test key", **values)
        return (await access.create_key(self.database, new, clock.wall()))[1]

    async def client(self, workspace_id: UUID | None = None, **values: Any) -> tuple[access.Client, str]:
        """Let a live client in, or one of another workspace."""
        new = access.NewClient(workspace_id or self.founded.live_id, "Test client", **values)
        return await access.create_client(self.database, new, clock.wall())

    async def ask(self, site: Site, client: access.Client, secret: str, **fields: str) -> Answer:
        """Ask for a token by client credentials, or as the fields say."""
        form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
        return await site.form("/token", form | fields)

    async def refresh(
        self, site: Site, client: access.Client, secret: str, token: str, **fields: str
    ) -> Answer:
        """Ask for a token by a refresh token."""
        return await self.ask(site, client, secret, grant_type="refresh_token", refresh_token=token, **fields)

    async def token(self, site: Site, *scopes: str, **values: Any) -> str:
        """Get an access token of a new live client."""
        client, secret = await self.client(**values)
        answered = await self.ask(site, client, secret, scope=" ".join(scopes))
        return str(answered.json()["access_token"])

    async def age_replacements(self, seconds: int) -> None:
        """Have every refresh token been replaced that much earlier."""
        await self.database.pool.execute(
            "UPDATE refresh_tokens SET replaced_at = replaced_at - $1::interval", timedelta(seconds=seconds)
        )

    async def heard(self, *sites: Site) -> None:
        """Wait until every site has heard what was committed before; within a second, or the test fails."""
        contexts = [site.app.state.auth for site in sites]
        before = [auth.authenticator._invalidations for auth in contexts]
        deadline = clock.monotonic() + 1
        await self.database.pool.execute("SELECT pg_notify('getbill_access', $1)", str(ids.new()))
        while any(
            auth.authenticator._invalidations == report for auth, report in zip(contexts, before, strict=True)
        ):
            assert clock.monotonic() < deadline
            await self.database.pool.fetchval("SELECT 1")


@pytest.fixture
async def workspace(database: Database) -> WorkspaceCredentials:
    return WorkspaceCredentials(
        database, await companies.create(database, VAULT, "A company", email="a@company.example")
    )


@pytest.fixture
async def other_workspace(database: Database) -> WorkspaceCredentials:
    return WorkspaceCredentials(database, await companies.create(database, VAULT, "Another company"))


class Bench:
    """What the routes of the test application do, settable by the test, and what they saw."""

    def __init__(self) -> None:
        self.runs = 0
        self.work: Callable[[Change, Transaction], Awaitable[access.Reply]] = self._echo

    async def _echo(self, _change: Change, _tx: Transaction) -> access.Reply:
        value = {"id": ids.show("debt", ids.new())}
        return lambda: answer(201, value, {"Location": f"/things/{value['id']}"})

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/external-api/v1/test")

        @router.post("/things")
        async def make(
            change: Annotated[Change, Depends(access.change("debts:write"))],
            _x: Annotated[str, Query(alias="x")] = "",
        ) -> Any:
            async def work(tx: Transaction) -> access.Reply:
                self.runs += 1
                return await self.work(change, tx)

            return await change.commit(work)

        @router.post("/others")
        async def make_other(change: Annotated[Change, Depends(access.change("debts:write"))]) -> Any:
            async def work(_tx: Transaction) -> access.Reply:
                return lambda: answer(201, {"other": True})

            return await change.commit(work)

        @router.get("/things")
        async def show(
            caller: Annotated[Caller, Depends(access.requires("debts:read"))],
            _q: Annotated[str, Query(alias="q")] = "",
        ) -> Any:
            return answer(200, {"name": caller.name, "scopes": sorted(caller.scopes)})

        @router.post("/bodies")
        async def size(
            request: Request, _caller: Annotated[Caller, Depends(access.requires("debts:read"))]
        ) -> Any:
            return answer(200, {"bytes": len(await request.body())})

        @router.get("/crash")
        async def crash(_caller: Annotated[Caller, Depends(access.requires("debts:read"))]) -> Any:
            raise RuntimeError("a defect")

        return router


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
async def make_site(database: Database, dsn: str, bench: Bench) -> AsyncIterator[MakeApp]:
    """Make an application that hears revocations, as each process of an installation would have its own."""
    contexts: list[AuthContext] = []

    async def make(policy: Policy = ROOMY, *, is_listening: bool = True) -> Site:
        app = FastAPI(openapi_url=None)
        app.include_router(access.router)
        app.include_router(bench.router())
        handle_problems(app)
        app.add_middleware(access.Middleware)
        auth = app.state.auth = AuthContext(database, VAULT, policy)
        contexts.append(auth)
        if is_listening:
            auth.start(dsn)
            while not (auth.listener and auth.listener.is_live):
                await database.pool.fetchval("SELECT 1")
        return Site(app)

    yield make
    for auth in contexts:
        await auth.close()


@pytest.fixture
async def site(make_site: MakeApp) -> Site:
    return await make_site()


def auth_of(site: Site) -> AuthContext:
    """The authentication context of a site's application."""
    auth: AuthContext = site.app.state.auth
    return auth
