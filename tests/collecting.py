"""Builders for tests that let scenarios run: a company, its clock, debts, and a context to send contacts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from asyncpg import Record
from pydantic import SecretStr

from calls import Answer, Site, started
from getbill import access, companies, contacts, debts, events, followups, scenarios, vault
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Capabilities, Fate, Outgoing, Senders, SendOutcome
from getbill.companies import Workspace
from getbill.contacts import SendingContext, SendingSettings, claims
from getbill.contacts.model import Contact
from getbill.debtors import Identity
from getbill.debts import Debt, Details, NewDebt
from getbill.kit import clock, json, work
from getbill.kit.database.transactions import Database
from getbill.kit.money import Money
from getbill.process import worker
from getbill.process.app import create_app
from getbill.settings import Settings
from getbill.webhooks import WebhookClient, WebhookDispatcher
from installation import METRICS_TOKEN
from testbed import clocks

MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEYS = vault.Vault([vault.Key(bytes(range(32)))])
IBAN = "FR7630006000011234567890189"
JEAN = Identity(name="Jean Dupont", email="jean.dupont@example.com", phone="+33612345678")
LYON = replace(
    JEAN,
    street_address="rue des Lilas",
    street_number="12",
    postal_code="69003",
    city="Lyon",
    country="FR",
)
STEPS = [step.key for step in scenarios.built_in("standard_3_waves").steps] + [debts.END]
ACCEPTED = SendOutcome(Fate.ACCEPTED, "ref")
_NUMBERS = count(1)
_MISSING_FROM_INDEX = """
SELECT w.* FROM (
    SELECT CASE WHEN is_live THEN 'contacts' ELSE 'sandbox_contacts' END AS kind, due_at, step AS item
    FROM contacts WHERE workspace_id = $1 AND state = 'planned'
    UNION ALL
    SELECT 'contacts', lease_until, step FROM contacts
    WHERE workspace_id = $1 AND state IN ('claimed', 'sending')
    UNION ALL
    SELECT 'stream', recorded_at, kind FROM events WHERE workspace_id = $1 AND position IS NULL
) AS w
WHERE NOT EXISTS (SELECT FROM work i WHERE i.workspace_id = $1 AND i.kind = w.kind AND i.due_at <= w.due_at)
"""


def at(text: str) -> datetime:
    """Return an instant written as `2026-01-05 09:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def new_debt(who: Identity = JEAN, amount: str = "2340.00", **values: Any) -> NewDebt:
    """Return a request for a debt with a reference of its own."""
    money = Money.from_decimal(Decimal(amount), "EUR")
    details, scenario = values.pop("details", Details()), values.pop("scenario", "standard_3_waves")
    return NewDebt(who, money, f"F-{next(_NUMBERS)}", scenario, details, **values)


@dataclass
class WorkspaceEngine:
    """A workspace whose clock the test sets, and what happens there."""

    database: Database
    id: UUID
    vault: vault.Vault
    context: SendingContext

    async def snapshot(self) -> Workspace:
        return await companies.workspace(self.database, self.vault, self.id)

    async def set_clock(self, text: str) -> None:
        """Have the workspace's clock stand still at an instant."""
        await clocks.stand_still(self.database.pool, self.id, at(text))

    async def switch(self, contact: str) -> None:
        """Switch contact of the workspace, whose clock may stand still."""
        async with clocks.unchecked(self.database.pool) as connection:
            await connection.execute(
                "UPDATE workspaces SET contact = $2 WHERE workspace_id = $1", self.id, contact
            )
        async with self.database.transaction(clock.wall()) as tx:
            await work.note_every_kind(tx, self.id)

    async def contact_each_debt_alone(self) -> None:
        """Have neither groups nor a distance between the contacts of a person, as a company may choose."""
        async with clocks.unchecked(self.database.pool) as connection:
            await connection.execute(
                "UPDATE workspaces SET contacts_per_day = 0, grouping = 'off' WHERE workspace_id = $1",
                self.id,
            )

    async def debt(self, who: Identity = JEAN, amount: str = "2340.00", **values: Any) -> Debt:
        snapshot = await self.snapshot()
        new = new_debt(who, amount, **values)
        async with self.database.transaction(snapshot.now()) as tx:
            return (await debts.create(tx, snapshot, new)).debt

    async def change(self, debt_id: UUID, verb: Any, *arguments: Any) -> Debt:
        """Apply a verb such as `debts.hold` to a debt."""
        snapshot = await self.snapshot()
        async with self.database.transaction(snapshot.now()) as tx:
            debt = await debts.lock(tx, snapshot, debt_id)
            verb(tx, debt, *arguments)
        return debt

    async def learn(self, debt_id: UUID, **fields: str) -> None:
        """Change what is known of a debt's debtor."""
        snapshot = await self.snapshot()
        async with self.database.transaction(snapshot.now()) as tx:
            debt = await debts.lock(tx, snapshot, debt_id)
            await debts.update(tx, snapshot, debt, debts.DebtChange(dict(fields), {}, {}))

    async def promise(self, debt_id: UUID, on: date | None, amount: int = 0) -> None:
        """Have the debtor promise to pay, or withdraw the promise where no day is named."""
        snapshot = await self.snapshot()
        async with self.database.transaction(snapshot.now()) as tx:
            debt = await debts.lock(tx, snapshot, debt_id)
            output = {"promise": on and {"date": on, "amount": Decimal(amount)}}
            await debts.update(tx, snapshot, debt, debts.DebtChange({}, output, {}))

    async def find(self, debt_id: UUID) -> Debt:
        return await debts.find(self.database, await self.snapshot(), debt_id)

    async def send_due(self) -> int:
        snapshot = await self.snapshot()
        batch = await contacts.send_due_sandbox(self.context, snapshot, lambda: True)
        return batch or await contacts.send_crashed_sandbox(self.context, snapshot, lambda: True)

    async def run_until(self, text: str) -> None:
        """Move the clock from due instant to due instant, and then to the end."""
        while (due := await contacts.next_due(self.database, self.id)) is not None and due <= at(text):
            now = (await self.snapshot()).now()
            await self.set_clock(f"{max(due, now):%Y-%m-%d %H:%M:%S.%f}")
            await self.send_due()
        await self.set_clock(text)

    async def contacts(self, debt_id: UUID) -> list[Record]:
        rows = await self.database.pool.fetch(
            "SELECT * FROM contacts WHERE workspace_id = $1 AND debt_id = $2", self.id, debt_id
        )
        return sorted(rows, key=lambda row: (row["created_at"], STEPS.index(row["step"]), row["attempt"]))

    async def first(self, debt_id: UUID) -> Record:
        """Return the first contact of a debt."""
        return (await self.contacts(debt_id))[0]

    async def ledger(self, debt_id: UUID) -> list[tuple[str, str]]:
        """Return step and state of every contact of a debt."""
        return [(row["step"], row["state"]) for row in await self.contacts(debt_id)]

    async def followups(self, debt_id: UUID) -> list[tuple[str, str]]:
        rows = await self.database.pool.fetch(
            "SELECT channel, status FROM followups WHERE debt_id = $1 ORDER BY created_at, id", debt_id
        )
        return [tuple(row) for row in rows]

    async def text(self, debt_id: UUID, channel: str) -> str:
        """Return what the last message by a channel said."""
        followup_id = await self.database.pool.fetchval(
            "SELECT id FROM followups WHERE debt_id = $1 AND channel = $2 ORDER BY created_at DESC LIMIT 1",
            debt_id,
            channel,
        )
        followup = await followups.find(self.database, await self.snapshot(), followup_id)
        return followup.content.text or ""

    async def send_due_live(self) -> int:
        return await contacts.send_due(self.context, lambda: True)

    async def replan(self) -> int:
        """Plan anew what a change of the workspace concerns, as a worker does in the background."""
        return await contacts.replan_due(self.context, lambda: True)

    async def postpone(self) -> None:
        """Have the index name the next instant of each kind of contact, as a worker does that finds nothing."""
        await contacts.postpone_sandbox(self.database, await self.snapshot())
        await claims.postpone_live(self.database, self.id, clock.wall())

    async def missing_from_index(self) -> list[Record]:
        """Return the contacts and events that are due earlier than the index of due work says."""
        return await self.database.pool.fetch(_MISSING_FROM_INDEX, self.id)

    async def recover(self) -> int:
        """Recover what dead workers left in the workspace, by their journals and by their leases."""
        journaled_count = await contacts.recover_journaled(self.context)
        return journaled_count + await contacts.recover(self.context, self.id)

    async def claim(
        self, crashes: claims.CrashRange = claims.NO_CRASHES, seconds: float = 60
    ) -> list[Contact]:
        """Claim up to 100 contacts of a live workspace that are due by the wall's clock."""
        now = clock.wall()
        request = claims.ClaimRequest(now, 100, now + timedelta(seconds=seconds), crashes)
        return await claims.claim_live(self.database, self.id, request)

    async def events(self, debt_id: UUID) -> list[str]:
        rows = await self.database.pool.fetch(
            "SELECT kind FROM events WHERE debt_id = $1 ORDER BY sequence", debt_id
        )
        return [row["kind"] for row in rows]

    async def event_data(self, debt_id: UUID, kind: str) -> list[Any]:
        debt = await self.find(debt_id)
        rows = await self.database.pool.fetch(
            "SELECT id, data FROM events WHERE debt_id = $1 AND kind = $2 ORDER BY sequence", debt_id, kind
        )
        return [events.read_data(row["data"], debt.key, self.id, row["id"], debt_id) for row in rows]


@dataclass
class Provider:
    """A provider that does what the test says, and remembers what it was handed."""

    channel: Channel
    assurance: Assurance = Assurance.NEITHER
    outcome: SendOutcome = ACCEPTED
    gives_receipt: bool = False
    taken: list[Outgoing] = field(default_factory=list)
    known: dict[str, SendOutcome] = field(default_factory=dict)
    name: str = "provider"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.assurance, self.gives_receipt)

    async def send(self, message: Outgoing) -> SendOutcome:
        self.taken.append(message)
        return self.outcome

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        return self.known.get(message.key)

    async def close(self) -> None:
        pass


async def new_engine(
    database: Database,
    keys: vault.Vault = KEYS,
    *,
    live: bool = False,
    senders: dict[Channel, Any] | None = None,
    **company: Any,
) -> WorkspaceEngine:
    """Make a company and return its sandbox, or its live workspace."""
    base = {"email": "billing@acme.example", "iban": IBAN} | company
    founded = await companies.create(database, keys, "Acme", **base)
    # What an earlier test left planned in live is none of this one's.
    await database.pool.execute("UPDATE contacts SET state = 'stopped' WHERE is_live AND state = 'planned'")
    # Nor are the providers that a worker of an earlier test reported: those of the context count when sending.
    await database.pool.execute("DELETE FROM contact_providers")
    # The clocks of these tests stand in the past: what comes next is due at once by the wall's.
    context = SendingContext(database, keys, Senders(senders or {}), SendingSettings(workspace_share=1))
    return WorkspaceEngine(database, founded.live_id if live else founded.sandbox_id, keys, context)


async def live_engine(database: Database, provider: Any) -> WorkspaceEngine:
    """Return a live workspace, its clock on a Monday morning, whose e-mails (or calls) a provider carries.

    Each other channel has a provider too, so that a plan has all its steps.
    """
    senders = {channel: Provider(channel) for channel in Channel} | {provider.channel: provider}
    workspace = await new_engine(database, live=True, senders=senders)
    await workspace.set_clock("2026-01-05 09:00")
    return workspace


@asynccontextmanager
async def site_on(dsn: str, folder: Path) -> AsyncIterator[Site]:
    """Run the whole API on a database."""
    settings = Settings(
        data_dir=folder,
        database_connections=6,
        rate_limit_sandbox=100_000,
        rate_limit_live=100_000,
        rate_limit_anonymous=100_000,
        master_key=MASTER_KEY,
        metrics_token=SecretStr(METRICS_TOKEN),
    ).with_dsn(dsn)
    async with started(create_app(settings)) as site:
        yield site


@asynccontextmanager
async def working(database: Database, context: SendingContext) -> AsyncIterator[None]:
    """Run a worker's loops on a database."""
    stop = asyncio.Event()
    async with WebhookClient() as poster:
        loops = worker.loops_of(context, WebhookDispatcher(database, context.vault, poster), stop)
        tasks = [asyncio.create_task(loop.run()) for loop in loops]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


@dataclass
class ContactWorkspace:
    """A sandbox or live workspace of one test, called through a credential that holds every scope."""

    site: Site
    engine: WorkspaceEngine

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = json.write(body) if body is not None else b""
        return await self.site.call(method, "/external-api/v1" + path, body=sent, headers=headers)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.call("POST", path, body, **headers)


async def open_sandbox(site: Site) -> ContactWorkspace:
    """Make a company and return its sandbox with a key."""
    database = site.app.state.database
    workspace = await new_engine(database, site.app.state.vault)
    _, key = await access.create_key(database, access.NewKey(workspace.id, "Test key"), clock.wall())
    return ContactWorkspace(site.with_token(key), workspace)


async def open_live(site: Site) -> ContactWorkspace:
    """Make a company and return its live workspace with a client's token."""
    database = site.app.state.database
    workspace = await new_engine(database, site.app.state.vault, live=True)
    client, secret = await access.create_client(
        database, access.NewClient(workspace.id, "Test"), clock.wall()
    )
    form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
    answered = await site.form("/token", form)
    return ContactWorkspace(site.with_token(answered.json()["access_token"]), workspace)
