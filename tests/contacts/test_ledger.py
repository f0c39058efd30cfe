"""The ledger when things go wrong: dead workers, slow ones, several at once, providers that fail or fall silent."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collecting import ACCEPTED, JEAN, Provider, WorkspaceEngine, at, live_engine
from getbill import contacts, debts
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Fate, SendOutcome, failed
from getbill.contacts import claims
from getbill.contacts.model import Contact
from getbill.contacts.sending import deliver
from getbill.contacts.sending.context import PreparedSend
from getbill.contacts.sending.decide import prepare_sends
from getbill.kit import clock
from getbill.kit.database.transactions import Database

MONDAY = "2026-01-05 09:00"


async def claim(workspace: WorkspaceEngine, crashes: claims.CrashRange = claims.NO_CRASHES) -> list[Contact]:
    return await workspace.claim(crashes)


async def send_and_die(workspace: WorkspaceEngine) -> list[PreparedSend]:
    """Commit what is due as `sending`, as a worker that then dies before its provider has answered."""
    departing = await prepare_sends(workspace.context, await workspace.snapshot(), await claim(workspace))
    await expire(workspace)
    return departing


async def expire(workspace: WorkspaceEngine) -> None:
    """Let every lease of a workspace run out."""
    await workspace.database.pool.execute(
        "UPDATE contacts SET lease_until = $2 WHERE workspace_id = $1 AND lease_until IS NOT NULL",
        workspace.id,
        clock.wall() - timedelta(seconds=1),
    )


async def test_what_a_dead_worker_had_only_claimed_is_sent_by_the_next_once(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await claim(workspace)
    await expire(workspace)

    await workspace.recover()
    await workspace.send_due_live()

    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", "accepted")
    assert len(provider.taken) == 1


async def test_a_claim_that_lives_is_left_alone(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    await claim(workspace)

    await workspace.recover()

    assert await workspace.ledger(debt.id) == [("wave_1_email", "claimed")]


async def test_a_worker_that_was_too_slow_sends_nothing(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    slow = await claim(workspace)
    await expire(workspace)
    await workspace.recover()
    taken_anew = await claim(workspace, (1, 1))

    departing = await prepare_sends(workspace.context, await workspace.snapshot(), slow)

    assert departing == []
    assert await workspace.ledger(debt.id) == [("wave_1_email", "claimed")]
    assert len(await prepare_sends(workspace.context, await workspace.snapshot(), taken_anew)) == 1


async def test_what_was_on_its_way_by_a_provider_that_cannot_be_asked_is_unknown_and_never_sent_again(
    database: Database,
) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await send_and_die(workspace)

    await workspace.recover()
    await workspace.recover()

    assert await workspace.ledger(debt.id) == [("wave_1_email", "unknown"), ("wave_1_sms", "planned")]
    assert await workspace.followups(debt.id) == [("email", "on_hold")]
    assert await workspace.events(debt.id) == ["debt.created", "followup.created", "followup.updated"]
    assert provider.taken == []


async def test_what_was_on_its_way_is_asked_again_with_the_same_key_where_the_provider_takes_one(
    database: Database,
) -> None:
    provider = Provider(Channel.EMAIL, Assurance.IDEMPOTENCY_KEY)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    (departed,) = await send_and_die(workspace)

    await workspace.recover()

    (message,) = provider.taken
    assert message == departed.message
    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", "accepted")


async def test_what_was_on_its_way_is_not_asked_again_once_the_debt_is_paid(database: Database) -> None:
    provider = Provider(Channel.EMAIL, Assurance.IDEMPOTENCY_KEY)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await send_and_die(workspace)
    await workspace.change(debt.id, debts.enter_money, "payment", -234_000)

    await workspace.recover()

    assert await workspace.ledger(debt.id) == [("wave_1_email", "unknown")]
    assert provider.taken == []


async def test_a_provider_that_can_be_looked_up_says_what_became_of_a_message(database: Database) -> None:
    provider = Provider(Channel.EMAIL, Assurance.LOOK_UP, gives_receipt=True)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    (departed,) = await send_and_die(workspace)
    provider.known[departed.message.key] = SendOutcome(Fate.DELIVERED, "ref-1")

    await workspace.recover()

    result = await workspace.first(debt.id)
    assert (result["state"], result["provider_ref"]) == ("delivered", "ref-1")
    assert provider.taken == []
    assert "debt.contacted" in await workspace.events(debt.id)


async def test_a_message_its_provider_never_saw_is_sent_after_all(database: Database) -> None:
    provider = Provider(Channel.EMAIL, Assurance.LOOK_UP)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    (departed,) = await send_and_die(workspace)

    await workspace.recover()
    await workspace.send_due_live()

    assert [message.key for message in provider.taken] == [departed.message.key]
    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", "accepted")
    assert await workspace.followups(debt.id) == [("email", "sent")]


async def test_a_worker_thought_dead_writes_nothing_when_it_comes_back(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    departing = await send_and_die(workspace)
    await workspace.recover()

    snapshot = await workspace.snapshot()
    await deliver.settle_contacts(workspace.context, snapshot, await deliver.send_prepared(departing))

    assert (await workspace.ledger(debt.id))[0] == ("wave_1_email", "unknown")
    assert await workspace.events(debt.id) == ["debt.created", "followup.created", "followup.updated"]


async def test_an_erased_debt_whose_message_was_on_its_way_leaves_only_that_it_was(
    database: Database,
) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    departing = await prepare_sends(workspace.context, await workspace.snapshot(), await claim(workspace))
    snapshot = await workspace.snapshot()
    async with database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, debt.id))

    await deliver.settle_contacts(workspace.context, snapshot, await deliver.send_prepared(departing))

    result = await workspace.first(debt.id)
    assert (result["state"], result["address_hash"], result["followup_id"]) == ("accepted", None, None)
    assert await workspace.followups(debt.id) == []


async def test_workers_that_claim_at_the_same_time_never_take_one_contact_twice(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    for number in range(24):
        await workspace.debt(replace(JEAN, name=f"Jean {number}", email=f"jean{number}@example.com"))

    request = claims.ClaimRequest(clock.wall(), 5, clock.wall() + timedelta(seconds=60))
    batches = await asyncio.gather(*(claims.claim_live(database, workspace.id, request) for _ in range(8)))

    debt_ids = [contact.debt_id for batch in batches for contact in batch]
    assert len(debt_ids) == len(set(debt_ids)) > 5


async def test_two_workers_together_send_each_contact_once(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    for number in range(24):
        await workspace.debt(replace(JEAN, name=f"Anne {number}", email=f"anne{number}@example.com"))

    await asyncio.gather(*(workspace.send_due_live() for _ in range(4)))
    await workspace.send_due_live()

    assert len(provider.taken) == 24
    assert len({message.key for message in provider.taken}) == 24


@pytest.mark.parametrize(
    ("verb", "arguments", "status"),
    [
        (debts.enter_money, ("payment", -234_000), "resolved"),
        (debts.hold, ("disputed",), "on_hold"),
        (debts.escalate, ("no answer", "Marie Martin"), "escalated"),
    ],
)
async def test_what_happens_between_claim_and_sending_stops_the_contact(
    database: Database, verb: Any, arguments: tuple[Any, ...], status: str
) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    work = await claim(workspace)

    await workspace.change(debt.id, verb, *arguments)
    departing = await prepare_sends(workspace.context, await workspace.snapshot(), work)

    assert departing == []
    result = await workspace.first(debt.id)
    assert (result["state"], result["reason"]) == ("stopped", f"the debt is {status}")
    assert await workspace.followups(debt.id) == []


async def test_a_debt_held_and_resumed_between_claim_and_sending_is_contacted_once(
    database: Database,
) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    work = await claim(workspace)
    await workspace.change(debt.id, debts.hold, None)
    await workspace.change(debt.id, debts.resume)

    departing = await prepare_sends(workspace.context, await workspace.snapshot(), work)
    await workspace.send_due_live()

    assert departing == []
    assert await workspace.ledger(debt.id) == [
        ("wave_1_email", "stopped"),
        ("wave_1_email", "accepted"),
        ("wave_1_sms", "planned"),
    ]
    assert len(provider.taken) == 1


async def test_a_payment_while_a_message_is_on_its_way_is_listed_as_crossed(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    departing = await prepare_sends(workspace.context, await workspace.snapshot(), await claim(workspace))

    await workspace.change(debt.id, debts.enter_money, "payment", -234_000)
    sends = await deliver.send_prepared(departing)
    await deliver.settle_contacts(workspace.context, await workspace.snapshot(), sends)

    result = await workspace.first(debt.id)
    assert (result["state"], result["reason"]) == ("accepted", "crossed: the debt is resolved")
    after = await workspace.find(debt.id)
    assert (after.status, after.next_action_at, after.contacts_count) == ("resolved", None, 1)
    assert len(await workspace.contacts(debt.id)) == 1


async def test_a_debt_held_and_resumed_while_a_message_is_on_its_way_is_planned_once(
    database: Database,
) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    departing = await prepare_sends(workspace.context, await workspace.snapshot(), await claim(workspace))
    await workspace.change(debt.id, debts.hold, None)
    await workspace.change(debt.id, debts.resume)

    sends = await deliver.send_prepared(departing)
    await deliver.settle_contacts(workspace.context, await workspace.snapshot(), sends)

    assert await workspace.ledger(debt.id) == [("wave_1_email", "accepted"), ("wave_1_sms", "planned")]


async def test_a_contact_that_is_late_waits_for_an_hour_the_rules_allow(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()

    await workspace.set_clock("2026-01-07 20:00")  # the worker was down until Wednesday night
    await workspace.send_due_live()

    result = await workspace.first(debt.id)
    assert (result["state"], result["due_at"]) == ("planned", at("2026-01-08 07:00"))
    assert result["reason"] == "POLICY-WRITTEN-HOURS"
    assert (await workspace.find(debt.id)).next_action_at == result["due_at"]
    assert provider.taken == []


async def test_a_worker_told_to_stop_gives_back_what_it_has_not_begun(database: Database) -> None:
    workspace = await live_engine(database, Provider(Channel.EMAIL))
    debt = await workspace.debt()
    turns = iter([True])

    await contacts.send_due(workspace.context, lambda: next(turns, False))

    assert await workspace.ledger(debt.id) == [("wave_1_email", "planned")]


async def test_a_workspace_gets_a_bounded_share_of_a_turn(database: Database) -> None:
    large, small = Provider(Channel.EMAIL), Provider(Channel.EMAIL)
    workspace = await live_engine(database, large)
    for number in range(12):
        await workspace.debt(replace(JEAN, name=f"Luc {number}", email=f"luc{number}@example.com"))
    workspace.context = replace(
        workspace.context, settings=replace(workspace.context.settings, batch=5, workspace_share=5)
    )

    batch = await workspace.send_due_live()

    assert batch == 5
    assert len(large.taken) == 5
    assert small.taken == []


async def test_one_workspaces_backlog_does_not_keep_another_one_waiting(database: Database) -> None:
    provider = Provider(Channel.EMAIL)
    large, small = await live_engine(database, provider), await live_engine(database, provider)
    for number in range(12):
        await large.debt(replace(JEAN, name=f"Guy {number}", email=f"guy{number}@example.com"))
    await small.set_clock("2026-01-05 11:00")
    waiting = await small.debt(replace(JEAN, name="Eve", email="eve@example.com"))
    context = replace(large.context, settings=replace(large.context.settings, batch=5, workspace_share=10))

    await contacts.send_due(context, lambda: True)

    # Those of the large one were all due before; its share is ten, though two more of them wait.
    assert len([message for message in provider.taken if message.address.startswith("guy")]) == 10
    assert (await small.ledger(waiting.id))[0] == ("wave_1_email", "accepted")


async def test_a_try_that_was_to_be_repeated_is_cancelled_when_the_debt_is_paid(database: Database) -> None:
    provider = Provider(Channel.EMAIL, outcome=failed("try later", permanent=False))
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await workspace.send_due_live()
    before = await workspace.followups(debt.id)

    await workspace.change(debt.id, debts.enter_money, "payment", -debt.balance)

    assert before == [("email", "scheduled")]
    assert await workspace.followups(debt.id) == [("email", "cancelled")]
    assert (await workspace.events(debt.id))[-1] == "followup.completed"


async def test_a_try_whose_claim_was_overtaken_by_a_hold_is_cancelled(database: Database) -> None:
    provider = Provider(Channel.EMAIL, outcome=failed("try later", permanent=False))
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await workspace.send_due_live()
    work = await claim(workspace)
    await workspace.change(debt.id, debts.hold, None)

    departing = await prepare_sends(workspace.context, await workspace.snapshot(), work)

    assert departing == []
    assert await workspace.followups(debt.id) == [("email", "cancelled")]


async def test_a_step_that_is_to_be_tried_again_outlives_a_hold(database: Database) -> None:
    provider = Provider(Channel.EMAIL, outcome=failed("try later", permanent=False))
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    await workspace.send_due_live()
    await workspace.change(debt.id, debts.hold, None)
    provider.outcome = ACCEPTED

    await workspace.change(debt.id, debts.resume)
    await workspace.send_due_live()

    assert await workspace.ledger(debt.id) == [
        ("wave_1_email", "failed"),
        ("wave_1_email", "stopped"),
        ("wave_1_email", "accepted"),
        ("wave_1_sms", "planned"),
    ]
    assert sorted(await workspace.followups(debt.id)) == [("email", "cancelled"), ("email", "sent")]
