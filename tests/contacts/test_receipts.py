"""What a provider says later: each contact counts once, at the first word that says it arrived."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

import collecting
from collecting import JEAN, Provider, WorkspaceEngine
from getbill import contacts
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome, failed, unknown
from getbill.debtors import Identity
from getbill.kit.database.transactions import Database

DELIVERED = SendOutcome(Fate.DELIVERED, "ref-1")


async def sent(database: Database, provider: Provider) -> tuple[WorkspaceEngine, UUID, UUID]:
    """Have a provider take a debt's first e-mail; return the place, the debt and the followup."""
    workspace = await collecting.new_engine(database, live=True, senders={provider.channel: provider})
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.send_due_live()
    return workspace, debt.id, (await workspace.contacts(debt.id))[0]["followup_id"]


async def receive(workspace: WorkspaceEngine, followup_id: UUID, outcome: SendOutcome) -> bool:
    return await contacts.receive_callback(
        workspace.database, await workspace.snapshot(), followup_id, outcome
    )


async def test_a_delivery_confirmed_later_contacts_the_debtor_then(database: Database) -> None:
    workspace, debt_id, followup_id = await sent(database, Provider(Channel.EMAIL, gives_receipt=True))
    before = await workspace.events(debt_id)

    await workspace.set_clock("2026-01-05 09:30")
    report = await receive(workspace, followup_id, DELIVERED)

    assert report
    assert before == ["debt.created", "followup.created", "followup.updated"]
    assert await workspace.events(debt_id) == [
        *before,
        "debt.contacted",
        "debt.status_changed",
        "followup.completed",
    ]
    assert (await workspace.ledger(debt_id))[0] == ("wave_1_email", "delivered")
    assert await workspace.followups(debt_id) == [("email", "delivered")]
    (contacted,) = await workspace.event_data(debt_id, "debt.contacted")
    assert contacted["confirmed"] is True
    assert contacted["followup"]["sent_at"] == "2026-01-05T09:00:00Z"
    assert contacted["followup"]["processed_at"] == "2026-01-05T09:30:00Z"


async def test_a_receipt_that_comes_twice_tells_nothing_new(database: Database) -> None:
    workspace, debt_id, followup_id = await sent(database, Provider(Channel.EMAIL, gives_receipt=True))
    await receive(workspace, followup_id, DELIVERED)
    before = await workspace.events(debt_id)

    report = await receive(workspace, followup_id, DELIVERED)

    assert not report
    assert await workspace.events(debt_id) == before


async def test_a_bounce_is_no_contact(database: Database) -> None:
    workspace, debt_id, followup_id = await sent(database, Provider(Channel.EMAIL, gives_receipt=True))

    await receive(workspace, followup_id, failed("550 No such user", permanent=True))

    assert (await workspace.ledger(debt_id))[0] == ("wave_1_email", "bounced")
    assert await workspace.followups(debt_id) == [("email", "failed")]
    assert await workspace.events(debt_id) == [
        "debt.created",
        "followup.created",
        "followup.updated",
        "followup.completed",
        "followup.failed",
    ]


async def test_a_bounce_of_what_had_counted_as_sent_is_announced(database: Database) -> None:
    workspace, debt_id, followup_id = await sent(database, Provider(Channel.EMAIL))
    before = await workspace.events(debt_id)

    await receive(workspace, followup_id, failed("550 No such user", permanent=True))

    assert await workspace.events(debt_id) == [*before, "followup.completed", "followup.failed"]
    assert await workspace.followups(debt_id) == [("email", "failed")]


async def test_a_receipt_settles_what_was_unknown(database: Database) -> None:
    workspace, debt_id, followup_id = await sent(database, Provider(Channel.EMAIL, outcome=unknown("lost")))

    await receive(workspace, followup_id, DELIVERED)

    assert (await workspace.ledger(debt_id))[0] == ("wave_1_email", "delivered")
    assert (await workspace.events(debt_id)).count("debt.contacted") == 1


async def test_a_call_counts_as_answered_or_not(database: Database) -> None:
    provider = Provider(Channel.EMAIL, gives_receipt=True)
    workspace, debt_id, followup_id = await sent(database, provider)

    await receive(workspace, followup_id, SendOutcome(Fate.UNANSWERED))

    assert await workspace.followups(debt_id) == [("email", "no_answer")]
    assert "debt.contacted" not in await workspace.events(debt_id)


@pytest.mark.parametrize("outcome", [failed("550", permanent=True)])
async def test_what_never_left_has_no_receipt(database: Database, outcome: Any) -> None:
    workspace, debt_id, followup_id = await sent(database, Provider(Channel.EMAIL, outcome=outcome))
    before = await workspace.events(debt_id)

    assert not await receive(workspace, followup_id, DELIVERED)
    assert await workspace.events(debt_id) == before


async def test_an_address_learned_later_takes_up_the_steps_passed_over_for_want_of_it(
    database: Database,
) -> None:
    workspace = await collecting.new_engine(database)
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(replace(JEAN, email=None))
    assert await workspace.ledger(debt.id) == [("wave_1_email", "skipped"), ("wave_1_sms", "planned")]

    await workspace.learn(debt.id, email="jean@example.com")
    await workspace.learn(debt.id, street_address="rue des Lilas")
    await workspace.send_due()

    assert await workspace.ledger(debt.id) == [
        ("wave_1_email", "skipped"),
        ("wave_1_email", "stopped"),
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "stopped"),
        ("wave_1_sms", "planned"),
    ]


async def test_a_debt_does_not_end_unasked_when_another_debt_told_the_address(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 07:00")
    nobody = Identity("Jean Dupont", reference="C-1")
    silent, other = await workspace.debt(nobody), await workspace.debt(nobody)
    await workspace.learn(other.id, email="jean@example.com")

    await workspace.run_until("2026-02-06 19:00")

    assert [step for step, state in await workspace.ledger(silent.id) if state == "delivered"] == [
        "wave_1_email",
        "wave_2_email",
    ]


async def test_a_debt_ends_whose_steps_that_became_reachable_are_behind_it(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 07:00")
    who = Identity("Jean Dupont", phone="+33612345678", reference="C-1")
    debt, other = await workspace.debt(who), await workspace.debt(who)
    await workspace.run_until("2026-02-03 19:00")
    await workspace.learn(other.id, email="jean@example.com")

    await workspace.run_until("2026-02-20 19:00")

    assert (await workspace.find(debt.id)).status == "unresolved"
    assert "wave_1_email" not in [
        step for step, state in await workspace.ledger(debt.id) if state == "delivered"
    ]
