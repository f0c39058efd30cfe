"""What waits for a person, decided over HTTP: messages of which nobody knows whether they left."""

import asyncio
from dataclasses import replace
from datetime import date

from collecting import Provider
from getbill import debts, todo_decisions, todos
from getbill.channels import Channel
from getbill.channels.senders import Fate, Senders, SendOutcome
from getbill.contacts import receive_callback
from getbill.kit import clock, ids
from todo_decisions.conftest import LOST, Doubt

WAITING = """
SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
FOUND, NOT_FOUND = "a person found that it was sent", "a person found that it was not sent"


async def test_a_message_that_nobody_knows_of_waits_for_a_person(doubt: Doubt) -> None:
    (followup,) = (await doubt.workspace.get(f"/followups?debt_id={doubt.debt_id}")).json()["data"]

    (todo,) = await doubt.todos()

    assert followup["status"] == "on_hold"
    assert todo == {
        "id": todo["id"],
        "type": "unknown_contact",
        "state": "open",
        "title": {
            "fr": "On ignore si ce message est parti. A-t-il été envoyé ?",
            "en": "It is not known whether this message was sent. Was it sent?",
        },
        "subject_id": followup["id"],
        "file": None,
        "debt_id": doubt.debt_id,
        "reason": None,
        "amount": None,
        "currency": None,
        "decisions": ["sent", "not_sent"],
        "created_at": "2026-01-05T09:00:00Z",
        "decided_at": None,
        "decision": None,
        "decided_by": None,
    }
    assert (await doubt.workspace.get(f"/todos/{todo['id']}")).json() == todo


async def test_one_that_was_sent_counts_as_reached_and_is_not_confirmed(doubt: Doubt) -> None:
    await doubt.workspace.engine.set_clock("2026-01-06 10:00")

    decided = await doubt.decide("sent")

    answer = decided.json()
    assert (decided.status, answer["state"], answer["decision"], answer["decisions"]) == (
        200,
        "decided",
        "sent",
        [],
    )
    assert answer["decided_at"] == "2026-01-06T10:00:00Z"
    assert answer["decided_by"].startswith("client_")
    assert (await doubt.ledger())[0] == ("wave_1_email", 1, "accepted", f"{LOST}; {FOUND}")
    workspace = doubt.workspace.engine
    assert await workspace.followups(doubt.debt.id) == [("email", "sent")]
    assert (await workspace.events(doubt.debt.id))[-3:] == [
        "debt.contacted",
        "debt.status_changed",
        "followup.completed",
    ]
    (contacted,) = await workspace.event_data(doubt.debt.id, "debt.contacted")
    assert contacted["confirmed"] is False
    assert len(doubt.provider.taken) == 1


async def test_one_that_was_not_sent_is_taken_again_before_anything_else(doubt: Doubt) -> None:
    assert await doubt.next_is_due() == "2026-01-08 09:00"

    decided = await doubt.decide("not_sent")

    assert decided.status == 200
    assert await doubt.ledger() == [
        ("wave_1_email", 1, "failed", f"{LOST}; {NOT_FOUND}"),
        ("wave_1_email", 2, "planned", None),
        ("wave_1_sms", 1, "stopped", "an earlier step is taken again"),
    ]
    assert await doubt.next_is_due() == "2026-01-05 09:00"
    assert await doubt.workspace.engine.followups(doubt.debt.id) == [("email", "scheduled")]


async def test_what_is_taken_again_is_the_same_followup_and_the_scenario_goes_on_after_it(
    doubt: Doubt,
) -> None:
    await doubt.decide("not_sent")

    await doubt.send_again()

    first, second = doubt.provider.taken
    assert first.key == second.key
    assert await doubt.workspace.engine.followups(doubt.debt.id) == [("email", "sent")]
    assert (await doubt.ledger())[1][2] == "accepted"
    assert (await doubt.ledger())[-1] == ("wave_1_sms", 2, "planned", None)
    assert await doubt.next_is_due() == "2026-01-08 09:00"


async def test_one_that_was_not_sent_is_behind_us_once_a_later_step_was_taken(doubt: Doubt) -> None:
    workspace = doubt.workspace.engine
    workspace.context = replace(
        workspace.context,
        senders=Senders({Channel.EMAIL: doubt.provider, Channel.SMS: Provider(Channel.SMS)}),
    )
    await workspace.set_clock("2026-01-08 09:00")
    await workspace.send_due_live()
    before = await doubt.next_is_due()

    await doubt.decide("not_sent")

    assert (await doubt.ledger())[0] == ("wave_1_email", 1, "failed", f"{LOST}; {NOT_FOUND}")
    assert [row[:3] for row in await doubt.ledger()][1:] == [
        ("wave_1_sms", 1, "accepted"),
        ("wave_2_call", 1, "skipped"),
        ("wave_2_email", 1, "planned"),
    ]
    assert await doubt.next_is_due() == before
    assert (await workspace.followups(doubt.debt.id))[0] == ("email", "failed")
    assert (await workspace.events(doubt.debt.id))[-2:] == ["followup.completed", "followup.failed"]


async def test_one_that_was_not_sent_waits_for_what_the_debtor_has_promised_meanwhile(doubt: Doubt) -> None:
    await doubt.workspace.engine.promise(doubt.debt.id, date(2026, 1, 20), 500)

    await doubt.decide("not_sent")

    assert (await doubt.ledger())[1] == ("wave_1_email", 2, "planned", None)
    assert await doubt.next_is_due() == "2026-01-21 07:00"


async def test_one_that_was_not_sent_is_not_taken_again_while_the_debt_is_held(doubt: Doubt) -> None:
    await doubt.workspace.engine.change(doubt.debt.id, debts.hold, None)

    await doubt.decide("not_sent")

    assert [row[:3] for row in await doubt.ledger()] == [
        ("wave_1_email", 1, "failed"),
        ("wave_1_sms", 1, "stopped"),
    ]
    assert await doubt.workspace.engine.followups(doubt.debt.id) == [("email", "failed")]


async def test_what_a_worker_had_just_claimed_does_not_overtake_the_step_that_is_taken_again(
    doubt: Doubt,
) -> None:
    workspace = doubt.workspace.engine
    sms = Provider(Channel.SMS)
    workspace.context = replace(
        workspace.context, senders=Senders({Channel.EMAIL: doubt.provider, Channel.SMS: sms})
    )
    await workspace.database.pool.execute(
        "UPDATE contacts SET state = 'claimed', fence = fence + 1, lease_until = $2 WHERE debt_id = $1"
        " AND state = 'planned'",
        doubt.debt.id,
        clock.wall(),
    )

    await doubt.decide("not_sent")
    # The worker that claimed it was slow, and gives it back.
    await workspace.database.pool.execute(
        "UPDATE contacts SET state = 'planned', lease_until = NULL WHERE debt_id = $1 AND state = 'claimed'",
        doubt.debt.id,
    )
    await doubt.send_again()

    assert sorted(row[:3] for row in await doubt.ledger()) == [
        ("wave_1_email", 1, "failed"),
        ("wave_1_email", 2, "accepted"),
        ("wave_1_sms", 1, "stopped"),
        ("wave_1_sms", 2, "planned"),
    ]
    assert sms.taken == []


async def test_a_question_is_decided_once(doubt: Doubt) -> None:
    await doubt.decide("sent")
    before = await doubt.ledger()

    again = await doubt.decide("not_sent")

    assert (again.status, again.json()["type"]) == (409, "/problems/todo-decided")
    assert await doubt.ledger() == before


async def test_what_is_no_answer_is_refused_and_the_question_stays_open(doubt: Doubt) -> None:
    refused = await doubt.decide("maybe")

    assert refused.status == 422
    assert refused.json()["errors"] == [
        {"pointer": "/decision", "code": "unknown", "detail": "Valid decisions: sent, not_sent."}
    ]
    (todo,) = await doubt.todos()
    assert todo["state"] == "open"


async def test_a_receipt_answers_the_question(doubt: Doubt) -> None:
    (todo,) = await doubt.todos()
    workspace = doubt.workspace.engine
    outcome = SendOutcome(Fate.DELIVERED, "ref")
    followup_id = ids.read("followup", todo["subject_id"])

    await receive_callback(workspace.database, await workspace.snapshot(), followup_id, outcome)

    (after,) = await doubt.todos()
    assert (after["state"], after["decision"], after["decided_by"]) == ("decided", "gone", None)
    assert (await doubt.decide("not_sent")).status == 409
    assert (await doubt.ledger())[0][2] == "delivered"


async def test_a_receipt_that_waited_for_the_decision_does_not_count_the_contact_again(doubt: Doubt) -> None:
    workspace = doubt.workspace.engine
    snapshot = await workspace.snapshot()
    (todo,) = await doubt.todos()
    (row,) = [row for row in await workspace.contacts(doubt.debt.id) if row["step"] == "wave_1_email"]
    report = SendOutcome(Fate.DELIVERED, "ref")

    async with workspace.database.transaction(snapshot.now()) as tx:
        await debts.lock(tx, snapshot, doubt.debt.id)
        receiving = asyncio.create_task(
            receive_callback(workspace.database, snapshot, row["followup_id"], report)
        )
        while not await workspace.database.pool.fetchval(WAITING):  # noqa: ASYNC110 - who waits for a lock tells nobody
            await asyncio.sleep(0.01)
        word = todo_decisions.Decision("sent", "client_1")
        await todo_decisions.decide(tx, snapshot, ids.read("todo", todo["id"]), word)
    await receiving

    events = await workspace.events(doubt.debt.id)
    assert (events.count("debt.contacted"), events.count("followup.completed")) == (1, 1)
    assert (await workspace.find(doubt.debt.id)).contacts_count == 1


def test_every_answer_to_every_question_does_something() -> None:
    output = {name: list(kind.decisions) for name, kind in todos.KINDS.items()}

    assert output == {name: list(choices) for name, choices in todo_decisions.TABLE.items()}
