"""One message to one person about several debts: who leads, who joins, and that the ledger keeps each debt's own row."""

from collections import Counter
from typing import Any

import pytest
from asyncpg import Record

import collecting
from collecting import JEAN, LYON, WorkspaceEngine
from getbill import debts
from getbill.debts import Debt, Details

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
