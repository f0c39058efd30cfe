"""A bounced address: the person's next one takes its place on all their debts."""

from dataclasses import replace

import pytest

import collecting
from collecting import JEAN, Provider
from getbill import contacts
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome, failed
from getbill.kit.database.transactions import Database

DEAD = failed("550 5.1.1 No such user", permanent=True, dead_address=True)


@pytest.mark.parametrize("is_immediate", [True, False])
async def test_after_a_hard_bounce_the_next_address_is_preferred_on_every_debt(
    database: Database, is_immediate: bool
) -> None:
    outcome = DEAD if is_immediate else SendOutcome(Fate.ACCEPTED, "ref-1")
    provider = Provider(Channel.EMAIL, outcome=outcome, gives_receipt=True)
    workspace = await collecting.new_engine(database, live=True, senders={Channel.EMAIL: provider})
    await workspace.set_clock("2026-01-05 09:00")
    first = await workspace.debt()
    await workspace.set_clock("2026-01-05 09:10")
    second = await workspace.debt(who=replace(JEAN, email="jd@example.com"))

    await workspace.send_due_live()
    if not is_immediate:
        (sent,) = [
            row
            for debt in (first, second)
            for row in await workspace.contacts(debt.id)
            if row["followup_id"] is not None
        ][:1]
        await contacts.receive_callback(database, await workspace.snapshot(), sent["followup_id"], DEAD)

    for debt in (first, second):
        found = await workspace.find(debt.id)
        assert found.debtor.identity.email == "jd@example.com"
        assert [(point.value, point.health) for point in found.debtor.identity.points("email")] == [
            ("jd@example.com", "unknown"),
            (JEAN.email, "bounced"),
        ]
        updates = await workspace.event_data(debt.id, "debt.updated")
        assert updates[-1]["changes"] == {"debtor": ["email", "emails"]}
        assert found.next_action_at is not None
        planned = [row for row in await workspace.contacts(debt.id) if row["state"] == "planned"]
        assert len(planned) == 1
