"""The law of the ledger, over whole histories by chance: what was received, and what the ledger says of it.

Received is within accepted or unknown, accepted within received, nothing received twice, every step accounted for.
"""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import collecting
from collecting import LYON, STEPS, WorkspaceEngine
from getbill import companies, contacts, debts, todo_decisions
from getbill.channels import Channel
from getbill.channels.senders import (
    Assurance,
    Capabilities,
    Fate,
    Outgoing,
    Sender,
    Senders,
    SendOutcome,
    failed,
    unknown,
)
from getbill.contacts import claims
from getbill.contacts.sending import deliver
from getbill.contacts.sending.prepare import prepare_sends
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database
from getbill.todo_decisions import Decision
from testbed.contact_chaos.judge import MADE, Attempt, Evidence, Followup, Receipt, judge

END_OF_TIME = "2026-12-31 12:00"
ASSURANCES = {
    Channel.EMAIL: Assurance.NEITHER,
    Channel.SMS: Assurance.IDEMPOTENCY_KEY,
    Channel.AI_CALL: Assurance.LOOK_UP,
    Channel.LETTER: Assurance.NEITHER,
}


@dataclass
class Street:
    """The providers and the people behind them: `received` is what people got, one entry for each time."""

    chance: random.Random
    received: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def mood(self, assurance: Assurance, key: str) -> SendOutcome:
        """Take a message or not, and say what the provider says of it."""
        if assurance == Assurance.IDEMPOTENCY_KEY and key in self.received:
            return SendOutcome(Fate.ACCEPTED, f"ref-{key}")
        if key in self.refused:
            return failed("no such address", permanent=True)
        word = self.chance.choice(["took"] * 6 + ["took, fell silent", "fell silent", "busy", "refused"])
        if word.startswith("took"):
            self.received.append(key)
        if word == "refused":
            self.refused.add(key)
        return {
            "took": SendOutcome(Fate.ACCEPTED, f"ref-{key}"),
            "took, fell silent": unknown("it fell silent"),
            "fell silent": unknown("it fell silent"),
            "busy": failed("busy", permanent=False),
            "refused": failed("no such address", permanent=True),
        }[word]


@dataclass
class Provider:
    """One channel's provider; the gateways confirm, the mail server and the letter's printer do not."""

    channel: Channel
    street: Street
    name: str = "provider"

    @property
    def assurance(self) -> Assurance:
        return ASSURANCES[self.channel]

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.assurance, gives_receipt=self.channel in {Channel.SMS, Channel.AI_CALL})

    async def send(self, message: Outgoing) -> SendOutcome:
        return self.street.mood(self.assurance, message.key)

    async def look_up(self, message: Outgoing) -> SendOutcome | None:
        key = message.key
        if key in self.street.refused:
            return failed("no such address", permanent=True)
        return SendOutcome(Fate.ACCEPTED, f"ref-{key}") if key in self.street.received else None

    async def close(self) -> None:
        pass


class Everywhere(Senders):
    """These providers, in a sandbox too: its clock is what the histories need."""

    def __init__(self, street: Street) -> None:
        super().__init__({})
        self.providers: dict[Channel, Any] = {channel: Provider(channel, street) for channel in ASSURANCES}

    def for_channel(self, channel: Channel, *, is_live: bool) -> Sender | None:
        return self.providers.get(channel) if not is_live else None


@dataclass
class Life:
    """What happens in a workspace, move by move."""

    engine: WorkspaceEngine
    street: Street
    chance: random.Random
    debts: list[UUID] = field(default_factory=list)
    paid: dict[UUID, float] = field(default_factory=dict)

    async def move(self) -> None:
        moves = (self.send, self.send, self.send, self.die, self.die, self.recover, self.decide, self.report)
        rare = (self.pay, self.pay_a_part, self.hold, self.resume)
        await self.chance.choice(moves * 2 + rare)()

    async def to_the_next(self) -> None:
        due = await contacts.next_due(self.engine.database, self.engine.id)
        now = (await self.engine.snapshot()).now()
        if due is not None and due > now:
            await self.engine.set_clock(f"{due:%Y-%m-%d %H:%M:%S.%f}")

    async def send(self) -> None:
        await self.to_the_next()
        await self.engine.send_due()

    async def die(self) -> None:
        """Let a worker die: after its claim, after it committed, or after the providers answered."""
        await self.to_the_next()
        workspace, snapshot = self.engine, await self.engine.snapshot()
        lease = clock.wall() + timedelta(seconds=60)
        request = claims.ClaimRequest(snapshot.now(), 20, lease, (0, 99))
        claim = await claims.claim_sandbox(workspace.database, workspace.id, request)
        how_far = self.chance.randrange(3)
        if how_far > 0:
            departing = await prepare_sends(workspace.context, snapshot, claim)
            if how_far > 1:
                await deliver.send_prepared(departing)

    async def recover(self) -> None:
        await self.engine.database.pool.execute(
            "UPDATE contacts SET lease_until = $2 WHERE workspace_id = $1 AND lease_until IS NOT NULL",
            self.engine.id,
            clock.wall() - timedelta(seconds=1),
        )
        await self.engine.recover()

    async def decide(self) -> None:
        """Have a person who asked the provider answer a question."""
        row = await self.engine.database.pool.fetchrow(
            "SELECT id, subject_id FROM todos WHERE workspace_id = $1 AND decided_at IS NULL"
            " AND type = 'unknown_contact' LIMIT 1",
            self.engine.id,
        )
        if row is not None:
            was_sent = ids.show("followup", row["subject_id"]) in self.street.received
            snapshot = await self.engine.snapshot()
            async with self.engine.database.transaction(snapshot.now()) as tx:
                decision = Decision("sent" if was_sent else "not_sent", "client_1")
                await todo_decisions.decide(tx, snapshot, row["id"], decision)

    async def report(self) -> None:
        """Have a provider report on something that it took."""
        if self.street.received:
            key = self.chance.choice(self.street.received)
            fate = self.chance.choice([Fate.DELIVERED, Fate.DELIVERED, Fate.FAILED])
            snapshot = await self.engine.snapshot()
            await contacts.receive_callback(
                self.engine.database, snapshot, ids.read("followup", key), SendOutcome(fate, "ref")
            )

    async def pay(self) -> None:
        # Some are never paid in full, so that whole scenarios are seen.
        debt_id = self.chance.choice(self.debts[:2])
        if debt_id not in self.paid:
            balance = (await self.engine.find(debt_id)).balance
            await self.engine.change(debt_id, debts.enter_money, "payment", -balance)
            self.paid[debt_id] = len(self.street.received) - 0.5

    async def pay_a_part(self) -> None:
        debt_id = self.chance.choice(self.debts)
        if debt_id not in self.paid:
            await self.engine.change(debt_id, debts.enter_money, "payment", -100)

    async def hold(self) -> None:
        debt_id = self.chance.choice(self.debts)
        if (await self.engine.find(debt_id)).is_contactable:
            await self.engine.change(debt_id, debts.hold, None)

    async def resume(self) -> None:
        for debt_id in self.debts:
            if (await self.engine.find(debt_id)).status == "on_hold":
                await self.engine.change(debt_id, debts.resume)

    async def come_to_the_end(self) -> None:
        await self.resume()
        while await contacts.is_busy(self.engine.database, self.engine.id):
            await self.recover()
        await self.engine.run_until(END_OF_TIME)

    async def evidence(self) -> Evidence:
        pool, workspace = self.engine.database.pool, self.engine.id
        contacts = await pool.fetch("SELECT * FROM contacts WHERE workspace_id = $1", workspace)
        followups = await pool.fetch("SELECT * FROM followups WHERE workspace_id = $1", workspace)
        open_todos = await pool.fetch(
            "SELECT subject_id FROM todos WHERE workspace_id = $1 AND decided_at IS NULL"
            " AND type = 'unknown_contact'",
            workspace,
        )
        counted = await pool.fetch(
            "SELECT debt_id, kind, count(*) FROM events WHERE workspace_id = $1 GROUP BY 1, 2", workspace
        )
        return Evidence(
            tries=[_try(row) for row in contacts],
            told={ids.show("followup", row["id"]): _told(row) for row in followups},
            received=[Receipt(at, key) for at, key in enumerate(self.street.received)],
            asked=frozenset(ids.show("followup", row["subject_id"]) for row in open_todos),
            events={(str(row[0]), row[1]): row[2] for row in counted},
            paid={str(debt_id): at for debt_id, at in self.paid.items()},
            steps=frozenset(STEPS),
        )


def _try(row: Any) -> Attempt:
    key = ids.show("followup", row["followup_id"]) if row["followup_id"] else None
    workspace = (str(row["debt_id"]), row["run"], row["step"], row["attempt"])
    return Attempt(*workspace, row["channel"], row["state"], row["reason"], key)


def _told(row: Any) -> Followup:
    is_reached, is_complete = row["reached_at"] is not None, row["processed_at"] is not None
    return Followup(str(row["debt_id"]), row["status"], is_reached, is_complete, row["crossed_by"])


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_the_history_the_ledger_says_what_was_received(database: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    street = Street(chance)
    workspace = await collecting.new_engine(database)
    snapshot = await workspace.snapshot()
    lines = ["Acme SAS", "1 rue de la Paix", "75002 Paris"]
    await companies.set_letterhead(database, snapshot.company.id, lines, "RCS Paris 123 456 789")
    workspace.context = contacts.SendingContext(
        database,
        workspace.vault,
        Everywhere(street),
        contacts.SendingSettings(retry_seconds=600, crashes_max=99),
    )
    life = Life(workspace, street, chance)
    await workspace.set_clock("2026-01-05 09:00")
    for number in range(5):
        who = collecting.replace(LYON, email=f"jean.{number}@example.com", phone=f"+3361234567{number}")
        life.debts.append((await workspace.debt(who)).id)

    for _ in range(60):
        await life.move()
        assert await workspace.missing_from_index() == []
        await workspace.postpone()
        assert await workspace.missing_from_index() == []
    await life.come_to_the_end()

    verdict = judge(await life.evidence())
    assert verdict.faults == []
    assert verdict.received == len(set(street.received))
    assert sum(verdict.ends[state] for state in MADE) >= verdict.received > 10
