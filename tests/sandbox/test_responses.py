"""Responses of simulated debtors: carried out once, at their instants, whoever works and whatever else happens."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

import collecting
from calls import Site
from collecting import JEAN, ContactWorkspace, WorkspaceEngine, at
from getbill import companies, debts, followups
from getbill.debts import Debt
from getbill.kit import clock
from getbill.kit.database.transactions import Database, Transaction
from getbill.sandbox import actions, jobs, queries, responses

MONDAY = "2026-01-05 09:00"
PROMISES = replace(JEAN, email="promise@example.com", phone=None)
PAYS = replace(JEAN, email="pays@example.com", phone=None)


@pytest.fixture
async def engine(site: Site) -> WorkspaceEngine:
    return (await collecting.open_sandbox(site)).engine


async def work(engine: WorkspaceEngine) -> None:
    """Do what a worker does that looks after sandboxes, until nothing is due in this one."""
    for _ in range(3):
        await jobs.send_due(engine.context, lambda: True)


async def pending(engine: WorkspaceEngine, debt_id: UUID) -> list[tuple[str, str]]:
    rows = await engine.database.pool.fetch(
        "SELECT kind, due_at FROM debtor_responses WHERE workspace_id = $1 AND debt_id = $2 ORDER BY due_at, id",
        engine.id,
        debt_id,
    )
    return [(row["kind"], f"{row['due_at']:%m-%d %H:%M}") for row in rows]


async def payments_of(engine: WorkspaceEngine, debt_id: UUID) -> int:
    return await engine.database.pool.fetchval(
        "SELECT count(*) FROM payments WHERE workspace_id = $1 AND debt_id = $2", engine.id, debt_id
    )


async def test_a_sandbox_whose_clock_nobody_advances_responds_when_it_is_due(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PROMISES)

    await work(engine)
    promised = await engine.find(debt.id)
    await engine.set_clock("2026-01-10 08:59")
    await work(engine)
    early = await engine.find(debt.id)
    await engine.set_clock("2026-01-10 09:00")
    await work(engine)

    assert promised.details.promise == {"date": "2026-01-10", "amount": 234_000, "paid": 0}
    assert (early.status, early.balance) == (debts.Status.IN_PROGRESS, 234_000)
    paid = await engine.find(debt.id)
    assert (paid.status, paid.balance, paid.resolved_at) == (debts.Status.RESOLVED, 0, at("2026-01-10 09:00"))
    assert await pending(engine, debt.id) == []


async def test_debtors_respond_while_contact_is_stopped(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    await work(engine)
    await engine.switch(companies.STOPPED)
    await engine.set_clock("2026-01-07 09:00")

    await work(engine)

    assert (await engine.find(debt.id)).status == debts.Status.RESOLVED


async def test_the_index_of_due_work_knows_of_a_response_after_the_last_contact(
    engine: WorkspaceEngine,
) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PROMISES)
    await work(engine)
    await engine.postpone()

    entries = await engine.database.pool.fetch(
        "SELECT due_at FROM work WHERE workspace_id = $1 AND kind = 'sandbox_contacts'", engine.id
    )

    assert [entry["due_at"] for entry in entries] == [at("2026-01-10 09:00")]
    assert await pending(engine, debt.id) == [("payment", "01-10 09:00")]


async def test_two_workers_carry_out_a_response_once(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    await work(engine)
    await engine.set_clock("2026-01-07 09:00")
    snapshot = await engine.snapshot()

    counts = await asyncio.gather(
        *(responses.respond_due(engine.database, snapshot, lambda: True) for _ in range(4))
    )

    assert sum(counts) == 1
    assert await payments_of(engine, debt.id) == 1


async def test_a_worker_that_dies_before_the_commit_leaves_the_response_to_the_next(
    engine: WorkspaceEngine,
) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    await work(engine)
    await engine.set_clock("2026-01-07 09:00")

    async def lost(tx: Transaction) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await responses.respond_due(
            Database(engine.database.pool, lost), await engine.snapshot(), lambda: True
        )
    between = await payments_of(engine, debt.id), await pending(engine, debt.id)
    await work(engine)

    assert between == (0, [("payment", "01-07 09:00")])
    assert await payments_of(engine, debt.id) == 1


async def test_a_contact_that_is_rolled_back_leaves_no_response(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    context = engine.context

    async def lost(tx: Transaction) -> None:
        raise ConnectionResetError

    engine.context = replace(context, database=Database(engine.database.pool, lost))
    with pytest.raises(ConnectionResetError):
        await engine.send_due()
    before = await pending(engine, debt.id)
    engine.context = context
    await engine.send_due()

    assert before == []
    assert await pending(engine, debt.id) == [("payment", "01-07 09:00")]


async def test_a_response_that_the_debt_no_longer_allows_is_dropped(workspace: ContactWorkspace) -> None:
    engine = workspace.engine
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    disputed = await engine.debt(replace(PAYS, email="dispute@example.com"))
    await engine.send_due()
    await engine.change(disputed.id, debts.hold, "A person knows more.")
    body = {"amount": 2340, "method": "bank_transfer"}
    paid = await workspace.post(f"/debts/{debts_id(debt)}/payments", body)
    await engine.set_clock("2026-01-07 09:00")

    await work(engine)

    assert paid.status == 201
    assert await payments_of(engine, debt.id) == 1
    assert await pending(engine, debt.id) == await pending(engine, disputed.id) == []
    assert (await engine.find(disputed.id)).details.hold_reason == "A person knows more."


def debts_id(debt: Debt) -> str:
    return debt.event_data()["debt_id"]


async def test_an_archived_debt_is_not_paid(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    await engine.send_due()
    await engine.change(debt.id, debts.archive)
    await engine.set_clock("2026-01-07 09:00")

    await work(engine)

    assert await payments_of(engine, debt.id) == 0
    assert await pending(engine, debt.id) == []


async def test_a_debtor_pays_a_debt_that_is_on_hold(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    await engine.send_due()
    await engine.change(debt.id, debts.hold, None)
    await engine.set_clock("2026-01-07 09:00")

    await work(engine)

    assert (await engine.find(debt.id)).status == debts.Status.RESOLVED


async def test_an_erased_debt_leaves_no_response(workspace: ContactWorkspace) -> None:
    engine = workspace.engine
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PROMISES)
    await work(engine)

    answered = await workspace.call("DELETE", f"/debts/{debts_id(debt)}")

    assert answered.status in {200, 204}
    assert await pending(engine, debt.id) == []


async def test_a_response_that_fails_is_dropped_and_the_clock_goes_on(
    workspace: ContactWorkspace, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = workspace.engine
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)

    async def broken(tx: Transaction, debt: Debt, response: followups.ScheduledResponse) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(responses._ACTIONS, "payment", broken)
    answered = await workspace.post("/sandbox/clock/advance", {"days": 3})

    assert answered.status == 200
    assert await pending(engine, debt.id) == []
    assert (await engine.find(debt.id)).balance == 234_000


async def test_a_debtor_who_pays_at_the_instant_of_a_contact_is_not_contacted(
    workspace: ContactWorkspace, worker: None
) -> None:
    engine = workspace.engine
    await engine.set_clock("2026-01-06 09:00")
    debt = await engine.debt(replace(JEAN, email="pays@example.com"))
    await engine.send_due()
    # The SMS is due on Friday at nine; the payment is moved to that instant.
    await engine.database.pool.execute(
        "UPDATE debtor_responses SET due_at = $2 WHERE workspace_id = $1", engine.id, at("2026-01-09 09:00")
    )

    await workspace.post("/sandbox/clock/advance", {"days": 30})

    assert await engine.ledger(debt.id) == [("wave_1_email", "delivered"), ("wave_1_sms", "stopped")]
    assert (await engine.find(debt.id)).resolved_at == at("2026-01-09 09:00")


async def test_contacts_wait_until_all_debtors_have_responded(engine: WorkspaceEngine) -> None:
    await engine.set_clock("2026-01-06 09:00")
    people = [
        replace(JEAN, name=f"Jean {number}", email=f"pays+{number}@example.com", phone=f"+3363998000{number}")
        for number in range(3)
    ]
    opened = [await engine.debt(person) for person in people]
    await engine.send_due()
    await engine.database.pool.execute(
        "UPDATE debtor_responses SET due_at = $2 WHERE workspace_id = $1", engine.id, at("2026-01-09 09:00")
    )
    snapshot = await engine.snapshot()
    async with engine.database.transaction(snapshot.now()) as tx:
        await actions.start_advance(tx, snapshot, timedelta(days=5))
    state = await actions.claim(engine.database, engine.id, clock.wall() + timedelta(seconds=60))
    slices = iter([True, False])

    # The time of this clock is over after the first response.
    while state is not None and await pending(engine, opened[-1].id):
        state = await jobs._advance_to_next(engine.context, state, lambda: next(slices, True))
        ledgers = [await engine.ledger(debt.id) for debt in opened]
        assert all(("wave_1_sms", "delivered") not in ledger for ledger in ledgers)

    assert [(await engine.find(debt.id)).status for debt in opened] == [debts.Status.RESOLVED] * 3


async def test_responses_of_many_debtors_are_carried_out_a_share_at_a_time(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    opened = [
        await engine.debt(replace(PAYS, name=f"Jean {number}", email=f"pays+{number}@example.com"))
        for number in range(3)
    ]
    await engine.send_due()
    await engine.set_clock("2026-01-07 09:00")

    first = await responses.respond_due(engine.database, await engine.snapshot(), lambda: True, 2)
    await work(engine)

    assert first == 2
    assert [await payments_of(engine, debt.id) for debt in opened] == [1, 1, 1]


async def test_an_advance_that_a_crash_interrupted_does_not_pay_twice(engine: WorkspaceEngine) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt(PAYS)
    snapshot = await engine.snapshot()
    async with engine.database.transaction(snapshot.now()) as tx:
        begun = await actions.start_advance(tx, snapshot, timedelta(days=5))
    lost = await actions.claim(engine.database, engine.id, clock.wall() + timedelta(seconds=60))
    assert lost is not None
    state = lost
    while await payments_of(engine, debt.id) == 0:
        next_state = await jobs._advance_to_next(engine.context, state, lambda: True)
        assert next_state is not None
        state = next_state
    await engine.database.pool.execute(
        "UPDATE clock_advances SET lease_until = $2 WHERE id = $1",
        lost.id,
        clock.wall() - timedelta(seconds=1),
    )

    async with collecting.working(engine.database, engine.context):
        for _ in range(100):
            if (await queries.find_clock_advance(engine.database, snapshot, begun.id)).done_at:
                break
            await asyncio.sleep(0.05)

    assert await payments_of(engine, debt.id) == 1
    assert (await engine.find(debt.id)).resolved_at == at("2026-01-07 09:00")


async def test_what_a_caller_changes_during_an_advance_is_never_earlier_than_what_happened(
    engine: WorkspaceEngine,
) -> None:
    await engine.set_clock(MONDAY)
    debt = await engine.debt()
    stale = await engine.snapshot()
    await engine.send_due()
    await engine.set_clock("2026-01-08 09:00")
    await engine.send_due()

    async with engine.database.transaction(stale.now()) as tx:
        locked = await debts.lock(tx, stale, debt.id)
        debts.hold(tx, locked, None)

    rows = await engine.database.pool.fetch(
        "SELECT occurred_at FROM events WHERE debt_id = $1 ORDER BY sequence", debt.id
    )
    instants = [row["occurred_at"] for row in rows]
    assert instants == sorted(instants)
    assert instants[-1] == at("2026-01-08 09:00")
