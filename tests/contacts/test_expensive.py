"""Numbers that a debt does not pay for are neither called nor texted, whenever they were stored."""

from dataclasses import replace

from collecting import LYON, WorkspaceEngine
from contacts.test_steps import FIRST, SECOND, THIRD, debt_with, steps_taken
from getbill import debts
from getbill.debts import Details

PREMIUM = "+33899123456"
CALL = {"key": "call", "offset": 4, "channel": "ai_call", "template": "wave_2_call"}
ACCEPTED = Details(accept_expensive_destination=True)


async def refuse_overseas(workspace: WorkspaceEngine) -> None:
    await workspace.database.pool.execute("UPDATE companies SET refused_zones = '{french_overseas}'")


async def test_a_number_stored_before_is_skipped_with_its_reason(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, FIRST, CALL, THIRD, who=replace(LYON, phone=PREMIUM))

    await workspace.run_until("2026-01-13 12:00")

    assert await steps_taken(workspace, debt) == [
        ("first", "email", "delivered"),
        ("call", "ai_call", "expensive destination: premium"),
        ("third", "email", "delivered"),
        ("end", "review", "planned"),
    ]


async def test_a_debt_that_accepts_it_is_called(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    who = replace(LYON, phone=PREMIUM)
    debt = await debt_with(workspace, FIRST, CALL, THIRD, who=who, details=ACCEPTED)

    await workspace.run_until("2026-01-13 12:00")

    assert ("call", "ai_call") in [(step, channel) for step, channel, _ in await steps_taken(workspace, debt)]
    assert "expensive" not in str(await steps_taken(workspace, debt))


async def test_what_the_company_rules_out_after_it_was_planned_does_not_leave(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(
        workspace, SECOND | {"offset": 0}, FIRST | {"offset": 3}, who=replace(LYON, phone="+590690123456")
    )
    assert [(step, reason) for step, _, reason in await steps_taken(workspace, debt)] == [
        ("second", "planned")
    ]

    await refuse_overseas(workspace)
    await workspace.run_until("2026-01-09 20:00")

    assert (await steps_taken(workspace, debt))[0] == (
        "second",
        "sms",
        "expensive destination: french_overseas",
    )
    assert await workspace.followups(debt.id) == [("email", "delivered")]


async def test_a_fallback_stands_in_for_a_number_that_is_not_called(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    call = CALL | {"offset": 0, "fallback": {"channel": "email", "template": "wave_1_email"}}
    debt = await debt_with(workspace, call, THIRD, who=replace(LYON, phone=PREMIUM))

    await workspace.run_until("2026-01-06 12:00")

    assert (await steps_taken(workspace, debt))[0] == ("call", "email", "delivered")
    assert debts.EXPENSIVE not in str(await steps_taken(workspace, debt))
