"""A merge while a contact of the absorbed debtor is on its way: sent once, its outcome kept, the rest planned anew."""

from dataclasses import dataclass
from typing import Any

import collecting
from collecting import JEAN, Provider
from getbill.access import OPERATOR
from getbill.channels import Channel
from getbill.channels.senders import Outgoing, SendOutcome
from getbill.debtors import Identity
from getbill.debts.people.actions import merge_people
from getbill.kit.database.transactions import Database

MARC = Identity("Marc Petit", email="marc@example.com", phone="+33612345600")


@dataclass
class MergingProvider(Provider):
    """A provider during whose first call the debtors are merged."""

    merge: Any = None

    async def send(self, message: Outgoing) -> SendOutcome:
        merge, self.merge = self.merge, None
        if merge is not None:
            await merge()
        return await super().send(message)


async def test_a_contact_that_is_being_sent_is_not_sent_again_after_a_merge(database: Database) -> None:
    provider = MergingProvider(Channel.EMAIL)
    workspace = await collecting.new_engine(database, live=True, senders={Channel.EMAIL: provider})
    await workspace.set_clock("2026-01-05 09:00")
    survivor = await workspace.debt(who=MARC)
    await workspace.send_due_live()
    moved = await workspace.debt(who=JEAN)

    async def merge() -> None:
        snapshot = await workspace.snapshot()
        async with database.transaction(snapshot.now()) as tx:
            await merge_people(tx, snapshot, survivor.debtor.id, moved.debtor.id, OPERATOR)

    provider.merge = merge
    await workspace.send_due_live()
    await workspace.send_due_live()

    # Once under way it goes to whom it was addressed, and once.
    assert [message.address for message in provider.taken].count(JEAN.email) == 1
    debt = await workspace.find(moved.id)
    assert (debt.debtor.id, debt.debtor.identity.email) == (survivor.debtor.id, MARC.email)
    steps = [(row["step"], row["state"]) for row in await workspace.contacts(moved.id)]
    assert steps[0] == ("wave_1_email", "accepted")
    assert [step for step, _ in steps].count("wave_1_email") == 1
    assert len([state for _, state in steps if state == "planned"]) == 1
    assert "debt.contacted" in await workspace.events(moved.id)
