"""How many messages are handed over at the same time: as many of a channel as its provider says, whatever else is due."""

import asyncio
from dataclasses import dataclass, replace

import collecting
from collecting import JEAN, Provider
from getbill.channels import Channel
from getbill.channels.senders import Capabilities, Outgoing, SendOutcome
from getbill.kit.database.transactions import Database


@dataclass
class CountingProvider(Provider):
    """A provider that says how many messages it wants at the same time, and counts how many it was handed."""

    at_once: int = 8
    under_way: int = 0
    most: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.assurance, self.gives_receipt, at_once=self.at_once)

    async def send(self, message: Outgoing) -> SendOutcome:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().send(message)


async def test_each_provider_is_handed_as_many_as_it_says_whatever_the_others_take(
    database: Database,
) -> None:
    mail, text = CountingProvider(Channel.EMAIL, at_once=6), CountingProvider(Channel.SMS, at_once=2)
    workspace = await collecting.new_engine(
        database, live=True, senders={Channel.EMAIL: mail, Channel.SMS: text}
    )
    workspace.context = replace(
        workspace.context, settings=replace(workspace.context.settings, concurrent_batches=1)
    )
    await workspace.set_clock("2026-01-05 09:00")
    for number in range(4):
        await workspace.debt(replace(JEAN, name=f"Luc {number}", email=None, phone=f"+3361234560{number}"))
    await workspace.set_clock("2026-01-08 09:00")
    for number in range(8):
        await workspace.debt(
            replace(JEAN, name=f"Guy {number}", email=f"guy{number}@example.com", phone=None)
        )

    batch = await workspace.send_due_live()

    assert (batch, len(mail.taken), len(text.taken)) == (12, 8, 4)
    assert (mail.most, text.most) == (6, 2)
