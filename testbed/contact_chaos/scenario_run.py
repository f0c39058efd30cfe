"""A run of the chaos test: debts whose scenario leaves by real providers, kills all along, and the judge at the end.

A person then answers every question by what was received, as one would who asks the provider; what comes of that is
judged again. The clock of the workspace stands still on a Monday morning, so that no night keeps anything waiting.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

from getbill import companies, debts, payments, reactions, scenarios, todo_decisions, vault
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt
from getbill.embedded import Server
from getbill.kit import ids
from getbill.kit.database.errors import DATABASE_ERRORS
from getbill.kit.database.transactions import Database, open_database
from getbill.kit.money import Money
from getbill.kit.signing import new_secret
from getbill.payments import NewEntry
from getbill.settings import LogLevel, Settings, SmtpTls
from getbill.todo_decisions import Decision
from testbed import clocks
from testbed.chaos.processes import kill_postgres
from testbed.contact_chaos import journals, providers
from testbed.contact_chaos.judge import Attempt, Evidence, Followup, Receipt, Verdict, judge
from testbed.contact_chaos.workers import POINTS, WorkerPool
from testbed.installation import end, free_port, start
from testbed.installation import settings as environment

Say = Callable[[str], None]

_SCENARIO: Final = "standard_3_waves"
_MONDAY: Final = datetime(2026, 1, 5, 10, tzinfo=UTC)
_AMOUNT: Final = Decimal(100)
_ASSURANCE: Final = {
    providers.KEYED: "idempotency_key",
    providers.ASKED: "look_up",
    providers.NEITHER: "neither",
}
_LOOK_SECONDS: Final = 0.05
_TELL_SECONDS: Final = 15.0
_PATIENCE_SECONDS: Final = 3.0
# Who is killed, one as likely as the other; `point` is a worker whose successor dies by itself.
_WORDS: Final = ("worker", "worker", "worker", "point", "point", "postgres")
_OPEN: Final = """
SELECT count(*) FROM contacts WHERE workspace_id = $1 AND state IN ('planned', 'claimed', 'sending')
"""
_TRIES: Final = """
SELECT debt_id, run, step, attempt, channel, state, reason, followup_id, group_id FROM contacts WHERE workspace_id = $1
"""
_TOLD: Final = """
SELECT id, debt_id, status, reached_at, processed_at, crossed_by FROM followups WHERE workspace_id = $1
"""
_ASKED: Final = "SELECT id, subject_id FROM todos WHERE workspace_id = $1 AND decided_at IS NULL AND type = 'unknown_contact'"
_NEXT_DUE: Final = """
SELECT min(c.due_at) FROM contacts c JOIN workspaces w ON w.workspace_id = c.workspace_id
WHERE c.workspace_id = $1 AND c.state = 'planned' AND c.due_at > w.frozen_at
"""
# Nothing was received for so long: a cap holds what is left.
_STILL_SECONDS: Final = 12.0
_EVENTS: Final = "SELECT debt_id, kind, count(*) FROM events WHERE workspace_id = $1 GROUP BY debt_id, kind"


class ContactRunBroken(RuntimeError):
    """Nothing moves any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many debts, each with six contacts, how many kills among them, and how many of the debts are paid meanwhile."""

    debts: int
    kills: int
    paid: int = 0
    workers: int = 3
    # So many messages are received from one kill to the next, where that does not last too long.
    between_kills: int = 4
    seed: int = 1
    # The first worker dies at the first of these, whoever takes its place at the next.
    crash_at: tuple[str, ...] = ()
    patience_seconds: float = 3600.0
    # Whether journals of hand-overs are damaged at each kill.
    spoils_journals: bool = False
    # Whether every other three debts are of one person.
    has_groups: bool = False

    def person_of(self, number: int) -> int:
        """Return the number of a debt's person."""
        return number - number % 3 if self.has_groups and number // 3 % 2 == 0 else number


@dataclass(frozen=True, slots=True)
class RunSetup:
    """Where it is played: an installation's settings, a folder, and its cluster where that is killed as well."""

    settings: Settings
    folder: Path
    server: Server | None = None


@dataclass(slots=True)
class ContactRunResult:
    """A finished run: the verdicts before and after a person decided, and how it went."""

    before: Verdict
    after: Verdict
    kills: Counter[str]
    falls: int
    crossed: int
    seconds: float


async def run(plan: Plan, stage: RunSetup, say: Say) -> ContactRunResult:
    """Run a chaos test of contacts and judge it."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        contact_run = await _open_run(plan, stage, say, stack)
        await contact_run.found()
        await contact_run.endure()
        contact_run.workers.replace(plan.workers)
        # What was connected to a database that was killed since.
        await contact_run.database.pool.expire_connections()
        before = judge(await contact_run.evidence())
        await contact_run.decide()
        evidence = await contact_run.evidence()
        crossed = sum(item.crossed_by == "payment" for item in evidence.told.values())
        return ContactRunResult(
            before,
            judge(evidence),
            contact_run.kills,
            contact_run.workers.falls,
            crossed,
            time.monotonic() - began,
        )


async def _open_run(plan: Plan, stage: RunSetup, say: Say, stack: AsyncExitStack) -> "_ContactRun":
    ports = {"smtp": free_port(), "http": free_port()}
    notes = stage.folder / "taken.jsonl"
    notes.touch()
    office = start(
        providers.command({**ports, "notes": str(notes), "seed": plan.seed}), environment(stage.folder, 0)
    )
    stack.callback(end, office)
    settings = stage.settings.model_copy(
        update={
            "data_dir": stage.folder,
            "master_key_file": stage.settings.key_file,
            "smtp_host": "127.0.0.1",
            "smtp_port": ports["smtp"],
            "smtp_tls": SmtpTls.NONE,
            "smtp_from": "relances@getbill.example",
            "gateways_file": _gateways(stage.folder, ports["http"]),
            "log_level": LogLevel.ERROR,
        }
    )
    workers = WorkerPool(settings)
    stack.callback(workers.dismiss)
    database = await open_database(settings.dsn, reactions.before_commit, size=3)
    stack.push_async_callback(database.close)
    keys = await vault.unlock(database, settings.master_key_text, settings.key_file)
    return _ContactRun(plan, stage, say, workers, database, keys, notes)


def _gateways(folder: Path, port: int) -> Path:
    path = folder / "gateways.json"
    gateways = [
        {
            "channel": channel,
            "url": f"http://127.0.0.1:{port}/{channel}",
            "secret": new_secret(),
            "assurance": assurance,
            "answer_seconds": 1,
            "at_once": 6,
            "pauses": [0.05],
        }
        for channel, assurance in _ASSURANCE.items()
    ]
    path.write_text(json.dumps({"gateways": gateways}), "utf-8")
    return path


@dataclass
class _ContactRun:
    """One run in the making."""

    plan: Plan
    stage: RunSetup
    say: Say
    workers: WorkerPool
    database: Database
    keys: vault.Vault
    notes: Path
    kills: Counter[str] = field(default_factory=Counter)
    debts: list[UUID] = field(default_factory=list)
    # Debts that were paid, and when everybody could know.
    paid: dict[UUID, float] = field(default_factory=dict)
    # When its clock was last moved.
    moved_at: float = 0.0
    received_count: int = -1
    id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.plan.seed)  # noqa: S311 chance is the point
        self.points = list(POINTS)

    async def found(self) -> None:
        """Found a company whose letters may leave, and give it debts; all their contacts are due at once."""
        founded = await companies.create(
            self.database,
            self.keys,
            f"Acme {ids.new()}",
            email="billing@acme.example",
            iban="FR7630006000011234567890189",
        )
        lines = ["Acme SAS", "1 rue de la Paix", "75002 Paris"]
        await companies.set_letterhead(
            self.database, founded.company_id, lines, "Acme SAS, capital 10 000 EUR, RCS Paris 123 456 789"
        )
        self.id = founded.live_id
        await clocks.stand_still(self.database.pool, self.id, _MONDAY)
        async with clocks.unchecked(self.database.pool) as connection:
            # The clock stands still: a distance of a day would never end.
            await connection.execute(
                "UPDATE workspaces SET contacts_per_day = 0 WHERE workspace_id = $1", self.id
            )
        workspace = await companies.workspace(self.database, self.keys, self.id)
        for number in range(self.plan.debts):
            async with self.database.transaction(workspace.now()) as tx:
                debt = await debts.create(tx, workspace, _new_debt(self.plan.person_of(number)))
            self.debts.append(debt.debt.id)

    async def endure(self) -> None:
        """Have everything sent while workers and database are killed, evenly over the whole way."""
        plan, until = self.plan, time.monotonic() + self.plan.patience_seconds
        self.workers.fated.extend(plan.crash_at)
        self.workers.replace(plan.workers)
        # Whoever has paid hears no more: payments are spread over the first five contacts of each debt, of six.
        expected = len({plan.person_of(number) for number in range(plan.debts)}) * 5
        kills, struck, struck_at = plan.kills, 0, time.monotonic()
        payments_at = [expected * (place + 1) / (plan.paid + 1) for place in range(plan.paid)]
        report = time.monotonic()
        to_be_paid = self.chance.sample(self.debts, plan.paid)
        while kills or payments_at or await self._is_open():
            if time.monotonic() > until:
                raise ContactRunBroken(
                    f"{self.kills} killed, {self.workers.falls} fell, {await self._count(_OPEN)} open"
                )
            received_count = len(list(providers.read(self.notes)))
            if time.monotonic() - report > _TELL_SECONDS:
                report = time.monotonic()
                still_open = await self._count(_OPEN)
                self.say(
                    f"{received_count:,} received, {still_open} open, {dict(self.kills)} killed, {self.workers.falls} fell at a point"
                )
            is_idle = not await self._is_open()
            is_time = (
                received_count >= struck + plan.between_kills
                or time.monotonic() - struck_at > _PATIENCE_SECONDS
            )
            if received_count != self.received_count:
                self.received_count, self.moved_at = received_count, time.monotonic()
            elif time.monotonic() - self.moved_at > _STILL_SECONDS and not kills:
                await self._move_clock()
            if kills and (is_time or is_idle):
                kills -= 1
                await self._strike()
                struck, struck_at = received_count, time.monotonic()
            if payments_at and (received_count >= payments_at[0] or is_idle):
                payments_at.pop(0)
                await self._pay(to_be_paid.pop())
            self.workers.replace(plan.workers)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _move_clock(self) -> None:
        """Have it be as late as the next contact is due."""
        try:
            due_at = await self.database.pool.fetchval(_NEXT_DUE, self.id)
            if due_at is not None:
                await clocks.stand_still(self.database.pool, self.id, due_at)
        except DATABASE_ERRORS:
            return
        self.moved_at = time.monotonic()

    async def _strike(self) -> None:
        """Kill a worker or the database, or start a worker that dies at the next of the named points."""
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        if self.plan.spoils_journals:
            for _ in self.workers.running:
                journals.spoil(self.workers.settings.handovers_folder, self.chance)
        word = self.chance.choice(_WORDS)
        if word == "postgres" and self.stage.server is not None:
            self.kills["postgres"] += 1
            kill_postgres(self.stage.server)
            self.stage.server.restart()
            return
        while not self.workers.running:
            # All fell at their points a moment ago.
            await asyncio.sleep(_LOOK_SECONDS)
            self.workers.replace(self.plan.workers)
        self.kills["worker"] += 1
        self.workers.kill(self.chance.randrange(self.plan.workers))
        if word == "point":
            self.points.append(self.points.pop(0))
            self.workers.begin(self.points[-1])

    async def _pay(self, debt_id: UUID) -> None:
        entry = NewEntry(
            "payment",
            Money.from_decimal(_AMOUNT, "EUR"),
            "transfer",
            provider="bank",
            provider_id=str(debt_id),
        )
        while True:
            try:
                workspace = await companies.workspace(self.database, self.keys, self.id)
                async with self.database.transaction(workspace.now()) as tx:
                    await payments.enter(tx, await debts.lock(tx, workspace, debt_id), entry)
            except DATABASE_ERRORS:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                self.paid[debt_id] = time.monotonic()
                return

    async def decide(self) -> None:
        """Answer every question by what was received, and let what is sent again leave."""
        received = {note.key for note in providers.read(self.notes)}
        workspace = await companies.workspace(self.database, self.keys, self.id)
        for row in await self.database.pool.fetch(_ASKED, self.id):
            word = "sent" if ids.show("followup", row["subject_id"]) in received else "not_sent"
            async with self.database.transaction(workspace.now()) as tx:
                await todo_decisions.decide(tx, workspace, row["id"], Decision(word, "client_bench"))
        until = time.monotonic() + self.plan.patience_seconds
        while await self._is_open():
            if time.monotonic() > until:
                raise ContactRunBroken("What was decided never left.")
            self.workers.replace(self.plan.workers)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _is_open(self) -> bool:
        return await self._count(_OPEN) > 0

    async def _count(self, query: str) -> int:
        try:
            return int(await self.database.pool.fetchval(query, self.id))
        except DATABASE_ERRORS:
            return 1

    async def evidence(self) -> Evidence:
        """Return all that is known now."""
        pool = self.database.pool
        tries = [
            Attempt(
                str(row["debt_id"]),
                row["run"],
                row["step"],
                row["attempt"],
                row["channel"],
                row["state"],
                row["reason"],
                _key(row["followup_id"]),
                _key(row["group_id"]),
            )
            for row in await pool.fetch(_TRIES, self.id)
        ]
        report = {
            ids.show("followup", row["id"]): Followup(
                str(row["debt_id"]),
                row["status"],
                row["reached_at"] is not None,
                row["processed_at"] is not None,
                row["crossed_by"],
            )
            for row in await pool.fetch(_TOLD, self.id)
        }
        request = {ids.show("followup", row["subject_id"]) for row in await pool.fetch(_ASKED, self.id)}
        return Evidence(
            tries,
            report,
            [Receipt(note.at, note.key) for note in providers.read(self.notes)],
            frozenset(request),
            {(str(row[0]), row[1]): row[2] for row in await pool.fetch(_EVENTS, self.id)},
            {str(debt_id): at for debt_id, at in self.paid.items()},
            frozenset([step.key for step in scenarios.built_in(_SCENARIO).steps] + [debts.END]),
        )


def _key(followup_id: UUID | None) -> str | None:
    return ids.show("followup", followup_id) if followup_id else None


def _new_debt(number: int) -> NewDebt:
    who = Identity(
        name=f"Jean Dupont {number}",
        email=f"jean.dupont.{number}@example.com",
        phone=f"+3363{number:07}",
        street_address="rue des Lilas",
        street_number="12",
        postal_code="69003",
        city="Lyon",
        country="FR",
        language="fr",
    )
    return NewDebt(who, Money.from_decimal(_AMOUNT, "EUR"), f"F-{ids.new()}", _SCENARIO, Details())
