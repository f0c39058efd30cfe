"""Receivers over real sockets on the loopback, and a sandbox whose events they ask for."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import streaming
from debts.conftest import WorkspaceApi, other_workspace, read, site, workspace  # noqa: F401 - fixtures of the whole API
from getbill import companies, debts, events, vault, webhooks
from getbill.access import OPERATOR
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Debt, Details, NewDebt
from getbill.kit import clock, ids, json
from getbill.kit.database.transactions import Database, Transaction, open_database
from getbill.kit.money import Money
from getbill.webhooks import DispatchSettings, WebhookClient, WebhookDispatcher

Answers = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    """One POST as it came over the socket."""

    request: web.Request
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.read(self.body)

    @property
    def place(self) -> tuple[str, int]:
        return self.told["data"]["debt_id"], self.told["sequence"]


@dataclass
class Receiver:
    """A receiver's server; `answer` says what it answers, `received` what came."""

    answer: Answers
    url: str = ""
    received: list[Received] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    secret: str = ""
    endpoint_id: UUID | None = None

    async def take(self, request: web.Request) -> web.StreamResponse:
        received = Received(request, dict(request.headers), await request.read())
        self.received.append(received)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self.answer(received)
        finally:
            self.under_way -= 1

    @property
    def kinds(self) -> list[str]:
        return [message.told["event"] for message in self.received]


_DELIVERIES = """
SELECT id, event_id, position, sequence, previous_sequence, attempts, 'pending' AS state, next_try_at, lease_until
FROM webhook_deliveries WHERE endpoint_id = $1
UNION ALL
SELECT id, event_id, position, sequence, previous_sequence, attempts, state, settled_at, NULL
FROM webhook_log WHERE endpoint_id = $1
ORDER BY position, id
"""
_ATTEMPTS = """
SELECT a.*, d.event_id FROM webhook_attempts a
JOIN (SELECT id, event_id FROM webhook_deliveries UNION ALL SELECT id, event_id FROM webhook_log) d
    ON d.id = a.delivery_id
WHERE a.endpoint_id = $1 ORDER BY a.started_at, a.attempt
"""


# Time passes for the index of due work too.
PASS_WORK = "UPDATE work SET due_at = now() WHERE kind = 'deliveries'"


async def deliveries(database: Database, endpoint_id: UUID) -> list[asyncpg.Record]:
    """What is owed to an endpoint and what is settled, in the order of the stream."""
    return await database.pool.fetch(_DELIVERIES, endpoint_id)


async def attempts(database: Database, endpoint_id: UUID) -> list[asyncpg.Record]:
    return await database.pool.fetch(_ATTEMPTS, endpoint_id)


async def endpoint(database: Database, endpoint_id: UUID) -> asyncpg.Record:
    row = await database.pool.fetchrow("SELECT * FROM webhook_endpoints WHERE id = $1", endpoint_id)
    assert row is not None
    return row


def status(code: int, **headers: str) -> Answers:
    """Have a receiver answer with a status."""

    async def answer(_received: Received) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers=named)

    return answer


@pytest.fixture
def answering() -> Callable[..., Answers]:
    return status


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    async def before_commit(tx: Transaction) -> None:
        events.store(tx)

    database = await open_database(dsn, before_commit, size=8)
    await webhooks.keep_partitions(database, clock.wall())
    yield database
    await database.close()


@pytest.fixture(scope="session")
def keys() -> vault.Vault:
    return vault.Vault([vault.Key.new()])


@pytest.fixture
async def snapshot(database: Database, keys: vault.Vault) -> Workspace:
    founded = await companies.create(database, keys, "Acme")
    return await companies.workspace(database, keys, founded.sandbox_id)


@pytest.fixture
def open_debt(database: Database, snapshot: Workspace) -> Callable[..., Awaitable[Debt]]:
    numbers = count(1)

    async def open_one() -> Debt:
        number = next(numbers)
        person = Identity(name=f"Jean Dupont {number}", email=f"jean{number}@example.com")
        amount = Money.from_decimal(Decimal("2340.00"), "EUR")
        new = NewDebt(person, amount, f"F-{number}", "standard_3_waves", Details())
        async with database.transaction(snapshot.now()) as tx:
            return (await debts.create(tx, snapshot, new)).debt

    return open_one


@pytest.fixture
def record(database: Database, snapshot: Workspace) -> Callable[..., Awaitable[None]]:
    async def record_all(debt: Debt, *kinds: str) -> None:
        async with database.transaction(snapshot.now()) as tx:
            locked = await debts.lock(tx, snapshot, debt.id)
            for kind in kinds:
                events.record(tx, kind, locked)

    return record_all


@pytest.fixture
async def receive() -> AsyncIterator[Callable[..., Awaitable[Receiver]]]:
    """Start a receiver's server."""
    runners: list[web.AppRunner] = []

    async def start(answer: Answers | None = None, tls: Any = None) -> Receiver:
        receiver = Receiver(answer or status(204))
        app = web.Application(client_max_size=1 << 22)
        app.router.add_post("/hooks", receiver.take)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        server = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await server.start()
        port = runner.addresses[0][1]
        receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/hooks"
        return receiver

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def subscribe(database: Database, snapshot: Workspace) -> AsyncIterator[Callable[..., Awaitable[UUID]]]:
    """Open an endpoint for a receiver; closed with the test, so that nothing is owed to it in the next."""
    resource: list[UUID] = []

    async def open_endpoint(
        receiver: Receiver, *events: str, url: str | None = None, **columns: object
    ) -> UUID:
        new = webhooks.NewEndpoint(url or receiver.url, events or webhooks.EVENTS_DEFAULT)
        async with database.transaction(snapshot.now()) as tx:
            webhook = await webhooks.create(tx, snapshot, new, OPERATOR)
        receiver.secret, receiver.endpoint_id = webhook.secret, webhook.endpoint.id
        for name, value in columns.items():
            await database.pool.execute(
                f"UPDATE webhook_endpoints SET {name} = $2 WHERE id = $1",
                webhook.endpoint.id,
                value,
            )
        resource.append(webhook.endpoint.id)
        return webhook.endpoint.id

    yield open_endpoint
    for endpoint_id in resource:
        async with database.transaction(snapshot.now()) as tx:
            await webhooks.delete(tx, snapshot, endpoint_id)


@pytest.fixture
async def poster() -> AsyncIterator[WebhookClient]:
    async with WebhookClient(timeout_seconds=0.3) as poster:
        yield poster


@pytest.fixture
def courier(database: Database, keys: vault.Vault, poster: WebhookClient) -> WebhookDispatcher:
    return WebhookDispatcher(database, keys, poster, DispatchSettings())


@pytest.fixture
def deliver(database: Database, courier: WebhookDispatcher) -> Callable[..., Awaitable[None]]:
    """Do what the worker does until nothing is left to do now."""

    async def until_quiet(by: WebhookDispatcher = courier) -> None:
        while await streaming.sequence(database):
            pass
        while await streaming.enqueue_deliveries(database):
            pass
        while await by.tick():
            await by.drain()

    return until_quiet


@pytest.fixture
def pass_time(database: Database, snapshot: Workspace) -> Callable[[], Awaitable[None]]:
    """Have every wait of the workspace's deliveries be over."""

    async def pass_all() -> None:
        await database.pool.execute(
            "UPDATE webhook_deliveries SET next_try_at = now() - interval '1 s', lease_until = NULL "
            "WHERE workspace_id = $1",
            snapshot.id,
        )
        await database.pool.execute(
            "UPDATE webhook_endpoints SET down_until = NULL WHERE workspace_id = $1", snapshot.id
        )
        await database.pool.execute(PASS_WORK)

    return pass_all


async def _sleep_forever(_received: Received) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
def hanging() -> Answers:
    return _sleep_forever


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's side of a certificate for 127.0.0.1 that only the client's side trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = clock.wall()
    result = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + result.public_bytes(Encoding.PEM))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(file)
    return server_side, ssl.create_default_context(cafile=str(file))


@dataclass
class Carrier:
    """What the worker does for a company that calls the API, done when the test asks for it."""

    workspace: WorkspaceApi
    courier: WebhookDispatcher

    async def open(self, receiver: Receiver, **fields: Any) -> dict[str, Any]:
        """Have a receiver told of what happens from now on; return the endpoint as it was answered."""
        answered = await self.workspace.post("/webhooks", {"url": receiver.url} | fields)
        assert answered.status == 201, answered.body
        answer: dict[str, Any] = read(answered)
        receiver.secret, receiver.endpoint_id = answer["secret"], ids.read("we", answer["id"])
        return answer

    async def carry(self) -> None:
        """Deliver all that can be delivered now."""
        database = self.workspace.app.state.database
        while await streaming.sequence(database):
            pass
        while await streaming.enqueue_deliveries(database) or await streaming.catch_up(database):
            pass
        while await self.courier.tick():
            await self.courier.drain()

    async def pass_time(self) -> None:
        """Have every wait be over."""
        await self.workspace.rows(
            "UPDATE webhook_deliveries SET next_try_at = now() - interval '1 s' WHERE workspace_id = $1",
            self.workspace.workspace_id,
        )
        await self.workspace.rows(
            "UPDATE webhook_endpoints SET down_until = NULL WHERE workspace_id = $1",
            self.workspace.workspace_id,
        )
        await self.workspace.rows(PASS_WORK)


@pytest.fixture
async def carrier(workspace: WorkspaceApi) -> AsyncIterator[Carrier]:  # noqa: F811 - the fixture of that name
    state = workspace.app.state
    async with WebhookClient(timeout_seconds=1.0) as poster:
        yield Carrier(workspace, WebhookDispatcher(state.database, state.vault, poster, DispatchSettings()))
    # Nothing is left for the next test's courier, whose keys are others.
    for webhook in read(await workspace.get("/webhooks"))["data"]:
        await workspace.call("DELETE", f"/webhooks/{webhook['id']}")
