"""A scenario as it runs: which contacts are made, when, and what the creditor learns of them."""

from dataclasses import replace
from datetime import date

import collecting
from collecting import JEAN, LYON, Provider, WorkspaceEngine, at
from getbill import debts
from getbill.channels import Channel
from getbill.debtors import Identity
from getbill.kit.database.transactions import Database


async def test_a_new_debt_has_its_first_contact_in_the_ledger_when_it_says(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-03 12:00")  # a Saturday

    debt = await workspace.debt()

    assert debt.next_action_at == at("2026-01-05 07:00")
    (contact,) = await workspace.contacts(debt.id)
    assert (contact["step"], contact["channel"], contact["state"]) == ("wave_1_email", "email", "planned")
    assert contact["due_at"] == debt.next_action_at


async def test_a_debtor_who_never_answers_gets_every_step_and_then_a_person_is_asked(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(LYON)

    await workspace.run_until("2026-03-06 09:00")

    contacts = await workspace.contacts(debt.id)
    assert [(row["step"], row["state"], row["settled_at"]) for row in contacts] == [
        ("wave_1_email", "delivered", at("2026-01-05 09:00")),
        ("wave_1_sms", "delivered", at("2026-01-08 09:00")),
        ("wave_2_call", "answered", at("2026-01-12 09:00")),
        ("wave_2_email", "delivered", at("2026-01-13 07:00")),
        ("wave_3_letter", "delivered", at("2026-01-20 07:00")),
        ("wave_3_call", "answered", at("2026-01-26 09:00")),
        ("end", "accepted", at("2026-02-04 23:00")),
    ]
    assert await workspace.followups(debt.id) == [
        ("email", "delivered"),
        ("sms", "delivered"),
        ("ai_call", "deal_not_found"),
        ("email", "delivered"),
        ("letter", "delivered"),
        ("ai_call", "deal_not_found"),
    ]
    assert await workspace.events(debt.id) == [
        "debt.created",
        "followup.created",
        "debt.contacted",
        "debt.status_changed",
        "followup.completed",
        *["followup.created", "debt.contacted", "followup.completed"] * 5,
        "debt.status_changed",
        "debt.escalation_requested",
    ]
    after = await workspace.find(debt.id)
    assert (after.status, after.next_action_at) == ("unresolved", None)
    assert (after.contacts_count, after.answers_count) == (6, 2)
    assert after.contacted_at == at("2026-01-05 09:00")


async def test_a_step_without_its_address_is_skipped_and_the_ledger_says_why(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(JEAN)

    await workspace.run_until("2026-03-06 09:00")

    contacts = await workspace.contacts(debt.id)
    assert [(row["step"], row["reason"]) for row in contacts if row["state"] == "skipped"] == [
        ("wave_3_letter", "no postal address")
    ]
    assert [channel for channel, _ in await workspace.followups(debt.id)] == [
        "email",
        "sms",
        "ai_call",
        "email",
        "ai_call",
    ]


async def test_a_debtor_without_any_address_is_put_to_a_person_at_the_end(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")

    debt = await workspace.debt(Identity(name="Test Dupont"))

    assert debt.next_action_at == at("2026-02-03 23:00")
    await workspace.run_until("2026-03-06 09:00")
    assert await workspace.ledger(debt.id) == [
        *[(step, "skipped") for step in ("wave_1_email", "wave_1_sms", "wave_2_call")],
        *[(step, "skipped") for step in ("wave_2_email", "wave_3_letter", "wave_3_call")],
        ("end", "accepted"),
    ]
    assert await workspace.followups(debt.id) == []
    assert await workspace.events(debt.id) == [
        "debt.created",
        "debt.status_changed",
        "debt.escalation_requested",
    ]


async def test_an_address_that_is_gone_when_the_step_is_due_skips_it(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(JEAN)
    await workspace.run_until("2026-01-05 10:00")

    await workspace.database.pool.execute("UPDATE contacts SET channel = 'letter' WHERE state = 'planned'")
    await workspace.run_until("2026-01-09 10:00")

    sms = (await workspace.contacts(debt.id))[1]
    assert (sms["state"], sms["reason"]) == ("skipped", "no postal address")
    assert (await workspace.find(debt.id)).next_action_at == at("2026-01-12 09:00")


async def test_a_debt_due_in_the_future_is_left_alone_until_the_day_after(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")

    debt = await workspace.debt(due_on=date(2026, 1, 20))

    assert debt.next_action_at == at("2026-01-21 07:00")
    await workspace.run_until("2026-01-20 23:00")
    assert await workspace.ledger(debt.id) == [("wave_1_email", "planned")]


async def test_a_payment_in_full_stops_the_timeline(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-01-06 10:00")

    await workspace.change(debt.id, debts.enter_money, "payment", -234_000)
    await workspace.run_until("2026-03-06 09:00")

    assert await workspace.ledger(debt.id) == [("wave_1_email", "delivered"), ("wave_1_sms", "stopped")]
    after = await workspace.find(debt.id)
    assert (after.status, after.next_action_at) == ("resolved", None)


async def test_a_part_payment_lets_the_timeline_go_on_with_the_balance(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-01-06 10:00")

    await workspace.change(debt.id, debts.enter_money, "payment", -134_000)
    await workspace.run_until("2026-01-08 10:00")

    assert (await workspace.ledger(debt.id))[1] == ("wave_1_sms", "delivered")
    assert "1 000,00" in await workspace.text(debt.id, "sms")


async def test_a_held_debt_is_left_alone_and_goes_on_where_it_stood(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-01-06 10:00")

    await workspace.change(debt.id, debts.hold, "disputed")
    await workspace.run_until("2026-02-18 10:00")
    locked = await workspace.find(debt.id)
    await workspace.change(debt.id, debts.resume)
    resumed = await workspace.find(debt.id)
    await workspace.run_until("2026-02-19 08:00")

    assert locked.next_action_at is None
    assert resumed.next_action_at == at("2026-02-18 10:00")
    assert await workspace.ledger(debt.id) == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "stopped"),
        ("wave_1_sms", "delivered"),
        ("wave_2_call", "planned"),
    ]


async def test_what_comes_after_a_hold_keeps_the_scenarios_own_pace(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(LYON)
    await workspace.run_until("2026-01-06 10:00")
    await workspace.change(debt.id, debts.hold, "disputed")
    await workspace.set_clock("2026-02-18 10:00")
    await workspace.change(debt.id, debts.resume)

    await workspace.run_until("2026-04-01 10:00")

    done = {row["step"]: row["settled_at"] for row in await workspace.contacts(debt.id)}
    assert [f"{step} {at:%m-%d}" for step, at in done.items()] == [
        "wave_1_email 01-05",
        "wave_1_sms 02-18",
        "wave_2_call 02-23",
        "wave_2_email 02-24",
        "wave_3_letter 03-02",
        "wave_3_call 03-09",
        "end 03-18",
    ]


async def test_a_short_hold_moves_nothing(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-01-06 10:00")
    await workspace.change(debt.id, debts.hold, "disputed")
    await workspace.set_clock("2026-01-07 10:00")

    resumed = await workspace.change(debt.id, debts.resume)

    assert (resumed.started_on, resumed.next_action_at) == (
        at("2026-01-05 00:00").date(),
        at("2026-01-08 09:00"),
    )


async def test_a_refund_takes_the_timeline_up_again(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-01-06 10:00")
    await workspace.change(debt.id, debts.enter_money, "payment", -234_000)

    await workspace.set_clock("2026-01-07 10:00")
    await workspace.change(debt.id, debts.enter_money, "refund", 234_000)

    after = await workspace.find(debt.id)
    assert (after.status, after.next_action_at) == ("in_progress", at("2026-01-08 09:00"))
    assert (await workspace.ledger(debt.id))[-1] == ("wave_1_sms", "planned")


async def test_an_unresolved_debt_that_is_resumed_begins_its_scenario_anew(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-02-16 09:00")

    await workspace.change(debt.id, debts.resume)

    after = await workspace.find(debt.id)
    assert (after.status, after.run, after.next_action_at) == ("in_progress", 2, at("2026-02-16 09:00"))
    last = (await workspace.contacts(debt.id))[-1]
    assert (last["run"], last["step"], last["state"]) == (2, "wave_1_email", "planned")


async def test_an_erased_debt_is_never_contacted_again_and_leaves_no_trace_of_whom(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()
    await workspace.run_until("2026-01-06 10:00")

    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, debt.id))
    await workspace.run_until("2026-03-06 09:00")

    contacts = await workspace.contacts(debt.id)
    assert [(row["step"], row["state"]) for row in contacts] == [
        ("wave_1_email", "delivered"),
        ("wave_1_sms", "stopped"),
    ]
    assert {row["address_hash"] for row in contacts} == {None}
    assert await workspace.followups(debt.id) == []


async def test_the_creditor_learns_of_each_contact_once_with_its_followup(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()

    await workspace.run_until("2026-01-05 10:00")

    (contacted,) = await workspace.event_data(debt.id, "debt.contacted")
    (completed,) = await workspace.event_data(debt.id, "followup.completed")
    assert contacted["confirmed"] is True
    assert contacted["status"] == "in_progress"
    assert contacted["followup"] == completed["followup"]
    assert completed["followup"]["channel"] == "email"
    assert completed["followup"]["status"] == "delivered"
    assert completed["followup"]["sent_at"] == "2026-01-05T09:00:00Z"


async def test_two_debts_of_one_person_share_the_cap_on_their_address(workspace: WorkspaceEngine) -> None:
    await workspace.contact_each_debt_alone()
    await workspace.set_clock("2026-01-05 09:00")
    several = [await workspace.debt() for _ in range(6)]

    await workspace.run_until("2026-01-05 20:00")

    sent = [await workspace.followups(debt.id) for debt in several]
    assert sum(len(item) for item in sent) == 4
    waiting = [row for debt in several for row in await workspace.contacts(debt.id) if row["reason"]]
    assert {(row["reason"], row["due_at"]) for row in waiting} == {
        ("POLICY-ADDRESS-CAP", at("2026-01-12 09:00"))
    }


async def test_messages_are_in_the_debtors_language_and_say_how_to_pay(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt(Identity(name="Emma Petit", email="emma@example.com", language="en"))

    await workspace.run_until("2026-01-05 10:00")

    text = await workspace.text(debt.id, "email")
    assert "Hello Emma Petit" in text
    assert "FR76 3000 6000 0112 3456 7890 189" in text
    assert debt.reference is not None
    assert debt.reference in text


async def test_a_company_that_cannot_be_paid_sends_nothing_in_live(database: Database) -> None:
    workspace = await collecting.new_engine(
        database, live=True, senders={Channel.EMAIL: Provider(Channel.EMAIL)}, email=None, iban=None
    )
    await workspace.set_clock("2026-01-05 09:00")

    debt = await workspace.debt()

    rows = await workspace.contacts(debt.id)
    assert [(row["step"], row["state"], row["reason"]) for row in rows] == [
        ("wave_1_email", "skipped", "no means of payment is known"),
        ("wave_1_sms", "skipped", "no means of payment is known"),
        ("wave_2_call", "skipped", "no means of payment is known"),
        ("wave_2_email", "skipped", "no means of payment is known"),
        ("wave_3_letter", "skipped", "no postal address"),
        ("wave_3_call", "skipped", "no means of payment is known"),
        ("end", "planned", None),
    ]
    assert await workspace.followups(debt.id) == []


async def test_a_channel_without_a_provider_is_skipped_in_live_and_never_faked(database: Database) -> None:
    workspace = await collecting.new_engine(database, live=True)
    await workspace.set_clock("2026-01-05 09:00")
    debt = await workspace.debt()

    await workspace.send_due_live()

    *skipped, planned = await workspace.contacts(debt.id)
    assert [row["reason"] for row in skipped] == [
        "no provider for email",
        "no provider for sms",
        "no provider for ai_call",
        "no provider for email",
        "no postal address",
        "no provider for ai_call",
    ]
    assert (planned["step"], planned["due_at"]) == ("end", at("2026-02-03 23:00"))
    assert await workspace.followups(debt.id) == []
    assert await workspace.events(debt.id) == ["debt.created"]


async def test_debts_made_in_one_transaction_are_each_planned(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    snapshot = await workspace.snapshot()
    news = [
        collecting.new_debt(replace(JEAN, name=f"Debtor {number}", email=f"debtor{number}@example.com"))
        for number in range(60)
    ]

    async with workspace.database.transaction(snapshot.now()) as tx:
        result = await debts.create_many(tx, snapshot, news)

    assert len(result) == 60
    planned = await workspace.database.pool.fetchval(
        "SELECT count(*) FROM contacts WHERE workspace_id = $1 AND state = 'planned'", workspace.id
    )
    assert planned == 60
