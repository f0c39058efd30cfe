"""What a timeline promises is what then happens, at that instant, whatever changes between."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

import collecting
from calls import Site
from collecting import IBAN, ContactWorkspace, Provider
from getbill import companies
from getbill.channels import Channel
from getbill.channels.senders import Senders, Smtp
from getbill.contacts.model import CONTACTED
from getbill.kit import ids
from mailserver import Mailbox, serving

EMAILS = ["jean.dupont@example.com", "jeanne@example.org"]
PHONES = ["+33612345678", "+33142345678", "+12025550143", "+4930123456"]
SHORT = {"street_number": "12", "street_address": "rue des Lilas", "postal_code": "69003", "city": "Lyon"}
LONG = SHORT | {"street_address": "boulevard " * 30}
LETTERHEAD = ["1 rue du Four", "34000 MONTPELLIER"]
STEPS = [
    {"key": "ask", "offset": 0, "channel": "email", "template": "wave_1_email"},
    {"key": "foreign", "offset": 1, "channel": "email", "template": "wave_2_email", "language": "it"},
    {
        "key": "text",
        "offset": 2,
        "channel": "sms",
        "template": "wave_1_sms",
        "fallback": {"channel": "email", "template": "wave_2_email"},
    },
    {
        "key": "call",
        "offset": 4,
        "channel": "ai_call",
        "template": "wave_2_call",
        "only_if": {"balance_min": 50},
    },
    {
        "key": "post",
        "offset": 6,
        "channel": "letter",
        "template": "wave_3_letter",
        "fallback": {"channel": "sms", "template": "wave_1_sms"},
    },
    {"key": "again", "offset": 8, "channel": "email", "template": "wave_1_email"},
]


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("promises")) as site:
        yield site
        await site.app.state.database.pool.execute("DELETE FROM contact_providers")


@dataclass
class Story:
    """A debt in a workspace to which anything may happen, and the chance that decides."""

    workspace: ContactWorkspace
    chance: random.Random
    smtp: Smtp
    debt_id: str = ""
    kind: str = "sandbox"

    async def begin(self) -> None:
        scenario = await self.make_scenario()
        await self.workspace.engine.set_clock("2026-01-05 06:00")
        await self.change_company()
        if self.chance.random() < 0.6:
            await self.set_letterhead()
        await self.set_providers()
        debtor = {"name": "Jean Dupont", "language": self.chance.choice([None, "it", "fr", "de"])}
        debtor |= self.addresses()
        body = {"debtor": debtor, "amount": self.chance.choice([20, 2340]), "reference": "F-1"}
        created = await self.workspace.post("/debts", body | {"scenario": scenario})
        assert created.status == 201, created.body
        self.debt_id = created.json()["id"]
        assert created.json()["next_action_at"] == (await self.promise())["due_at"]

    async def make_scenario(self) -> str:
        if self.chance.random() < 0.4:
            return "standard_3_waves"
        steps = [step | {"wave": 1} for step in STEPS]
        content = {"name": "ours", "steps": steps, "end": {"offset": 12}}
        assert (await self.workspace.post("/scenarios", content)).status == 201
        return "ours"

    def addresses(self) -> dict[str, Any]:
        return {
            "email": self.chance.choice([None, *EMAILS]),
            "phone": self.chance.choice([None, *PHONES]),
            "address": self.chance.choice([SHORT, LONG])
            | {"country": self.chance.choice(["FR", "DE", "US"])},
        }

    async def timeline(self) -> dict[str, Any]:
        return (await self.workspace.get(f"/debts/{self.debt_id}/timeline")).json()

    async def promise(self) -> dict[str, Any]:
        """Return the first step that the timeline promises; whatever it leaves out has a reason."""
        planned = (await self.timeline())["planned"]
        for step in planned:
            if step["due_at"] is not None:
                return step
            assert step["blocked_by"], step
            assert all(reason["says"] and reason["rule"] for reason in step["blocked_by"])
        raise AssertionError(planned)

    async def debt(self) -> dict[str, Any]:
        return (await self.workspace.get(f"/debts/{self.debt_id}")).json()

    async def send_due(self) -> None:
        engine = self.workspace.engine
        while await (engine.send_due() if self.kind == "sandbox" else engine.send_due_live()):
            if (await engine.find(self.internal_id)).next_action_at != (await engine.snapshot()).now():
                return

    @property
    def internal_id(self) -> UUID:
        return ids.read("debt", self.debt_id)

    async def keep(self) -> bool:
        """Let the promised instant come, and compare what happens; return whether the scenario goes on."""
        promise, before = await self.promise(), await self.timeline()
        await self.workspace.engine.set_clock(instant(promise["due_at"]))
        await self.send_due()
        after = await self.timeline()
        happened = [attempt for attempt in after["past"] if attempt not in before["past"]]
        made = [attempt for attempt in happened if attempt["state"] in {*CONTACTED, "rehearsed"}]
        contact = (await self.workspace.get("/contact")).json()["contact"]
        if contact == "stopped":
            assert made == [], made
            assert "CONTACT-STOPPED" in [reason["rule"] for reason in promise["blocked_by"]]
        elif "SCENARIO-CONDITION" in [reason["rule"] for reason in promise["blocked_by"]]:
            assert made == [], made
        elif promise["step"] == "end":
            if contact == "on":
                assert (await self.debt())["status"] == "unresolved", (promise, happened)
            return False
        else:
            (attempt,) = made
            assert (attempt["step"], attempt["channel"]) == (promise["step"], promise["channel"])
            assert attempt["settled_at"] == promise["due_at"]
            assert attempt["state"] == ("rehearsed" if contact == "dry_run" else attempt["state"])
        return contact != "stopped"

    async def change(self) -> None:
        """Have one thing change, and what plans anew do its work."""
        changes = [
            self.suppress,
            self.lift,
            self.consent,
            self.withdraw,
            self.change_company,
            self.set_letterhead,
            self.change_addresses,
            self.publish,
            self.switch,
            self.pass_time,
            self.set_providers,
        ]
        await self.chance.choice(changes)()
        promised = await self.promise()
        await self.workspace.engine.replan()
        kept, debt = await self.promise(), await self.debt()
        assert (promised["step"], promised["channel"], promised["due_at"]) == (
            kept["step"],
            kept["channel"],
            kept["due_at"],
        )
        if not (await self.is_rehearsed()):
            assert debt["next_action_at"] == kept["due_at"]

    async def is_rehearsed(self) -> bool:
        """Whether a dry run has ended, so that the scenario begins anew when its contact is due."""
        past = (await self.timeline())["past"]
        return any(attempt["state"] == "rehearsed" for attempt in past)

    async def suppress(self) -> None:
        address = self.chance.choice([{"email": email} for email in EMAILS] + [{"phone": PHONES[0]}])
        assert (await self.workspace.post("/suppressions", address)).status == 201

    async def lift(self) -> None:
        entries = (await self.workspace.get("/suppressions")).json()["data"]
        if entries:
            entry = self.chance.choice(entries)
            assert (await self.workspace.call("DELETE", f"/suppressions/{entry['id']}")).status == 200

    async def consent(self) -> None:
        body = {"phone": PHONES[2], "consent": "artificial_voice", "source": "a form"}
        answered = await self.workspace.post("/consents", body)
        assert answered.status == 201, answered.body

    async def withdraw(self) -> None:
        consents = (await self.workspace.get("/consents")).json()["data"]
        for consent in consents[:1]:
            for _ in range(2):
                assert (await self.workspace.call("DELETE", f"/consents/{consent['id']}")).status == 200

    async def change_company(self) -> None:
        values = {
            name: self.chance.choice(["", value])
            for name, value in (("iban", IBAN), ("email", "a@acme.example"))
        }
        engine = self.workspace.engine
        company = (await engine.snapshot()).company
        async with engine.database.transaction((await engine.snapshot()).now()) as tx:
            await companies.update(tx, company.id, companies.CompanyChanges(**values))
        self.workspace.site.app.state.auth.invalidate(company.id)

    async def set_letterhead(self) -> None:
        engine = self.workspace.engine
        company = (await engine.snapshot()).company
        lines, imprint = self.chance.choice([LETTERHEAD, []]), self.chance.choice(["RCS Lyon 123", None])
        await companies.set_letterhead(engine.database, company.id, lines, imprint)
        self.workspace.site.app.state.auth.invalidate(company.id)

    async def change_addresses(self) -> None:
        answered = await self.workspace.call("PUT", f"/debts/{self.debt_id}", {"debtor": self.addresses()})
        assert answered.status == 200, answered.body

    async def publish(self) -> None:
        wording = {"subject": "Facture", "text": "{{ creditor }}\n\n{{ how_to_pay }}\n\n{{ foot }}"}
        answered = await self.workspace.post("/templates/wave_1_email/fr", wording)
        assert answered.status == 201, answered.body

    async def switch(self) -> None:
        engine, mode = self.workspace.engine, self.chance.choice(["on", "on", "dry_run", "stopped"])
        await engine.switch(mode)
        self.workspace.site.app.state.auth.invalidate(engine.id)

    async def pass_time(self) -> None:
        due_at = datetime.fromisoformat((await self.promise())["due_at"])
        now = (await self.workspace.engine.snapshot()).now()
        if due_at > now:
            await self.workspace.engine.set_clock(
                f"{now + (due_at - now) * self.chance.random():%Y-%m-%d %H:%M:%S.%f}"
            )

    async def set_providers(self) -> None:
        """Have the installation restart with other settings; a sandbox has a provider for each channel."""
        if self.kind == "sandbox":
            return
        engine = self.workspace.engine
        live: dict[Channel, Any] = {}
        if self.kind == "smtp" and self.chance.random() < 0.7:
            live[Channel.EMAIL] = self.smtp
        for channel in (Channel.SMS, Channel.AI_CALL, Channel.LETTER):
            if self.chance.random() < 0.5:
                live[channel] = Provider(channel)
        engine.context = replace(engine.context, senders=Senders(live))
        async with engine.database.transaction((await engine.snapshot()).now()) as tx:
            if await companies.report_channels(tx, live):
                # The workspaces of other tests have keys of their own.
                await (await tx.connection()).execute(
                    "DELETE FROM replans WHERE workspace_id <> $1", engine.id
                )
        self.workspace.site.app.state.auth.invalidate(engine.id)


def instant(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S.%f}"


@pytest.mark.parametrize("seed", range(9))
async def test_a_promised_step_is_what_happens_then(site: Site, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    kind = ["sandbox", "smtp", "none"][seed % 3]
    async with AsyncExitStack() as stack:
        smtp = Smtp(await stack.enter_async_context(serving(Mailbox())))
        stack.push_async_callback(smtp.close)
        open_workspace = collecting.open_sandbox if kind == "sandbox" else collecting.open_live
        story = Story(await open_workspace(site), chance, smtp, kind=kind)
        await story.begin()

        for _ in range(10):
            for _ in range(chance.randrange(3)):
                await story.change()
            if not await story.keep():
                break
