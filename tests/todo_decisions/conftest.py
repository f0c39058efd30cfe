"""The whole API on the test process's database, and a message of which nobody knows whether it left."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import ACCEPTED, House, Provider
from getbill.channels import Channel
from getbill.channels.senders import Senders, unknown
from getbill.debts import Debt
from getbill.kit import ids


@pytest.fixture(scope="module")
async def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with collecting.site_on(dsn, tmp_path_factory.mktemp("decisions")) as site:
        yield site


MONDAY = "2026-01-05 09:00"


LOST = "the connection was lost"


@dataclass
class Doubt:
    """A live workspace, its e-mail provider, and a debt whose first message may have left or not."""

    house: House
    provider: Provider
    debt: Debt

    @property
    def debt_id(self) -> str:
        return ids.show("debt", self.debt.id)

    async def todos(self) -> list[dict[str, Any]]:
        return (await self.house.get(f"/todos?debt_id={self.debt_id}")).json()["data"]

    async def decide(self, decision: str) -> Answer:
        (todo,) = await self.todos()
        return await self.house.post(f"/todos/{todo['id']}/decide", {"decision": decision})

    async def ledger(self) -> list[tuple[str, int, str, str | None]]:
        rows = await self.house.place.contacts(self.debt.id)
        return [(row["step"], row["attempt"], row["state"], row["reason"]) for row in rows]

    async def next_is_due(self) -> str:
        found = await self.house.place.find(self.debt.id)
        return f"{found.next_action_at:%Y-%m-%d %H:%M}"

    async def send_again(self) -> None:
        self.provider.outcome = ACCEPTED
        await self.house.place.send_due_live()


@pytest.fixture
async def doubt(site: Site) -> Doubt:
    house = await collecting.live_house(site)
    provider = Provider(Channel.EMAIL, outcome=unknown(LOST))
    house.place.desk = replace(house.place.desk, senders=Senders({Channel.EMAIL: provider}))
    await house.place.set_clock(MONDAY)
    debt = await house.place.debt()
    await house.place.send_due_live()
    return Doubt(house, provider, debt)
