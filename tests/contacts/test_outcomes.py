"""What becomes of a contact by what its provider says, and what follows from it."""

from dataclasses import replace
from typing import Any

import collecting
from collecting import JEAN, Provider, at, live_engine
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome, failed, unknown
from getbill.kit.database.transactions import Database


async def test_acceptance_counts_unconfirmed_where_a_channel_gives_no_receipt(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()

    await workspace.send_due_live()

    (contacted,) = await workspace.event_data(debt.id, "debt.contacted")
    (completed,) = await workspace.event_data(debt.id, "followup.completed")
    assert contacted["confirmed"] is False
    assert completed["followup"]["status"] == "sent"
    assert (await workspace.find(debt.id)).status == "in_progress"


async def test_acceptance_alone_is_no_contact_where_a_receipt_will_come(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL, gives_receipt=True))
    debt = await workspace.debt()

    await workspace.send_due_live()

    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", "accepted")
    assert await workspace.followups(debt.id) == [("email", "sent")]
    assert await workspace.events(debt.id) == ["debt.created", "followup.created", "followup.updated"]
    assert (await workspace.find(debt.id)).status == "pending"


async def test_a_call_nobody_answers_has_contacted_nobody(database: Database) -> None:
    outcome = SendOutcome(Fate.UNANSWERED, "call-1", "no_answer")
    workspace = await live_engine(database, Provider(Channel.AI_CALL, outcome=outcome, gives_receipt=True))
    debt = await workspace.debt(replace(JEAN, email=None))
    await workspace.database.pool.execute(
        "UPDATE contacts SET channel = 'ai_call', step = 'wave_2_call' WHERE debt_id = $1 AND state = 'planned'",
        debt.id,
    )

    await workspace.send_due_live()

    assert await workspace.followups(debt.id) == [("ai_call", "no_answer")]
    assert await workspace.events(debt.id) == ["debt.created", "followup.created", "followup.completed"]


async def test_a_refusal_for_good_ends_the_step_and_the_next_one_is_planned(database: Database) -> None:
    refusal = failed("550 No such user", permanent=True)
    workspace = await live_engine(database, Provider(Channel.EMAIL, outcome=refusal))
    debt = await workspace.debt()

    await workspace.send_due_live()

    result = await workspace.first(debt.id)
    assert (result["state"], result["reason"]) == ("failed", "550 No such user")
    assert (await workspace.ledger(debt.id))[1] == ("wave_1_sms", "planned")
    assert await workspace.followups(debt.id) == [("email", "failed")]
    assert await workspace.events(debt.id) == [
        "debt.created",
        "followup.created",
        "followup.completed",
        "followup.failed",
    ]
    assert (await workspace.find(debt.id)).contacts_count == 0


async def test_a_failure_that_passes_is_tried_again_as_the_same_followup(database: Database) -> None:
    provider = Provider(Channel.EMAIL, outcome=failed("451 Try later", permanent=False))
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await workspace.send_due_live()
    between = await workspace.find(debt.id)
    scheduled = await workspace.followups(debt.id)

    provider.outcome = collecting.ACCEPTED
    await workspace.set_clock("2026-01-05 09:05")
    await workspace.send_due_live()

    assert between.next_action_at == at("2026-01-05 09:05")
    assert scheduled == [("email", "scheduled")]
    assert await workspace.ledger(debt.id) == [
        ("wave_1_email", "failed"),
        ("wave_1_email", "accepted"),
        ("wave_1_sms", "planned"),
    ]
    assert await workspace.followups(debt.id) == [("email", "sent")]
    assert (await workspace.events(debt.id)).count("followup.completed") == 1
    assert len({message.key for message in provider.taken}) == 1


async def test_a_failure_that_never_passes_gives_way_to_the_next_step(database: Database) -> None:
    provider = Provider(Channel.EMAIL, outcome=failed("451 Try later", permanent=False))
    workspace = await live_engine(database, provider)
    workspace.context = replace(workspace.context, settings=replace(workspace.context.settings, tries_max=3))
    debt = await workspace.debt()

    for _ in range(3):
        due = (await workspace.find(debt.id)).next_action_at
        await workspace.set_clock(f"{due:%Y-%m-%d %H:%M}")
        await workspace.send_due_live()

    assert await workspace.ledger(debt.id) == [
        *[("wave_1_email", "failed")] * 3,
        ("wave_1_sms", "planned"),
    ]
    assert await workspace.followups(debt.id) == [("email", "failed")]


async def test_a_message_of_which_nobody_knows_counts_as_a_contact_and_is_not_announced(
    database: Database,
) -> None:
    workspace = await live_engine(
        database, Provider(Channel.EMAIL, outcome=unknown("the connection was lost"))
    )
    debt = await workspace.debt()

    await workspace.send_due_live()

    assert await workspace.ledger(debt.id) == [("wave_1_email", "unknown"), ("wave_1_sms", "planned")]
    assert await workspace.events(debt.id) == ["debt.created", "followup.created", "followup.updated"]


async def test_a_sender_that_breaks_leaves_the_message_unknown(database: Database) -> None:
    class Broken(Provider):
        async def send(self, _message: Any) -> SendOutcome:
            raise RuntimeError("a mistake of ours")

    workspace = await live_engine(database, Broken(Channel.EMAIL))
    debt = await workspace.debt()

    await workspace.send_due_live()

    result = await workspace.first(debt.id)
    assert (result["state"], result["reason"]) == (
        "unknown",
        "the sender failed; the worker's log has the traceback",
    )
