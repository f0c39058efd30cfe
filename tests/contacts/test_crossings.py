"""A payment that commits while a message is on its way is listed as crossed, wherever the message is shown."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import collecting
from calls import Site
from collecting import ACCEPTED, ContactWorkspace, Provider
from getbill import contacts, debts
from getbill.channels import Channel
from getbill.channels.senders import Fate, Outgoing, Senders, SendOutcome, failed, unknown
from getbill.debts import Debt
from getbill.kit import clock, ids

MONDAY = "2026-01-05 09:00"
DELIVERED = SendOutcome(Fate.DELIVERED, "ref")


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("crossings")) as site:
        yield site


async def nothing() -> None:
    pass


@dataclass
class SlowProvider(Provider):
    """A provider that takes its time, in which something else happens."""

    meanwhile: Callable[[], Awaitable[Any]] = field(default=nothing)

    async def send(self, message: Outgoing) -> SendOutcome:
        await self.meanwhile()
        return await super().send(message)


@dataclass
class Crossing:
    """A live workspace with a debt whose first message is on its way, and what it looks like afterwards."""

    workspace: ContactWorkspace
    mail: SlowProvider
    debt: Debt

    async def pay(self, minor: int = 234_000) -> None:
        await self.workspace.engine.change(self.debt.id, debts.enter_money, "payment", -minor)

    async def send(self) -> None:
        await self.workspace.engine.send_due_live()

    async def receipt(self, outcome: SendOutcome) -> None:
        workspace = self.workspace.engine
        await contacts.receive_callback(
            workspace.database, await workspace.snapshot(), await self.followup_id(), outcome
        )

    async def followup_id(self) -> UUID:
        (answer,) = await self.listed()
        return ids.read("followup", answer["id"])

    async def listed(self, query: str = "") -> list[dict[str, Any]]:
        path = f"/followups?debt_id={ids.show('debt', self.debt.id)}{query}"
        return (await self.workspace.get(path)).json()["data"]

    async def crossed(self) -> str | None:
        """Return what the message crossed, as the timeline, the followup and the list's filter all say."""
        step = (await self.workspace.get(f"/debts/{ids.show('debt', self.debt.id)}/timeline")).json()["past"]
        first = next(item for item in step if item["step"] == "wave_1_email")
        (followup,) = await self.listed()
        is_listed = bool(await self.listed("&crossed=true"))
        assert first["crossed_by"] == followup["crossed_by"]
        assert (is_listed, bool(await self.listed("&crossed=false"))) == (
            followup["crossed_by"] is not None,
            followup["crossed_by"] is None,
        )
        return followup["crossed_by"]


@pytest.fixture
async def crossing(site: Site) -> Crossing:
    workspace = await collecting.open_live(site)
    mail = SlowProvider(Channel.EMAIL)
    workspace.engine.context = replace(workspace.engine.context, senders=Senders({Channel.EMAIL: mail}))
    await workspace.engine.set_clock(MONDAY)
    return Crossing(workspace, mail, await workspace.engine.debt())


async def test_a_payment_in_full_while_a_message_is_on_its_way_crosses_it(crossing: Crossing) -> None:
    crossing.mail.meanwhile = crossing.pay

    await crossing.send()

    assert await crossing.crossed() == "payment"
    assert await crossing.workspace.engine.ledger(crossing.debt.id) == [("wave_1_email", "accepted")]


async def test_a_part_payment_crosses_too_and_the_scenario_goes_on(crossing: Crossing) -> None:
    crossing.mail.meanwhile = lambda: crossing.pay(1_000)

    await crossing.send()

    assert await crossing.crossed() == "payment"
    assert (await crossing.workspace.engine.ledger(crossing.debt.id))[1] == ("wave_1_sms", "planned")


async def test_a_hold_while_a_message_is_on_its_way_crosses_it(crossing: Crossing) -> None:
    crossing.mail.meanwhile = lambda: crossing.workspace.engine.change(crossing.debt.id, debts.hold, None)

    await crossing.send()

    assert await crossing.crossed() == "on_hold"


async def test_a_payment_after_the_message_was_taken_crosses_nothing(crossing: Crossing) -> None:
    await crossing.send()

    await crossing.pay()

    assert await crossing.crossed() is None


async def test_where_the_channel_confirms_a_message_is_on_its_way_until_it_arrives(
    crossing: Crossing,
) -> None:
    crossing.mail.gives_receipt = True
    await crossing.send()
    await crossing.pay()
    assert await crossing.crossed() is None

    await crossing.receipt(DELIVERED)

    assert await crossing.crossed() == "payment"


async def test_a_payment_before_the_second_receipt_crosses_nothing(crossing: Crossing) -> None:
    await crossing.send()
    await crossing.pay()

    await crossing.receipt(DELIVERED)

    assert await crossing.crossed() is None


async def test_what_never_arrived_crossed_nothing(crossing: Crossing) -> None:
    crossing.mail.outcome = failed("no such mailbox", permanent=True)
    crossing.mail.meanwhile = crossing.pay

    await crossing.send()

    assert await crossing.crossed() is None


async def test_what_may_have_arrived_is_listed(crossing: Crossing) -> None:
    crossing.mail.outcome = unknown("the connection was lost")
    crossing.mail.meanwhile = crossing.pay

    await crossing.send()

    assert await crossing.crossed() == "payment"


async def test_a_payment_between_the_death_of_a_worker_and_its_successor_crosses(crossing: Crossing) -> None:
    class Killed(BaseException):
        """A power cut, as the code sees it: nothing after it runs."""

    async def die() -> None:
        raise Killed

    crossing.mail.meanwhile = die
    with pytest.raises(Killed):
        await crossing.send()
    await crossing.pay()
    database = crossing.workspace.engine.database
    await database.pool.execute(
        "UPDATE contacts SET lease_until = $2 WHERE workspace_id = $1 AND state = 'sending'",
        crossing.workspace.engine.id,
        clock.wall() - timedelta(seconds=1),
    )

    await crossing.workspace.engine.recover()

    assert await crossing.crossed() == "payment"
    assert (await crossing.workspace.engine.first(crossing.debt.id))["state"] == "unknown"


async def test_a_try_that_failed_before_the_one_that_crossed_did_not_cross(crossing: Crossing) -> None:
    crossing.mail.outcome = failed("busy", permanent=False)
    await crossing.send()
    crossing.mail.outcome, crossing.mail.meanwhile = ACCEPTED, crossing.pay
    await crossing.workspace.engine.set_clock("2026-01-05 09:10")

    await crossing.send()

    step = (await crossing.workspace.get(f"/debts/{ids.show('debt', crossing.debt.id)}/timeline")).json()[
        "past"
    ]
    assert [(item["attempt"], item["state"], item["crossed_by"]) for item in step] == [
        (1, "failed", None),
        (2, "accepted", "payment"),
    ]
