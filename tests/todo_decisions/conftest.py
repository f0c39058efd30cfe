"""The whole API on the test process's database, and a message of which nobody knows whether it left."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import ACCEPTED, ContactWorkspace, Provider
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

    workspace: ContactWorkspace
    provider: Provider
    debt: Debt

    @property
    def debt_id(self) -> str:
        return ids.show("debt", self.debt.id)

    async def todos(self) -> list[dict[str, Any]]:
        return (await self.workspace.get(f"/todos?debt_id={self.debt_id}")).json()["data"]

    async def decide(self, decision: str) -> Answer:
        (todo,) = await self.todos()
        return await self.workspace.post(f"/todos/{todo['id']}/decide", {"decision": decision})

    async def ledger(self) -> list[tuple[str, int, str, str | None]]:
        rows = await self.workspace.engine.contacts(self.debt.id)
        return [(row["step"], row["attempt"], row["state"], row["reason"]) for row in rows]

    async def next_is_due(self) -> str:
        result = await self.workspace.engine.find(self.debt.id)
        return f"{result.next_action_at:%Y-%m-%d %H:%M}"

    async def send_again(self) -> None:
        self.provider.outcome = ACCEPTED
        await self.workspace.engine.send_due_live()


@pytest.fixture
async def doubt(site: Site) -> Doubt:
    workspace = await collecting.open_live(site)
    provider = Provider(Channel.EMAIL, outcome=unknown(LOST))
    workspace.engine.context = replace(
        workspace.engine.context,
        senders=Senders({Channel.EMAIL: provider, Channel.SMS: Provider(Channel.SMS)}),
    )
    await workspace.engine.set_clock(MONDAY)
    debt = await workspace.engine.debt()
    await workspace.engine.send_due_live()
    return Doubt(workspace, provider, debt)
