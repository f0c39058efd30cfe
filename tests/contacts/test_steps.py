"""Steps that are taken otherwise: on the fall-back's channel, under conditions, or not at all because they are late."""

from dataclasses import replace
from datetime import date
from typing import Any

from asyncpg import Record

from collecting import LYON, WorkspaceEngine, at, new_debt
from getbill import companies, compliance, debts, scenarios
from getbill.debtors import Identity
from getbill.debts import Debt, Details
from getbill.kit import ids
from getbill.scenarios import actions

FIRST = {"key": "first", "offset": 0, "channel": "email", "template": "wave_1_email"}
SECOND = {"key": "second", "offset": 3, "channel": "sms", "template": "wave_1_sms"}
THIRD = {"key": "third", "offset": 7, "channel": "email", "template": "wave_2_email"}
LAST = {"key": "last", "offset": 9, "channel": "letter", "template": "wave_3_letter"}


async def debt_with(
    workspace: WorkspaceEngine,
    *steps: dict[str, Any],
    who: Identity = LYON,
    spacing_days: int = 1,
    **values: Any,
) -> Debt:
    """Open a debt that runs a scenario of these steps."""
    snapshot = await workspace.snapshot()
    steps_of = [{"wave": 1} | step for step in steps]
    async with workspace.database.transaction(snapshot.now()) as tx:
        content = {"name": "ours", "steps": steps_of, "end": {"offset": 30}, "spacing_days": spacing_days}
        snapshot = (await actions.create(tx, snapshot, content)).workspace
    return await workspace.debt(who, scenario="ours", **values)


async def rows(workspace: WorkspaceEngine, debt: Debt) -> list[Record]:
    """Return the contacts of a debt as they were planned and settled; those of one instant as their steps follow."""
    contacts = await workspace.database.pool.fetch("SELECT * FROM contacts WHERE debt_id = $1", debt.id)
    in_order = [*(step.key for step in debt.running_scenario.steps), debts.END]

    def position(row: Record) -> tuple[Any, ...]:
        settled_at = row["settled_at"]
        return (
            row["created_at"],
            settled_at is None,
            settled_at or row["due_at"],
            in_order.index(row["step"]) if row["step"] in in_order else 0,
        )

    return sorted(contacts, key=position)


async def suppress_email(workspace: WorkspaceEngine) -> None:
    snapshot = await workspace.snapshot()
    async with workspace.database.transaction(snapshot.now()) as tx:
        hashed = compliance.hash_of(snapshot, LYON.email, None)
        await compliance.suppress(tx, snapshot.id, "email", hashed, "stop")


async def steps_taken(workspace: WorkspaceEngine, debt: Debt) -> list[tuple[str, str, str | None]]:
    return [
        (row["step"], row["channel"], row["reason"] or row["state"]) for row in await rows(workspace, debt)
    ]


async def test_a_step_without_its_address_is_taken_by_its_fallback(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    second = SECOND | {"fallback": {"channel": "letter", "template": "wave_3_letter"}}
    debt = await debt_with(workspace, FIRST, second, THIRD, who=replace(LYON, phone=None))

    await workspace.run_until("2026-01-09 12:00")

    assert (await steps_taken(workspace, debt))[:2] == [
        ("first", "email", "delivered"),
        ("second", "letter", "delivered"),
    ]
    assert await workspace.followups(debt.id) == [("email", "delivered"), ("letter", "delivered")]


async def test_conditions_are_looked_at_when_the_step_is_due(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    rich = {"only_if": {"balance_min": 1000}}
    debt = await debt_with(
        workspace, FIRST | rich, SECOND | rich, THIRD | {"only_if": {"reached": True, "age_days_min": 5}}
    )
    await workspace.run_until("2026-01-06 09:00")
    before = await workspace.find(debt.id)

    await workspace.change(debt.id, debts.enter_money, "payment", -200_000)
    await workspace.run_until("2026-01-13 12:00")

    assert f"{before.next_action_at:%m-%d}" == "01-08"
    assert await steps_taken(workspace, debt) == [
        ("first", "email", "delivered"),
        ("second", "sms", "conditions: balance_min"),
        ("third", "email", "delivered"),
        ("end", "review", "planned"),
    ]


async def test_whoever_promised_to_pay_is_left_alone_until_the_day_is_over(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, FIRST, SECOND, THIRD | {"only_if": {"promise": ["broken"]}})
    await workspace.run_until("2026-01-06 09:00")

    await workspace.promise(debt.id, date(2026, 1, 20), 500)
    promised = await workspace.find(debt.id)
    await workspace.run_until("2026-01-20 20:00")
    waited = await steps_taken(workspace, debt)
    await workspace.run_until("2026-01-30 12:00")

    assert f"{promised.next_action_at:%m-%d}" == "01-21"
    assert [step for step in waited if step[2] == "delivered"] == [("first", "email", "delivered")]
    assert (await steps_taken(workspace, debt))[-3:-1] == [
        ("second", "sms", "delivered"),
        ("third", "email", "delivered"),
    ]


async def test_a_promise_that_is_withdrawn_leaves_an_imports_grace_as_it_was(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    snapshot = await workspace.snapshot()
    origin = debts.Origin(ids.new(), (2,), at("2026-01-09 09:00"))
    async with workspace.database.transaction(snapshot.now()) as tx:
        (result,) = await debts.create_many(tx, snapshot, [new_debt(LYON)], origin)
    assert isinstance(result, debts.Created)
    debt = result.debt

    await workspace.promise(debt.id, date(2026, 1, 20), 500)
    promised = await workspace.find(debt.id)
    await workspace.learn(debt.id, country="US", postal_code="20001")
    await workspace.promise(debt.id, None)
    withdrawn = await workspace.find(debt.id)

    assert f"{promised.next_action_at:%m-%d}" == "01-21"
    assert f"{withdrawn.next_action_at:%m-%d %H:%M}" == "01-09 13:00"


async def test_a_promise_that_was_kept_is_not_broken(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, FIRST, SECOND | {"only_if": {"promise": ["none", "broken"]}}, THIRD)
    await workspace.run_until("2026-01-06 09:00")

    await workspace.promise(debt.id, date(2026, 1, 20), 500)
    await workspace.change(debt.id, debts.enter_money, "payment", -50_000)
    await workspace.run_until("2026-01-30 12:00")

    assert ("second", "sms", "conditions: promise") in await steps_taken(workspace, debt)


async def test_tags_are_the_words_that_the_metadata_lists(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(
        workspace,
        FIRST | {"only_if": {"tags": ["vip"], "not_tags": ["gone"]}},
        SECOND | {"only_if": {"tags": ["vip", "new"]}},
        THIRD,
        details=Details(metadata={"tags": ["vip", "old"]}),
    )

    await workspace.run_until("2026-01-20 12:00")

    assert (await steps_taken(workspace, debt))[:2] == [
        ("first", "email", "delivered"),
        ("second", "sms", "conditions: tags"),
    ]


async def test_of_several_messages_that_were_missed_only_the_last_is_sent(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, FIRST, SECOND, THIRD, LAST)

    await workspace.set_clock("2026-01-13 09:00")  # nobody was there for eight days
    await workspace.run_until("2026-01-30 09:00")

    assert await steps_taken(workspace, debt) == [
        ("first", "email", "late: collapse"),
        ("second", "sms", "late: collapse"),
        ("third", "email", "delivered"),
        ("last", "letter", "delivered"),
        ("end", "review", "planned"),
    ]


async def test_a_missed_step_is_sent_all_the_same_or_passed_over_as_it_says(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, FIRST | {"late": "send"}, SECOND | {"late": "skip"}, LAST)

    await workspace.set_clock("2026-01-20 09:00")
    await workspace.run_until("2026-01-30 12:00")

    assert await steps_taken(workspace, debt) == [
        ("first", "email", "delivered"),
        ("second", "sms", "late: skip"),
        ("last", "letter", "delivered"),
        ("end", "review", "planned"),
    ]


async def test_a_message_that_was_missed_and_waits_for_an_allowed_hour_is_late_there_too(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    after = SECOND | {"key": "after", "offset": 4, "late": "skip"}
    debt = await debt_with(workspace, FIRST, SECOND, after, LAST)

    await workspace.set_clock("2026-01-10 12:00")  # a Saturday: nobody was there for five days
    await workspace.send_due()
    between = [(row["step"], row["due_at"], row["missed_at"]) for row in await rows(workspace, debt)]
    await workspace.run_until("2026-01-30 09:00")

    assert between[-1] == ("second", at("2026-01-12 09:00"), at("2026-01-07 23:00"))
    assert await steps_taken(workspace, debt) == [
        ("first", "email", "late: collapse"),
        ("second", "sms", "delivered"),
        ("after", "sms", "late: skip"),
        ("last", "letter", "delivered"),
        ("end", "review", "planned"),
    ]


async def test_a_late_message_is_moved_from_a_forbidden_hour_and_late_there_too(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    after = SECOND | {"key": "after", "offset": 1, "late": "skip"}
    debt = await debt_with(workspace, FIRST | {"late": "send"}, after, LAST)

    await workspace.set_clock("2026-01-07 22:00")
    await workspace.send_due()
    moved = (await rows(workspace, debt))[0]
    await workspace.run_until("2026-01-08 12:00")

    assert (moved["due_at"], moved["missed_at"]) == (at("2026-01-08 07:00"), at("2026-01-05 09:00"))
    assert (await steps_taken(workspace, debt))[:2] == [
        ("first", "email", "delivered"),
        ("after", "sms", "late: skip"),
    ]


async def test_steps_of_one_day_do_not_leave_in_one_burst_after_an_outage(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 07:00")
    hours = [step | {"unit": "hours", "offset": 9 + 2 * n} for n, step in enumerate((FIRST, SECOND, THIRD))]
    debt = await debt_with(workspace, *hours, spacing_days=0)

    await workspace.set_clock("2026-01-05 13:30")  # nobody was there for six hours
    await workspace.run_until("2026-01-06 12:00")

    assert [(row["step"], f"{row['sent_at']:%d %H:%M}") for row in (await rows(workspace, debt))[:3]] == [
        ("first", "05 13:30"),
        ("second", "05 15:30"),
        ("third", "05 17:30"),
    ]


async def test_a_few_hours_are_not_late(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, FIRST | {"late": "skip"}, SECOND)

    await workspace.set_clock("2026-01-05 15:00")
    await workspace.run_until("2026-01-05 16:00")

    assert (await steps_taken(workspace, debt))[0] == ("first", "email", "delivered")


async def test_a_third_party_writes_its_letter_first_and_then_goes_on(workspace: WorkspaceEngine) -> None:
    await workspace.database.pool.execute(
        "UPDATE companies SET collector = 'third_party' WHERE id = $1",
        (await workspace.snapshot()).company.id,
    )
    await workspace.set_clock("2026-01-05 09:00")
    standard = await workspace.debt(LYON)
    debt = await workspace.debt(
        replace(LYON, name="Other", email="o@example.com", phone=None),
        scenario="third_party_fr",
        details=debts.Details(creditor="Boulangerie Martin"),
    )
    unnamed = await workspace.debt(
        replace(LYON, name="Third", email="t@example.com", phone=None), scenario="third_party_fr"
    )
    await workspace.database.pool.execute(
        "UPDATE creditors SET mandate_signed_on = '2026-01-01' WHERE workspace_id = $1", workspace.id
    )

    await workspace.run_until("2026-01-14 12:00")

    reasons = {reason for _, _, reason in await steps_taken(workspace, standard)}
    assert reasons == {"never allowed: FR-LETTER", "planned"}
    assert await workspace.followups(debt.id) == [("letter", "delivered"), ("email", "delivered")]
    letter = await workspace.text(debt.id, "letter")
    assert "Acme, dont l'activité est le recouvrement amiable" in letter
    assert "pour le compte de Boulangerie Martin" in letter
    assert "Les frais de recouvrement entrepris sans titre exécutoire" in letter
    assert await workspace.followups(unnamed.id) == []
    # Created before a creditor was required: it waits for one, and no step is passed.
    assert await steps_taken(workspace, unnamed) == [("opening_letter", "letter", "CREDITOR-NAMED")]


async def test_an_own_scenario_is_known_to_a_workspace_that_is_loaded_anew(
    workspace: WorkspaceEngine,
) -> None:
    debt = await debt_with(workspace, FIRST)

    snapshot = await companies.workspace(workspace.database, workspace.vault, workspace.id)

    assert snapshot.own_scenarios == {"ours": (1, 1)}
    assert (await workspace.find(debt.id)).running_scenario == await scenarios.current(
        workspace.database, snapshot, "ours"
    )


async def test_a_step_whose_address_is_suppressed_is_taken_by_its_fallback(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    await suppress_email(workspace)
    fallback = {"channel": "sms", "template": "wave_1_sms"}

    debt = await debt_with(workspace, FIRST, THIRD | {"fallback": fallback})
    await workspace.run_until("2026-01-12 12:00")

    assert await steps_taken(workspace, debt) == [
        ("first", "email", "never allowed: POLICY-SUPPRESSION"),
        ("third", "sms", "delivered"),
        ("end", "review", "planned"),
    ]


async def test_a_step_planned_for_an_address_that_is_suppressed_since_is_taken_by_its_fallback(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 06:00")
    debt = await debt_with(
        workspace, FIRST | {"fallback": {"channel": "sms", "template": "wave_1_sms"}}, LAST
    )

    await suppress_email(workspace)
    await workspace.run_until("2026-01-05 12:00")

    assert await steps_taken(workspace, debt) == [
        ("first", "email", "the address is suppressed"),
        ("first", "sms", "delivered"),
        ("last", "letter", "planned"),
    ]


async def test_a_missed_message_gives_way_to_no_later_one_that_is_never_allowed(
    workspace: WorkspaceEngine,
) -> None:
    await workspace.set_clock("2026-01-05 09:00")
    debt = await debt_with(workspace, SECOND | {"offset": 0}, THIRD, LAST)
    await suppress_email(workspace)

    await workspace.set_clock("2026-01-13 09:00")  # nobody was there for eight days
    await workspace.run_until("2026-01-13 12:00")

    assert (await steps_taken(workspace, debt))[:2] == [
        ("second", "sms", "delivered"),
        ("third", "email", "never allowed: POLICY-SUPPRESSION"),
    ]
