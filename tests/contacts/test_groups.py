"""One message to one person about several debts: who leads, who joins, and that the ledger keeps each debt's own row."""

from collections import Counter
from typing import Any

import pytest
from asyncpg import Record

import collecting
from collecting import JEAN, LYON, Provider, WorkspaceEngine
from getbill import contacts, debts, todo_decisions
from getbill.channels import Channel
from getbill.channels.senders import Fate, SendOutcome, failed, unknown
from getbill.debts import Debt, Details
from getbill.kit.database.transactions import Database
from getbill.todo_decisions import Decision

MONDAY = "2026-01-05 09:00"
# The wave, its day, and how: the six of `standard_3_waves` from Monday 2026-01-05.
SIX_DAYS = [
    ("wave_1_email", "2026-01-05"),
    ("wave_1_sms", "2026-01-08"),
    ("wave_2_call", "2026-01-12"),
    ("wave_2_email", "2026-01-13"),
    ("wave_3_letter", "2026-01-20"),
    ("wave_3_call", "2026-01-26"),
]


async def five_debts(workspace: WorkspaceEngine, **values: Any) -> list[Debt]:
    await workspace.set_clock(MONDAY)
    return [await workspace.debt(LYON, f"{100 + number}.00", **values) for number in range(5)]


async def messages(workspace: WorkspaceEngine) -> list[Record]:
    """Return the messages that left, each once."""
    return await workspace.database.pool.fetch(
        """
        SELECT DISTINCT ON (sent_at, coalesce(group_id, followup_id)) * FROM contacts
        WHERE workspace_id = $1 AND sent_at IS NOT NULL AND is_leader ORDER BY sent_at, coalesce(group_id, followup_id)
        """,
        workspace.id,
    )


async def test_five_debts_of_one_person_are_six_contacts_that_list_all_five(
    workspace: WorkspaceEngine,
) -> None:
    five = await five_debts(workspace)

    await workspace.run_until("2026-03-15 09:00")

    assert [(row["step"], f"{row['sent_at']:%Y-%m-%d}") for row in await messages(workspace)] == SIX_DAYS
    for debt in five:
        assert await workspace.ledger(debt.id) == [
            *((step, "delivered" if "call" not in step else "answered") for step, _ in SIX_DAYS),
            (debts.END, "accepted"),
        ]
        for channel in ("email", "sms", "ai_call", "letter"):
            assert "510,00" in await workspace.text(debt.id, channel)
        letter = await workspace.text(debt.id, "letter")
        assert all(listed.reference in letter for listed in five)
    rows = [row for debt in five for row in await workspace.contacts(debt.id)]
    groups = Counter(row["group_id"] for row in rows if row["group_id"])
    assert sorted(groups.values()) == [5] * 6


async def test_a_second_creditor_is_a_conversation_of_its_own_on_another_day(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock(MONDAY)
    for creditor in ("Gaz SA", "Gaz SA", "Eau SARL"):
        await workspace.debt(LYON, details=Details(creditor=creditor))

    await workspace.run_until("2026-01-07 09:00")

    days = [(row["step"], f"{row['sent_at']:%Y-%m-%d}") for row in await messages(workspace)]
    assert days == [("wave_1_email", "2026-01-05"), ("wave_1_email", "2026-01-06")]


async def test_creditors_that_have_no_row_yet_share_no_message(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock(MONDAY)
    for creditor in ("Gaz SA", "Eau SARL"):
        await workspace.debt(LYON, details=Details(creditor=creditor))
    # As debts are that were created before creditors were rows.
    await workspace.database.pool.execute(
        "UPDATE debts SET creditor_id = NULL WHERE workspace_id = $1", workspace.id
    )

    await workspace.run_until("2026-01-06 18:00")

    days = [f"{row['sent_at']:%Y-%m-%d}" for row in await messages(workspace)]
    assert days == ["2026-01-05", "2026-01-06"]


@pytest.mark.parametrize("verb", ["hold", "pay", "erase"])
async def test_a_debt_that_ends_before_departure_leaves_the_group(
    workspace: WorkspaceEngine, verb: str
) -> None:
    five = await five_debts(workspace)
    if verb == "hold":
        await workspace.change(five[0].id, debts.hold, None)
    elif verb == "pay":
        await workspace.change(five[0].id, debts.enter_money, "payment", -five[0].balance)
    else:
        snapshot = await workspace.snapshot()
        async with workspace.database.transaction(snapshot.now()) as tx:
            await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, five[0].id))

    await workspace.run_until("2026-01-06 09:00")

    (message,) = await messages(workspace)
    assert message["debt_id"] != five[0].id
    text = await workspace.text(five[1].id, "email")
    assert five[0].reference is not None
    assert f"- {five[0].reference}" not in text
    assert "410,00" in text


async def test_six_names_at_one_address_get_one_contact_a_day(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock(MONDAY)
    for number in range(6):
        await workspace.debt(collecting.replace(JEAN, name=f"Jean {number}"))

    await workspace.run_until("2026-01-09 23:00")

    days = Counter(
        f"{row['sent_at']:%Y-%m-%d}" for row in await messages(workspace) if row["channel"] == "email"
    )
    assert max(days.values()) == 1
    assert list(days) == ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09"][: len(days)]


async def test_without_groups_and_distance_each_debt_is_contacted_as_before(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.contact_each_debt_alone()
    await workspace.set_clock(MONDAY)
    several = [await workspace.debt(LYON) for _ in range(2)]

    await workspace.run_until("2026-03-15 09:00")

    for debt in several:
        rows = [row for row in await workspace.contacts(debt.id) if row["sent_at"]]
        assert [(row["step"], f"{row['sent_at']:%Y-%m-%d}") for row in rows] == SIX_DAYS
        assert {row["group_id"] for row in rows} == {None}


async def test_a_debt_created_later_joins_from_the_next_step_on(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock(MONDAY)
    first = await workspace.debt(LYON)
    await workspace.run_until("2026-01-06 09:00")
    second = await workspace.debt(LYON)

    await workspace.run_until("2026-01-08 20:00")

    days = [(row["step"], f"{row['sent_at']:%Y-%m-%d}") for row in await messages(workspace)]
    assert days == [
        ("wave_1_email", "2026-01-05"),
        ("wave_1_email", "2026-01-06"),
        ("wave_1_sms", "2026-01-08"),
    ]
    groups = [(await workspace.contacts(debt.id))[1]["group_id"] for debt in (first, second)]
    assert groups[0] is not None
    assert groups[0] == groups[1]


async def test_a_dry_run_rehearses_the_group(workspace: WorkspaceEngine) -> None:
    await workspace.switch("dry_run")
    five = await five_debts(workspace)

    await workspace.send_due()

    rows = [await workspace.first(debt.id) for debt in five]
    assert {row["state"] for row in rows} == {"rehearsed"}
    assert len({row["group_id"] for row in rows}) == 1
    assert sum(row["is_leader"] for row in rows) == 1


async def test_many_debts_are_one_readable_message(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock(MONDAY)
    for _ in range(40):
        debt = await workspace.debt(LYON, "10.00")

    await workspace.send_due()

    assert len(await messages(workspace)) == 1
    text = await workspace.text(debt.id, "email")
    assert text.count("\n- F-") == 20
    assert "et 20 autres" in text
    assert "Total des 40 dossiers : 400,00" in text


async def live_group(
    database: Database, outcome: SendOutcome
) -> tuple[WorkspaceEngine, Provider, list[Debt]]:
    """Have a provider answer so to one e-mail about three debts."""
    provider = Provider(Channel.EMAIL, outcome=outcome, gives_receipt=True)
    workspace = await collecting.live_engine(database, provider)
    three = [await workspace.debt(LYON) for _ in range(3)]
    await workspace.send_due_live()
    return workspace, provider, three


async def states(workspace: WorkspaceEngine, several: list[Debt]) -> list[str]:
    return [(await workspace.first(debt.id))["state"] for debt in several]


@pytest.mark.parametrize(("word", "state"), [("sent", "accepted"), ("not_sent", "failed")])
async def test_one_question_decides_on_every_debt_of_a_message_in_doubt(
    database: Database, word: str, state: str
) -> None:
    workspace, provider, three = await live_group(database, unknown("the line broke"))

    asked = await database.pool.fetch(
        "SELECT id FROM todos WHERE workspace_id = $1 AND decided_at IS NULL", workspace.id
    )
    snapshot = await workspace.snapshot()
    async with database.transaction(snapshot.now()) as tx:
        await todo_decisions.decide(tx, snapshot, asked[0]["id"], Decision(word, "client_test"))

    assert (len(provider.taken), len(asked)) == (1, 1)
    assert await states(workspace, three) == [state] * 3


async def test_a_report_on_a_message_is_one_on_each_of_its_debts(database: Database) -> None:
    workspace, provider, three = await live_group(database, SendOutcome(Fate.ACCEPTED, "ref-1"))
    leader = next(row for row in [await workspace.first(debt.id) for debt in three] if row["is_leader"])

    for _ in range(2):
        await contacts.receive_callback(
            database,
            await workspace.snapshot(),
            leader["followup_id"],
            SendOutcome(Fate.DELIVERED, "ref-1"),
        )

    assert len(provider.taken) == 1
    assert await states(workspace, three) == ["delivered"] * 3
    told = await database.pool.fetch(
        "SELECT debt_id, count(*) FROM events WHERE workspace_id = $1 AND kind = 'debt.contacted' GROUP BY debt_id",
        workspace.id,
    )
    assert sorted(row["count"] for row in told) == [1, 1, 1]


async def test_a_message_that_failed_for_now_is_tried_again_as_one(database: Database) -> None:
    workspace, provider, three = await live_group(database, failed("busy", permanent=False))

    provider.outcome = collecting.ACCEPTED
    await workspace.set_clock("2026-01-05 09:10")
    await workspace.send_due_live()

    assert len(provider.taken) == 2
    rows = [[row["state"] for row in await workspace.contacts(debt.id)][:2] for debt in three]
    assert rows == [["failed", "accepted"]] * 3


async def test_what_is_paid_on_the_way_is_crossed_for_that_debt_alone(database: Database) -> None:
    workspace, _, three = await live_group(database, SendOutcome(Fate.ACCEPTED, "ref-1"))
    followup_id = (await workspace.first(three[1].id))["followup_id"]
    await workspace.change(three[1].id, debts.enter_money, "payment", -three[1].balance)

    await contacts.receive_callback(
        database, await workspace.snapshot(), followup_id, SendOutcome(Fate.DELIVERED, "ref-1")
    )

    crossed = await database.pool.fetch(
        "SELECT debt_id, crossed_by FROM followups WHERE workspace_id = $1", workspace.id
    )
    assert {row["debt_id"]: row["crossed_by"] for row in crossed} == {
        debt.id: "payment" if debt is three[1] else None for debt in three
    }


async def test_an_erased_debt_leaves_no_trace_in_what_was_said_of_the_others(database: Database) -> None:
    workspace, _, three = await live_group(database, unknown("the line broke"))
    leads = {debt.id: (await workspace.first(debt.id))["is_leader"] for debt in three}
    leader = next(debt for debt in three if leads[debt.id])
    snapshot = await workspace.snapshot()
    async with database.transaction(snapshot.now()) as tx:
        await debts.erase(tx, snapshot, await debts.lock(tx, snapshot, leader.id))

    content = await database.pool.fetch("SELECT content FROM followups WHERE workspace_id = $1", workspace.id)
    assert [row["content"] for row in content] == [None, None]
    (question,) = await database.pool.fetch(
        "SELECT debt_id FROM todos WHERE workspace_id = $1 AND decided_at IS NULL", workspace.id
    )
    assert question["debt_id"] in {debt.id for debt in three if debt is not leader}
