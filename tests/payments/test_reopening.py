"""No money restarts contact that a person stopped: a property over entries, moves and decisions of a debt."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import collecting
from collecting import WorkspaceEngine
from getbill import debts, payments, reactions
from getbill.debts import Debt, Status
from getbill.kit.database.transactions import Database, open_database
from getbill.kit.errors import Problem
from getbill.payments import NewEntry, NewReversal

STOPPED = [Status.ON_HOLD, Status.PAYMENT_PLAN, Status.ESCALATED, Status.UNRESOLVED, Status.ARCHIVED]


@pytest.fixture(scope="module")
async def product(dsn: str) -> AsyncIterator[Database]:
    """A database whose transactions run the reactions."""
    database = await open_database(dsn, reactions.before_commit, size=4)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def engine(product: Database) -> WorkspaceEngine:
    engine = await collecting.new_engine(product)
    await engine.set_clock("2026-01-05 09:00")
    return engine


async def change(engine: WorkspaceEngine, debt: Debt, act: Any) -> bool:
    """Change a debt in a transaction of its own; return whether it was allowed."""
    workspace = await engine.snapshot()
    try:
        async with engine.database.transaction(workspace.now()) as tx:
            result = act(tx, await debts.lock(tx, workspace, debt.id))
            if hasattr(result, "__await__"):
                await result
    except Problem:
        return False
    return True


async def todos(engine: WorkspaceEngine, debt: Debt) -> list[tuple[str, str | None]]:
    rows = await engine.database.pool.fetch(
        "SELECT type, decision FROM todos WHERE debt_id = $1 ORDER BY id", debt.id
    )
    return [tuple(row) for row in rows]


def entry(kind: str, minor: int) -> Any:
    return lambda tx, debt: payments.enter(tx, debt, NewEntry(kind, debt.money(minor)))


def stop(status: Status) -> Any:
    return lambda tx, debt: debts.move(tx, debt, status)


@pytest.mark.parametrize("status", STOPPED)
async def test_a_debt_that_a_person_stopped_returns_there(engine: WorkspaceEngine, status: Status) -> None:
    debt = await engine.debt()
    await change(engine, debt, stop(status))

    for kind in ("refund", "chargeback"):
        assert await change(engine, debt, entry("payment", debt.amount))
        assert await change(engine, debt, entry(kind, 100))
        assert (await engine.find(debt.id)).status == status
        assert await change(engine, debt, entry("payment", 100))
        assert await change(engine, debt, entry(kind, debt.amount))

    result = await engine.find(debt.id)
    question = "escalation" if status == Status.UNRESOLVED else "reopening"
    assert (result.status, result.next_action_at) == (status, None)
    assert {state for _, state in await engine.ledger(debt.id)} == {"stopped"}
    assert await todos(engine, debt) == [*(3 * [(question, "gone")]), (question, None)]


async def test_a_debt_resolved_before_its_status_was_kept_is_reopened_on_hold(
    engine: WorkspaceEngine,
) -> None:
    debt = await engine.debt()
    await change(engine, debt, entry("payment", debt.amount))
    await engine.database.pool.execute(
        "UPDATE debts SET status_before_resolution = NULL WHERE id = $1", debt.id
    )

    await change(engine, debt, entry("refund", 100))

    result = await engine.find(debt.id)
    assert (result.status, result.next_action_at) == ("on_hold", None)
    assert await todos(engine, debt) == [("reopening", None)]


async def test_an_undone_debt_is_neither_resolved_nor_reopened(engine: WorkspaceEngine) -> None:
    debt = await engine.debt()
    await change(engine, debt, debts.undo)

    assert await change(engine, debt, entry("payment", debt.amount))
    assert await change(engine, debt, entry("refund", 100))
    assert not await change(engine, debt, lambda tx, locked: debts.hold(tx, locked, None))

    assert (await engine.find(debt.id)).status == "archived"
    assert await todos(engine, debt) == []


async def test_nothing_is_written_off_in_a_dry_run(engine: WorkspaceEngine) -> None:
    await engine.database.pool.execute(
        "UPDATE workspaces SET writes_off_small_balances = true WHERE workspace_id = $1", engine.id
    )
    await engine.switch("dry_run")
    debt = await engine.debt()

    await change(engine, debt, entry("payment", debt.amount - 1))

    await engine.switch("on")
    await engine.database.pool.execute(
        "UPDATE workspaces SET writes_off_small_balances = false WHERE workspace_id = $1", engine.id
    )
    assert (await engine.find(debt.id)).balance == 1
    assert await todos(engine, debt) == [("small_balance", None)]


MOVES = st.sampled_from(["stop", "money", "reverse", "resume"])
STEPS = st.tuples(
    MOVES,
    st.sampled_from(STOPPED),
    st.sampled_from(["payment", "refund", "chargeback", "write_off", "adjustment"]),
    st.sampled_from([1, 99, 100, 5_000, 117_000, 233_999, 234_000, 240_000]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(STEPS, min_size=3, max_size=12))
async def test_no_contact_is_planned_for_a_debt_that_a_person_stopped(
    engine: WorkspaceEngine, walk: list[tuple[str, Status, str, int]]
) -> None:
    debt, is_stopped = await engine.debt(), False

    for move, status, kind, minor in walk:
        if move == "stop":
            is_moved = (await engine.find(debt.id)).status != status
            is_stopped = (await change(engine, debt, stop(status)) and is_moved) or is_stopped
        elif move == "money":
            await change(engine, debt, entry(kind, minor))
        elif move == "reverse":
            await _reverse_any(engine, debt, minor)
        elif await change(engine, debt, debts.resume):
            is_stopped = False
        await _check(engine, debt, is_stopped=is_stopped)


async def _reverse_any(engine: WorkspaceEngine, debt: Debt, number: int) -> None:
    rows = await engine.database.pool.fetch("SELECT id FROM payments WHERE debt_id = $1 ORDER BY id", debt.id)
    if rows:
        entry_id = rows[number % len(rows)]["id"]
        await change(engine, debt, lambda tx, locked: payments.reverse(tx, locked, NewReversal(entry_id)))


async def _check(engine: WorkspaceEngine, debt: Debt, *, is_stopped: bool) -> None:
    result = await engine.find(debt.id)
    planned = [state for _, state in await engine.ledger(debt.id) if state == "planned"]
    if is_stopped:
        assert not result.is_contactable
    assert len(planned) == result.is_contactable
    assert (result.next_action_at is not None) == result.is_contactable
    assert (result.resolution is not None) == (result.balance <= 0)
    open_types = [type_ for type_, decision in await todos(engine, debt) if decision is None]
    assert ("overpayment" in open_types) == (debts.overpaid(result).minor > 0)
    if result.is_contactable:
        assert ("small_balance" in open_types) == debts.is_below_minimum(result)
        assert "reopening" not in open_types
